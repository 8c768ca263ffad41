// Checks an image: one walk over everything that its root inode reaches, and then the numbers that
// must agree with what the walk counted.
//
// The readers of image/ do the parsing and find what readers must refuse; the checker adds what no
// reader looks at: that names ascend, that directories form a tree, that links and inodes were
// counted. So "clean" means that no read of this image fails as corrupt, as far as that can be told
// without reading file data: its bytes are located, and read and decoded only if asked for.
//
// Nothing is believed, the image may be hostile. Each inode is visited once, whatever number of
// names it has; there is no recursion; time, memory and reads are bounded by a Budget.
//
// Every byte of the image is accounted for: what lies where is noted on the way, and whatever is
// left over has to be zero.
//
//   SB-10, SB-13 to SB-15, INO-9, DIR-4 to DIR-9, SPC-*, CAN-1, LIM-1; the rest through the
//   readers, InodeChecker and Auditor
#ifndef AMBERFS_FSCK_CHECKER_H_
#define AMBERFS_FSCK_CHECKER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "fsck/audit_policy.h"
#include "fsck/auditor.h"
#include "fsck/budget.h"
#include "fsck/data_checker.h"
#include "fsck/inode_checker.h"
#include "fsck/report.h"
#include "fsck/seen_table.h"
#include "fsck/space_map.h"
#include "image/directory.h"
#include "image/image.h"

namespace amberfs {

// How much is looked at; each includes those before it.
enum class CheckLevel : std::uint8_t {
  kQuick,      // what a mount looks at: the superblock and what it names
  kStructure,  // everything that the root leads to, and what lies where
  kData,       // file data, read and decoded
  kStrict,     // whether the image is what its writer's UUID says; warnings count as well
};

// "quick", "structure", "data" or "strict".
std::optional<CheckLevel> CheckLevelFromName(std::string_view name);

struct CheckOptions {
  CheckLevel level = CheckLevel::kStructure;
  Limits limits = {.strict_decoding = true};  // for opening the image
  Budget budget;
  // Findings kept of each rule; the rest are counted.
  std::uint64_t max_findings = 100;
  // What is not wanted, however well formed; needs kStructure. Borrowed; null: all is welcome.
  const AuditPolicy* policy = nullptr;
  unsigned jobs = 0;  // threads that read data; 0: one for each processor
  // Told now and then how many inodes were seen, and then how much of the data was read; and about
  // how many and much there are. May be empty.
  enum class Phase : std::uint8_t { kInodes, kBytes };
  std::function<void(Phase phase, std::uint64_t done, std::uint64_t total)> progress = {};
  // Ends the check soon after it turned true; may be null. A signal handler may set it.
  const std::atomic<bool>* stop = nullptr;
};

// Opens the image on `primary` as Image::Open() does and checks it. An image that cannot be opened
// has that as its only finding.
Report CheckImage(SourcePtr primary, std::vector<SourcePtr> extra = {},
                  const CheckOptions& options = {});

class Checker {
 public:
  // Borrows `image` and whatever `options` point to.
  Checker(const Image& image, const CheckOptions& options);

  Report Run() &&;  // once

 private:
  // What a finding is about: an inode that was seen, or the entry `name` of a directory that was.
  struct Subject {
    std::optional<Nid> nid;
    std::uint32_t seen = SeenTable::kNone;
    std::string_view name = {};
  };
  // The directory whose entries are being checked, and what one tells about the next.
  struct Listing;

  void Add(const Error& error, const Subject& subject, std::string detail = {});
  void Add(Rule rule, std::uint64_t offset, const Subject& subject, std::string detail = {});
  bool Keeps(Rule rule) const { return report_.Count(rule) < options_.max_findings; }
  std::string PathOf(std::uint32_t seen);
  std::string NameOf(std::uint32_t seen) const;

  void CheckTree();
  void CheckSuperblock();
  void CheckDevices();
  void CheckDirectory(std::uint32_t seen);
  void CheckEntries(Listing& listing);
  void CheckOrder(Listing& listing, std::string_view name);
  void CheckDot(Listing& listing, const DirEntry& entry);
  void CheckChild(Listing& listing, const DirEntry& entry);
  void CheckType(const Listing& listing, const DirEntry& entry, FileType type,
                 const Subject& subject);

  // Adds the inode that the entry at `entry_offset` names to seen_, and judges it. Its index, or
  // kNone once the meter has stopped.
  std::uint32_t Discover(const SeenInode& place, std::uint64_t entry_offset);
  void CheckInode(std::uint32_t seen, const Inode& inode);
  void AuditLink(Nid nid, const Subject& subject, std::uint32_t directory);

  void CheckOwnInodes();
  void CheckOwnInode(Nid nid);
  void CheckData();
  void CheckLinkCounts();
  void CheckInodeCount();
  void CheckContentUuid();

  void ClaimOwnParts();
  void CheckSpace();
  void CheckPadding(DeviceId device, std::uint64_t start, std::uint64_t end);
  // What a claim is of: "the superblock", "data of /usr/bin/env".
  std::string NameOf(const Claim& claim);

  const Image& image_;
  const CheckOptions options_;
  Report report_;
  Meter meter_;
  SeenTable seen_;
  SpaceMap space_;
  std::optional<Auditor> auditor_;
  std::uint64_t primary_end_ = 0;  // of all blocks that lie on the primary device
  bool devices_missing_ = false;
  std::vector<Nid> own_files_;  // of the image itself: nobody links to them
  bool whole_tree_ = true;      // every directory and inode could be read so far
  bool whole_map_ = true;       // and every extent could be located
};

}  // namespace amberfs

#endif  // AMBERFS_FSCK_CHECKER_H_
