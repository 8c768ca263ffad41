// An opened image: the superblock, its devices, and the way to inodes.
//
// Immutable after Open(); every method may be called from any thread. An Image believes nothing
// about the sources' bytes except what its own copies were checked for. It keeps what it decoded
// (Limits::cache_bytes) and nothing else: the kernel's page cache is below it, the kernel's dentry
// and page caches above.
#ifndef AMBERFS_IMAGE_IMAGE_H_
#define AMBERFS_IMAGE_IMAGE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "format/compression_configs.h"
#include "format/device_table.h"
#include "format/inode.h"
#include "format/superblock.h"
#include "format/xattr.h"
#include "image/extent.h"
#include "io/block_cache.h"
#include "io/byte_source.h"

namespace amberfs {

using SourcePtr = std::shared_ptr<const ByteSource>;

class Image {
 public:
  // Opens the image on `primary`, untrusted, with the sources of its extra devices in the order of
  // the device table: all of them, or none (then the primary may hold all devices one after the
  // other). Reads the superblock (rules SB-*), checksum, compression configurations (CFG-*), device
  // table (DEV-*), the metabox and packed inodes, long xattr prefixes (XA-7) and the root inode, in
  // this order, and fails with the first rule broken.
  static Result<Image> Open(SourcePtr primary, std::vector<SourcePtr> extra = {},
                            const Limits& limits = {});

  const Superblock& sb() const { return sb_; }
  const Limits& limits() const { return limits_; }
  const XattrPrefixTable& xattr_prefixes() const { return xattr_prefixes_; }
  // Their metadata address; nothing if there are none, or in the packed inode's data.
  std::optional<std::uint64_t> xattr_prefixes_address() const { return xattr_prefixes_address_; }
  const std::vector<DeviceSlot>& device_slots() const { return device_slots_; }
  std::uint64_t primary_size() const { return primary_->size(); }

  const CompressionConfigs& compression() const { return compression_; }
  // The inode that holds fragments of other files' data, if the image has one.
  const std::optional<Inode>& packed() const { return packed_; }
  // Decoded pclusters.
  BlockCache& cache() const { return *cache_; }
  // How many bytes were decoded so far, for whatever reason: what a hostile image makes many of.
  std::atomic<std::uint64_t>& decoded_bytes() const { return *decoded_bytes_; }

  // The metadata address of inode `nid`, which may come straight from the image. Fails with INO-1
  // or INO-12.
  Result<std::uint64_t> InodeOffset(Nid nid) const;

  // Decodes inode `nid`, which may come straight from the image. Fails with INO-*, CHK-1 or kIo.
  Result<Inode> ReadInode(Nid nid) const;

  // Where the metadata among which `address` lies ends: that on the primary device with its blocks,
  // that in the metabox with the metabox inode's data.
  std::uint64_t MetadataEnd(std::uint64_t address) const {
    return InMetabox(address) ? kMetaboxAddress + metabox_bytes() : sb_.blocks_end();
  }
  // Copies metadata, which lies below MetadataEnd(); fails with `rule` at `address` if the range
  // does not.
  Result<void> ReadMetadata(std::uint64_t address, ByteSpan out, Rule rule) const;

  // Where `bytes` bytes of data at byte `address` of `device` lie. `address` counts from the
  // device's start; on device 0 it is an address in the unified space, which covers all devices.
  // Nothing if the whole range does not lie inside one device.
  std::optional<Location> FindData(DeviceId device, std::uint64_t address,
                                   std::uint64_t bytes) const;

  // Whether data on `device` can be read: it was given, or the primary holds it as well.
  bool has_device(DeviceId device) const;

  // The source that `where` lies on, unless that is the metabox.
  const ByteSource& SourceOf(Location where) const {
    return where.device.v == 0 ? *primary_ : *extra_[where.device.v - 1U];
  }
  // Its end: what lies before it can be read.
  std::uint64_t DataEnd(Location where) const;
  // Copies data from where FindData() or an Extent says.
  Result<void> ReadData(Location from, ByteSpan out) const;

 private:
  Image(SourcePtr primary, const Superblock& sb, const CompressionConfigs& compression,
        const Limits& limits)
      : primary_(std::move(primary)),
        sb_(sb),
        compression_(compression),
        limits_(limits),
        cache_(std::make_unique<BlockCache>(limits.cache_bytes)),
        decoded_bytes_(std::make_unique<std::atomic<std::uint64_t>>(0)) {}
  Result<void> OpenDevices(std::vector<SourcePtr> extra);
  // An inode that only the superblock names; `field` is where.
  Result<Inode> ReadOwnInode(Nid nid, std::uint64_t field) const;
  // At most 2^62, so that what follows an inode at its end is still a number in the metabox.
  std::uint64_t metabox_bytes() const {
    return metabox_ ? std::min(metabox_->size(), kMetaboxAddress >> 1) : 0;
  }
  Result<void> ReadXattrPrefixes();
  std::uint64_t DeviceBytes(std::size_t slot) const {
    return device_slots_[slot].blocks << sb_.block_bits();
  }

  SourcePtr primary_;
  std::vector<SourcePtr> extra_;  // empty, or one for each slot
  Superblock sb_;
  CompressionConfigs compression_;
  std::vector<DeviceSlot> device_slots_;
  std::optional<Inode> metabox_;
  std::optional<Inode> packed_;
  XattrPrefixTable xattr_prefixes_;
  std::optional<std::uint64_t> xattr_prefixes_address_;
  Limits limits_;
  std::unique_ptr<BlockCache> cache_;
  std::unique_ptr<std::atomic<std::uint64_t>> decoded_bytes_;  // there, as an Image may be moved
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_IMAGE_H_
