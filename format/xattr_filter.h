// The 32-bit Bloom filter over an inode's xattr names (docs/format.md, "Name filter").
#ifndef AMBERFS_FORMAT_XATTR_FILTER_H_
#define AMBERFS_FORMAT_XATTR_FILTER_H_

#include <cstdint>
#include <string_view>

namespace amberfs {

// The filter bit of the attribute whose full name is the short prefix `index` (1 to 6) followed by
// `rest`. A set bit in a filter means that no attribute with this bit exists.
unsigned XattrFilterBit(std::uint8_t index, std::string_view rest);

struct SplitXattrName {
  std::uint8_t index;     // short prefix, wire::kXattrUser and so on
  std::string_view rest;  // a view into the name that was split
};

// Splits a full name ("user.mime_type") at its short prefix; index 0 if it has none that the format
// knows. The ACL names are prefixes themselves and leave an empty rest.
SplitXattrName SplitAtShortPrefix(std::string_view name);

// "user." for 1 and so on; empty for an index without a visible name (0, 5, 7 and up).
std::string_view ShortXattrPrefix(std::uint8_t index);

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_XATTR_FILTER_H_
