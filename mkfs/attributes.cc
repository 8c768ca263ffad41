#include "mkfs/attributes.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "format/wire.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kMaxXattrArea = sizeof(wire::XattrHeader) + 4 * 0xFFFEULL;

BuildResult<void> SetOwner(std::uint32_t& id, const std::optional<std::uint32_t>& forced,
                           std::int64_t offset, const Tree& tree, InodeIndex index) {
  if (forced) {
    id = *forced;
    return {};
  }
  const std::int64_t moved = std::int64_t{id} + offset;
  // The last id means "nobody" to the kernel.
  if (moved < 0 || moved >= 0xFFFFFFFF)
    return BuildFailure(tree.PathOf(index), "owner is out of range after the offset");
  id = static_cast<std::uint32_t>(moved);
  return {};
}

using Time = std::pair<std::int64_t, std::uint32_t>;

// What most inodes say, so that most can be compact; the earliest of equals.
Time CommonestTime(const Tree& tree) {
  std::map<Time, std::uint64_t> counts;
  for (const TreeInode& inode : tree.inodes) ++counts[{inode.mtime, inode.mtime_nsec}];
  return std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; })
      ->first;
}

// Sets every inode's time, and returns the epoch.
Time SetTimes(Tree& tree, const BuildOptions& options) {
  const bool one_time = options.ignore_mtime || options.inode_form == InodeForm::kCompact ||
                        (options.timestamp && !options.preserve_mtime);
  const std::optional<std::int64_t> given = options.timestamp ? options.timestamp : options.latest;
  if (one_time) {
    const Time time{given.value_or(0), 0};
    for (TreeInode& inode : tree.inodes) std::tie(inode.mtime, inode.mtime_nsec) = time;
    return time;
  }
  if (options.latest && !options.timestamp)
    for (TreeInode& inode : tree.inodes)
      if (inode.mtime >= *options.latest)
        std::tie(inode.mtime, inode.mtime_nsec) = Time{*options.latest, 0};
  return given ? Time{*given, 0} : CommonestTime(tree);
}

bool FitsCompact(const TreeInode& inode, const ImagePlan& plan) {
  return inode.uid <= 0xFFFF && inode.gid <= 0xFFFF && inode.nlink <= 0xFFFF &&
         inode.size <= 0xFFFFFFFF && inode.mtime == plan.epoch &&
         inode.mtime_nsec == plan.epoch_nsec;
}

}  // namespace

BuildResult<ImagePlan> PlanAttributes(Tree& tree, const BuildOptions& options) {
  for (InodeIndex i = 0; i < tree.inodes.size(); ++i) {
    TreeInode& inode = tree.inodes[i];
    AMBERFS_TRY_VOID(SetOwner(inode.uid, options.force_uid, options.uid_offset, tree, i));
    AMBERFS_TRY_VOID(SetOwner(inode.gid, options.force_gid, options.gid_offset, tree, i));
  }
  ImagePlan plan;
  plan.block_bits = options.block_bits;
  plan.inline_data = options.inline_data;
  std::tie(plan.epoch, plan.epoch_nsec) = SetTimes(tree, options);
  if (options.xattr_tolerance) tree.xattrs.Share(*options.xattr_tolerance);

  plan.inodes.resize(tree.inodes.size());
  for (InodeIndex i = 0; i < tree.inodes.size(); ++i) {
    const TreeInode& inode = tree.inodes[i];
    const bool fits = FitsCompact(inode, plan);
    if (options.inode_form == InodeForm::kCompact && !fits)
      return BuildFailure(tree.PathOf(i), "does not fit into a compact inode");
    plan.inodes[i].extended = options.inode_form == InodeForm::kExtended || !fits;
    const std::uint64_t xattr_bytes = tree.xattrs.AreaBytes(inode.xattrs);
    if (xattr_bytes > kMaxXattrArea)
      return BuildFailure(tree.PathOf(i), "extended attributes take more than 262148 bytes");
    plan.inodes[i].xattr_bytes = static_cast<std::uint32_t>(xattr_bytes);
  }
  return plan;
}

}  // namespace amberfs
