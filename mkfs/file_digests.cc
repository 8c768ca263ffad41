#include "mkfs/file_digests.h"

#include <fmt/format.h>

#include <algorithm>

#include "format/xattr_filter.h"
#include "verity/digest_xattr.h"

namespace amberfs {
namespace {

bool IsDigest(const PooledXattr& xattr) {
  static const auto name = SplitAtShortPrefix(kDigestXattr);
  return xattr.index == name.index && xattr.suffix == name.rest;
}

bool HasDigest(const TreeInode& inode) {
  return inode.type() == FileType::kRegular && inode.size > 0;
}

}  // namespace

void ReserveFileDigests(Tree& tree) {
  const auto [index, suffix] = SplitAtShortPrefix(kDigestXattr);
  for (InodeIndex i = 0; i < tree.inodes.size(); ++i) {
    TreeInode& inode = tree.inodes[i];
    std::erase_if(inode.xattrs, [&](XattrId id) { return IsDigest(tree.xattrs[id]); });
    if (!HasDigest(inode)) continue;
    // No other file's, so that the pool does not take them for one.
    const std::string placeholder = fmt::format("{:>{}}", i, kDigestXattrBytes);
    const XattrId id = tree.xattrs.Add(index, suffix, placeholder);
    inode.xattrs.insert(
        std::ranges::upper_bound(inode.xattrs, id,
                                 [&](XattrId a, XattrId b) { return tree.xattrs.Less(a, b); }),
        id);
  }
}

void FillInFileDigests(const ImagePlan& plan, Tree& tree) {
  for (InodeIndex i = 0; i < tree.inodes.size(); ++i) {
    if (!HasDigest(tree.inodes[i])) continue;
    const auto id = std::ranges::find_if(tree.inodes[i].xattrs,
                                         [&](XattrId x) { return IsDigest(tree.xattrs[x]); });
    tree.xattrs[*id].value = plan.inodes[i].digest;
  }
}

}  // namespace amberfs
