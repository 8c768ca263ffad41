// Judges one inode and what hangs on it alone: where its data lies, a symbolic link's target, its
// extended attributes. Directory entries are the Checker's business.
//
// Notes where all of that lies in a SpaceMap.
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
#include "fsck/space_map.h"
#include "image/image.h"
#include "image/mapper.h"
#include "image/xattr_set.h"

namespace amberfs {

class InodeChecker {
 public:
  // Called for each finding, in the order of discovery.
  using Found = std::function<void(const Error& error, std::string detail)>;

  // Borrows all of them. If `devices_missing`, an address outside of what is there proves nothing:
  // the inode counts as unchecked.
  InodeChecker(const Image& image, Meter& meter, Tally& tally, SpaceMap& space,
               bool devices_missing)
      : image_(image),
        meter_(meter),
        tally_(tally),
        space_(space),
        devices_missing_(devices_missing) {}

  struct Outcome {
    bool readable;  // all its data can be mapped
    bool located;   // and everything else that hangs on it was found: the map holds all of it
  };
  // Checks `inode`, which the space map is to know as `owner`, and adds it to the tally. Costs
  // O(extents + attributes), and ends early once the meter has stopped.
  Outcome Check(const Inode& inode, std::uint32_t owner, const Found& found);

 private:
  void CountInode(const Inode& inode);
  bool CheckExtents(const Inode& inode, const Found& found);
  // Notes what takes bytes: false once the meter has stopped.
  bool Claim(const Inode& inode, Location where, std::uint64_t bytes, Part part,
             Sharing sharing = Sharing::kNone);
  bool ClaimExtent(const Inode& inode, const Extent& extent);
  bool ClaimIndex(const Inode& inode, const Mapper& mapper);
  bool ClaimSharedXattr(const XattrLocation& entry);
  bool CheckXattrs(const Inode& inode, const Found& found);  // whether they were located
  void CheckXattrNames(const Inode& inode, const XattrArea& area, const std::vector<Xattr>& xattrs,
                       const Found& found);
  void CheckAcls(const XattrSet& set, const std::vector<Xattr>& xattrs, const Found& found);

  const Image& image_;
  Meter& meter_;
  Tally& tally_;
  SpaceMap& space_;
  bool devices_missing_;
  std::uint32_t owner_ = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_FSCK_INODE_CHECKER_H_
