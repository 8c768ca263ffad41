// The inodes that a walk has met, by nid: about 40 bytes for each.
//
// Inodes keep the order in which they were added, and their index with it, so the table is also the
// walk's queue. Nids come from the image: the hash is keyed at random, so that no image can be made
// to collide.
#ifndef AMBERFS_FSCK_SEEN_TABLE_H_
#define AMBERFS_FSCK_SEEN_TABLE_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "format/inode.h"
#include "format/units.h"

namespace amberfs {

struct SeenInode {
  Nid nid;
  std::uint64_t cookie = 0;  // of the entry in the parent that led here first
  std::uint32_t parent = 0;  // index of the directory with that entry; its own for the root inode
  std::uint32_t nlink = 0;   // as the inode claims
  std::uint32_t links = 0;   // as counted so far, "." and ".." of directories included
  FileType type = FileType::kUnknown;  // kUnknown if the inode could not be decoded
  bool extended = false;
  bool readable = true;  // its data can be mapped
};
static_assert(sizeof(SeenInode) == 32);

class SeenTable {
 public:
  // No such inode; also how many inodes fit at most.
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  SeenTable();

  std::uint32_t size() const { return static_cast<std::uint32_t>(inodes_.size()); }
  SeenInode& operator[](std::uint32_t index) { return inodes_[index]; }
  const SeenInode& operator[](std::uint32_t index) const { return inodes_[index]; }

  // The index of `nid`, or kNone.
  std::uint32_t Find(Nid nid) const;

  // Adds an inode that Find() does not know; returns its index. The table has room: size() < kNone.
  std::uint32_t Add(const SeenInode& inode);

  // The memory that the next Add() ends with, at its peak.
  std::uint64_t bytes_to_add() const;

 private:
  bool IsFull() const { return inodes_.size() * 4 >= slots_.size() * 3; }
  // The slot that holds `nid`, or the free one where it belongs.
  std::size_t SlotOf(Nid nid) const;
  void Grow();

  std::deque<SeenInode> inodes_;      // grows without moving, so it never needs twice its memory
  std::vector<std::uint32_t> slots_;  // indexes, open addressing; a power of two of them
  std::uint64_t key_;
};

}  // namespace amberfs

#endif  // AMBERFS_FSCK_SEEN_TABLE_H_
