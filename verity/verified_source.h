// A source whose bytes are proven against a root hash: what ReadAt() gives is what was hashed into
// the tree, or it fails. Nothing unproven leaves it, not on failure either.
//
// Whoever can write to the files below may do so at any moment. So each block is read once into
// memory of our own, hashed there, and this copy is used; it is never read again after it was
// verified. A hash block counts as verified only as long as the verified copy is in memory, and is
// proven from the top: root hash, then each level below, then the data.
//
//   VER-1  a data block is not what the tree says     offset: in the data
//   VER-2  a hash block is not what is said above     offset: in the source of the tree
//   VER-3  a hash block has more than its hashes      offset: in the source of the tree
//
// Any thread, without a lock around reading and hashing.
#ifndef AMBERFS_VERITY_VERIFIED_SOURCE_H_
#define AMBERFS_VERITY_VERIFIED_SOURCE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/error.h"
#include "io/byte_source.h"
#include "verity/digest.h"
#include "verity/tree_shape.h"
#include "verity/trusted_root.h"
#include "verity/verified_cache.h"

namespace amberfs {

// Where a tree lies.
struct TreePlace {
  std::shared_ptr<const ByteSource> source;
  std::uint64_t offset = 0;
};

class VerifiedSource final : public ByteSource {
 public:
  struct Options {
    // For hash blocks, and for data blocks that were read in part. A whole tree of this size or
    // less is read and hashed once.
    std::uint64_t cache_bytes = std::uint64_t{16} << 20;
  };

  // `data` has at least the bytes that the root is of. Reads nothing yet.
  static std::shared_ptr<const VerifiedSource> Open(std::shared_ptr<const ByteSource> data,
                                                    TreePlace tree, const TrustedRoot& root,
                                                    const Options& options);

  // The same against a root that nobody vouches for: detects damage, stops no one who can rewrite
  // the tree as well.
  static std::shared_ptr<const VerifiedSource> OpenUnauthenticated(
      std::shared_ptr<const ByteSource> data, TreePlace tree, const MerkleRoot& root,
      const Options& options);

  VerifiedSource(std::shared_ptr<const ByteSource> data, TreePlace tree, const MerkleRoot& root,
                 const Options& options);

  // Exactly the bytes that the root hash covers, whatever follows them in the file.
  std::uint64_t size() const override { return root_.shape.data_bytes(); }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override;

  // Reads that failed because something was not what it should be.
  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }

 private:
  using Block = VerifiedBlock;
  // Where a data block's hash stands: in a block of level 0, or in the root hash itself.
  struct Hashes {
    Block block;  // keeps `bytes` alive; null for the root hash
    ByteView bytes;
  };

  Result<void> Read(std::uint64_t offset, ByteSpan out) const;
  // Whole blocks that lie in the data completely, from block `first` on; their hashes stand in one
  // hash block.
  Result<void> ReadWhole(std::uint64_t first, ByteSpan out) const;
  Result<Block> DataBlock(std::uint64_t index) const;
  // The hashes from that of data block `index` on, as far as they stand in one hash block.
  Result<Hashes> HashesFrom(std::uint64_t index) const;
  Result<Block> HashBlock(unsigned level, std::uint64_t index) const;
  Result<Block> LoadHashBlock(unsigned level, std::uint64_t index, ByteView expected) const;

  std::shared_ptr<const ByteSource> data_;
  TreePlace tree_;
  MerkleRoot root_;
  BlockHasher hasher_;
  mutable VerifiedCache cache_;
  mutable std::atomic<std::uint64_t> failures_ = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_VERIFIED_SOURCE_H_
