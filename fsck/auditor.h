// Judges well-formed inodes by a policy: whether anybody would want them.
//
//   AUD-1 to AUD-11
#ifndef AMBERFS_FSCK_AUDITOR_H_
#define AMBERFS_FSCK_AUDITOR_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "format/inode.h"
#include "fsck/audit_policy.h"
#include "fsck/budget.h"
#include "fsck/report.h"
#include "image/image.h"

namespace amberfs {

class Auditor {
 public:
  using Found = std::function<void(const Error& error, std::string detail)>;

  // Borrows all of them.
  Auditor(const Image& image, const AuditPolicy& policy, Meter& meter)
      : image_(image), policy_(policy), meter_(meter) {}

  // Judges what the inode alone says: once, whatever number of names it has. What cannot be read
  // is passed over; that has been said.
  void CheckInode(const Inode& inode, const Found& found);

  // Judges the symbolic link `inode` as found in a directory that lies depth() directories below
  // the root. For each name, since that decides where the link leads. Goes by the text alone: each
  // ".." is taken to go up by one, whatever stands before it.
  void CheckLink(const Inode& inode, const std::function<std::uint64_t(std::uint64_t max)>& depth,
                 const Found& found);

  void CheckTotals(const Tally& tally, const Found& found);

 private:
  void CheckXattrs(const Inode& inode, const Found& found);
  bool Allows(std::string_view xattr) const;

  const Image& image_;
  const AuditPolicy& policy_;
  Meter& meter_;
};

}  // namespace amberfs

#endif  // AMBERFS_FSCK_AUDITOR_H_
