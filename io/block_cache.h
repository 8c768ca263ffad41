// A bounded cache of immutable blocks, made once and shared by all who want them.
//
// Any thread. A miss makes the block outside of every lock, and those who want the same block
// meanwhile wait for it instead of making it again. A block lives for as long as somebody holds it,
// also after the cache let it go. What goes is what was not used for longest, shard by shard.
#ifndef AMBERFS_IO_BLOCK_CACHE_H_
#define AMBERFS_IO_BLOCK_CACHE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>

#include "base/bytes.h"
#include "base/error.h"
#include "base/mutex.h"

namespace amberfs {

class BlockCache {
 public:
  // What a block is made of: whatever its maker needs to know. Two keys are equal only if their
  // blocks are, up to the shorter's end.
  struct Key {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    std::uint64_t what = 0;
    friend bool operator==(const Key&, const Key&) = default;
  };

  class Block {
   public:
    explicit Block(std::size_t bytes)
        : data_(std::make_unique_for_overwrite<std::byte[]>(bytes)), size_(bytes) {}
    ByteView bytes() const { return {data_.get(), size_}; }

   private:
    friend class BlockCache;
    std::unique_ptr<std::byte[]> data_;
    std::size_t size_;
  };
  using BlockPtr = std::shared_ptr<const Block>;

  // Writes all of the block's bytes, or fails.
  using Fill = std::function<Result<void>(ByteSpan)>;

  // Keeps at most `max_bytes` of blocks, those included that are being made; one that is larger is
  // made and handed out, not kept.
  explicit BlockCache(std::uint64_t max_bytes) : max_bytes_(max_bytes) {}

  // The block of `key` if it is here, or being made, with at least `min_bytes`; else null.
  BlockPtr Find(const Key& key, std::size_t min_bytes);

  // Whether Find() would give a block, now or once it is made.
  bool Contains(const Key& key, std::size_t min_bytes);

  // The same block, made by `fill` with `make_bytes` (not less than `min_bytes`) if it was not here
  // or too short. Fails with what `fill` fails with; then nothing is kept, and whoever waited for
  // it tries for himself.
  Result<BlockPtr> Get(const Key& key, std::size_t min_bytes, std::size_t make_bytes,
                       const Fill& fill);

  // Whether nobody has asked this about `key` lately. What is wanted once is often not worth
  // keeping. Now and then it is wrong.
  bool IsNews(const Key& key);

  // Lets go of the blocks that nobody has asked for since the last call.
  void DropUnused();

  std::uint64_t max_bytes() const { return max_bytes_; }
  std::uint64_t used_bytes() const { return used_bytes_; }

 private:
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };
  struct Entry {
    Key key;
    BlockPtr block = nullptr;      // null while it is being made for the first time
    std::size_t making_bytes = 0;  // of the block that somebody makes; 0: nobody does
    bool used = true;              // since the last DropUnused()
  };
  using Entries = std::list<Entry>;  // the one used last in front
  struct Shard {
    Mutex mutex;
    CondVar made;
    Entries entries GUARDED_BY(mutex);
    std::unordered_map<Key, Entries::iterator, KeyHash> places GUARDED_BY(mutex);
  };

  Shard& ShardOf(const Key& key) { return shards_[KeyHash()(key) % shards_.size()]; }
  // The entry's block if it has, or will have, `min_bytes`; waits while it is being made.
  static BlockPtr Look(Shard& shard, const Key& key, std::size_t min_bytes) REQUIRES(shard.mutex);
  bool Keep(Shard& shard, const Key& key, BlockPtr block) REQUIRES(shard.mutex);
  void Shrink(std::size_t first_shard);

  const std::uint64_t max_bytes_;
  std::atomic<std::uint64_t> used_bytes_ = 0;
  std::array<Shard, 8> shards_;
  // Of keys that IsNews() was asked about, each at the place that its hash gives it.
  std::array<std::atomic<std::uint64_t>, 4096> asked_{};
};

}  // namespace amberfs

#endif  // AMBERFS_IO_BLOCK_CACHE_H_
