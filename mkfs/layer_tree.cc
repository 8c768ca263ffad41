#include "mkfs/layer_tree.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>
#include <utility>

#include "format/xattr_filter.h"

namespace amberfs {
namespace {

constexpr std::size_t kMaxName = 255;

NewFile ImplicitDirectory() {
  NewFile directory;
  directory.inode.mode = S_IFDIR | 0755;
  return directory;
}

}  // namespace

LayerTree::LayerTree(Whiteouts whiteouts) : whiteouts_(whiteouts) { AddNode(ImplicitDirectory()); }

LayerTree::NodeIndex LayerTree::AddNode(NewFile file) {
  nodes_.push_back({std::move(file), {}});
  return static_cast<NodeIndex>(nodes_.size() - 1);
}

std::expected<std::string, std::string_view> LayerTree::NormalPath(std::string_view path) {
  std::string normal;
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (name.empty() || name == ".") continue;
    if (name == "..") return std::unexpected("a path with '..' in it");
    if (name.size() > kMaxName) return std::unexpected("a name of more than 255 bytes");
    if (!normal.empty()) normal += '/';
    normal += name;
  }
  return normal;
}

BuildResult<LayerTree::NodeIndex> LayerTree::ParentOf(const std::string& path,
                                                      std::string_view& name) {
  NodeIndex at = 0;
  std::string_view rest = path;
  for (std::size_t slash; (slash = rest.find('/')) != rest.npos; rest.remove_prefix(slash + 1)) {
    const std::string_view step = rest.substr(0, slash);
    const auto known = nodes_[at].entries.find(step);
    if (known == nodes_[at].entries.end()) {
      const NodeIndex made = AddNode(ImplicitDirectory());
      nodes_[at].entries.emplace(step, Entry{made, layer_});
      at = made;
    } else if (nodes_[known->second.node].is_directory()) {
      at = known->second.node;
    } else if (known->second.layer < layer_) {
      // A directory of this layer hides a file of a lower one.
      known->second = {AddNode(ImplicitDirectory()), layer_};
      at = known->second.node;
    } else {
      return BuildFailure(path, "is below something that is no directory");
    }
  }
  name = rest;
  return at;
}

const LayerTree::NodeIndex* LayerTree::Find(std::string_view path) const {
  static constexpr NodeIndex kRoot = 0;
  const NodeIndex* at = &kRoot;
  while (!path.empty()) {
    const std::string_view step = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), step.size() + 1));
    const auto found = nodes_[*at].entries.find(step);
    if (found == nodes_[*at].entries.end()) return nullptr;
    at = &found->second.node;
  }
  return at;
}

BuildResult<void> LayerTree::Put(const std::string& path, NewFile file) {
  if (nodes_.size() >= kMaxInodes) return BuildFailure(path, "too many files");
  if (const auto why = WhyNotStorable(file.inode)) return BuildFailure(path, *why);
  for (const auto& [name, value] : file.xattrs)
    if (value.size() > XattrPool::kMaxValue)
      return BuildFailure(path,
                          fmt::format("extended attribute {} is larger than 65535 bytes", name));
  links_.erase(path);
  const bool is_directory = file.inode.type() == FileType::kDirectory;
  if (path.empty()) {
    if (!is_directory) return BuildFailure(".", "the top is no directory");
    nodes_[0].file = std::move(file);
    return {};
  }
  std::string_view name;
  AMBERFS_TRY(const NodeIndex parent, ParentOf(path, name));
  const auto known = nodes_[parent].entries.find(name);
  if (known == nodes_[parent].entries.end()) {
    nodes_[parent].entries.emplace(name, Entry{AddNode(std::move(file)), layer_});
  } else if (is_directory && nodes_[known->second.node].is_directory()) {
    nodes_[known->second.node].file = std::move(file);
    known->second.layer = layer_;
  } else {
    known->second = {AddNode(std::move(file)), layer_};
  }
  return {};
}

