// The bytes that tests hash: splitmix64 with seed 0, as docs/verity.md defines it.
#ifndef AMBERFS_VERITY_TEST_STREAM_H_
#define AMBERFS_VERITY_TEST_STREAM_H_

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace amberfs {

inline std::vector<std::byte> TestStream(std::size_t bytes) {
  std::vector<std::byte> out((bytes + 7) / 8 * 8);
  std::uint64_t state = 0;
  for (std::size_t at = 0; at < out.size(); at += 8) {
    state += 0x9E3779B97F4A7C15;
    std::uint64_t z = state;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    PutWire(out, at, Le64(z ^ z >> 31));
  }
  out.resize(bytes);
  return out;
}

}  // namespace amberfs

#endif  // AMBERFS_VERITY_TEST_STREAM_H_
