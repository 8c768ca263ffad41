// Where an image's bytes come from.
//
// A ByteSource promises whole reads, not truth: whoever can write the file can change what the next
// call returns. So callers copy once, check the copy, and use the copy.
#ifndef AMBERFS_IO_BYTE_SOURCE_H_
#define AMBERFS_IO_BYTE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/fd.h"

namespace amberfs {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Fixed when the source was opened, in bytes.
  virtual std::uint64_t size() const = 0;

  // Fills all of `out` from `offset`, or fails with kIo: errno EIO past the end, or where the file
  // has been cut since. Any thread, any number at once.
  virtual Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const = 0;

  // Where to read the same bytes without this source's help; nothing if they must come from
  // ReadAt(), or the range does not lie in the source.
  struct FileRange {
    int fd;
    std::uint64_t offset;  // in the file
  };
  virtual std::optional<FileRange> FileRangeAt(std::uint64_t /*offset*/,
                                               std::uint64_t /*bytes*/) const {
    return std::nullopt;
  }
};

// A regular file or a block device, read with pread(2) and never mapped: a mapped file may change
// between check and use, and cutting it short kills the reader.
class FileSource final : public ByteSource {
 public:
  // Opens `path` for reading. Byte 0 of the source is byte `start` of the file. Fails with kIo;
  // errno EISDIR or EINVAL for what is neither a file nor a block device, or ends before `start`.
  static Result<std::shared_ptr<const FileSource>> Open(const std::string& path,
                                                        std::uint64_t start = 0);

  FileSource(UniqueFd fd, std::uint64_t start, std::uint64_t size)
      : fd_(std::move(fd)), start_(start), size_(size) {}
  std::uint64_t size() const override { return size_; }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override;
  std::optional<FileRange> FileRangeAt(std::uint64_t offset, std::uint64_t bytes) const override;

 private:
  UniqueFd fd_;
  std::uint64_t start_;
  std::uint64_t size_;
};

// Bytes in memory, for tests and fuzzing.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override;

 private:
  std::vector<std::byte> bytes_;
};

}  // namespace amberfs

#endif  // AMBERFS_IO_BYTE_SOURCE_H_
