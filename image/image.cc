#include "image/image.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/checked.h"
#include "format/crc32c.h"
#include "image/file_reader.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kMetaboxNidField = wire::kSuperblockOffset + sizeof(wire::Superblock);
constexpr std::uint64_t kPackedNidField =
    wire::kSuperblockOffset + offsetof(wire::Superblock, packed_nid);

}  // namespace

Result<Image> Image::Open(SourcePtr primary, std::vector<SourcePtr> extra, const Limits& limits) {
  // One read for the superblock and all that its checksum covers, so that both see one copy.
  std::vector<std::byte> head(std::min(primary->size(), Superblock::kHeadBytes));
  AMBERFS_TRY_VOID(primary->ReadAt(0, head));
  AMBERFS_TRY(const Superblock sb, Superblock::Parse(head, primary->size()));
  const std::uint64_t checked_end = SuperblockChecksumEnd(sb.block_bits());
  if (checked_end > head.size())
    return Broken(Rule::kSb7, wire::kSuperblockOffset + offsetof(wire::Superblock, blocks_lo));
  if (!sb.ChecksumMatches(head))
    return Broken(Rule::kSb9, wire::kSuperblockOffset + offsetof(wire::Superblock, checksum));

  AMBERFS_TRY(const CompressionConfigs compression, CompressionConfigs::Parse(sb, head));
  Image image(std::move(primary), sb, compression, limits);
  AMBERFS_TRY_VOID(image.OpenDevices(std::move(extra)));
  if (const auto nid = sb.metabox_nid()) {
    AMBERFS_TRY(image.metabox_, image.ReadOwnInode(*nid, kMetaboxNidField));
  }
  if (const auto nid = sb.packed_nid()) {
    AMBERFS_TRY(image.packed_, image.ReadOwnInode(*nid, kPackedNidField));
  }
  AMBERFS_TRY_VOID(image.ReadXattrPrefixes());
  AMBERFS_TRY(const Inode root, image.ReadInode(sb.root_nid()));
  if (!root.is_directory())
    return Broken(Rule::kSb11, root.offset() + offsetof(wire::InodeCompact, mode));
  return image;
}

Result<void> Image::OpenDevices(std::vector<SourcePtr> extra) {
  const std::uint64_t table = sb_.device_table_offset();
  const std::size_t count = sb_.extra_devices();
  if (count > limits_.max_devices) return Broken(Rule::kDev5, wire::kSuperblockOffset + 86);
  if (!extra.empty() && extra.size() != count)
    return Broken(Rule::kDev2, wire::kSuperblockOffset + 86);
  if (count == 0) return {};

  std::vector<std::byte> bytes(count * sizeof(wire::DeviceSlot));
  AMBERFS_TRY_VOID(ReadMetadata(table, bytes, Rule::kDev1));
  AMBERFS_TRY(device_slots_, ParseDeviceTable(sb_, bytes));
  for (std::size_t i = 0; i < extra.size(); ++i) {
    // Debian 12's mkfs.erofs leaves the slot of a blob device empty: it is as large as it is.
    if (device_slots_[i].blocks == 0)
      device_slots_[i].blocks = extra[i]->size() >> sb_.block_bits();
    if (DeviceBytes(i) > extra[i]->size())
      return Broken(Rule::kDev3, table + i * sizeof(wire::DeviceSlot) + 64);
  }
  extra_ = std::move(extra);
  return {};
}

Result<void> Image::ReadXattrPrefixes() {
  const unsigned count = sb_.xattr_prefix_count();
  if (count == 0) return {};
  const std::uint64_t start = sb_.xattr_prefixes_offset();
  std::vector<std::byte> bytes;

  // The table lies on the device, unless an inode for boxed or packed data could hold it.
  const bool plain = sb_.has_compat(wire::kCompatPlainXattrPrefixes);
  if (!plain && !metabox_ && packed_) {
    bytes.resize(XattrPrefixTable::kMaxBytes);
    AMBERFS_TRY(const std::size_t got, FileReader(*this, *packed_).Read(start, bytes));
    bytes.resize(got);
  } else {
    const std::uint64_t address = !plain && metabox_ ? kMetaboxAddress | start : start;
    if (address >= MetadataEnd(address)) return Broken(Rule::kXa7, wire::kSuperblockOffset + 92);
    bytes.resize(std::min(XattrPrefixTable::kMaxBytes, MetadataEnd(address) - address));
    AMBERFS_TRY_VOID(ReadMetadata(address, bytes, Rule::kXa7));
    xattr_prefixes_address_ = address;
  }
  AMBERFS_TRY(xattr_prefixes_, XattrPrefixTable::Parse(bytes, count, start));
  return {};
}

