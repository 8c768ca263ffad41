// How files are compressed: into extents, in segments that do not depend on each other.
//
// A file is cut into segments of one size. Each becomes a row of extents, from its bytes alone, so
// the image is the same whoever encodes them and in which order. No two extents start in one
// cluster: each is longer than a block, but for the last of a segment.
#ifndef AMBERFS_MKFS_COMPRESSION_H_
#define AMBERFS_MKFS_COMPRESSION_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "codec/encoder.h"

namespace amberfs {

struct Compression {
  EncoderSettings encoder;
  std::uint32_t pcluster_bytes = 0;  // the longest pcluster: whole blocks, 1 MiB at most
  bool inline_tails = false;         // a file's last pcluster may go behind its inode
  unsigned workers = 1;              // threads that encode; the image does not depend on it

  std::uint64_t SegmentBytes() const;
};

struct EncodedExtent {
  std::uint32_t plain_bytes = 0;   // of the file
  std::uint32_t stream_bytes = 0;  // of its stream, or of its data if that is stored as it is
  bool is_plain = false;
};

struct EncodedSegment {
  std::vector<EncodedExtent> extents;
  std::vector<std::byte> streams;  // one after the other
};

// `last`: it is the end of its file, so its last extent may become an inline pcluster.
EncodedSegment EncodeSegment(Encoder& encoder, const Compression& compression, unsigned block_bits,
                             ByteView segment, bool last);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_COMPRESSION_H_
