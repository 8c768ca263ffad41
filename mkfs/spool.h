// Bytes that are known before their place in the image is: file tails and chunk tables.
//
// The first few MiB stay in memory; beyond that a scratch file takes them. Written once, then read,
// mostly in the order of writing.
#ifndef AMBERFS_MKFS_SPOOL_H_
#define AMBERFS_MKFS_SPOOL_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "mkfs/build_error.h"
#include "mkfs/image_file.h"

namespace amberfs {

class Spool {
 public:
  static constexpr std::size_t kDefaultBufferBytes = 4 * 1024 * 1024;

  // `image`, which must outlive the spool, says where the scratch file goes.
  explicit Spool(ImageFile& image, std::size_t buffer_bytes = kDefaultBufferBytes)
      : image_(image), buffer_bytes_(buffer_bytes) {}

  // Returns the offset for Read().
  BuildResult<std::uint64_t> Append(ByteView bytes);

  // Fills `bytes` with what was appended from `offset` on.
  BuildResult<void> Read(std::uint64_t offset, ByteSpan bytes);

 private:
  BuildResult<void> Flush();
  BuildResult<void> Fill(std::uint64_t offset);

  ImageFile& image_;
  std::size_t buffer_bytes_;
  UniqueFd file_;  // none while everything fits in buffer_
  std::uint64_t file_bytes_ = 0;
  // While writing: what comes after file_bytes_. While reading: the window at window_start_.
  std::vector<std::byte> buffer_;
  std::uint64_t window_start_ = 0;
  bool reading_ = false;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_SPOOL_H_
