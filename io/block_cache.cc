#include "io/block_cache.h"

#include <utility>

namespace amberfs {
namespace {

// What an entry costs besides its bytes, about.
constexpr std::uint64_t kEntryBytes = 160;

std::uint64_t Cost(const BlockCache::BlockPtr& block) {
  return block ? block->bytes().size() + kEntryBytes : 0;
}

}  // namespace

std::size_t BlockCache::KeyHash::operator()(const Key& key) const {
  // Keys are offsets, alike in their low bits: spread them (the multiplier of splitmix64; the
  // builtin, as it wraps on purpose).
  std::uint64_t mixed = key.offset ^ key.length << 20 ^ key.what << 40;
  static_cast<void>(__builtin_mul_overflow(mixed, 0xBF58476D1CE4E5B9, &mixed));
  mixed ^= mixed >> 31;
  return mixed;
}

bool BlockCache::IsNews(const Key& key) {
  const std::uint64_t hash = KeyHash()(key) | 1;  // 0 is an empty place
  std::atomic<std::uint64_t>& place = asked_[(hash >> 1) % asked_.size()];
  return place.exchange(hash, std::memory_order_relaxed) != hash;
}

BlockCache::BlockPtr BlockCache::Look(Shard& shard, const Key& key, std::size_t min_bytes) {
  while (true) {
    const auto place = shard.places.find(key);
    if (place == shard.places.end()) return nullptr;
    const Entries::iterator entry = place->second;
    if (entry->block && entry->block->bytes().size() >= min_bytes) {
      shard.entries.splice(shard.entries.begin(), shard.entries, entry);
      entry->used = true;
      return entry->block;
    }
    if (entry->making_bytes < min_bytes) return nullptr;
    shard.made.wait(shard.mutex);
  }
}

BlockCache::BlockPtr BlockCache::Find(const Key& key, std::size_t min_bytes) {
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mutex);
  return Look(shard, key, min_bytes);
}

bool BlockCache::Contains(const Key& key, std::size_t min_bytes) {
  Shard& shard = ShardOf(key);
  const MutexLock lock(shard.mutex);
  const auto place = shard.places.find(key);
  if (place == shard.places.end()) return false;
  const Entry& entry = *place->second;
  return entry.making_bytes >= min_bytes ||
         (entry.block && entry.block->bytes().size() >= min_bytes);
}

Result<BlockCache::BlockPtr> BlockCache::Get(const Key& key, std::size_t min_bytes,
                                             std::size_t make_bytes, const Fill& fill) {
  Shard& shard = ShardOf(key);
  bool announced = false;
  {
    const MutexLock lock(shard.mutex);
    if (BlockPtr block = Look(shard, key, min_bytes)) return block;
    auto place = shard.places.find(key);
    if (place == shard.places.end()) {
      shard.entries.push_front({.key = key});
      place = shard.places.emplace(key, shard.entries.begin()).first;
    }
    // Somebody may be making a shorter one; then this one is made unannounced.
    if (place->second->making_bytes == 0) {
      place->second->making_bytes = make_bytes;
      announced = true;
    }
  }

  // Room first, so that what is being made counts as well.
  used_bytes_ += make_bytes + kEntryBytes;
  Shrink(KeyHash()(key) % shards_.size());
  const auto block = std::make_shared<Block>(make_bytes);
  Result<void> filled = fill({block->data_.get(), block->size_});
  {
    const MutexLock lock(shard.mutex);
    if (announced) shard.places.find(key)->second->making_bytes = 0;
    const bool worth = filled && make_bytes + kEntryBytes <= max_bytes_;
    if (!Keep(shard, key, worth ? block : nullptr)) used_bytes_ -= make_bytes + kEntryBytes;
  }
  if (announced) shard.made.notify_all();
  if (!filled) return std::unexpected(filled.error());
  return BlockPtr(block);
}

// A null block is one that could not be made, or is not to be kept. Returns whether it is kept.
bool BlockCache::Keep(Shard& shard, const Key& key, BlockPtr block) {
  const auto place = shard.places.find(key);
  if (place == shard.places.end()) return false;  // somebody who was faster failed
  const Entries::iterator entry = place->second;
  if (block && (!entry->block || entry->block->bytes().size() < block->bytes().size())) {
    used_bytes_ -= Cost(entry->block);
    entry->block = std::move(block);
    entry->used = true;
    shard.entries.splice(shard.entries.begin(), shard.entries, entry);
    return true;
  }
  if (!entry->block && entry->making_bytes == 0) {
    shard.entries.erase(entry);
    shard.places.erase(place);
  }
  return false;
}

void BlockCache::DropUnused() {
  for (Shard& shard : shards_) {
    Entries gone;  // freed without the lock
    const MutexLock lock(shard.mutex);
    for (auto entry = shard.entries.begin(); entry != shard.entries.end();) {
      const auto next = std::next(entry);
      if (!entry->used && entry->making_bytes == 0) {
        used_bytes_ -= Cost(entry->block);
        shard.places.erase(entry->key);
        gone.splice(gone.begin(), shard.entries, entry);
      } else {
        entry->used = false;
      }
      entry = next;
    }
  }
}

void BlockCache::Shrink(std::size_t first_shard) {
  // The block that each shard used last goes only if nothing else can.
  for (std::size_t i = 0; i < 2 * shards_.size() && used_bytes_ > max_bytes_; ++i) {
    const std::size_t spared = i < shards_.size() ? 1 : 0;
    Shard& shard = shards_[(first_shard + i) % shards_.size()];
    Entries gone;  // freed without the lock
    const MutexLock lock(shard.mutex);
    std::size_t left = shard.entries.size();
    for (auto entry = shard.entries.end(); used_bytes_ > max_bytes_ && left > spared; --left) {
      --entry;
      if (entry->making_bytes != 0) continue;
      used_bytes_ -= Cost(entry->block);
      shard.places.erase(entry->key);
      const auto next = std::next(entry);
      gone.splice(gone.begin(), shard.entries, entry);
      entry = next;
    }
  }
}

}  // namespace amberfs
