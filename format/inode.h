// One inode, decoded.
//
// An Inode exists only if its 32 or 64 bytes obey the rules below. Its size, addresses and xattr
// area are still claims about other bytes: Mapper and XattrSet check those when they are used.
//
//   INO-1  the whole inode lies inside the image's blocks
//   INO-2  reserved bits of i_format are zero (kUnsupported)
//   INO-3  the data layout is a known one (kUnsupported)
//   INO-4  the mode names a file type
//   INO-5  the size is below 2^63
//   INO-6  nanoseconds are below 1e9
//   CHK-1  reserved bits of the chunk format are zero (kUnsupported)
#ifndef AMBERFS_FORMAT_INODE_H_
#define AMBERFS_FORMAT_INODE_H_

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"
#include "format/superblock.h"
#include "format/units.h"
#include "format/wire.h"

namespace amberfs {

enum class DataLayout : std::uint8_t {
  kFlatPlain = 0,
  kCompressedFull = 1,
  kFlatInline = 2,
  kCompressedCompact = 3,
  kChunkBased = 4,
};

enum class FileType : std::uint8_t {
  kUnknown = 0,
  kRegular = 1,
  kDirectory = 2,
  kCharDevice = 3,
  kBlockDevice = 4,
  kFifo = 5,
  kSocket = 6,
  kSymlink = 7,
};  // the values are those of directory entries

// The type that the S_IFMT bits of a mode name; kUnknown if they name none.
FileType FileTypeOfMode(std::uint32_t mode);

// How a chunk-based inode's table is read (docs/format.md, "Chunk-based files").
struct ChunkFormat {
  unsigned chunk_bits;  // log2 of the chunk size in bytes, 9 .. 47
  bool indexes;         // 8-byte chunk indexes rather than a 4-byte block map
  bool wide;            // the indexes' high address bits count
  std::uint64_t entry_bytes() const { return indexes ? 8 : 4; }
};

class Inode {
 public:
  // An inode's longest fixed part; ReadInode() offers Parse() so many bytes where the image has
  // them.
  static constexpr std::uint64_t kMaxBytes = sizeof(wire::InodeExtended);

  // Decodes the inode that starts `bytes`, untrusted. `offset` is where it lies in the image.
  static Result<Inode> Parse(const Superblock& sb, Nid nid, std::uint64_t offset, ByteView bytes);

  Nid nid() const { return nid_; }
  std::uint64_t offset() const { return offset_; }
  // Where the xattr area starts, and how long it is (0: none).
  std::uint64_t xattr_offset() const { return offset_ + inode_bytes_; }
  std::uint32_t xattr_bytes() const { return xattr_bytes_; }
  // Where inline data starts; what else follows the xattr area aligns itself from here.
  std::uint64_t body_end() const { return xattr_offset() + xattr_bytes_; }

  std::uint32_t mode() const { return mode_; }
  FileType type() const { return FileTypeOfMode(mode_); }
  bool is_directory() const { return type() == FileType::kDirectory; }
  bool is_device() const {
    return type() == FileType::kCharDevice || type() == FileType::kBlockDevice;
  }
  std::uint32_t uid() const { return uid_; }
  std::uint32_t gid() const { return gid_; }
  std::uint32_t nlink() const { return nlink_; }
  std::uint64_t size() const { return size_; }  // bytes
  std::int64_t mtime() const { return mtime_; }
  std::uint32_t mtime_nsec() const { return mtime_nsec_; }
  // major and minor as the format packs them; 0 for anything but a device.
  std::uint32_t device_major() const { return is_device() ? u_ >> 8 & 0xFFF : 0; }
  std::uint32_t device_minor() const {
    return is_device() ? (u_ & 0xFF) | (u_ >> 12 & 0xFFF00) : 0;
  }
  // Space taken, in 512-byte units, as stat(2) shows it.
  std::uint64_t blocks_512() const { return blocks_512_; }

  DataLayout layout() const { return layout_; }
  bool is_compressed() const {
    return layout_ == DataLayout::kCompressedFull || layout_ == DataLayout::kCompressedCompact;
  }
  // First data block of a flat inode; nothing for one that is a single hole.
  std::optional<BlockAddr> start_block() const { return start_block_; }
  ChunkFormat chunk_format() const { return chunk_format_; }  // kChunkBased only
  // A directory without a stored "." entry.
  bool dot_omitted() const { return bit4_ && is_directory(); }
  bool is_extended() const { return inode_bytes_ == sizeof(wire::InodeExtended); }
  std::uint32_t serial() const { return serial_; }  // i_ino, a hint that nothing relies on
  bool reserved_is_zero() const { return reserved_is_zero_; }

 private:
  Inode() = default;  // Parse() is the only way in.
  void DecodeCompact(const Superblock& sb, const wire::InodeCompact& raw);
  void DecodeExtended(const wire::InodeExtended& raw);
  void DecodeAddress(const Superblock& sb);

  Nid nid_;
  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 0;
  std::int64_t mtime_ = 0;
  std::uint64_t blocks_512_ = 0;
  std::optional<BlockAddr> start_block_;
  ChunkFormat chunk_format_{};
  std::uint32_t xattr_bytes_ = 0;
  std::uint32_t inode_bytes_ = 0;
  std::uint32_t mode_ = 0;
  std::uint32_t uid_ = 0;
  std::uint32_t gid_ = 0;
  std::uint32_t nlink_ = 0;
  std::uint32_t mtime_nsec_ = 0;
  std::uint32_t u_ = 0;                      // i_u as stored
  std::optional<std::uint16_t> address_hi_;  // i_nb where it carries address bits
  std::uint32_t serial_ = 0;
  DataLayout layout_ = DataLayout::kFlatPlain;
  bool bit4_ = false;
  bool reserved_is_zero_ = true;
};

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_INODE_H_
