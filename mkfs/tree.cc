#include "mkfs/tree.h"

#include <algorithm>
#include <cstring>

namespace amberfs {

std::string_view Tree::Keep(std::string_view text) {
  if (text.empty()) return {};
  if (text.size() > arena_left_) {
    arena_left_ = std::max(kArenaBytes, text.size());
    arenas_.push_back(std::make_unique_for_overwrite<char[]>(arena_left_));
    arena_next_ = arenas_.back().get();
  }
  char* const copy = arena_next_;
  std::memcpy(copy, text.data(), text.size());
  arena_next_ += text.size();
  arena_left_ -= text.size();
  return {copy, text.size()};
}

std::string Tree::PathOf(EntryIndex entry) const {
  std::vector<std::string_view> names;
  while (entry != kNoEntry) {
    names.push_back(entries[entry].name);
    entry = inodes[entries[entry].parent].own_entry;
  }
  std::string path;
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    if (!path.empty()) path += '/';
    path += *name;
  }
  return path;
}

std::string Tree::PathOfDirectory(InodeIndex directory) const {
  return PathOf(inodes[directory].own_entry);
}

void Tree::Drop(EntryIndex entry) {
  TreeInode& inode = inodes[entries[entry].inode];
  if (inode.is_directory()) {
    --inodes[entries[entry].parent].nlink;
    inode.nlink = 0;
  } else {
    --inode.nlink;
  }
  entries[entry].inode = kNoInode;
  dropped_ = true;
}

void Tree::Prune() {
  if (!dropped_) return;
  dropped_ = false;

  std::vector<InodeIndex> new_inode(inodes.size(), kNoInode);
  InodeIndex inode_count = 0;
  for (InodeIndex i = 0; i < inodes.size(); ++i) {
    if (inodes[i].nlink > 0) new_inode[i] = inode_count++;
  }
  // new_entry[e] counts the entries kept before e, so it also maps the ends of ranges.
  std::vector<EntryIndex> new_entry(entries.size() + 1);
  EntryIndex entry_count = 0;
  for (EntryIndex e = 0; e < entries.size(); ++e) {
    new_entry[e] = entry_count;
    if (entries[e].inode == kNoInode) continue;
    entries[entry_count] = {entries[e].name, new_inode[entries[e].inode],
                            new_inode[entries[e].parent]};
    ++entry_count;
  }
  new_entry.back() = entry_count;
  entries.resize(entry_count);

  for (InodeIndex i = 0; i < inodes.size(); ++i) {
    if (new_inode[i] == kNoInode) continue;
    TreeInode inode = inodes[i];
    if (inode.is_directory()) {
      const EntryIndex end = new_entry[inode.first_entry + inode.entry_count];
      inode.first_entry = new_entry[inode.first_entry];
      inode.entry_count = end - inode.first_entry;
      inode.parent = new_inode[inode.parent];
      if (inode.own_entry != kNoEntry) inode.own_entry = new_entry[inode.own_entry];
    }
    inodes[new_inode[i]] = inode;
  }
  inodes.resize(inode_count);
}

}  // namespace amberfs
