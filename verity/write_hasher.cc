#include "verity/write_hasher.h"

#include <algorithm>

#include "base/checked.h"

namespace amberfs {

WriteHasher::WriteHasher(const SealOptions& options)
    : options_(options),
      hasher_(options.algorithm, FsVerityPrefix(options.algorithm, options.salt)) {}

void WriteHasher::Written(std::uint64_t offset, ByteView bytes) {
  if (bytes.empty()) return;
  const std::uint64_t end = offset + bytes.size();
  const std::uint64_t first = offset >> options_.block_bits;
  const std::uint64_t behind = CeilShift(end, options_.block_bits);
  if (is_known_.size() < behind) {
    is_known_.resize(behind);
    hashes_.resize(behind * hasher_.digest_bytes());
  }
  std::fill(is_known_.begin() + static_cast<std::ptrdiff_t>(first),
            is_known_.begin() + static_cast<std::ptrdiff_t>(behind), false);

  if (!open_.empty() && offset == (open_block_ << options_.block_bits) + open_.size()) {
    // Goes on where the last write ended.
    const ByteView more = bytes.first(std::min(bytes.size(), block_bytes() - open_.size()));
    open_.insert(open_.end(), more.begin(), more.end());
    if (open_.size() < block_bytes()) return;
    Hash(open_block_, open_);
    bytes = bytes.subspan(more.size());
    offset += more.size();
  }
  open_.clear();
  // What is missing of a block whose start is not here, Finish() reads.
  const std::uint64_t skip = RoundUp(offset, block_bytes()) - offset;
  if (skip >= bytes.size()) return;
  bytes = bytes.subspan(skip);
  offset += skip;
  const std::size_t whole = bytes.size() & ~(block_bytes() - 1);
  Hash(offset >> options_.block_bits, bytes.first(whole));
  open_block_ = (offset + whole) >> options_.block_bits;
  open_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end());
}

void WriteHasher::Hash(std::uint64_t first, ByteView blocks) {
  const std::size_t count = blocks.size() >> options_.block_bits;
  const std::size_t digest = hasher_.digest_bytes();
  hasher_.HashBlocks(blocks, block_bytes(),
                     ByteSpan(hashes_).subspan(first * digest, count * digest));
  std::fill_n(is_known_.begin() + static_cast<std::ptrdiff_t>(first), count, true);
}

Result<void> WriteHasher::HashAgain(const ByteSource& data, std::uint64_t block) {
  const std::uint64_t at = block << options_.block_bits;
  std::vector<std::byte> bytes(block_bytes());
  AMBERFS_TRY_VOID(
      data.ReadAt(at, ByteSpan(bytes).first(std::min(block_bytes(), data.size() - at))));
  Hash(block, bytes);
  ++blocks_read_;
  return {};
}

Result<FsVerityDescriptor> WriteHasher::Finish(const ByteSource& data, const TreeSink& sink) {
  const auto shape = TreeShape::Make({.algorithm = options_.algorithm,
                                      .data_block_bits = options_.block_bits,
                                      .hash_block_bits = options_.block_bits},
                                     data.size());
  if (!shape || shape->levels() > FsVerityDescriptor::kMaxLevels)
    return Broken(Rule::kFsv5, Error::kNowhere);
  const std::uint64_t blocks = shape->data_blocks();
  const std::uint64_t last = is_known_.empty() ? 0 : is_known_.size() - 1;
  is_known_.resize(blocks);
  hashes_.resize(blocks * hasher_.digest_bytes());
  // A block in which the data ends now or ended before may have had other bytes behind the end.
  if (blocks > 0) is_known_[blocks - 1] = false;
  if (last < blocks) is_known_[last] = false;
  for (std::uint64_t block = 0; block < blocks; ++block)
    if (!is_known_[block]) AMBERFS_TRY_VOID(HashAgain(data, block));

  TreeBuilder builder(*shape, hasher_, sink);
  std::vector<std::byte> hash_block(block_bytes());
  ByteView rest(hashes_);
  for (std::uint64_t leaf = 0; leaf < builder.leaves(); ++leaf) {
    const ByteView own = rest.first(std::min(rest.size(), hash_block.size()));
    std::ranges::fill(std::ranges::copy(own, hash_block.begin()).out, hash_block.end(),
                      std::byte{0});
    AMBERFS_TRY_VOID(builder.AddLeaf(leaf, hash_block));
    rest = rest.subspan(own.size());
  }
  AMBERFS_TRY(const Digest root_hash, builder.Finish());
  return FsVerityDescriptor(*shape, options_.salt, root_hash);
}

}  // namespace amberfs
