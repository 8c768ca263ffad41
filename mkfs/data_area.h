// The blocks of the image between the superblock and the metadata, appended in ascending order.
//
// Beyond the end of the area the image file reads as zeros, so zero blocks are appended by skipping
// them. While nothing follows a file's blocks they may still be moved (see Arrange()).
#ifndef AMBERFS_MKFS_DATA_AREA_H_
#define AMBERFS_MKFS_DATA_AREA_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "mkfs/block_runs.h"
#include "mkfs/build_error.h"
#include "mkfs/image_file.h"

namespace amberfs {

class DataArea {
 public:
  static constexpr std::size_t kBufferBytes = 1024 * 1024;

  // The area starts at `start_block` of `image`, which must outlive it.
  DataArea(ImageFile& image, unsigned block_bits, std::uint64_t start_block);

  // The block that Append() fills next.
  std::uint64_t end_block() const { return end_block_; }

  // Appends whole blocks.
  BuildResult<void> Append(ByteView bytes);
  // Appends one block: `bytes`, then zeros.
  BuildResult<void> AppendPadded(ByteView bytes);
  BuildResult<void> AppendZeros(std::uint64_t blocks);

  // Moves the blocks of `from`, the last that were appended, to where `to` wants them, fills the
  // rest of `to` with zeros, and makes the area end after `to`. `from` starts no earlier than
  // `to`, and each run of it lies inside one run of `to`. Where the area began with `from` it
  // begins with `to`.
  BuildResult<void> Arrange(std::span<const BlockRun> from, std::span<const BlockRun> to,
                            std::uint64_t to_start);

  BuildResult<void> Flush();

 private:
  BuildResult<void> CheckRoom(std::uint64_t blocks) const;
  BuildResult<void> Move(std::uint64_t from, std::uint64_t to, std::uint64_t blocks);
  BuildResult<void> FillWithZeros(std::uint64_t begin, std::uint64_t end);

  ImageFile& image_;
  unsigned block_bits_;
  std::uint64_t end_block_;
  std::vector<std::byte> buffer_;   // the blocks before end_block_ that are not written yet
  std::vector<std::byte> scratch_;  // for Move()
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_DATA_AREA_H_
