#include "base/text.h"

#include <fmt/format.h>

#include <cstdint>

namespace amberfs {
namespace {

struct Utf8 {
  std::size_t length = 0;  // in bytes; 0 if it is malformed
  std::uint32_t point = 0;
};

// The UTF-8 sequence that starts `text`, which is not empty. Overlong forms, surrogates, and code
// points past U+10FFFF are malformed.
Utf8 FirstUtf8(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return {};
  std::uint32_t point = length == 1 ? first : first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return {};
    point = point << 6 | (at(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool surrogate = point >= 0xD800 && point < 0xE000;
  return overlong || surrogate || point > 0x10FFFF ? Utf8() : Utf8{length, point};
}

bool IsControl(std::uint32_t point) {  // C0, DEL, C1
  return point < 0x20 || (point >= 0x7F && point < 0xA0);
}

}  // namespace

std::string Printable(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  while (!name.empty()) {
    const auto [length, point] = FirstUtf8(name);
    if (length == 0 || IsControl(point) || point == '\\') {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(name[0]));
      name.remove_prefix(1);
    } else {
      out.append(name, 0, length);
      name.remove_prefix(length);
    }
  }
  return out;
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = FirstUtf8(text).length;
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace amberfs
