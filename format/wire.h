// On-disk structures as they lie: every field untrusted, every struct an array of bytes.
//
// docs/format.md explains the fields and prints the same offsets.
#ifndef AMBERFS_FORMAT_WIRE_H_
#define AMBERFS_FORMAT_WIRE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace amberfs::wire {

inline constexpr std::uint64_t kSuperblockOffset = 1024;
inline constexpr std::uint32_t kMagic = 0xE0F5E1E2;
inline constexpr std::uint64_t kSlotBytes = 32;  // inodes are aligned to it; nids count it

// feature_compat: a reader may ignore these, but bits 3 and 4 change where xattrs are found.
inline constexpr std::uint32_t kCompatChecksum = 0x01;
inline constexpr std::uint32_t kCompatMtime = 0x02;
inline constexpr std::uint32_t kCompatXattrFilter = 0x04;
inline constexpr std::uint32_t kCompatSharedXattrsInMetabox = 0x08;
inline constexpr std::uint32_t kCompatPlainXattrPrefixes = 0x10;
inline constexpr std::uint32_t kCompatInodeShareXattrs = 0x20;
inline constexpr std::uint32_t kCompatKnown = 0x3F;

// feature_incompat: a reader must refuse what it does not know.
inline constexpr std::uint32_t kIncompatZeroPadding = 0x001;
inline constexpr std::uint32_t kIncompatCompressionConfigs = 0x002;  // also BIG_PCLUSTER
inline constexpr std::uint32_t kIncompatChunkedFile = 0x004;
inline constexpr std::uint32_t kIncompatDeviceTable = 0x008;  // also COMPR_HEAD2
inline constexpr std::uint32_t kIncompatTailPacking = 0x010;
inline constexpr std::uint32_t kIncompatFragments = 0x020;  // also DEDUPE
inline constexpr std::uint32_t kIncompatXattrPrefixes = 0x040;
inline constexpr std::uint32_t kIncompat48Bit = 0x080;
inline constexpr std::uint32_t kIncompatMetabox = 0x100;
inline constexpr std::uint32_t kIncompatKnown = 0x1FF;

struct Superblock {
  Le32 magic;
  Le32 checksum;
  Le32 feature_compat;
  std::uint8_t blkszbits;
  std::uint8_t sb_extslots;
  Le16 rootnid_2b;  // or the high 16 bits of the block count; see Superblock::Parse
  Le64 inos;
  Le64 epoch;  // signed seconds
  Le32 fixed_nsec;
  Le32 blocks_lo;
  Le32 meta_blkaddr;
  Le32 xattr_blkaddr;
  std::array<std::byte, 16> uuid;
  std::array<char, 16> volume_name;
  Le32 feature_incompat;
  Le16 compression;  // available_compr_algs or lz4_max_distance
  Le16 extra_devices;
  Le16 devt_slotoff;
  std::uint8_t dirblkbits;
  std::uint8_t xattr_prefix_count;
  Le32 xattr_prefix_start;
  Le64 packed_nid;
  std::uint8_t xattr_filter_reserved;
  std::uint8_t ishare_xattr_prefix_id;
  std::array<std::byte, 2> reserved1;
  Le32 build_time;
  Le64 rootnid_8b;
  std::array<std::byte, 8> reserved2;
};
static_assert(sizeof(Superblock) == 128 && alignof(Superblock) == 1);
static_assert(offsetof(Superblock, blkszbits) == 12);
static_assert(offsetof(Superblock, fixed_nsec) == 32);
static_assert(offsetof(Superblock, uuid) == 48);
static_assert(offsetof(Superblock, feature_incompat) == 80);
static_assert(offsetof(Superblock, xattr_prefix_start) == 92);
static_assert(offsetof(Superblock, packed_nid) == 96);
static_assert(offsetof(Superblock, build_time) == 108);
static_assert(offsetof(Superblock, rootnid_8b) == 112);

inline constexpr std::uint64_t kExtensionSlotBytes = 16;

struct FirstExtensionSlot {
  Le64 metabox_nid;
  std::array<std::byte, 8> reserved;
};
static_assert(sizeof(FirstExtensionSlot) == kExtensionSlotBytes);

