#include "fsck/seen_table.h"

#include <sys/random.h>

#include <cassert>
#include <chrono>

namespace amberfs {
namespace {

constexpr std::size_t kFirstSlots = 1024;

std::uint64_t RandomKey() {
  std::uint64_t key = 0;
  if (::getrandom(&key, sizeof key, GRND_NONBLOCK) != sizeof key)
    key = static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return key;
}

// MurmurHash3's finaliser. The products wrap, which is what mixes them.
#if defined(__clang__)
[[clang::no_sanitize("unsigned-integer-overflow")]]
#endif
std::uint64_t Mix(std::uint64_t value) {
  value ^= value >> 33;
  value *= 0xFF51AFD7ED558CCD;
  value ^= value >> 33;
  value *= 0xC4CEB9FE1A85EC53;
  value ^= value >> 33;
  return value;
}

}  // namespace

SeenTable::SeenTable() : slots_(kFirstSlots, kNone), key_(RandomKey()) {}

std::uint32_t SeenTable::Find(Nid nid) const { return slots_[SlotOf(nid)]; }

std::uint32_t SeenTable::Add(const SeenInode& inode) {
  assert(inodes_.size() < kNone);
  if (IsFull()) Grow();
  const std::uint32_t index = size();
  inodes_.push_back(inode);
  slots_[SlotOf(inode.nid)] = index;
  return index;
}

std::uint64_t SeenTable::bytes_to_add() const {
  // A deque keeps a pointer for each 512 bytes.
  constexpr std::uint64_t kInodeBytes = sizeof(SeenInode) + 1;
  const std::uint64_t slots = slots_.size() + (IsFull() ? 2 * slots_.size() : 0);
  return (inodes_.size() + 1) * kInodeBytes + slots * sizeof slots_[0];
}

std::size_t SeenTable::SlotOf(Nid nid) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = Mix(Mix(nid.v ^ key_) + key_) & mask;
  while (slots_[slot] != kNone && inodes_[slots_[slot]].nid != nid) slot = (slot + 1) & mask;
  return slot;
}

void SeenTable::Grow() {
  slots_.assign(2 * slots_.size(), kNone);
  for (std::uint32_t index = 0; index < size(); ++index) slots_[SlotOf(inodes_[index].nid)] = index;
}

}  // namespace amberfs
