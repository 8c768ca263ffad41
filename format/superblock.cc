#include "format/superblock.h"

#include "base/checked.h"
#include "format/crc32c.h"

// Byte offset in the image of a superblock field.
#define FIELD_AT(field) (wire::kSuperblockOffset + offsetof(wire::Superblock, field))

namespace amberfs {
namespace {

constexpr std::uint64_t kSuperblockLimit = 4096;  // Linux reads no further
constexpr std::uint64_t kExtensionOffset = wire::kSuperblockOffset + sizeof(wire::Superblock);

}  // namespace

Result<Superblock> Superblock::Parse(ByteView head, std::uint64_t image_size) {
  const auto raw = CopyWire<wire::Superblock>(head, wire::kSuperblockOffset);
  if (!raw || image_size < wire::kSuperblockOffset + sizeof *raw)
    return Broken(Rule::kSb1, wire::kSuperblockOffset);
  if (raw->magic.get() != wire::kMagic) return Broken(Rule::kSb2, FIELD_AT(magic));
  if (raw->blkszbits < 9 || raw->blkszbits > 16) return Broken(Rule::kSb3, FIELD_AT(blkszbits));

  Superblock sb;
  sb.raw_ = *raw;
  if (!Checked(wire::kSuperblockOffset + sb.size_bytes()).AtMost(image_size) ||
      wire::kSuperblockOffset + sb.size_bytes() > kSuperblockLimit)
    return Broken(Rule::kSb4, FIELD_AT(sb_extslots));
  if ((sb.incompat() & ~wire::kIncompatKnown) != 0)
    return Broken(Rule::kSb5, FIELD_AT(feature_incompat));
  if (raw->dirblkbits != 0) return Broken(Rule::kSb6, FIELD_AT(dirblkbits));

  // The 16 bits at offset 14 are the root nid, or the block count's high bits once the root nid
  // has moved to its 64-bit field.
  const bool wide = sb.has_incompat(wire::kIncompat48Bit) && raw->rootnid_8b.get() != 0;
  sb.root_nid_ = Nid{wide ? raw->rootnid_8b.get() : raw->rootnid_2b.get()};
  sb.blocks_ = raw->blocks_lo.get();
  if (wide) sb.blocks_ |= std::uint64_t{raw->rootnid_2b.get()} << 32;
  const Checked end = Checked(sb.blocks_) << sb.block_bits();
  if (sb.blocks_ == 0 || !end.AtMost(image_size)) return Broken(Rule::kSb7, FIELD_AT(blocks_lo));
  if (raw->meta_blkaddr.get() >= sb.blocks_) return Broken(Rule::kSb8, FIELD_AT(meta_blkaddr));
  if (sb.fixed_nsec() >= 1'000'000'000) return Broken(Rule::kSb12, FIELD_AT(fixed_nsec));
  if (raw->sb_extslots > 0)
    if (const auto slot = CopyWire<wire::FirstExtensionSlot>(head, kExtensionOffset))
      sb.extension_ = *slot;
  if (sb.has_incompat(wire::kIncompatMetabox) && raw->sb_extslots == 0)
    return Broken(Rule::kSb16, FIELD_AT(sb_extslots));
  if (const auto nid = sb.metabox_nid(); nid && nid->in_metabox())
    return Broken(Rule::kSb17, kExtensionOffset);
  if (const auto nid = sb.packed_nid(); nid && nid->in_metabox())
    return Broken(Rule::kSb17, FIELD_AT(packed_nid));
  return sb;
}

bool Superblock::ChecksumMatches(ByteView head) const {
  return !has_compat(wire::kCompatChecksum) ||
         SuperblockChecksum(head, block_bits()) == raw_.checksum.get();
}

std::uint64_t Superblock::size_bytes() const {
  return sizeof raw_ + raw_.sb_extslots * wire::kExtensionSlotBytes;
}

std::uint16_t Superblock::extra_devices() const {
  // The same bit says that a second head algorithm may be used, so it alone proves nothing.
  return has_incompat(wire::kIncompatDeviceTable) ? raw_.extra_devices.get() : std::uint16_t{0};
}

bool Superblock::reserved_is_zero() const {
  return (compat() & ~wire::kCompatKnown) == 0 && AllZero(raw_.reserved1) &&
         AllZero(raw_.reserved2) && AllZero(extension_.reserved);
}

Result<std::uint64_t> Superblock::InodeOffset(Nid nid) const {
  const std::uint64_t meta_start = std::uint64_t{raw_.meta_blkaddr.get()} << block_bits();
  const Checked start = Checked(nid.v) * wire::kSlotBytes + meta_start;
  if (!(start + wire::kSlotBytes).AtMost(blocks_end())) return Broken(Rule::kIno1, meta_start);
  return start.get();
}

}  // namespace amberfs