Result<Inode> Image::ReadOwnInode(Nid nid, std::uint64_t field) const {
  AMBERFS_TRY(Inode inode, ReadInode(nid));
  if (inode.type() != FileType::kRegular) return Broken(Rule::kSb17, field);
  return inode;
}

Result<std::uint64_t> Image::InodeOffset(Nid nid) const {
  if (!nid.in_metabox()) return sb_.InodeOffset(nid);
  if (!metabox_) return Broken(Rule::kIno12, wire::kSuperblockOffset);
  const Checked start = Checked(nid.v & ~Nid::kMetaboxBit) * wire::kSlotBytes;
  if (!(start + wire::kSlotBytes).AtMost(metabox_bytes()))
    return Broken(Rule::kIno1, kMetaboxAddress);
  return kMetaboxAddress | start.get();
}

Result<Inode> Image::ReadInode(Nid nid) const {
  AMBERFS_TRY(const std::uint64_t offset, InodeOffset(nid));
  std::array<std::byte, Inode::kMaxBytes> buffer;
  const ByteSpan bytes =
      std::span(buffer).first(std::min(Inode::kMaxBytes, MetadataEnd(offset) - offset));
  AMBERFS_TRY_VOID(ReadMetadata(offset, bytes, Rule::kIno1));
  return Inode::Parse(sb_, nid, offset, bytes);
}

Result<void> Image::ReadMetadata(std::uint64_t address, ByteSpan out, Rule rule) const {
  if (!(Checked(address) + out.size()).AtMost(MetadataEnd(address))) return Broken(rule, address);
  return ReadData({DeviceId{0}, address}, out);
}

bool Image::has_device(DeviceId device) const {
  if (device.v == 0 || !extra_.empty()) return true;
  const DeviceSlot& slot = device_slots_[device.v - 1U];
  const Checked end = (Checked(slot.first_block) << sb_.block_bits()) + DeviceBytes(device.v - 1U);
  return slot.first_block != 0 && end.AtMost(primary_->size());
}

std::optional<Location> Image::FindData(DeviceId device, std::uint64_t address,
                                        std::uint64_t bytes) const {
  const Checked end = Checked(address) + bytes;
  if (device.v > 0) {
    if (device.v > device_slots_.size()) return std::nullopt;
    const std::size_t slot = device.v - 1U;
    if (!end.AtMost(DeviceBytes(slot))) return std::nullopt;
    if (!extra_.empty()) return Location{device, address};
    // No sources of their own: the primary may hold the devices one after the other.
    const Checked start = Checked(device_slots_[slot].first_block) << sb_.block_bits();
    if (device_slots_[slot].first_block == 0 || !(start + end).AtMost(primary_->size()))
      return std::nullopt;
    return Location{DeviceId{0}, start.get() + address};
  }
  if (end.AtMost(sb_.blocks_end())) return Location{DeviceId{0}, address};
  for (std::size_t slot = 0; slot < device_slots_.size(); ++slot) {
    const Checked start = Checked(device_slots_[slot].first_block) << sb_.block_bits();
    const Checked slot_end = start + DeviceBytes(slot);
    if (device_slots_[slot].first_block == 0 || !slot_end.AtMost(~std::uint64_t{0}) ||
        address < start.get() || !end.AtMost(slot_end.get()))
      continue;
    return FindData(DeviceId{static_cast<std::uint16_t>(slot + 1)}, address - start.get(), bytes);
  }
  return std::nullopt;
}

std::uint64_t Image::DataEnd(Location where) const {
  if (InMetabox(where.offset)) return MetadataEnd(where.offset);
  return SourceOf(where).size();
}

Result<void> Image::ReadData(Location from, ByteSpan out) const {
  if (out.empty()) return {};
  if (InMetabox(from.offset)) {
    // Its own index and tail are on the device, so this goes one deep.
    AMBERFS_TRY(const std::size_t got,
                FileReader(*this, *metabox_).Read(from.offset & ~kMetaboxAddress, out));
    if (got != out.size()) return IoError(EIO, from.offset);
    return {};
  }
  return SourceOf(from).ReadAt(from.offset, out);
}

}  // namespace amberfs
