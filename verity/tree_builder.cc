#include "verity/tree_builder.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <mutex>
#include <optional>
#include <thread>

namespace amberfs {

// Without levels the only data block's hash takes the place of a leaf's.
TreeBuilder::TreeBuilder(const TreeShape& shape, const BlockHasher& hasher, TreeSink sink)
    : shape_(shape),
      hasher_(hasher),
      sink_(std::move(sink)),
      leaves_(shape.levels() > 0 ? shape.blocks(0) : shape.data_blocks()),
      leaf_bytes_(shape.params().hashes_per_block() << shape.params().data_block_bits),
      hashes_(std::max<std::uint64_t>(leaves_, 1) * hasher.digest_bytes()) {
  assert(shape.params().algorithm == hasher.algorithm());
}

ByteSpan TreeBuilder::HashData(ByteView data, ByteSpan hashes) const {
  const std::uint64_t block_bytes = shape_.params().data_block_bytes();
  const std::size_t whole = data.size() & ~(block_bytes - 1);
  const std::size_t whole_hashes = whole / block_bytes * hasher_.digest_bytes();
  hasher_.HashBlocks(data.first(whole), block_bytes, hashes.first(whole_hashes));
  hashes = hashes.subspan(whole_hashes);
  if (whole == data.size()) return hashes;
  std::vector<std::byte> last(block_bytes);
  std::ranges::copy(data.subspan(whole), last.begin());
  hasher_.Hash(last, hashes.first(hasher_.digest_bytes()));
  return hashes.subspan(hasher_.digest_bytes());
}

Result<void> TreeBuilder::AddLeaf(std::uint64_t leaf, ByteView hashes) {
  const std::size_t digest_bytes = hasher_.digest_bytes();
  const ByteSpan own_hash = ByteSpan(hashes_).subspan(leaf * digest_bytes, digest_bytes);
  if (shape_.levels() == 0) {
    std::ranges::copy(hashes.first(digest_bytes), own_hash.begin());
    return {};
  }
  hasher_.Hash(hashes, own_hash);
  return sink_((shape_.first_block(0) + leaf) << shape_.params().hash_block_bits, hashes);
}

// Turns the hashes of the level below into the blocks of this one, and those into their hashes.
Result<void> TreeBuilder::FinishLevel(unsigned level) {
  const unsigned bits = shape_.params().hash_block_bits;
  hashes_.resize(shape_.blocks(level) << bits);
  AMBERFS_TRY_VOID(sink_(shape_.first_block(level) << bits, hashes_));
  std::vector<std::byte> above(shape_.blocks(level) * hasher_.digest_bytes());
  hasher_.HashBlocks(hashes_, shape_.params().hash_block_bytes(), above);
  hashes_ = std::move(above);
  return {};
}

Result<Digest> TreeBuilder::Finish() {
  for (unsigned level = 1; level < shape_.levels(); ++level) AMBERFS_TRY_VOID(FinishLevel(level));
  return Digest(hashes_);
}

namespace {

// Read at once: long enough for the disk, short enough for the processor's cache.
constexpr std::uint64_t kPieceBytes = 256 * 1024;

// What the threads of one build share.
class Crew {
 public:
  Crew(const ByteSource& data, const TreeShape& shape, TreeBuilder& builder)
      : data_(data), shape_(shape), builder_(builder) {}

  void Work() {
    std::vector<std::byte> buffer(std::max(kPieceBytes, shape_.params().data_block_bytes()));
    while (!failed_.load(std::memory_order_relaxed)) {
      const std::uint64_t leaf = next_.fetch_add(1, std::memory_order_relaxed);
      if (leaf >= builder_.leaves()) return;
      if (const auto done = Add(leaf, buffer); !done) return Fail(done.error());
    }
  }

  // After all threads have ended.
  std::optional<Error> error() {
    const std::scoped_lock lock(mutex_);
    return error_;
  }

 private:
  Result<void> Add(std::uint64_t leaf, ByteSpan buffer) {
    std::vector<std::byte> hashes(shape_.params().hash_block_bytes());
    ByteSpan room(hashes);
    std::uint64_t at = leaf * builder_.leaf_bytes();
    const std::uint64_t end = std::min(at + builder_.leaf_bytes(), data_.size());
    while (at < end) {
      const ByteSpan piece = buffer.first(std::min<std::uint64_t>(buffer.size(), end - at));
      AMBERFS_TRY_VOID(data_.ReadAt(at, piece));
      room = builder_.HashData(piece, room);
      at += piece.size();
    }
    return builder_.AddLeaf(leaf, hashes);
  }

  void Fail(const Error& error) {
    failed_.store(true, std::memory_order_relaxed);
    const std::scoped_lock lock(mutex_);
    if (!error_) error_ = error;
  }

  const ByteSource& data_;
  const TreeShape& shape_;
  TreeBuilder& builder_;
  std::atomic<std::uint64_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // guards all below
  std::optional<Error> error_;
};

}  // namespace

Result<Digest> BuildTree(const ByteSource& data, const TreeShape& shape, const BlockHasher& hasher,
                         const TreeSink& sink, unsigned threads) {
  assert(data.size() == shape.data_bytes());
  TreeBuilder builder(shape, hasher, sink);
  Crew crew(data, shape, builder);
  {
    std::vector<std::jthread> helpers;
    const std::uint64_t useful = std::min<std::uint64_t>(threads, builder.leaves());
    for (std::uint64_t i = 1; i < useful; ++i) helpers.emplace_back([&crew] { crew.Work(); });
    crew.Work();
  }
  if (const auto error = crew.error()) return std::unexpected(*error);
  return builder.Finish();
}

}  // namespace amberfs
