// The source tree in normal form: what an image will hold, before anything has a place in it.
//
// Inodes are numbered in depth-first order, a directory's entries by name, so the numbering depends
// on the tree alone: not on the order in which a file system lists it, nor on its inode numbers. A
// hard link is a second entry with the same inode.
#ifndef AMBERFS_MKFS_TREE_H_
#define AMBERFS_MKFS_TREE_H_

#include <sys/types.h>
#include <time.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "format/inode.h"
#include "mkfs/xattr_pool.h"

namespace amberfs {

using InodeIndex = std::uint32_t;
inline constexpr InodeIndex kMaxInodes = 0xFFFFFFFE;

struct TreeEntry {
  std::string name;
  InodeIndex inode;
};

struct TreeInode {
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint32_t nlink = 0;  // as the image will say: names, or 2 and subdirectories
  std::uint64_t size = 0;   // bytes of a regular file
  std::int64_t mtime = 0;
  std::uint32_t mtime_nsec = 0;
  InodeIndex parent = 0;           // the directory where it was found first; the root's is itself
  std::uint32_t place = 0;         // which of the parent's entries that was
  std::vector<XattrId> xattrs;     // in the pool's order of names
  std::vector<TreeEntry> entries;  // of a directory, without dots, by name
  std::string target;              // of a symbolic link
  // Where a file's bytes are: a file of the host, or the number of a content in an archive.
  FileId source;
  timespec source_ctime{};  // of the file on the host: moves when anybody touches it
  std::uint32_t content = 0;

  FileType type() const { return FileTypeOfMode(mode); }
};

struct Tree {
  static constexpr InodeIndex kRootInode = 0;

  std::vector<TreeInode> inodes;  // the root directory first
  XattrPool xattrs;

  // Path of an inode, or of entry `name` of a directory, relative to the tree's top.
  std::string PathOf(InodeIndex inode) const;
  std::string PathOf(InodeIndex directory, std::string_view name) const;
};

// Why the format has no place for this inode, for people; nothing if it has.
std::optional<std::string_view> WhyNotStorable(const TreeInode& inode);

// Drops the inodes for which `gone` is true, their entries and whatever is below them, counts links
// again, and renumbers in the same order. `gone` has one element for each inode. Returns the old
// number of each inode that stayed.
std::vector<InodeIndex> Prune(Tree& tree, const std::vector<bool>& gone);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_TREE_H_
