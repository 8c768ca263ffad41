// The extended attributes of one inode: inline and shared ones as one list, names in full.
//
//   XA-1 .. XA-6 as in format/xattr.h; XA-2 the area and XA-5 shared entries lie in the image
//
// Inline attributes come before shared ones; of two with one name the first wins, as in Linux.
#ifndef AMBERFS_IMAGE_XATTR_SET_H_
#define AMBERFS_IMAGE_XATTR_SET_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "format/xattr.h"
#include "image/image.h"

namespace amberfs {

struct Xattr {
  std::string name;
  XattrLocation location;
  bool shared = false;
};

class XattrSet {
 public:
  // Reads the area of `inode`; nothing but the area. Borrows the image, not the inode.
  static Result<XattrSet> Read(const Image& image, const Inode& inode);

  // Every attribute that users may see. Fails if any of them is malformed.
  Result<std::vector<Xattr>> List() const;

  // The attribute with this full name; the name filter spares most misses a look.
  Result<std::optional<Xattr>> Find(std::string_view name) const;

  // The bytes of `xattr`, which this set gave out; at most 65535.
  Result<std::string> Value(const Xattr& xattr) const;

  // The decoded area, nothing if the inode has none; and the attributes that List() skips because
  // their prefix is unknown. For fsck.
  const std::optional<XattrArea>& area() const { return area_; }
  Result<std::vector<XattrLocation>> Unknown() const;

 private:
  explicit XattrSet(const Image& image) : image_(image) {}
  Result<XattrLocation> SharedLocation(std::uint32_t id) const;
  // Calls visit(location, name) for each entry, in order, until it returns false.
  template <typename Visit>
  Result<void> ForEach(Visit visit) const;

  const Image& image_;
  std::optional<XattrArea> area_;
  std::uint64_t area_offset_ = 0;
  std::vector<std::byte> area_bytes_;
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_XATTR_SET_H_
