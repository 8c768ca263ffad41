#include "mkfs/block_runs.h"

#include <algorithm>
#include <limits>

namespace amberfs {
namespace {

// Widens each run to whole chunks, merges what then touches, and calls `range(begin, end)`.
template <typename Range>
void ForEachStoredRange(std::span<const BlockRun> runs, std::uint64_t file_blocks, unsigned shift,
                        Range range) {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  for (const BlockRun& run : runs) {
    const std::uint64_t run_begin = (run.logical >> shift) << shift;
    const std::uint64_t run_end =
        std::min(file_blocks, (((run.logical_end() - 1) >> shift) + 1) << shift);
    if (run_begin > end || end == 0) {
      if (end > begin) range(begin, end);
      begin = run_begin;
    }
    end = run_end;
  }
  if (end > begin) range(begin, end);
}

}  // namespace

ChunkChoice ChooseChunks(std::span<const BlockRun> runs, std::uint64_t file_blocks,
                         unsigned block_bits) {
  ChunkChoice best{.cost_bytes = std::numeric_limits<std::uint64_t>::max()};
  for (unsigned shift = 0; shift <= kMaxChunkShift; ++shift) {
    std::uint64_t stored = 0;
    ForEachStoredRange(runs, file_blocks, shift,
                       [&](std::uint64_t begin, std::uint64_t end) { stored += end - begin; });
    const std::uint64_t cost =
        (stored << block_bits) + kChunkEntryBytes * ChunkCount(file_blocks, shift);
    if (cost <= best.cost_bytes) best = {shift, stored, cost};
  }
  return best;
}

std::vector<BlockRun> RunsOfChunks(std::span<const BlockRun> runs, std::uint64_t file_blocks,
                                   unsigned shift, std::uint64_t start) {
  std::vector<BlockRun> result;
  ForEachStoredRange(runs, file_blocks, shift, [&](std::uint64_t begin, std::uint64_t end) {
    result.push_back({begin, start, end - begin});
    start += end - begin;
  });
  return result;
}

std::vector<BlockRun> CoarserRuns(std::span<const BlockRun> runs, std::uint64_t min_gap,
                                  std::uint64_t start) {
  std::vector<BlockRun> result;
  for (const BlockRun& run : runs) {
    if (!result.empty() && run.logical - result.back().logical_end() < min_gap) {
      result.back().blocks = run.logical_end() - result.back().logical;
    } else {
      const std::uint64_t physical =
          result.empty() ? start : result.back().physical + result.back().blocks;
      result.push_back({run.logical, physical, run.blocks});
    }
  }
  return result;
}

}  // namespace amberfs
