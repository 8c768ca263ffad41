// Numbers that look alike and must never mix.
#ifndef AMBERFS_FORMAT_UNITS_H_
#define AMBERFS_FORMAT_UNITS_H_

#include <compare>
#include <cstdint>

namespace amberfs {

// An inode number on disk: the inode's 32-byte slot, counted from the metadata area's start.
struct Nid {
  // Set on inodes that live in the metabox inode's data.
  static constexpr std::uint64_t kMetaboxBit = std::uint64_t{1} << 63;
  std::uint64_t v = 0;
  bool in_metabox() const { return (v & kMetaboxBit) != 0; }
  friend auto operator<=>(const Nid&, const Nid&) = default;
};

// A place among the metadata, in bytes: on the primary device, or with this bit set in the metabox
// inode's data. Inodes, attributes and indexes are found by such addresses, and everything that is
// said of an inode's offset holds for both: nothing can tell where it lies but who reads it.
inline constexpr std::uint64_t kMetaboxAddress = std::uint64_t{1} << 63;
constexpr bool InMetabox(std::uint64_t metadata_address) {
  return (metadata_address & kMetaboxAddress) != 0;
}

// A block's number on its device, in units of the image's block size.
struct BlockAddr {
  std::uint64_t v = 0;
  friend auto operator<=>(const BlockAddr&, const BlockAddr&) = default;
};

// 0 is the primary device, k > 0 the device of slot k - 1 in the device table.
struct DeviceId {
  std::uint16_t v = 0;
  friend auto operator<=>(const DeviceId&, const DeviceId&) = default;
};

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_UNITS_H_
