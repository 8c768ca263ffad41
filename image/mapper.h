// Map(): the one way from a file's offsets to where its bytes lie.
//
// It answers as Linux's iomap_begin() does: one extent that holds the offset. Reading, SEEK_HOLE
// and SEEK_DATA, and fsck all go through it.
//
//   FLAT-1  the blocks of a flat file lie inside one device
//   FLAT-2  an inline tail lies within one block of the image
//   CHK-2   the chunk table lies inside the image's blocks
//   CHK-3   each chunk lies inside one device
//   CHK-4   a chunk names a device that the image has
//   INO-7   compressed data (kUnsupported)
#ifndef AMBERFS_IMAGE_MAPPER_H_
#define AMBERFS_IMAGE_MAPPER_H_

#include <cstdint>

#include "base/error.h"
#include "format/inode.h"
#include "image/image.h"

namespace amberfs {

enum class ExtentKind : std::uint8_t {
  kHole,    // IOMAP_HOLE: reads as zeros, no storage
  kMapped,  // IOMAP_MAPPED: data blocks
  kInline,  // IOMAP_INLINE: bytes behind the inode, among the metadata
};

struct Extent {
  ExtentKind kind = ExtentKind::kHole;
  std::uint64_t pos = 0;     // file offset of its first byte
  std::uint64_t length = 0;  // in bytes, more than 0; ends by the file's end
  Location where;            // of its first byte; not for holes
};

class Mapper {
 public:
  // Borrows both, which must outlive it.
  Mapper(const Image& image, const Inode& inode) : image_(image), inode_(inode) {}

  // The extent that holds byte `pos`, which must lie before the file's end. The extent may start
  // before `pos`, and may end before `pos + len` or after it: callers ask again. A hint `len`
  // spares them that where it costs nothing.
  Result<Extent> Map(std::uint64_t pos, std::uint64_t len) const;

 private:
  Result<Extent> MapFlat(std::uint64_t pos) const;
  // Chunk `index` alone, whose table entry is `entry`.
  Result<Extent> MapChunk(std::uint64_t index, ByteView entry, std::uint64_t entry_offset) const;
  Result<Extent> MapChunks(std::uint64_t pos, std::uint64_t len) const;

  const Image& image_;
  const Inode& inode_;
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_MAPPER_H_
