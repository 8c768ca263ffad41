// Extended attributes of a whole tree, each stored once.
//
// Most trees have few distinct attributes (one SELinux label for thousands of files), so inodes
// refer to sets of attributes, and sets to attributes, by number. Attributes are byte-exact.
#ifndef AMBERFS_MKFS_XATTR_POOL_H_
#define AMBERFS_MKFS_XATTR_POOL_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace amberfs {

struct Xattr {
  std::string name;   // in full: "user.mime_type"
  std::string value;  // any bytes
};

using XattrId = std::uint32_t;
using XattrSetId = std::uint32_t;
inline constexpr XattrSetId kNoXattrs = ~XattrSetId{0};

class XattrPool {
 public:
  // The number of the set that holds exactly `attributes`, in any order but with unique names;
  // kNoXattrs for none.
  XattrSetId Intern(const std::vector<Xattr>& attributes);

  std::uint32_t attribute_count() const { return static_cast<std::uint32_t>(by_id_.size()); }
  std::uint32_t set_count() const { return static_cast<std::uint32_t>(sets_.size()); }
  std::string_view name(XattrId id) const { return by_id_[id]->first; }
  std::string_view value(XattrId id) const { return by_id_[id]->second; }
  // Ascending by the bytes of the full name.
  const std::vector<XattrId>& set(XattrSetId id) const { return *sets_[id]; }

 private:
  using Attribute = std::pair<std::string, std::string>;
  struct Hash {
    std::size_t operator()(const Attribute& attribute) const;
  };

  // Both maps are node-based: the pointers into them stay good.
  std::unordered_map<Attribute, XattrId, Hash> ids_;
  std::vector<const Attribute*> by_id_;
  std::map<std::vector<XattrId>, XattrSetId> set_ids_;
  std::vector<const std::vector<XattrId>*> sets_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_XATTR_POOL_H_
