#include "verity/tree_shape.h"

#include "base/checked.h"

namespace amberfs {

std::optional<TreeShape> TreeShape::Make(const TreeParams& params, std::uint64_t data_bytes) {
  for (const unsigned bits : {params.data_block_bits, params.hash_block_bits})
    if (bits < kMinBlockBits || bits > kMaxBlockBits) return std::nullopt;
  const std::uint64_t fan_out = params.hashes_per_block();
  if (fan_out < 2) return std::nullopt;

  TreeShape shape;
  shape.params_ = params;
  shape.data_bytes_ = data_bytes;
  shape.data_blocks_ = CeilShift(data_bytes, params.data_block_bits);
  for (std::uint64_t items = shape.data_blocks_; items > 1; items = shape.blocks_[shape.levels_++])
    shape.blocks_[shape.levels_] = items / fan_out + (items % fan_out != 0 ? 1 : 0);

  for (unsigned level = shape.levels_; level > 0;) {
    --level;
    shape.first_[level] = shape.tree_blocks_;
    shape.tree_blocks_ += shape.blocks_[level];  // no more than the data blocks
  }
  const Checked tree_bytes = Checked(shape.tree_blocks_) << params.hash_block_bits;
  const Checked whole = RoundUp(Checked(data_bytes), params.data_block_bytes()) + tree_bytes;
  if (!whole.AtMost(~std::uint64_t{0} >> 1)) return std::nullopt;
  return shape;
}

}  // namespace amberfs
