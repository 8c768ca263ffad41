// CRC-32C, the reflected Castagnoli CRC: it tells damage from malice, and proves nothing.
#ifndef AMBERFS_BASE_CRC32C_H_
#define AMBERFS_BASE_CRC32C_H_

#include <cstdint>

#include "base/bytes.h"

namespace amberfs {

inline constexpr std::uint32_t kCrc32cSeed = 0xFFFFFFFF;

// The CRC's state after `bytes`, from `state`; there is no final inversion.
std::uint32_t Crc32c(std::uint32_t state, ByteView bytes);

}  // namespace amberfs

#endif  // AMBERFS_BASE_CRC32C_H_
