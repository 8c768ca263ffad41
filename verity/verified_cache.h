// Blocks that were verified, kept in memory within a budget.
//
// "Verified" is a property of the copy that lies here, not of a block's number: once a copy is
// dropped, the next reader verifies anew, for the file may have changed. Blocks are immutable and
// shared, so one that is dropped while somebody uses it lives until they are done. Any thread;
// nothing is read or hashed under a lock.
#ifndef AMBERFS_VERITY_VERIFIED_CACHE_H_
#define AMBERFS_VERITY_VERIFIED_CACHE_H_

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"

namespace amberfs {

using VerifiedBlock = std::shared_ptr<const std::vector<std::byte>>;

class VerifiedCache {
 public:
  // Holds at most `budget_bytes`, but always one block.
  explicit VerifiedCache(std::uint64_t budget_bytes);

  VerifiedBlock Find(std::uint64_t key);  // null if it is not here
  void Insert(std::uint64_t key, VerifiedBlock block);

 private:
  struct Entry {
    std::uint64_t key;
    VerifiedBlock block;
  };
  struct Shard {
    std::mutex mutex;         // guards all below
    std::list<Entry> recent;  // the last used first
    std::unordered_map<std::uint64_t, std::list<Entry>::iterator> by_key;
    std::uint64_t bytes = 0;
  };
  Shard& ShardOf(std::uint64_t key) { return shards_[key % shards_.size()]; }

  std::vector<Shard> shards_;
  std::uint64_t shard_budget_bytes_;
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_VERIFIED_CACHE_H_
