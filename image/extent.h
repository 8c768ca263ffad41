// Where a piece of a file lies: the answer of Mapper::Map().
#ifndef AMBERFS_IMAGE_EXTENT_H_
#define AMBERFS_IMAGE_EXTENT_H_

#include <cstdint>

#include "base/algorithm.h"
#include "format/units.h"

namespace amberfs {

// Bytes on one of the image's sources.
struct Location {
  DeviceId device = {};      // which source holds them: 0 the primary, k the k-th extra one
  std::uint64_t offset = 0;  // in bytes, on that source; on device 0 it may be in the metabox
};

enum class ExtentKind : std::uint8_t {
  kHole,      // IOMAP_HOLE: reads as zeros, no storage
  kMapped,    // IOMAP_MAPPED: data blocks
  kInline,    // IOMAP_INLINE: bytes behind the inode, among the metadata
  kEncoded,   // a compressed pcluster, which must be decoded from its start
  kFragment,  // bytes of the packed inode's data
};

struct Extent {
  ExtentKind kind = ExtentKind::kHole;
  std::uint64_t pos = 0;     // file offset of its first byte
  std::uint64_t length = 0;  // in bytes, more than 0; ends by the file's end
  // Of its first byte; for kEncoded of the pcluster; for kFragment an offset in the packed inode's
  // data, on no device. Nothing for holes.
  Location where = {};

  // kEncoded only.
  std::uint32_t encoded_bytes = 0;  // the pcluster's length, more than 0, at most 1 MiB
  Algorithm algorithm = Algorithm::kLz4;
  bool partial = false;  // the pcluster may hold more than the extent: that is its first part
  bool padded = false;   // zeros stand before the stream

  // Where byte `pos` of the file lies, or as near to it as can be said, for messages.
  std::uint64_t OffsetOf(std::uint64_t at) const {
    return kind == ExtentKind::kEncoded ? where.offset : where.offset + (at - pos);
  }
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_EXTENT_H_
