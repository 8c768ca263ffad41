// The compression algorithms of the format.
#ifndef AMBERFS_BASE_ALGORITHM_H_
#define AMBERFS_BASE_ALGORITHM_H_

#include <cstdint>

namespace amberfs {

// The values are the ids on disk.
enum class Algorithm : std::uint8_t { kLz4 = 0, kLzma = 1, kDeflate = 2, kZstd = 3 };
inline constexpr unsigned kAlgorithmCount = 4;

}  // namespace amberfs

#endif  // AMBERFS_BASE_ALGORITHM_H_
