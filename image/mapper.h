// Map(): the one way from a file's offsets to where its bytes lie.
//
// It answers as Linux's iomap_begin() does: one extent that holds the offset. Reading, SEEK_HOLE
// and SEEK_DATA, and fsck all go through it. Flat and chunk-based files are mapped here, compressed
// ones by CompressedMapper.
//
//   FLAT-1  the blocks of a flat file lie inside one device
//   FLAT-2  an inline tail lies within one block of the image
//   CHK-2   the chunk table lies inside the image's blocks
//   CHK-3   each chunk lies inside one device
//   CHK-4   a chunk names a device that the image has
#ifndef AMBERFS_IMAGE_MAPPER_H_
#define AMBERFS_IMAGE_MAPPER_H_

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "format/inode.h"
#include "image/compressed_mapper.h"
#include "image/extent.h"
#include "image/image.h"

namespace amberfs {

class Mapper {
 public:
  // Borrows both, which must outlive it. For one thread at a time: it remembers what it read of a
  // compressed file's index.
  Mapper(const Image& image, const Inode& inode) : image_(image), inode_(inode) {}

  // The extent that holds byte `pos`, which must lie before the file's end. The extent may start
  // before `pos`, and may end before `pos + len` or after it: callers ask again. A hint `len`
  // spares them that where it costs nothing.
  Result<Extent> Map(std::uint64_t pos, std::uint64_t len);

  // What only compressed files have; see CompressedMapper.
  Result<void> CheckDistances(const Extent& extent) {
    return compressed_ ? compressed_->CheckDistances(extent) : Result<void>{};
  }
  CompressedMapper::Index index() const {
    return compressed_ ? compressed_->index() : CompressedMapper::Index{};
  }
  std::uint64_t index_bytes_read() const {
    return compressed_ ? compressed_->index_bytes_read() : 0;
  }

 private:
  Result<Extent> MapFlat(std::uint64_t pos) const;
  // Chunk `index` alone, whose table entry is `entry`.
  Result<Extent> MapChunk(std::uint64_t index, ByteView entry, std::uint64_t entry_offset) const;
  Result<Extent> MapChunks(std::uint64_t pos, std::uint64_t len) const;

  const Image& image_;
  const Inode& inode_;
  std::optional<CompressedMapper> compressed_;  // made by the first Map() of a compressed file
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_MAPPER_H_
