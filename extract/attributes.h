// What of an inode's owner, mode, attributes and time its copy gets.
//
// Nobody may do more with a copy than with the original:
//
//   * set-user-id, set-group-id and file capabilities are left out unless asked for;
//   * an access ACL is kept only where owners are, since it names users; without it, group and
//     others get no permission that it denies to anybody;
//   * an ACL that it got from the host's directory in which it was made goes;
//   * whatever cannot be given is left out such that this holds: without its owner a copy has none
//     of its permissions.
#ifndef AMBERFS_EXTRACT_ATTRIBUTES_H_
#define AMBERFS_EXTRACT_ATTRIBUTES_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "format/inode.h"
#include "image/image.h"

namespace amberfs {

enum class OwnerPolicy : std::uint8_t {
  kKeep,  // the image's owners
  kMe,    // whoever extracts owns everything
};

enum class XattrPolicy : std::uint8_t {
  kNone,
  kUser,  // user.*, and ACLs where owners are kept
  kAll,   // also trusted.* and security.*
};

struct AttributePolicy {
  OwnerPolicy owner = OwnerPolicy::kMe;
  XattrPolicy xattrs = XattrPolicy::kUser;
  bool set_id = false;
};

// What a copy gets.
struct Attributes {
  struct Named {
    std::string name;
    std::string value;
  };
  FileType type = FileType::kUnknown;
  std::optional<uid_t> uid = {};  // with gid; nothing where the owner is not kept
  std::optional<gid_t> gid = {};
  mode_t mode = 0;              // permissions only
  mode_t mode_without_acl = 0;  // the same, or less, if an ACL among `xattrs` cannot be set
  std::vector<Named> xattrs = {};
  std::int64_t mtime = 0;
  std::uint32_t mtime_nsec = 0;

  std::uint64_t bytes() const;  // of names and values
};

// Fails if the attributes of `inode` are broken, except under XattrPolicy::kNone: then it goes
// without them, and without permissions for anybody but the owner, since an ACL may be among them.
Result<Attributes> ReadAttributes(const Image& image, const Inode& inode,
                                  const AttributePolicy& policy);

// Gives a new copy what it gets. `fd` is the copy, an O_PATH descriptor of one if it is neither a
// file nor a directory; it has no permissions for others yet. Calls complain("owner 70000:0", why)
// for each thing that the system refuses. False if that leaves the copy to somebody else: it then
// keeps its closed mode, and should not be used.
using Complain = std::function<void(const std::string& what, const Error& why)>;
bool ApplyAttributes(const Attributes& attributes, int fd, const Complain& complain);

}  // namespace amberfs

#endif  // AMBERFS_EXTRACT_ATTRIBUTES_H_
