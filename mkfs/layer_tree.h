// A tree from the members of archives: files that come in any order, some of them several times.
// What comes later replaces what was there. Archives are layers, each upon those before it.
#ifndef AMBERFS_MKFS_LAYER_TREE_H_
#define AMBERFS_MKFS_LAYER_TREE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mkfs/build.h"
#include "mkfs/build_error.h"
#include "mkfs/path_filter.h"
#include "mkfs/tree.h"

namespace amberfs {

// What a name stands for. Of `inode`, links, places, entries and xattrs do not count yet.
struct NewFile {
  TreeInode inode;
  std::map<std::string, std::string> xattrs;  // values by full name
};

class LayerTree {
 public:
  // An empty root directory that belongs to root, mode 0755, of the time 0. Whiteouts will be of
  // this form; kApplied: they take out what earlier layers have put.
  explicit LayerTree(Whiteouts whiteouts);

  // A path in normal form: names with one slash between them; empty for the root. Fails on "..",
  // and on names of more than 255 bytes, with a reason.
  static std::expected<std::string, std::string_view> NormalPath(std::string_view path);

  // All paths are in normal form. What is missing above them becomes a directory like the root.
  // Errors name no file but the one that was put or linked.

  // A directory that is there keeps its entries, if `file` is a directory too; all else is
  // replaced.
  BuildResult<void> Put(const std::string& path, NewFile file);
  // Another name for the file `target`, which may come later.
  BuildResult<void> Link(const std::string& path, const std::string& target);
  // The layer says that lower ones have nothing at `path`: what it has there itself hides it, or
  // else a character device 0/0 with the attributes of `file` does.
  void Whiteout(const std::string& path, NewFile file);
  // And nothing in the directory `path`.
  void MakeOpaque(const std::string& path);

  // All of one layer was put.
  BuildResult<void> EndLayer();
  // The tree of all layers, in normal form, without what the filter excludes; with no
  // xattr_tolerance in the options, without attributes.
  BuildResult<Tree> Finish(const BuildOptions& options, const PathFilter& filter);

 private:
  using NodeIndex = std::uint32_t;
  struct Entry {
    NodeIndex node;
    std::uint32_t layer;  // that has put it, or this name, last
  };
  struct Node {
    NewFile file;
    std::map<std::string, Entry, std::less<>> entries;
    bool is_directory() const { return file.inode.type() == FileType::kDirectory; }
  };

  NodeIndex AddNode(NewFile file);
  // The directory of `path`, made if it is not there, and sets `name` to its last name.
  BuildResult<NodeIndex> ParentOf(const std::string& path, std::string_view& name);
  const NodeIndex* Find(std::string_view path) const;
  // Takes out what earlier layers have put below a directory.
  void RemoveLower(NodeIndex directory);
  BuildResult<void> ApplyWhiteouts();
  BuildResult<void> ResolveLinks();
  BuildResult<void> ResolveWhiteouts();
  void AddOpaqueMark(NewFile& directory) const;
  BuildResult<void> AddXattrs(const Node& node, const BuildOptions& options, Tree& tree,
                              TreeInode& inode);

  const Whiteouts whiteouts_;
  std::uint32_t layer_ = 0;
  std::deque<Node> nodes_;                    // the root first; some are replaced, and nobody's
  std::map<std::string, std::string> links_;  // whose target was not there
  std::map<std::string, NewFile> gone_;       // from lower layers
  std::set<std::string> opaque_;
  std::set<std::string> unknown_xattrs_;  // warned of already
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_LAYER_TREE_H_
