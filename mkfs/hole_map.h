// Which blocks of a file hold something but zeros, and whether leaving the others out is worth it.
//
// A file with holes is chunk-based: a table of 4-byte block addresses, one for each chunk of 2^k
// blocks. Small chunks leave out more and need a longer table. For example, 1 GiB of which 64 KiB
// at the start and 4 KiB at the end are not zero, in blocks of 4096 bytes:
//
//   k =  0   17 blocks stored   262144 entries   1118208 bytes
//   k =  4   32 blocks stored    16384 entries    196608 bytes
//   k =  8  512 blocks stored     1024 entries   2101248 bytes
//   flat    the whole                         1073741824 bytes
//
// Whether a block is zero is read from its bytes, so that the image does not depend on where the
// source's file system happens to have holes.
#ifndef AMBERFS_MKFS_HOLE_MAP_H_
#define AMBERFS_MKFS_HOLE_MAP_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

namespace amberfs {

class HoleMap {
 public:
  // Of a file of `blocks` blocks, the last of which may be partial.
  HoleMap(std::uint64_t blocks, unsigned block_bits) : blocks_(blocks), block_bits_(block_bits) {}

  // Block `index` holds data. Indexes ascend from call to call.
  void AddData(std::uint64_t index);

  struct Run {
    std::uint64_t first;
    std::uint64_t count;
  };
  const std::vector<Run>& runs() const { return runs_; }
  std::uint64_t data_blocks() const;

  // The chunk size, as log2 of its blocks, with which the file takes the least space, if that is
  // less than `flat_bytes`; of equals the largest.
  std::optional<unsigned> BestChunkShift(std::uint64_t flat_bytes) const;

  // Calls visit(chunk) for each chunk of 2^shift blocks that holds data, ascending.
  template <typename Visit>
  void ForEachDataChunk(unsigned shift, Visit visit) const {
    std::uint64_t next = 0;
    for (const Run& run : runs_) {
      const std::uint64_t last = (run.first + run.count - 1) >> shift;
      for (std::uint64_t chunk = std::max(next, run.first >> shift); chunk <= last; ++chunk)
        visit(chunk);
      next = last + 1;
    }
  }
  std::uint64_t ChunkCount(unsigned shift) const;
  // Blocks of chunk `index`; the last one may be shorter.
  std::uint64_t ChunkBlocks(std::uint64_t index, unsigned shift) const;

 private:
  std::uint64_t StoredBlocks(unsigned shift) const;

  std::uint64_t blocks_;
  unsigned block_bits_;
  std::vector<Run> runs_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_HOLE_MAP_H_
