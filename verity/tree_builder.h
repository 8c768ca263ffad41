// Hashes data into a Merkle tree.
//
// The unit of work is a leaf: the data whose hashes fill one hash block of level 0 (512 KiB with
// SHA-256 and blocks of 4096 bytes). Leaves may be done in any order and by any number of threads
// at once, for nothing connects them until Finish(), which does the levels above: a 128th of the
// work. Memory: one hash for each leaf, a 16384th of the data.
#ifndef AMBERFS_VERITY_TREE_BUILDER_H_
#define AMBERFS_VERITY_TREE_BUILDER_H_

#include <functional>
#include <vector>

#include "base/error.h"
#include "io/byte_source.h"
#include "verity/digest.h"
#include "verity/tree_shape.h"

namespace amberfs {

// Takes blocks of the tree: `offset` counts from the tree's start. Called from the builder's
// threads, at once; each byte of the tree is written once, in no order.
using TreeSink = std::function<Result<void>(std::uint64_t offset, ByteView bytes)>;

class TreeBuilder {
 public:
  // `hasher` is of the shape's algorithm.
  TreeBuilder(const TreeShape& shape, const BlockHasher& hasher, TreeSink sink);

  std::uint64_t leaves() const { return leaves_; }
  std::uint64_t leaf_bytes() const { return leaf_bytes_; }  // of data; the last may have fewer

  // Writes the hashes of data blocks to the front of `hashes` and returns what is behind them.
  // `data` holds whole blocks, or also what is left at the end of all data. Any thread.
  ByteSpan HashData(ByteView data, ByteSpan hashes) const;

  // `hashes` is the leaf's hash block: the hashes of its data, then zeros. Each leaf once, on any
  // thread. Fails as the sink does.
  Result<void> AddLeaf(std::uint64_t leaf, ByteView hashes);

  // After all leaves, once. The root hash: zeros if there is no data.
  Result<Digest> Finish();

 private:
  Result<void> FinishLevel(unsigned level);

  const TreeShape shape_;
  const BlockHasher hasher_;
  const TreeSink sink_;
  std::uint64_t leaves_;
  std::uint64_t leaf_bytes_;
  // The hashes of the blocks of one level, in order; of level 0 until Finish(). Threads write to
  // different ones.
  std::vector<std::byte> hashes_;
};

// Reads all of `data`, which is as long as the shape says, and builds its tree with `threads`
// threads. Fails as the reads and the sink do.
Result<Digest> BuildTree(const ByteSource& data, const TreeShape& shape, const BlockHasher& hasher,
                         const TreeSink& sink, unsigned threads);

}  // namespace amberfs

#endif  // AMBERFS_VERITY_TREE_BUILDER_H_
