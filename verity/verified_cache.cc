#include "verity/verified_cache.h"

#include <algorithm>

namespace amberfs {
namespace {

// So many locks that threads seldom meet at one, as long as each shard holds some blocks.
constexpr std::uint64_t kMaxShards = 16;
constexpr std::uint64_t kLeastShardBytes = 256 * 1024;

}  // namespace

VerifiedCache::VerifiedCache(std::uint64_t budget_bytes)
    : shards_(std::clamp<std::uint64_t>(budget_bytes / kLeastShardBytes, 1, kMaxShards)),
      shard_budget_bytes_(budget_bytes / shards_.size()) {}

VerifiedBlock VerifiedCache::Find(std::uint64_t key) {
  Shard& shard = ShardOf(key);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.by_key.find(key);
  if (found == shard.by_key.end()) return nullptr;
  shard.recent.splice(shard.recent.begin(), shard.recent, found->second);
  return found->second->block;
}

void VerifiedCache::Insert(std::uint64_t key, VerifiedBlock block) {
  Shard& shard = ShardOf(key);
  const std::scoped_lock lock(shard.mutex);
  // Two threads may have verified it at once; either's copy will do.
  if (shard.by_key.contains(key)) return;
  shard.bytes += block->size();
  shard.recent.push_front({key, std::move(block)});
  shard.by_key[key] = shard.recent.begin();
  while (shard.bytes > shard_budget_bytes_ && shard.recent.size() > 1) {
    shard.bytes -= shard.recent.back().block->size();
    shard.by_key.erase(shard.recent.back().key);
    shard.recent.pop_back();
  }
}

}  // namespace amberfs
