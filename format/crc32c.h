// The superblock's checksum (docs/format.md, "Checksum").
#ifndef AMBERFS_FORMAT_CRC32C_H_
#define AMBERFS_FORMAT_CRC32C_H_

#include <cstdint>

#include "base/bytes.h"
#include "base/crc32c.h"

namespace amberfs {

// What the checksum field must hold. `head` starts at the image's first byte and holds at least
// SuperblockChecksumEnd(block_bits) bytes.
std::uint32_t SuperblockChecksum(ByteView head, unsigned block_bits);

// The end of the checksummed range: it starts at byte 1024 and covers the rest of that block.
constexpr std::uint64_t SuperblockChecksumEnd(unsigned block_bits) {
  const std::uint64_t block = std::uint64_t{1} << block_bits;
  return block > 1024 ? block : 1024 + block;
}

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_CRC32C_H_