BuildResult<void> LayerTree::Link(const std::string& path, const std::string& target) {
  if (path.empty()) return BuildFailure(".", "the top is no directory");
  const NodeIndex* const found = Find(target);
  if (found == nullptr) {
    links_.insert_or_assign(path, target);
    return {};
  }
  const NodeIndex node = *found;
  if (nodes_[node].is_directory()) return BuildFailure(path, "a hard link to a directory");
  std::string_view name;
  AMBERFS_TRY(const NodeIndex parent, ParentOf(path, name));
  nodes_[parent].entries.insert_or_assign(std::string(name), Entry{node, layer_});
  links_.erase(path);
  return {};
}

// Along chains of links to links, from their ends.
BuildResult<void> LayerTree::ResolveLinks() {
  while (!links_.empty()) {
    std::vector<std::string> chain = {links_.begin()->first};
    std::set<std::string> seen;
    for (auto next = links_.begin(); next != links_.end(); next = links_.find(chain.back())) {
      if (!seen.insert(next->first).second)
        return BuildFailure(next->first, "a hard link to itself");
      chain.push_back(next->second);
    }
    if (Find(chain.back()) == nullptr)
      return BuildFailure(chain[chain.size() - 2],
                          fmt::format("a hard link to '{}', which is not there", chain.back()));
    for (std::size_t i = chain.size() - 1; i > 0; --i)
      AMBERFS_TRY_VOID(Link(chain[i - 1], chain[i]));
  }
  return {};
}

void LayerTree::Whiteout(const std::string& path, NewFile file) {
  file.inode.mode = S_IFCHR;
  file.inode.size = 0;
  file.inode.target.clear();
  file.inode.device_major = file.inode.device_minor = 0;
  file.xattrs.clear();
  gone_.insert_or_assign(path, std::move(file));
}

void LayerTree::MakeOpaque(const std::string& path) { opaque_.insert(path); }

void LayerTree::AddOpaqueMark(NewFile& directory) const {
  if (whiteouts_ != Whiteouts::kUser) directory.xattrs["trusted.overlay.opaque"] = "y";
  if (whiteouts_ != Whiteouts::kTrusted) directory.xattrs["user.overlay.opaque"] = "y";
}

void LayerTree::RemoveLower(NodeIndex directory) {
  // Directories before what is below them; so in reverse, what is below comes first.
  std::vector<NodeIndex> directories = {directory};
  for (std::size_t i = 0; i < directories.size(); ++i)
    for (const auto& [name, entry] : nodes_[directories[i]].entries)
      if (nodes_[entry.node].is_directory()) directories.push_back(entry.node);
  for (auto at = directories.rbegin(); at != directories.rend(); ++at)
    std::erase_if(nodes_[*at].entries, [&](const auto& item) {
      const Entry& entry = item.second;
      return entry.layer < layer_ &&
             (!nodes_[entry.node].is_directory() || nodes_[entry.node].entries.empty());
    });
}

BuildResult<void> LayerTree::ApplyWhiteouts() {
  for (const std::string& path : std::exchange(opaque_, {})) {
    const NodeIndex* const there = Find(path);
    if (there != nullptr && nodes_[*there].is_directory()) RemoveLower(*there);
  }
  for (const auto& [path, file] : std::exchange(gone_, {})) {
    if (Find(path) == nullptr) continue;
    std::string_view name;
    AMBERFS_TRY(const NodeIndex parent, ParentOf(path, name));
    const auto entry = nodes_[parent].entries.find(name);
    if (nodes_[entry->second.node].is_directory()) RemoveLower(entry->second.node);
    if (entry->second.layer < layer_ && nodes_[entry->second.node].entries.empty())
      nodes_[parent].entries.erase(entry);
  }
  return {};
}

