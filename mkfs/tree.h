// A source tree in normal form: what the image will hold, independent of where it came from.
//
// Inodes stand in *tree order*: the root; then all children of the root by name; then, for each
// child directory by name, its children, and so on, depth first. A file with several names stands
// where its first name does. The children of a directory are adjacent among the entries too.
// Names are sorted as unsigned bytes. Nothing here depends on readdir order or on the host.
//
// A Tree owns all its bytes. Not thread-safe.
#ifndef AMBERFS_MKFS_TREE_H_
#define AMBERFS_MKFS_TREE_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "format/inode.h"
#include "mkfs/xattr_pool.h"

namespace amberfs {

using InodeIndex = std::uint32_t;  // into Tree::inodes; the root is 0
using EntryIndex = std::uint32_t;  // into Tree::entries
inline constexpr InodeIndex kNoInode = ~InodeIndex{0};
inline constexpr EntryIndex kNoEntry = ~EntryIndex{0};

// What keeps a file's identity on the source host.
struct SourceId {
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  friend bool operator==(const SourceId&, const SourceId&) = default;
};

// Where DataPacker put the content of a regular file.
struct FileData {
  DataLayout layout = DataLayout::kFlatPlain;
  std::uint8_t chunk_bits_over_block = 0;  // kChunkBased: log2 of blocks per chunk
  std::uint32_t start_block = 0;           // flat: of the full blocks, if there are any
  std::uint32_t spooled_bytes = 0;         // kFlatInline: the tail
  std::uint64_t spool_offset = 0;          // where the spool has the tail, or the chunk table
  std::uint64_t chunk_count = 0;           // kChunkBased: 4-byte entries of the table
};

struct TreeInode {
  SourceId source;
  std::uint64_t size = 0;  // regular files and symlinks, bytes
  std::int64_t mtime = 0;
  std::uint32_t mtime_nsec = 0;
  std::uint32_t mode = 0;  // with type bits
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t nlink = 0;  // directories: 2 + subdirectories
  std::uint32_t rdev = 0;   // as the image stores it
  XattrSetId xattrs = kNoXattrs;

  // Directories only; the root's own entry is kNoEntry and its parent itself.
  EntryIndex first_entry = 0;
  std::uint32_t entry_count = 0;
  EntryIndex own_entry = kNoEntry;
  InodeIndex parent = 0;
  std::uint32_t depth = 0;

  std::string_view symlink_target;
  FileData data;

  FileType type() const { return FileTypeOfMode(mode); }
  bool is_directory() const { return type() == FileType::kDirectory; }
  bool is_regular() const { return type() == FileType::kRegular; }
};

struct TreeEntry {
  std::string_view name;
  InodeIndex inode = kNoInode;  // kNoInode: dropped, see Tree::Drop()
  InodeIndex parent = 0;
};

class Tree {
 public:
  std::vector<TreeInode> inodes;
  std::vector<TreeEntry> entries;
  XattrPool xattrs;

  // A copy of `text` that lives as long as the tree.
  std::string_view Keep(std::string_view text);

  std::span<const TreeEntry> Children(const TreeInode& directory) const {
    return std::span(entries).subspan(directory.first_entry, directory.entry_count);
  }

  // Relative to the source; empty for the root. Costs a walk to the root.
  std::string PathOf(EntryIndex entry) const;
  std::string PathOfDirectory(InodeIndex directory) const;

  // Takes one name away (never one of a directory with children). Link counts follow at once,
  // the entry and an inode without names go with the next Prune().
  void Drop(EntryIndex entry);
  // Restores normal form after Drop(); invalidates every index.
  void Prune();

 private:
  static constexpr std::size_t kArenaBytes = 256 * 1024;
  std::vector<std::unique_ptr<char[]>> arenas_;
  std::size_t arena_left_ = 0;
  char* arena_next_ = nullptr;
  bool dropped_ = false;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_TREE_H_
