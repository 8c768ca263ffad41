// What one image may cost whoever reads it, whatever the image claims.
#ifndef AMBERFS_BASE_LIMITS_H_
#define AMBERFS_BASE_LIMITS_H_

#include <cstdint>

namespace amberfs {

struct Limits {
  // Extra devices that an image may name (the format allows 65535); each costs a file descriptor.
  std::uint32_t max_devices = 256;
  // Chunk table entries that one Map() or one SEEK_HOLE/SEEK_DATA looks at.
  std::uint32_t max_chunks_per_map = 65536;
  // Records of encoded extents that one Map() adds up, where addresses follow from lengths.
  std::uint32_t max_records_per_map = 1 << 22;
  // Encoded bytes that one read of file data may decode.
  std::uint64_t max_encoded_bytes_per_read = std::uint64_t{1} << 30;
  // Whether decoders also refuse what harms nobody; to see it takes LZ4 twice the time.
  bool strict_decoding = false;
  // Decoded bytes that an Image keeps for the next read.
  std::uint64_t cache_bytes = std::uint64_t{64} << 20;
};

}  // namespace amberfs

#endif  // AMBERFS_BASE_LIMITS_H_