struct DeviceSlot {
  std::array<std::byte, 64> tag;
  Le32 blocks_lo;
  Le32 uniaddr_lo;
  Le16 blocks_hi;
  Le16 uniaddr_hi;
  std::array<std::byte, 52> reserved;
};
static_assert(sizeof(DeviceSlot) == 128 && alignof(DeviceSlot) == 1);
static_assert(offsetof(DeviceSlot, blocks_hi) == 72);

// i_format: bit 0 extended, bits 1-3 data layout, bit 4 see kFormatBit4, the rest zero.
inline constexpr std::uint16_t kFormatExtended = 0x01;
inline constexpr unsigned kFormatLayoutShift = 1;
inline constexpr std::uint16_t kFormatLayoutMask = 0x7;
inline constexpr std::uint16_t kFormatBit4 =
    0x10;  // dot omitted; or nlink 1 and i_nb is an address
inline constexpr std::uint16_t kFormatReserved = 0xFFE0;

struct InodeCompact {
  Le16 format;
  Le16 xattr_icount;
  Le16 mode;
  Le16 nb;  // nlink, or the high 16 bits of a block address
  Le32 size;
  Le32 mtime;  // seconds after the superblock's epoch
  Le32 u;
  Le32 ino;
  Le16 uid;
  Le16 gid;
  Le32 reserved;
};
static_assert(sizeof(InodeCompact) == 32 && alignof(InodeCompact) == 1);

struct InodeExtended {
  Le16 format;
  Le16 xattr_icount;
  Le16 mode;
  Le16 nb;
  Le64 size;
  Le32 u;
  Le32 ino;
  Le32 uid;
  Le32 gid;
  Le64 mtime;  // signed seconds since 1970
  Le32 mtime_nsec;
  Le32 nlink;
  std::array<std::byte, 16> reserved;
};
static_assert(sizeof(InodeExtended) == 64 && alignof(InodeExtended) == 1);
static_assert(offsetof(InodeExtended, mtime) == 32);

inline constexpr std::uint16_t kChunkBitsMask = 0x1F;
inline constexpr std::uint16_t kChunkIndexes = 0x20;
inline constexpr std::uint16_t kChunk48Bit = 0x40;
inline constexpr std::uint16_t kChunkReserved = 0xFF80;

struct ChunkIndex {
  Le16 startblk_hi;
  Le16 device_id;
  Le32 startblk_lo;
};
static_assert(sizeof(ChunkIndex) == 8 && alignof(ChunkIndex) == 1);

inline constexpr std::uint32_t kNullBlock32 = 0xFFFFFFFF;
inline constexpr std::uint64_t kNullBlock48 = 0xFFFFFFFFFFFF;

inline constexpr std::uint64_t kMaxPclusterBytes = 1 << 20;

// Compression configurations: which algorithms, and a record for each behind the superblock.
inline constexpr std::uint16_t kCompressionKnown = 0x000F;  // bit = id of the algorithm

struct Lz4Config {
  Le16 max_distance;
  Le16 max_pclusterblks;
  std::array<std::byte, 10> reserved;
};
static_assert(sizeof(Lz4Config) == 14 && alignof(Lz4Config) == 1);

struct LzmaConfig {
  Le32 dict_size;
  Le16 format;
  std::array<std::byte, 8> reserved;
};
static_assert(sizeof(LzmaConfig) == 14 && alignof(LzmaConfig) == 1);

struct DeflateConfig {
  std::uint8_t windowbits;
  std::array<std::byte, 5> reserved;
};
static_assert(sizeof(DeflateConfig) == 6 && alignof(DeflateConfig) == 1);

struct ZstdConfig {
  std::uint8_t format;
  std::uint8_t windowlog;  // less 10
  std::array<std::byte, 4> reserved;
};
static_assert(sizeof(ZstdConfig) == 6 && alignof(ZstdConfig) == 1);

// What opens the index of a compressed file. With kMapWholeFragment in cluster_bits all eight bytes
// are one number; extent records of 16 bytes and more take `low` and the last two bytes.
struct MapHeader {
  Le32 low;  // the fragment's offset, or in its high half the inline pcluster's length
  Le16 advise;
  std::uint8_t algorithms;  // of HEAD1 in the low 4 bits, of HEAD2 in the high ones
  std::uint8_t cluster_bits;
};
static_assert(sizeof(MapHeader) == 8 && alignof(MapHeader) == 1);

