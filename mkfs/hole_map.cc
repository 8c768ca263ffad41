#include "mkfs/hole_map.h"

#include "base/checked.h"

namespace amberfs {
namespace {

constexpr unsigned kMaxChunkShift = 31;  // five bits of the chunk format
constexpr std::uint64_t kEntryBytes = 4;

}  // namespace

void HoleMap::AddData(std::uint64_t index) {
  if (!runs_.empty() && runs_.back().first + runs_.back().count == index)
    ++runs_.back().count;
  else
    runs_.push_back({index, 1});
}

std::uint64_t HoleMap::data_blocks() const {
  std::uint64_t sum = 0;
  for (const Run& run : runs_) sum += run.count;
  return sum;
}

std::uint64_t HoleMap::ChunkCount(unsigned shift) const { return CeilShift(blocks_, shift); }

std::uint64_t HoleMap::ChunkBlocks(std::uint64_t index, unsigned shift) const {
  return std::min(std::uint64_t{1} << shift, blocks_ - (index << shift));
}

// From the ends of the runs alone: a run may be billions of chunks long.
std::uint64_t HoleMap::StoredBlocks(unsigned shift) const {
  std::uint64_t chunks = 0;
  std::uint64_t next = 0;
  for (const Run& run : runs_) {
    const std::uint64_t last = (run.first + run.count - 1) >> shift;
    const std::uint64_t first = std::max(next, run.first >> shift);
    if (first <= last) chunks += last - first + 1;
    next = last + 1;
  }
  const std::uint64_t stored = chunks << shift;
  const bool last_is_stored = next == ChunkCount(shift) && chunks > 0;
  return last_is_stored ? stored - ((std::uint64_t{1} << shift) - ChunkBlocks(next - 1, shift))
                        : stored;
}

std::optional<unsigned> HoleMap::BestChunkShift(std::uint64_t flat_bytes) const {
  std::optional<unsigned> best;
  std::uint64_t best_bytes = flat_bytes;
  for (unsigned shift = 0; shift <= kMaxChunkShift; ++shift) {
    const std::uint64_t bytes =
        (StoredBlocks(shift) << block_bits_) + ChunkCount(shift) * kEntryBytes;
    if (bytes < best_bytes || (best && bytes == best_bytes)) {
      best = shift;
      best_bytes = bytes;
    }
    if (ChunkCount(shift) <= 1) break;  // larger chunks change nothing
  }
  return best;
}

}  // namespace amberfs
