// An opened image: the superblock, its devices, and the way to inodes.
//
// Immutable after Open(); every method may be called from any thread. An Image believes nothing
// about the sources' bytes except what its own copies were checked for, and keeps no cache: the
// kernel's page cache is below it, the kernel's dentry and page caches above.
#ifndef AMBERFS_IMAGE_IMAGE_H_
#define AMBERFS_IMAGE_IMAGE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "format/device_table.h"
#include "format/inode.h"
#include "format/superblock.h"
#include "format/xattr.h"
#include "io/byte_source.h"

namespace amberfs {

using SourcePtr = std::shared_ptr<const ByteSource>;

// Bytes on one of the image's sources.
struct Location {
  DeviceId device;           // which source holds them: 0 the primary, k the k-th extra one
  std::uint64_t offset = 0;  // in bytes, on that source
};

class Image {
 public:
  // Opens the image on `primary`, untrusted, with the sources of its extra devices in the order of
  // the device table: all of them, or none (then the primary may hold all devices one after the
  // other). Reads the superblock (rules SB-*), checksum, device table (DEV-*), long xattr prefixes
  // (XA-7) and the root inode, in this order, and fails with the first rule broken.
  static Result<Image> Open(SourcePtr primary, std::vector<SourcePtr> extra = {},
                            const Limits& limits = {});

  const Superblock& sb() const { return sb_; }
  const Limits& limits() const { return limits_; }
  const XattrPrefixTable& xattr_prefixes() const { return xattr_prefixes_; }
  const std::vector<DeviceSlot>& device_slots() const { return device_slots_; }
  std::uint64_t primary_size() const { return primary_->size(); }

  // Decodes inode `nid`, which may come straight from the image. Fails with INO-*, CHK-1 or kIo.
  Result<Inode> ReadInode(Nid nid) const;

  // Copies metadata, which lies on the primary device below blocks_end(); fails with `rule` at
  // `offset` if the range does not.
  Result<void> ReadMetadata(std::uint64_t offset, ByteSpan out, Rule rule) const;

  // Where `bytes` bytes of data at byte `address` of `device` lie. `address` counts from the
  // device's start; on device 0 it is an address in the unified space, which covers all devices.
  // Nothing if the whole range does not lie inside one device.
  std::optional<Location> FindData(DeviceId device, std::uint64_t address,
                                   std::uint64_t bytes) const;

  // Whether data on `device` can be read: it was given, or the primary holds it as well.
  bool has_device(DeviceId device) const;

  // Copies data from where FindData() or an Extent says.
  Result<void> ReadData(Location from, ByteSpan out) const;

 private:
  Image(SourcePtr primary, const Superblock& sb, const Limits& limits)
      : primary_(std::move(primary)), sb_(sb), limits_(limits) {}
  Result<void> OpenDevices(std::vector<SourcePtr> extra);
  Result<void> ReadXattrPrefixes();
  std::uint64_t DeviceBytes(std::size_t slot) const {
    return device_slots_[slot].blocks << sb_.block_bits();
  }

  SourcePtr primary_;
  std::vector<SourcePtr> extra_;  // empty, or one for each slot
  Superblock sb_;
  std::vector<DeviceSlot> device_slots_;
  XattrPrefixTable xattr_prefixes_;
  Limits limits_;
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_IMAGE_H_
