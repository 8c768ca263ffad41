// The superblock: where decoding starts, and the last structure that is read without knowing the
// block size.
//
// A Superblock exists only if its bytes obey the rules below, so code that holds one never checks
// them again. That makes an image well formed, not authentic.
//
//   SB-1   the image holds at least 1152 bytes
//   SB-2   magic is 0xE0F5E1E2
//   SB-3   the block size is 2^9 .. 2^16 bytes
//   SB-4   the superblock with its extension slots ends by byte 4096 and inside the image
//   SB-5   every incompatible feature bit is one that we know (kUnsupported)
//   SB-6   dirblkbits is 0
//   SB-7   the blocks that the image claims are at least one and lie in the image
//   SB-8   the metadata area starts among those blocks
//   SB-12  fixed_nsec is below 1e9
//   SB-16  an image with a metabox names its inode
//   SB-17  the metabox and packed inodes lie outside the metabox
//
// The checksum (SB-9) needs the whole first block: ChecksumMatches().
// Immutable and self-contained: copy it and share it between threads freely.
#ifndef AMBERFS_FORMAT_SUPERBLOCK_H_
#define AMBERFS_FORMAT_SUPERBLOCK_H_

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "format/units.h"
#include "format/wire.h"

namespace amberfs {

class Superblock {
 public:
  // The image's first kHeadBytes (or all of it) hold the superblock and whatever its checksum
  // covers.
  static constexpr std::uint64_t kHeadBytes = 65536;

  // Decodes the superblock in `head`, the first bytes of an image of `image_size` bytes, both
  // untrusted. Copies each byte out of `head` once, keeps no reference to it, allocates nothing.
  //
  // Fails with kCorrupt or kUnsupported, naming the rule and the offset of the field that broke it.
  // Rules are tried in the order above; the first to fail wins.
  static Result<Superblock> Parse(ByteView head, std::uint64_t image_size);

  // SB-9. `head` holds at least SuperblockChecksumEnd(block_bits()) bytes from the image's start.
  // True as well if the image carries no checksum.
  bool ChecksumMatches(ByteView head) const;

  const wire::Superblock& raw() const { return raw_; }
  unsigned block_bits() const { return raw_.blkszbits; }
  std::uint64_t block_size() const { return std::uint64_t{1} << block_bits(); }
  // The primary device's size in blocks, and the end of its last block in bytes; never past the
  // image's own end. All metadata lies below it.
  std::uint64_t blocks() const { return blocks_; }
  std::uint64_t blocks_end() const { return blocks_ << block_bits(); }
  std::uint64_t size_bytes() const;  // of the superblock itself, with extension slots

  Nid root_nid() const { return root_nid_; }
  std::uint64_t inodes() const { return raw_.inos.get(); }
  std::int64_t epoch() const { return static_cast<std::int64_t>(raw_.epoch.get()); }
  std::uint32_t fixed_nsec() const { return raw_.fixed_nsec.get(); }
  std::uint32_t build_time() const { return raw_.build_time.get(); }
  const std::array<std::byte, 16>& uuid() const { return raw_.uuid; }
  const std::array<char, 16>& volume_name() const { return raw_.volume_name; }

  std::uint32_t compat() const { return raw_.feature_compat.get(); }
  std::uint32_t incompat() const { return raw_.feature_incompat.get(); }
  bool has_compat(std::uint32_t bit) const { return (compat() & bit) != 0; }
  bool has_incompat(std::uint32_t bit) const { return (incompat() & bit) != 0; }

  // Extra devices and where their table starts, in bytes; 0 devices if the image has no table.
  std::uint16_t extra_devices() const;
  std::uint64_t device_table_offset() const { return std::uint64_t{raw_.devt_slotoff.get()} * 128; }

  // Where shared xattr id 0 lies; untrusted, may be past the image's end.
  std::uint64_t shared_xattrs_offset() const {
    return std::uint64_t{raw_.xattr_blkaddr.get()} << block_bits();
  }
  // Long xattr name prefixes: how many, and their start in bytes untrusted.
  unsigned xattr_prefix_count() const { return raw_.xattr_prefix_count; }
  std::uint64_t xattr_prefixes_offset() const {
    return std::uint64_t{raw_.xattr_prefix_start.get()} * 4;
  }
  // h_name_filter of inodes may be trusted to mean what this code knows.
  bool xattr_filter_usable() const {
    return has_compat(wire::kCompatXattrFilter) && raw_.xattr_filter_reserved == 0;
  }
  // The inode whose data holds fragments of other files' data; nothing if the image has none.
  std::optional<Nid> packed_nid() const {
    if (!has_incompat(wire::kIncompatFragments) || raw_.packed_nid.get() == 0) return std::nullopt;
    return Nid{raw_.packed_nid.get()};
  }
  // The inode whose data holds other inodes; nothing if the image has none.
  std::optional<Nid> metabox_nid() const {
    if (!has_incompat(wire::kIncompatMetabox)) return std::nullopt;
    return Nid{extension_.metabox_nid.get()};
  }
  // The algorithms' bits, or LZ4's largest distance: see CompressionConfigs.
  std::uint16_t compression_field() const { return raw_.compression.get(); }

  // Reserved bytes and unknown compatible bits are zero (SB-13).
  bool reserved_is_zero() const;

  // Where inode `nid`, which is not in the metabox, starts. `nid` may come straight from an image.
  // Fails with INO-1 unless the inode's first 32 bytes end by blocks_end().
  Result<std::uint64_t> InodeOffset(Nid nid) const;

 private:
  Superblock() = default;  // Parse() is the only way in.

  wire::Superblock raw_;
  wire::FirstExtensionSlot extension_{};  // zero if the image has none
  std::uint64_t blocks_ = 0;
  Nid root_nid_;
};

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_SUPERBLOCK_H_
