// Judges one inode and what hangs on it alone: where its data lies, a symbolic link's target, its
// extended attributes. Directory entries are the Checker's business.
//
//   INO-10, INO-11, FLAT-*, CHK-2 to CHK-4, Z-1 to Z-15, LNK-*, XA-1 to XA-6, XA-8 to XA-11
#ifndef AMBERFS_FSCK_INODE_CHECKER_H_
#define AMBERFS_FSCK_INODE_CHECKER_H_

#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "format/inode.h"
#include "fsck/budget.h"
#include "fsck/report.h"
#include "image/image.h"
#include "image/xattr_set.h"

namespace amberfs {

class InodeChecker {
 public:
  // Called for each finding, in the order of discovery.
  using Found = std::function<void(const Error& error, std::string detail)>;

  // Borrows all of them. If `devices_missing`, an address outside of what is there proves nothing:
  // the inode counts as unchecked.
  InodeChecker(const Image& image, Meter& meter, Tally& tally, bool devices_missing)
      : image_(image), meter_(meter), tally_(tally), devices_missing_(devices_missing) {}

  // Checks `inode` and adds it to the tally. Costs O(extents + attributes), and ends early once the
  // meter has stopped. Returns whether all its data can be mapped.
  bool Check(const Inode& inode, const Found& found);

 private:
  void CountInode(const Inode& inode);
  bool CheckExtents(const Inode& inode, const Found& found);
  void CheckXattrs(const Inode& inode, const Found& found);
  void CheckXattrNames(const Inode& inode, const XattrArea& area, const std::vector<Xattr>& xattrs,
                       const Found& found);
  void CheckAcls(const XattrSet& set, const std::vector<Xattr>& xattrs, const Found& found);

  const Image& image_;
  Meter& meter_;
  Tally& tally_;
  bool devices_missing_;
};

}  // namespace amberfs

#endif  // AMBERFS_FSCK_INODE_CHECKER_H_
