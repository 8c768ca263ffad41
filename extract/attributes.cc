#include "extract/attributes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "format/xattr.h"
#include "image/xattr_set.h"

namespace amberfs {
namespace {

constexpr std::string_view kAccessAcl = "system.posix_acl_access";
constexpr std::string_view kDefaultAcl = "system.posix_acl_default";
constexpr std::string_view kCapability = "security.capability";
constexpr mode_t kSetId = S_ISUID | S_ISGID;

bool IsWanted(std::string_view name, const AttributePolicy& policy) {
  if (policy.xattrs == XattrPolicy::kNone) return false;
  if (name.starts_with("user.")) return true;
  if (name == kAccessAcl || name == kDefaultAcl) return policy.owner == OwnerPolicy::kKeep;
  // A program with capabilities is a program that runs as somebody else.
  if (name == kCapability && !policy.set_id) return false;
  return policy.xattrs == XattrPolicy::kAll;
}

Result<void> ReadXattrs(const Image& image, const Inode& inode, const AttributePolicy& policy,
                        Attributes& out) {
  AMBERFS_TRY(const XattrSet set, XattrSet::Read(image, inode));
  AMBERFS_TRY(const std::vector<Xattr> list, set.List());
  std::set<std::string_view> seen;  // of two with one name the first counts
  for (const Xattr& xattr : list) {
    if (!seen.insert(xattr.name).second) continue;
    const bool is_acl = xattr.name == kAccessAcl;
    const bool is_wanted = IsWanted(xattr.name, policy);
    if (!is_acl && !is_wanted) continue;
    AMBERFS_TRY(std::string value, set.Value(xattr));
    if (is_acl) {
      const AclCeiling ceiling = CeilingWithoutAcl(AsBytes(value));
      out.mode_without_acl &= ~mode_t{S_IRWXG | S_IRWXO} | ceiling.group << 3 | ceiling.other;
    }
    if (is_wanted) out.xattrs.push_back({xattr.name, std::move(value)});
  }
  return {};
}

bool IsPathOnly(FileType type) {
  return type != FileType::kRegular && type != FileType::kDirectory;
}

// There are no calls that set the mode or an attribute of an O_PATH descriptor. This leads to the
// very file that it is of, also if that is a link.
std::string ProcPath(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

int SetXattr(const Attributes& attributes, int fd, const Attributes::Named& xattr) {
  const char* name = xattr.name.c_str();
  return IsPathOnly(attributes.type)
             ? ::setxattr(ProcPath(fd).c_str(), name, xattr.value.data(), xattr.value.size(), 0)
             : ::fsetxattr(fd, name, xattr.value.data(), xattr.value.size(), 0);
}

int RemoveXattr(const Attributes& attributes, int fd, std::string_view name) {
  return IsPathOnly(attributes.type) ? ::removexattr(ProcPath(fd).c_str(), name.data())
                                     : ::fremovexattr(fd, name.data());
}

bool Has(const Attributes& attributes, std::string_view name) {
  return std::ranges::any_of(attributes.xattrs,
                             [&](const Attributes::Named& xattr) { return xattr.name == name; });
}

// Directories of the host may have a default ACL, which what is made in them gets, and which the
// mode below would open to those whom it names.
bool RemoveForeignAcls(const Attributes& attributes, int fd, const Complain& complain) {
  if (attributes.type == FileType::kSymlink) return true;  // has none
  for (const std::string_view name : {kAccessAcl, kDefaultAcl}) {
    if (name == kDefaultAcl && attributes.type != FileType::kDirectory) continue;
    if (Has(attributes, name) || RemoveXattr(attributes, fd, name) == 0) continue;
    if (errno == ENODATA || errno == EOPNOTSUPP) continue;
    complain("its own access control list", IoError(errno).error());
    return false;
  }
  return true;
}

int SetMode(const Attributes& attributes, int fd, mode_t mode) {
  if (attributes.type == FileType::kSymlink) return 0;  // has none
  return IsPathOnly(attributes.type) ? ::chmod(ProcPath(fd).c_str(), mode) : ::fchmod(fd, mode);
}

}  // namespace

std::uint64_t Attributes::bytes() const {
  std::uint64_t sum = 0;
  for (const Named& xattr : xattrs) sum += xattr.name.size() + xattr.value.size();
  return sum;
}

Result<Attributes> ReadAttributes(const Image& image, const Inode& inode,
                                  const AttributePolicy& policy) {
  Attributes out;
  out.type = inode.type();
  if (policy.owner == OwnerPolicy::kKeep) {
    out.uid = inode.uid();
    out.gid = inode.gid();
  }
  out.mode = inode.mode() & (policy.set_id ? 07777 : 07777 & ~kSetId);
  out.mode_without_acl = out.mode;
  out.mtime = inode.mtime();
  out.mtime_nsec = inode.mtime_nsec();
  if (const auto read = ReadXattrs(image, inode, policy, out); !read) {
    if (policy.xattrs != XattrPolicy::kNone) return std::unexpected(read.error());
    out.mode_without_acl &= ~mode_t{S_IRWXG | S_IRWXO};
  }
  if (!Has(out, kAccessAcl)) out.mode = out.mode_without_acl;
  return out;
}

bool ApplyAttributes(const Attributes& attributes, int fd, const Complain& complain) {
  // First, since it clears set-id bits and capabilities.
  if (attributes.uid && ::fchownat(fd, "", *attributes.uid, *attributes.gid, AT_EMPTY_PATH) != 0) {
    complain(fmt::format("owner {}:{}", *attributes.uid, *attributes.gid), IoError(errno).error());
    return false;
  }
  if (!RemoveForeignAcls(attributes, fd, complain)) return false;
  mode_t mode = attributes.mode;
  for (const Attributes::Named& xattr : attributes.xattrs) {
    if (SetXattr(attributes, fd, xattr) == 0) continue;
    complain("attribute " + Printable(xattr.name), IoError(errno).error());
    if (xattr.name == kAccessAcl) mode = attributes.mode_without_acl;
  }
  if (SetMode(attributes, fd, mode) != 0)
    complain(fmt::format("mode {:04o}", mode), IoError(errno).error());
  const timespec times[2] = {
      {.tv_sec = 0, .tv_nsec = UTIME_OMIT},
      {.tv_sec = attributes.mtime, .tv_nsec = static_cast<long>(attributes.mtime_nsec)}};
  if (::utimensat(fd, "", times, AT_EMPTY_PATH) != 0)
    complain("modification time", IoError(errno).error());
  return true;
}

}  // namespace amberfs
