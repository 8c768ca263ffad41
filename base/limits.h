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
};

}  // namespace amberfs

#endif  // AMBERFS_BASE_LIMITS_H_
