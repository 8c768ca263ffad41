#include "mkfs/tree.h"

#include <algorithm>

namespace amberfs {
namespace {

constexpr unsigned kMaxDeviceMajor = 0xFFF;  // as the kernel packs device numbers into 32 bits
constexpr unsigned kMaxDeviceMinor = 0xFFFFF;
constexpr std::size_t kMaxSymlink = 4095;

}  // namespace

std::string Tree::PathOf(InodeIndex inode) const {
  std::vector<std::string_view> names;
  for (InodeIndex at = inode; at != kRootInode; at = inodes[at].parent)
    names.push_back(inodes[inodes[at].parent].entries[inodes[at].place].name);
  std::string path;
  for (auto name = names.rbegin(); name != names.rend(); ++name)
    path.append(path.empty() ? "" : "/").append(*name);
  return path.empty() ? "." : path;
}

std::string Tree::PathOf(InodeIndex directory, std::string_view name) const {
  if (directory == kRootInode) return std::string(name);
  return PathOf(directory).append("/").append(name);
}

std::optional<std::string_view> WhyNotStorable(const TreeInode& inode) {
  if (inode.type() == FileType::kSymlink &&
      (inode.target.empty() || inode.target.size() > kMaxSymlink))
    return "link target is not 1 to 4095 bytes long";
  if (inode.device_major > kMaxDeviceMajor || inode.device_minor > kMaxDeviceMinor)
    return "device number is too large for the format";
  return std::nullopt;
}

std::vector<InodeIndex> Prune(Tree& tree, const std::vector<bool>& gone) {
  // A parent's number is below its children's, so one pass finds everything below what is gone.
  std::vector<bool> dropped = gone;
  for (InodeIndex i = 1; i < tree.inodes.size(); ++i)
    if (tree.inodes[i].type() == FileType::kDirectory && dropped[tree.inodes[i].parent])
      dropped[i] = true;

  // A file stays as long as one of its names does; the first that does is where it is found.
  constexpr InodeIndex kDropped = ~InodeIndex{0};
  std::vector<InodeIndex> old_numbers;
  std::vector<InodeIndex> new_numbers(tree.inodes.size(), kDropped);
  for (TreeInode& inode : tree.inodes)
    if (inode.type() != FileType::kDirectory) inode.nlink = 0;
  for (InodeIndex i = 0; i < tree.inodes.size(); ++i) {
    if (tree.inodes[i].type() != FileType::kDirectory || dropped[i]) continue;
    std::erase_if(tree.inodes[i].entries,
                  [&](const TreeEntry& entry) { return dropped[entry.inode]; });
    tree.inodes[i].nlink = 2;
    for (std::uint32_t place = 0; place < tree.inodes[i].entries.size(); ++place) {
      TreeInode& child = tree.inodes[tree.inodes[i].entries[place].inode];
      if (child.type() == FileType::kDirectory) {
        ++tree.inodes[i].nlink;
      } else if (child.nlink++ > 0) {
        continue;
      }
      child.parent = i;
      child.place = place;
    }
  }
  for (InodeIndex i = 0; i < tree.inodes.size(); ++i) {
    const TreeInode& inode = tree.inodes[i];
    if (dropped[i] || (inode.type() != FileType::kDirectory && inode.nlink == 0)) continue;
    new_numbers[i] = static_cast<InodeIndex>(old_numbers.size());
    old_numbers.push_back(i);
  }
  for (InodeIndex i = 0; i < old_numbers.size(); ++i) {
    if (old_numbers[i] != i) tree.inodes[i] = std::move(tree.inodes[old_numbers[i]]);
    tree.inodes[i].parent = new_numbers[tree.inodes[i].parent];
    for (TreeEntry& entry : tree.inodes[i].entries) entry.inode = new_numbers[entry.inode];
  }
  tree.inodes.resize(old_numbers.size());
  return old_numbers;
}

}  // namespace amberfs
