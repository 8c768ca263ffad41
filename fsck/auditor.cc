#include "fsck/auditor.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstddef>

#include "base/text.h"
#include "format/wire.h"
#include "image/file_reader.h"
#include "image/xattr_set.h"

namespace amberfs {
namespace {

constexpr std::string_view kCapability = "security.capability";

constexpr std::uint64_t kModeField = offsetof(wire::InodeExtended, mode);
static_assert(kModeField == offsetof(wire::InodeCompact, mode));

bool IsOverlayXattr(std::string_view name) {
  return name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.");
}

bool Contains(const AuditPolicy::IdRanges& ranges, std::uint32_t id) {
  return ranges.empty() || std::ranges::any_of(ranges, [id](const auto& range) {
           return id >= range.first && id <= range.second;
         });
}

// How far a link's target climbs above where it starts, at its highest.
std::uint64_t Climb(std::string_view target) {
  std::uint64_t below = 0;
  std::uint64_t highest = 0;
  while (!target.empty()) {
    const std::size_t end = std::min(target.find('/'), target.size());
    const std::string_view name = target.substr(0, end);
    target.remove_prefix(std::min(end + 1, target.size()));
    if (name.empty() || name == ".") continue;
    if (name != "..")
      ++below;
    else if (below > 0)
      --below;
    else
      ++highest;
  }
  return highest;
}

}  // namespace

void Auditor::CheckInode(const Inode& inode, const Found& found) {
  const std::uint64_t mode_at = inode.offset() + kModeField;
  const auto refuse = [&](Rule rule, std::string detail) {
    found(Broken(rule, mode_at).error(), std::move(detail));
  };
  const std::string mode = fmt::format("mode {:04o}", inode.mode() & 07777);
  if (!policy_.allow_set_id && inode.type() == FileType::kRegular &&
      (inode.mode() & (S_ISUID | S_ISGID)) != 0)
    refuse(Rule::kAud1, mode);

  if (inode.is_device()) {
    const std::string device =
        fmt::format("device {}:{}", inode.device_major(), inode.device_minor());
    const bool whiteout = inode.type() == FileType::kCharDevice && inode.device_major() == 0 &&
                          inode.device_minor() == 0;
    if (whiteout && !policy_.allow_whiteouts) refuse(Rule::kAud7, device);
    if (!whiteout && !policy_.allow_devices) refuse(Rule::kAud3, device);
  }

  // Who can write to a sticky directory cannot replace what others have there.
  const bool sticky = inode.is_directory() && (inode.mode() & S_ISVTX) != 0;
  if (!policy_.allow_world_writable && inode.type() != FileType::kSymlink && !sticky &&
      (inode.mode() & S_IWOTH) != 0)
    refuse(Rule::kAud4, mode);

  if (!Contains(policy_.owners, inode.uid()) || !Contains(policy_.groups, inode.gid()))
    refuse(Rule::kAud10, fmt::format("owner {}:{}", inode.uid(), inode.gid()));
  CheckXattrs(inode, found);
}

void Auditor::CheckXattrs(const Inode& inode, const Found& found) {
  if (inode.xattr_bytes() == 0 || !meter_.PayRead(inode.xattr_bytes())) return;
  const auto set = XattrSet::Read(image_, inode);
  if (!set) return;
  const XattrArea& area = *set->area();
  if (!meter_.PayRead((area.inline_entries.size() + area.shared_ids.size()) * Meter::kMinBytes))
    return;
  const auto xattrs = set->List();
  if (!xattrs) return;
  for (const Xattr& xattr : *xattrs) {
    const auto refuse = [&](Rule rule) {
      found(Broken(rule, xattr.location.offset).error(), Printable(xattr.name));
    };
    if (xattr.name == kCapability) {
      if (!policy_.allow_file_capabilities) refuse(Rule::kAud2);
    } else if (IsOverlayXattr(xattr.name)) {
      if (!policy_.allow_overlay_xattrs) refuse(Rule::kAud8);
    } else if (!Allows(xattr.name)) {
      refuse(Rule::kAud9);
    }
  }
}

bool Auditor::Allows(std::string_view xattr) const {
  return std::ranges::any_of(policy_.xattrs, [xattr](std::string_view allowed) {
    return allowed.ends_with('.') ? xattr.starts_with(allowed) : xattr == allowed;
  });
}

void Auditor::CheckLink(const Inode& inode,
                        const std::function<std::uint64_t(std::uint64_t max)>& depth,
                        const Found& found) {
  if (policy_.allow_absolute_links && policy_.allow_escaping_links) return;
  if (!meter_.PayRead(inode.size())) return;
  const auto target = ReadSymlink(image_, inode);
  if (!target) return;
  const bool absolute = target->starts_with('/');
  if (absolute && !policy_.allow_absolute_links)
    found(Broken(Rule::kAud5, inode.offset()).error(), Printable(*target));
  const std::uint64_t climb = Climb(*target);
  if (climb > 0 && !policy_.allow_escaping_links && (absolute || depth(climb) < climb))
    found(Broken(Rule::kAud6, inode.offset()).error(), Printable(*target));
}

void Auditor::CheckTotals(const Tally& tally, const Found& found) {
  const auto refuse = [&](const std::string& detail) {
    found(Broken(Rule::kAud11, Error::kNowhere).error(), detail);
  };
  if (policy_.max_inodes != 0 && tally.inodes > policy_.max_inodes)
    refuse(fmt::format("{} inodes", tally.inodes));
  std::uint64_t bytes = 0;
  if (__builtin_add_overflow(tally.data_bytes, tally.hole_bytes, &bytes)) bytes = ~bytes;
  if (policy_.max_bytes != 0 && bytes > policy_.max_bytes) refuse(fmt::format("{} bytes", bytes));
}

}  // namespace amberfs
