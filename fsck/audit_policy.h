// What a place that takes images from strangers does not want in them, however well formed.
#ifndef AMBERFS_FSCK_AUDIT_POLICY_H_
#define AMBERFS_FSCK_AUDIT_POLICY_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/config_file.h"

namespace amberfs {

// As it stands this is the policy "hardened": it refuses all that one can refuse without knowing
// what an image is for.
struct AuditPolicy {
  bool allow_set_id = false;             // AUD-1
  bool allow_file_capabilities = false;  // AUD-2
  bool allow_devices = false;            // AUD-3
  bool allow_world_writable = false;     // AUD-4
  bool allow_absolute_links = false;     // AUD-5
  bool allow_escaping_links = false;     // AUD-6
  bool allow_whiteouts = false;          // AUD-7
  bool allow_overlay_xattrs = false;     // AUD-8
  // Names of attributes, and what names may start with if it ends in "."; AUD-9.
  std::vector<std::string> xattrs = {"user.", "security.", "system.posix_acl_access",
                                     "system.posix_acl_default"};
  // First and last ids; empty: any; AUD-10.
  using IdRanges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  IdRanges owners;
  IdRanges groups;
  // 0: any; AUD-11. Bytes are those of files, directories and links, holes included.
  std::uint64_t max_inodes = 0;
  std::uint64_t max_bytes = 0;

  // Lines "NAME = VALUE" and comments from "#" on; fsck.amber(8) has them. What is not named stays
  // as it is in "hardened". An unknown line is a failure: it may be one that restricts.
  static ConfigResult<AuditPolicy> Parse(std::string_view text);
  // "hardened", or the file of this name.
  static ConfigResult<AuditPolicy> Load(const std::string& name);
};

}  // namespace amberfs

#endif  // AMBERFS_FSCK_AUDIT_POLICY_H_
