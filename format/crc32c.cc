#include "format/crc32c.h"

#include <array>

#include "format/wire.h"

namespace amberfs {
namespace {

constexpr std::array<std::uint32_t, 256> MakeTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78 : 0);
    table[i] = value;
  }
  return table;
}
constexpr auto kTable = MakeTable();

}  // namespace

std::uint32_t Crc32c(std::uint32_t state, ByteView bytes) {
  for (const std::byte b : bytes)
    state = kTable[(state ^ std::to_integer<std::uint32_t>(b)) & 0xFF] ^ (state >> 8);
  return state;
}

std::uint32_t SuperblockChecksum(ByteView head, unsigned block_bits) {
  const Le32 no_checksum;
  const std::uint64_t end = SuperblockChecksumEnd(block_bits);
  std::uint32_t state = Crc32c(kCrc32cSeed, head.subspan(wire::kSuperblockOffset, 4));
  state = Crc32c(state, WireBytes(no_checksum));
  return Crc32c(state,
                head.subspan(wire::kSuperblockOffset + 8, end - wire::kSuperblockOffset - 8));
}

}  // namespace amberfs
