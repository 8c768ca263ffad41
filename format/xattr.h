// Extended attributes: the area behind an inode, single entries, and the long prefix table.
//
//   XA-1  an area is larger than its header
//   XA-3  the shared ids fit into the area
//   XA-4  inline entries end inside the area
//   XA-6  a full name has a suffix where its prefix wants one, no NUL, and at most 255 bytes
//   XA-7  the prefix table is well formed
#ifndef AMBERFS_FORMAT_XATTR_H_
#define AMBERFS_FORMAT_XATTR_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "format/wire.h"

namespace amberfs {

// Entry headers and bodies are 4-byte aligned.
inline constexpr std::uint32_t kXattrAlign = 4;

// The table of long name prefixes; at most 128 items of at most 258 bytes.
class XattrPrefixTable {
 public:
  static constexpr std::uint64_t kMaxBytes = 128 * 260;

  XattrPrefixTable() = default;  // empty
  // Decodes `count` items from the start of `bytes` (untrusted), which lie at `offset` of their
  // space. Fails with XA-7.
  static Result<XattrPrefixTable> Parse(ByteView bytes, unsigned count, std::uint64_t offset);

  struct Item {
    std::uint8_t base_index;  // short prefix
    std::string infix;
  };
  const Item* Find(std::uint8_t index) const {  // index without wire::kXattrLongPrefix
    return index < items_.size() ? &items_[index] : nullptr;
  }

  std::uint64_t bytes() const { return bytes_; }  // that it takes, from its first item on

 private:
  std::vector<Item> items_;
  std::uint64_t bytes_ = 0;
};

// Where one entry lies: its name and value follow its 4-byte header.
struct XattrLocation {
  std::uint8_t name_index = 0;
  std::uint8_t name_bytes = 0;
  std::uint16_t value_bytes = 0;
  std::uint64_t offset = 0;  // of the header, in the image

  std::uint64_t name_offset() const { return offset + sizeof(wire::XattrEntry); }
  std::uint64_t value_offset() const { return name_offset() + name_bytes; }
  std::uint64_t end() const { return value_offset() + value_bytes; }
};

// The decoded area of one inode.
struct XattrArea {
  std::uint32_t name_filter = 0;  // a set bit: no attribute with this bit (xattr_filter.h)
  bool reserved_is_zero = true;
  std::vector<std::uint32_t> shared_ids;      // at most 255
  std::vector<XattrLocation> inline_entries;  // without fillers; all inside the area

  // Decodes `area` (untrusted, at most 262148 bytes), which lies at `offset` in the image. Fails
  // with XA-1, XA-3 or XA-4.
  static Result<XattrArea> Parse(ByteView area, std::uint64_t offset);
};

enum class XattrVisibility : std::uint8_t {
  kVisible,
  kHidden,   // index 0: fillers and attributes for the file system's own use
  kUnknown,  // a prefix that this reader does not know; Linux skips it silently
};

// What `suffix` with prefix `name_index` is called in full. Fails with XA-6 at `offset`.
struct XattrName {
  XattrVisibility visibility = XattrVisibility::kHidden;
  std::string name;
};
Result<XattrName> FullXattrName(const XattrPrefixTable& prefixes, std::uint8_t name_index,
                                std::string_view suffix, std::uint64_t offset);

// XA-11: `value` is an ACL as the kernel stores it in system.posix_acl_* attributes: version 2,
// whole entries, known tags in canonical order, permissions within rwx, ids where the tag wants
// one.
bool IsWellFormedAcl(ByteView value);

// Permissions, each within rwx, that the owning group and others may have where the ACL `value` is
// left out, so that nobody gains what it denies: neither by the group's entry and the mask, nor to
// those whom it names, who then count as group or others. Nothing for an ACL that is malformed.
struct AclCeiling {
  std::uint32_t group = 7;
  std::uint32_t other = 7;
};
AclCeiling CeilingWithoutAcl(ByteView value);

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_XATTR_H_
