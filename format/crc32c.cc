#include "format/crc32c.h"

#include "format/wire.h"

namespace amberfs {

std::uint32_t SuperblockChecksum(ByteView head, unsigned block_bits) {
  const Le32 no_checksum;
  const std::uint64_t end = SuperblockChecksumEnd(block_bits);
  std::uint32_t state = Crc32c(kCrc32cSeed, head.subspan(wire::kSuperblockOffset, 4));
  state = Crc32c(state, WireBytes(no_checksum));
  return Crc32c(state,
                head.subspan(wire::kSuperblockOffset + 8, end - wire::kSuperblockOffset - 8));
}

}  // namespace amberfs
