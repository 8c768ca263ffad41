// Hashes data while it is written, for a tree of a size that only the end tells.
//
// Bytes may come in any pieces; what is written again counts as it is last. Blocks that come whole,
// or in order, are hashed at once, while they are in the processor's cache; the few others are read
// again at the end. Memory: one hash for each block, a 128th of the data. One thread.
#ifndef AMBERFS_VERITY_WRITE_HASHER_H_
#define AMBERFS_VERITY_WRITE_HASHER_H_

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "io/byte_source.h"
#include "verity/seal_writer.h"

namespace amberfs {

class WriteHasher {
 public:
  explicit WriteHasher(const SealOptions& options);

  // `bytes` are at `offset` of the data from now on, which has no gaps: before them lies what was
  // written earlier. If the data ended behind them, it may end with them now.
  void Written(std::uint64_t offset, ByteView bytes);

  // After the last write, once: the descriptor of `data`, which is what was written, cut anywhere,
  // and filled up with zeros to a whole block or not. The tree goes to `sink`. Fails as reads and
  // sink do, and with FSV-5.
  Result<FsVerityDescriptor> Finish(const ByteSource& data, const TreeSink& sink);

  // Blocks that Finish() had to read.
  std::uint64_t blocks_read() const { return blocks_read_; }

 private:
  std::uint64_t block_bytes() const { return std::uint64_t{1} << options_.block_bits; }
  // Whole blocks from block `first` on.
  void Hash(std::uint64_t first, ByteView blocks);
  Result<void> HashAgain(const ByteSource& data, std::uint64_t block);

  const SealOptions options_;
  const BlockHasher hasher_;
  std::vector<std::byte> hashes_;  // of data blocks, in order
  std::vector<bool> is_known_;     // whether the hash is that of the block as it is now
  std::vector<std::byte> open_;    // the start of block open_block_, less than all of it
  std::uint64_t open_block_ = 0;
  std::uint64_t blocks_read_ = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_WRITE_HASHER_H_
