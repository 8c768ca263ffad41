#include "base/crc32c.h"

#include <array>

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

}  // namespace amberfs
