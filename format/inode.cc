#include "format/inode.h"

#include <sys/stat.h>

#include "base/checked.h"

namespace amberfs {

FileType FileTypeOfMode(std::uint32_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return FileType::kRegular;
    case S_IFDIR:
      return FileType::kDirectory;
    case S_IFCHR:
      return FileType::kCharDevice;
    case S_IFBLK:
      return FileType::kBlockDevice;
    case S_IFIFO:
      return FileType::kFifo;
    case S_IFSOCK:
      return FileType::kSocket;
    case S_IFLNK:
      return FileType::kSymlink;
    default:
      return FileType::kUnknown;
  }
}

Result<Inode> Inode::Parse(const Superblock& sb, Nid nid, std::uint64_t offset, ByteView bytes) {
  const auto head = CopyWire<wire::InodeCompact>(bytes, 0);
  if (!head) return Broken(Rule::kIno1, offset);

  // i_format, i_xattr_icount, i_mode and i_nb lie at the same place in both forms.
  const std::uint16_t format = head->format.get();
  if ((format & wire::kFormatReserved) != 0) return Broken(Rule::kIno2, offset);
  const unsigned layout = format >> wire::kFormatLayoutShift & wire::kFormatLayoutMask;
  if (layout > static_cast<unsigned>(DataLayout::kChunkBased)) return Broken(Rule::kIno3, offset);

  Inode inode;
  inode.nid_ = nid;
  inode.offset_ = offset;
  inode.layout_ = static_cast<DataLayout>(layout);
  inode.bit4_ = (format & wire::kFormatBit4) != 0;
  inode.mode_ = head->mode.get();
  if (inode.type() == FileType::kUnknown)
    return Broken(Rule::kIno4, offset + offsetof(wire::InodeCompact, mode));
  if (const std::uint32_t count = head->xattr_icount.get(); count > 0)
    inode.xattr_bytes_ = std::uint32_t{sizeof(wire::XattrHeader)} + 4 * (count - 1);

  if ((format & wire::kFormatExtended) != 0) {
    const auto raw = CopyWire<wire::InodeExtended>(bytes, 0);
    if (!raw) return Broken(Rule::kIno1, offset);
    inode.DecodeExtended(*raw);
  } else {
    inode.DecodeCompact(sb, *head);
  }
  if (inode.size_ >> 63 != 0) return Broken(Rule::kIno5, offset + 8);
  if (inode.mtime_nsec_ >= 1'000'000'000)
    return Broken(Rule::kIno6, offset + offsetof(wire::InodeExtended, mtime_nsec));
  if (inode.layout_ == DataLayout::kChunkBased && (inode.u_ & wire::kChunkReserved) != 0)
    return Broken(Rule::kChk1, offset + 16);
  inode.DecodeAddress(sb);
  return inode;
}

void Inode::DecodeCompact(const Superblock& sb, const wire::InodeCompact& raw) {
  inode_bytes_ = sizeof raw;
  size_ = raw.size.get();
  u_ = raw.u.get();
  serial_ = raw.ino.get();
  uid_ = raw.uid.get();
  gid_ = raw.gid.get();
  // An absurd epoch may make the sum wrap, as it does in the driver.
  static_cast<void>(__builtin_add_overflow(sb.epoch(), std::int64_t{raw.mtime.get()}, &mtime_));
  mtime_nsec_ = sb.fixed_nsec();
  reserved_is_zero_ = raw.reserved.get() == 0;
  if (bit4_ && !is_directory()) {
    nlink_ = 1;
    address_hi_ = raw.nb.get();
  } else {
    nlink_ = raw.nb.get();
  }
}

void Inode::DecodeExtended(const wire::InodeExtended& raw) {
  inode_bytes_ = sizeof raw;
  size_ = raw.size.get();
  u_ = raw.u.get();
  serial_ = raw.ino.get();
  uid_ = raw.uid.get();
  gid_ = raw.gid.get();
  mtime_ = static_cast<std::int64_t>(raw.mtime.get());
  mtime_nsec_ = raw.mtime_nsec.get();
  nlink_ = raw.nlink.get();
  reserved_is_zero_ = AllZero(raw.reserved) && !(bit4_ && !is_directory());
  address_hi_ = raw.nb.get();
}

void Inode::DecodeAddress(const Superblock& sb) {
  const std::uint64_t wide_u = std::uint64_t{address_hi_.value_or(0)} << 32 | u_;
  // size_ < 2^63 and block_bits <= 16, so nothing here overflows.
  blocks_512_ = CeilShift(size_, sb.block_bits()) << (sb.block_bits() - 9);
  if (is_compressed()) blocks_512_ = wide_u << (sb.block_bits() - 9);

  const std::uint64_t null_block = address_hi_ ? wire::kNullBlock48 : wire::kNullBlock32;
  if (wide_u != null_block) start_block_ = BlockAddr{wide_u};
  if (layout_ == DataLayout::kChunkBased) {
    reserved_is_zero_ = reserved_is_zero_ && wide_u >> 16 == 0;  // the format is 16 bits
    chunk_format_ = {.chunk_bits = sb.block_bits() + (u_ & wire::kChunkBitsMask),
                     .indexes = (u_ & wire::kChunkIndexes) != 0,
                     .wide = (u_ & wire::kChunk48Bit) != 0};
  }
}

}  // namespace amberfs