// What is gone and there again has replaced what was below: a directory hides it if it is opaque.
BuildResult<void> LayerTree::ResolveWhiteouts() {
  for (auto& [path, file] : std::exchange(gone_, {})) {
    const NodeIndex* const there = Find(path);
    if (there == nullptr)
      AMBERFS_TRY_VOID(Put(path, std::move(file)));
    else if (nodes_[*there].is_directory())
      AddOpaqueMark(nodes_[*there].file);
  }
  for (const std::string& path : std::exchange(opaque_, {})) {
    if (Find(path) == nullptr) AMBERFS_TRY_VOID(Put(path, ImplicitDirectory()));
    Node& node = nodes_[*Find(path)];
    if (!node.is_directory()) return BuildFailure(path, "is opaque, and no directory");
    AddOpaqueMark(node.file);
  }
  return {};
}

BuildResult<void> LayerTree::AddXattrs(const Node& node, const BuildOptions& options, Tree& tree,
                                       TreeInode& inode) {
  if (!options.xattr_tolerance) return {};
  for (const auto& [name, value] : node.file.xattrs) {
    const auto [index, suffix] = SplitAtShortPrefix(name);
    if (index != 0) {
      inode.xattrs.push_back(tree.xattrs.Add(index, suffix, value));
    } else if (unknown_xattrs_.insert(name).second && options.warn) {
      options.warn(
          fmt::format("extended attribute {} has no place in the format and is left out", name));
    }
  }
  std::ranges::sort(inode.xattrs, [&](XattrId a, XattrId b) { return tree.xattrs.Less(a, b); });
  return {};
}

BuildResult<void> LayerTree::EndLayer() {
  AMBERFS_TRY_VOID(ResolveLinks());
  AMBERFS_TRY_VOID(whiteouts_ == Whiteouts::kApplied ? ApplyWhiteouts() : ResolveWhiteouts());
  ++layer_;
  return {};
}

BuildResult<Tree> LayerTree::Finish(const BuildOptions& options, const PathFilter& filter) {
  Tree tree;
  std::unordered_map<NodeIndex, InodeIndex> numbers;  // of files, which may have several names
  struct Level {
    InodeIndex directory;
    const Node* node;
    std::map<std::string, Entry, std::less<>>::const_iterator next;
  };
  std::vector<Level> levels;
  const auto add = [&](const Node& node) -> BuildResult<InodeIndex> {
    TreeInode inode = node.file.inode;
    inode.nlink = node.is_directory() ? 2 : 1;
    AMBERFS_TRY_VOID(AddXattrs(node, options, tree, inode));
    tree.inodes.push_back(std::move(inode));
    const auto number = static_cast<InodeIndex>(tree.inodes.size() - 1);
    if (node.is_directory()) levels.push_back({number, &node, node.entries.begin()});
    return number;
  };
  AMBERFS_TRY_VOID(add(nodes_[0]));
  while (!levels.empty()) {
    Level& level = levels.back();
    if (level.next == level.node->entries.end()) {
      levels.pop_back();
      continue;
    }
    const InodeIndex directory = level.directory;
    const auto& [name, entry] = *level.next++;
    const NodeIndex child = entry.node;
    const Node& node = nodes_[child];
    if (!filter.empty() && filter.Excludes(tree.PathOf(directory, name))) continue;
    if (!node.is_directory() && !options.hard_dereference) {
      if (const auto known = numbers.find(child); known != numbers.end()) {
        ++tree.inodes[known->second].nlink;
        tree.inodes[directory].entries.push_back({name, known->second});
        continue;
      }
    }
    AMBERFS_TRY(const InodeIndex number, add(node));
    if (node.is_directory()) ++tree.inodes[directory].nlink;
    if (!node.is_directory()) numbers.emplace(child, number);
    tree.inodes[number].parent = directory;
    tree.inodes[number].place = static_cast<std::uint32_t>(tree.inodes[directory].entries.size());
    tree.inodes[directory].entries.push_back({name, number});
  }
  return tree;
}

}  // namespace amberfs
