// Which blocks of a file hold data, and how to store it without the zeros.
//
// A chunk-based file needs 4 bytes for each chunk, and stores a chunk whole if any of its blocks is
// not zero. Small chunks save more zeros, large ones save table. Pure arithmetic.
#ifndef AMBERFS_MKFS_BLOCK_RUNS_H_
#define AMBERFS_MKFS_BLOCK_RUNS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace amberfs {

inline constexpr std::uint64_t kChunkEntryBytes = 4;
inline constexpr unsigned kMaxChunkShift = 31;

// Consecutive blocks of a file that lie in consecutive blocks of the image. Lists of runs ascend
// by `logical` and `physical` alike; what lies between two runs is zero.
struct BlockRun {
  std::uint64_t logical = 0;   // first block in the file
  std::uint64_t physical = 0;  // first block in the image
  std::uint64_t blocks = 0;
  std::uint64_t logical_end() const { return logical + blocks; }
  friend bool operator==(const BlockRun&, const BlockRun&) = default;
};

struct ChunkChoice {
  unsigned shift = 0;  // log2 of blocks per chunk
  std::uint64_t stored_blocks = 0;
  std::uint64_t cost_bytes = 0;  // stored blocks and table
};

constexpr std::uint64_t ChunkCount(std::uint64_t file_blocks, unsigned shift) {
  return ((file_blocks - 1) >> shift) + 1;
}

// The cheapest chunk size for a file of `file_blocks` > 0 blocks with data in `runs`; of equally
// cheap ones the largest. Costs 32 walks over the runs.
ChunkChoice ChooseChunks(std::span<const BlockRun> runs, std::uint64_t file_blocks,
                         unsigned block_bits);

// The runs to store for chunks of 2^shift blocks, the first at block `start` of the image.
std::vector<BlockRun> RunsOfChunks(std::span<const BlockRun> runs, std::uint64_t file_blocks,
                                   unsigned shift, std::uint64_t start);

// The runs with all gaps of less than `min_gap` blocks counted as data, from `start` on.
std::vector<BlockRun> CoarserRuns(std::span<const BlockRun> runs, std::uint64_t min_gap,
                                  std::uint64_t start);

// Calls `entry(address)` for each chunk in order; nullopt is a hole. `runs` are RunsOfChunks().
template <typename Entry>
void ForEachChunk(std::span<const BlockRun> runs, std::uint64_t file_blocks, unsigned shift,
                  Entry entry) {
  std::size_t run = 0;
  for (std::uint64_t chunk = 0; chunk < ChunkCount(file_blocks, shift); ++chunk) {
    const std::uint64_t block = chunk << shift;
    while (run < runs.size() && runs[run].logical_end() <= block) ++run;
    if (run < runs.size() && runs[run].logical <= block) {
      entry(std::optional(runs[run].physical + (block - runs[run].logical)));
    } else {
      entry(std::optional<std::uint64_t>());
    }
  }
}

}  // namespace amberfs

#endif  // AMBERFS_MKFS_BLOCK_RUNS_H_
