// The geometry of a Merkle tree: how many hash blocks, in which levels, where each hash stands.
//
//   level 1         [ h h h 0 ]            one block; the root hash is the hash of it
//                  /    |    \             stored order: the top level first
//   level 0   [h h h h][h h h h][h h 0 0]  hashes of the data blocks, in order
//              | | | |  | | | |  | |
//   data       0 1 2 3  4 5 6 7  8 9       the last is filled up with zeros for hashing
//
// Pure arithmetic, on numbers that may come from an image: Make() refuses those that overflow, and
// whoever holds a TreeShape may add and multiply its numbers. A value; any thread.
#ifndef AMBERFS_VERITY_TREE_SHAPE_H_
#define AMBERFS_VERITY_TREE_SHAPE_H_

#include <array>
#include <cstdint>
#include <optional>

#include "verity/digest.h"

namespace amberfs {

struct TreeParams {
  HashAlgorithm algorithm = HashAlgorithm::kSha256;
  unsigned data_block_bits = 12;
  unsigned hash_block_bits = 12;  // as data_block_bits, except in some dm-verity trees

  std::uint64_t data_block_bytes() const { return std::uint64_t{1} << data_block_bits; }
  std::uint64_t hash_block_bytes() const { return std::uint64_t{1} << hash_block_bits; }
  std::uint64_t hashes_per_block() const { return hash_block_bytes() / DigestBytes(algorithm); }
};

class TreeShape {
 public:
  static constexpr unsigned kMinBlockBits = 6;
  static constexpr unsigned kMaxBlockBits = 20;
  static constexpr unsigned kMaxLevels = 64;  // a hash block holds at least two hashes

  // Nothing if a block size is out of range, a hash block holds fewer than two hashes, or the data
  // and the tree together have 2^63 bytes or more.
  static std::optional<TreeShape> Make(const TreeParams& params, std::uint64_t data_bytes);

  const TreeParams& params() const { return params_; }
  std::uint64_t data_bytes() const { return data_bytes_; }
  std::uint64_t data_blocks() const { return data_blocks_; }
  unsigned levels() const { return levels_; }  // 0: the only data block's hash is the root hash
  std::uint64_t tree_blocks() const { return tree_blocks_; }
  std::uint64_t tree_bytes() const { return tree_blocks_ << params_.hash_block_bits; }

  // Hash blocks of `level` < levels(), and the number of the first one in stored order.
  std::uint64_t blocks(unsigned level) const { return blocks_[level]; }
  std::uint64_t first_block(unsigned level) const { return first_[level]; }

  // What the hashes in `level` are of: data blocks, or hash blocks of the level below.
  std::uint64_t items(unsigned level) const {
    return level == 0 ? data_blocks_ : blocks_[level - 1];
  }

 private:
  TreeShape() = default;

  TreeParams params_;
  std::uint64_t data_bytes_ = 0;
  std::uint64_t data_blocks_ = 0;
  std::uint64_t tree_blocks_ = 0;
  unsigned levels_ = 0;
  std::array<std::uint64_t, kMaxLevels> blocks_{};
  std::array<std::uint64_t, kMaxLevels> first_{};
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_TREE_SHAPE_H_