inline constexpr std::uint16_t kMapExtents = 0x01;  // in layout 1
inline constexpr std::uint16_t kMap2Byte = 0x01;    // in layout 3
inline constexpr std::uint16_t kMapBigHead1 = 0x02;
inline constexpr std::uint16_t kMapBigHead2 = 0x04;
inline constexpr std::uint16_t kMapInline = 0x08;
inline constexpr std::uint16_t kMapInterlaced = 0x10;
inline constexpr std::uint16_t kMapFragment = 0x20;
inline constexpr std::uint16_t kMapReserved = 0xFFC0;
inline constexpr std::uint8_t kMapAlgorithmsReserved = 0xCC;  // ids have two bits
inline constexpr std::uint8_t kMapClusterBits = 0x0F;
inline constexpr std::uint8_t kMapClusterReserved = 0x70;
inline constexpr std::uint8_t kMapWholeFragment = 0x80;

// A full index entry.
struct ClusterIndex {
  Le16 advise;
  Le16 cluster_offset;
  Le32 u;  // a head's block; else distances, or a block count
};
static_assert(sizeof(ClusterIndex) == 8 && alignof(ClusterIndex) == 1);

inline constexpr std::uint16_t kIndexTypeMask = 0x0003;
inline constexpr std::uint16_t kIndexPartial = 0x8000;
inline constexpr std::uint16_t kIndexReserved = 0x7FFC;
inline constexpr std::uint32_t kIndexBlockCount = 0x800;  // the distance back is a count instead

// An encoded extent; shorter records are a prefix of this, with the address in its low half only.
struct ExtentRecord {
  Le32 plen;  // length in bytes and flags
  Le32 pstart_lo;
  Le32 pstart_hi;
  Le32 lstart_lo;
  Le32 lstart_hi;
  std::array<std::byte, 12> reserved;
};
static_assert(sizeof(ExtentRecord) == 32 && alignof(ExtentRecord) == 1);

inline constexpr std::uint32_t kExtentLength = 0x001FFFFF;
inline constexpr std::uint32_t kExtentReserved = 0x07E00000;
inline constexpr std::uint32_t kExtentPartial = 0x08000000;
inline constexpr unsigned kExtentFormatShift = 28;

struct Dirent {
  Le64 nid;
  Le16 nameoff;
  std::uint8_t file_type;
  std::uint8_t reserved;
};
static_assert(sizeof(Dirent) == 12 && alignof(Dirent) == 1);

struct XattrHeader {
  Le32 name_filter;
  std::uint8_t shared_count;
  std::array<std::byte, 7> reserved;
};
static_assert(sizeof(XattrHeader) == 12 && alignof(XattrHeader) == 1);

struct XattrEntry {
  std::uint8_t name_len;
  std::uint8_t name_index;
  Le16 value_size;
};
static_assert(sizeof(XattrEntry) == 4 && alignof(XattrEntry) == 1);

inline constexpr std::uint8_t kXattrLongPrefix = 0x80;
inline constexpr std::uint8_t kXattrUser = 1;
inline constexpr std::uint8_t kXattrAclAccess = 2;
inline constexpr std::uint8_t kXattrAclDefault = 3;
inline constexpr std::uint8_t kXattrTrusted = 4;
inline constexpr std::uint8_t kXattrSecurity = 6;

// The value of an ACL: its version (4 bytes), then entries.
struct AclEntry {
  Le16 tag;
  Le16 perm;
  Le32 id;
};
static_assert(sizeof(AclEntry) == 8 && alignof(AclEntry) == 1);

inline constexpr std::uint32_t kAclVersion = 2;
inline constexpr std::uint32_t kAclNoId = 0xFFFFFFFF;
// Tags in the order in which the entries of an ACL must stand.
inline constexpr std::uint16_t kAclUserObj = 0x01;
inline constexpr std::uint16_t kAclUser = 0x02;
inline constexpr std::uint16_t kAclGroupObj = 0x04;
inline constexpr std::uint16_t kAclGroup = 0x08;
inline constexpr std::uint16_t kAclMask = 0x10;
inline constexpr std::uint16_t kAclOther = 0x20;

}  // namespace amberfs::wire

#endif  // AMBERFS_FORMAT_WIRE_H_
