// For readers of many small things that lie near each other, as metadata does.
#ifndef AMBERFS_IO_BUFFERED_SOURCE_H_
#define AMBERFS_IO_BUFFERED_SOURCE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "io/byte_source.h"

namespace amberfs {

// Keeps 2 MiB of what was read, in lines of 16 KiB, each in one place only. A read that misses
// takes a block of 4 KiB, and the rest of its line with it if the line before is here: so whoever
// jumps about pays for one block, not for a line. Reads of more than a block go past all of it.
//
// What is kept may be older than what the source would say by now.
class BufferedSource final : public ByteSource {
 public:
  static constexpr std::uint64_t kBlockBytes = 4096;
  static constexpr std::uint64_t kLineBytes = 4 * kBlockBytes;
  static constexpr std::size_t kLines = 128;

  explicit BufferedSource(std::shared_ptr<const ByteSource> source)
      : source_(std::move(source)), lines_(kLines) {}

  std::uint64_t size() const override { return source_->size(); }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override;
  std::optional<FileRange> FileRangeAt(std::uint64_t offset, std::uint64_t bytes) const override {
    return source_->FileRangeAt(offset, bytes);
  }

 private:
  static constexpr std::uint64_t kNoLine = ~std::uint64_t{0};
  struct Line {
    Mutex mutex;
    std::atomic<std::uint64_t> number = kNoLine;  // changes under the mutex
    // The first of the bytes that are here, and their end, both from the line's start.
    std::uint64_t start GUARDED_BY(mutex) = 0;
    std::uint64_t end GUARDED_BY(mutex) = 0;
    std::vector<std::byte> bytes GUARDED_BY(mutex);
  };
  // Reads what lies in one line.
  Result<void> ReadFromLine(std::uint64_t offset, ByteSpan out) const;

  std::shared_ptr<const ByteSource> source_;
  mutable std::vector<Line> lines_;
};

}  // namespace amberfs

#endif  // AMBERFS_IO_BUFFERED_SOURCE_H_
