#include "base/hex.h"

namespace amberfs {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

int ValueOf(char digit) {
  if (digit >= 'A' && digit <= 'F') digit = static_cast<char>(digit - 'A' + 'a');
  const auto value = kDigits.find(digit);
  return value == kDigits.npos ? -1 : static_cast<int>(value);
}

}  // namespace

std::string Hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    out.push_back(kDigits[std::to_integer<unsigned>(b >> 4)]);
    out.push_back(kDigits[std::to_integer<unsigned>(b & std::byte{15})]);
  }
  return out;
}

std::optional<std::vector<std::byte>> FromHex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<std::byte> out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = ValueOf(text[i]);
    const int low = ValueOf(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out.push_back(static_cast<std::byte>(high << 4 | low));
  }
  return out;
}

}  // namespace amberfs
