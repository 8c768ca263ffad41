#include "verity/verified_source.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>

namespace amberfs {
namespace {

// Whole blocks that are read and hashed at once.
constexpr std::uint64_t kMaxRun = 64;

}  // namespace

std::shared_ptr<const VerifiedSource> VerifiedSource::Open(std::shared_ptr<const ByteSource> data,
                                                           TreePlace tree, const TrustedRoot& root,
                                                           const Options& options) {
  return std::make_shared<const VerifiedSource>(std::move(data), std::move(tree), root.root(),
                                                options);
}

std::shared_ptr<const VerifiedSource> VerifiedSource::OpenUnauthenticated(
    std::shared_ptr<const ByteSource> data, TreePlace tree, const MerkleRoot& root,
    const Options& options) {
  return std::make_shared<const VerifiedSource>(std::move(data), std::move(tree), root, options);
}

VerifiedSource::VerifiedSource(std::shared_ptr<const ByteSource> data, TreePlace tree,
                               const MerkleRoot& root, const Options& options)
    : data_(std::move(data)),
      tree_(std::move(tree)),
      root_(root),
      hasher_(root.shape.params().algorithm, root.prefix),
      cache_(options.cache_bytes) {
  assert(data_->size() >= root_.shape.data_bytes());
}

Result<void> VerifiedSource::ReadAt(std::uint64_t offset, ByteSpan out) const {
  if (offset > size() || out.size() > size() - offset) return IoError(EIO, offset);
  const auto result = Read(offset, out);
  if (!result) {
    // Blocks are verified in the caller's memory, where unproven ones must not stay.
    std::ranges::fill(out, std::byte{0});
    if (result.error().code == Errc::kUnverified) failures_.fetch_add(1, std::memory_order_relaxed);
  }
  return result;
}

Result<void> VerifiedSource::Read(std::uint64_t offset, ByteSpan out) const {
  const unsigned bits = root_.shape.params().data_block_bits;
  const std::uint64_t block_bytes = std::uint64_t{1} << bits;
  const std::uint64_t fan_out = root_.shape.params().hashes_per_block();
  while (!out.empty()) {
    const std::uint64_t index = offset >> bits;
    const std::uint64_t skip = offset & (block_bytes - 1);
    std::size_t count;
    if (skip == 0 && out.size() >= block_bytes) {
      const std::uint64_t blocks =
          std::min({out.size() >> bits, kMaxRun, fan_out - index % fan_out});
      count = blocks << bits;
      AMBERFS_TRY_VOID(ReadWhole(index, out.first(count)));
    } else {
      AMBERFS_TRY(const Block block, DataBlock(index));
      count = std::min<std::uint64_t>(out.size(), block_bytes - skip);
      std::ranges::copy(ByteView(*block).subspan(skip, count), out.begin());
    }
    out = out.subspan(count);
    offset += count;
  }
  return {};
}

Result<void> VerifiedSource::ReadWhole(std::uint64_t first, ByteSpan out) const {
  const unsigned bits = root_.shape.params().data_block_bits;
  const std::size_t digest_bytes = hasher_.digest_bytes();
  AMBERFS_TRY(const Hashes wanted, HashesFrom(first));
  AMBERFS_TRY_VOID(data_->ReadAt(first << bits, out));
  std::array<std::byte, kMaxRun * kMaxDigestBytes> found;
  const std::size_t bytes = (out.size() >> bits) * digest_bytes;
  hasher_.HashBlocks(out, std::size_t{1} << bits, ByteSpan(found).first(bytes));
  const auto differs =
      std::ranges::mismatch(ByteView(found).first(bytes), wanted.bytes.first(bytes));
  const auto same = static_cast<std::size_t>(differs.in1 - ByteView(found).begin());
  if (same < bytes) return Broken(Rule::kVer1, (first + same / digest_bytes) << bits);
  return {};
}

Result<VerifiedBlock> VerifiedSource::DataBlock(std::uint64_t index) const {
  const TreeParams& params = root_.shape.params();
  const std::uint64_t key = root_.shape.tree_blocks() + index;  // behind those of hash blocks
  if (Block block = cache_.Find(key)) return block;
  AMBERFS_TRY(const Hashes wanted, HashesFrom(index));
  const std::uint64_t offset = index << params.data_block_bits;
  auto block = std::make_shared<std::vector<std::byte>>(params.data_block_bytes());
  // The last block may reach past the data: zeros count there, whatever the file holds.
  const std::uint64_t present = std::min(params.data_block_bytes(), size() - offset);
  AMBERFS_TRY_VOID(data_->ReadAt(offset, ByteSpan(*block).first(present)));
  const Digest found = hasher_.Hash(*block);
  if (!std::ranges::equal(found.bytes(), wanted.bytes.first(found.size())))
    return Broken(Rule::kVer1, offset);
  cache_.Insert(key, block);
  return block;
}

Result<VerifiedSource::Hashes> VerifiedSource::HashesFrom(std::uint64_t index) const {
  if (root_.shape.levels() == 0) return Hashes{nullptr, root_.root_hash.bytes()};
  const std::uint64_t fan_out = root_.shape.params().hashes_per_block();
  AMBERFS_TRY(Block block, HashBlock(0, index / fan_out));
  const ByteView bytes = ByteView(*block).subspan(index % fan_out * hasher_.digest_bytes());
  return Hashes{std::move(block), bytes};
}

Result<VerifiedBlock> VerifiedSource::HashBlock(unsigned level, std::uint64_t index) const {
  const TreeShape& shape = root_.shape;
  const std::uint64_t fan_out = shape.params().hashes_per_block();
  // Up to the nearest block that is in memory, or the root hash; then down again.
  std::array<std::uint64_t, TreeShape::kMaxLevels> path{};
  Block block;
  unsigned known = level;
  for (path[level] = index; known < shape.levels(); ++known) {
    block = cache_.Find(shape.first_block(known) + path[known]);
    if (block != nullptr) break;
    if (known + 1 < shape.levels()) path[known + 1] = path[known] / fan_out;
  }
  while (known > level) {
    --known;
    const ByteView expected =
        block == nullptr ? root_.root_hash.bytes()
                         : ByteView(*block).subspan(path[known] % fan_out * hasher_.digest_bytes(),
                                                    hasher_.digest_bytes());
    AMBERFS_TRY(Block below, LoadHashBlock(known, path[known], expected));
    block = std::move(below);
  }
  return block;
}

Result<VerifiedBlock> VerifiedSource::LoadHashBlock(unsigned level, std::uint64_t index,
                                                    ByteView expected) const {
  const TreeShape& shape = root_.shape;
  const std::uint64_t number = shape.first_block(level) + index;
  const std::uint64_t offset = tree_.offset + (number << shape.params().hash_block_bits);
  auto block = std::make_shared<std::vector<std::byte>>(shape.params().hash_block_bytes());
  AMBERFS_TRY_VOID(tree_.source->ReadAt(offset, *block));
  if (!std::ranges::equal(hasher_.Hash(*block).bytes(), expected))
    return Broken(Rule::kVer2, offset);
  const std::uint64_t fan_out = shape.params().hashes_per_block();
  const std::uint64_t used = std::min(fan_out, shape.items(level) - index * fan_out);
  if (!AllZero(ByteView(*block).subspan(used * hasher_.digest_bytes())))
    return Broken(Rule::kVer3, offset);
  cache_.Insert(number, block);
  return block;
}

}  // namespace amberfs
