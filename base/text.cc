#include "base/text.h"

#include <fmt/format.h>

#include <cstdint>

namespace amberfs {
namespace {

// Length of the well-formed UTF-8 sequence that starts `text`; 0 if there is none. Rejects overlong
// forms, surrogates, code points past U+10FFFF, and the C1 controls (U+0080 to U+009F).
std::size_t Utf8Length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  std::uint32_t point = length == 1 ? first : first & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
    point = point << 6 | (at(i) & 0x3FU);
  }
  const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
  const bool surrogate = point >= 0xD800 && point < 0xE000;
  const bool control = point >= 0x80 && point < 0xA0;
  return overlong || surrogate || control || point > 0x10FFFF ? 0 : length;
}

}  // namespace

std::string Printable(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  while (!name.empty()) {
    const auto first = static_cast<unsigned char>(name[0]);
    const std::size_t length = Utf8Length(name);
    if (length == 0 || first < 0x20 || first == 0x7F || first == '\\') {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", first);
      name.remove_prefix(1);
    } else {
      out.append(name, 0, length);
      name.remove_prefix(length);
    }
  }
  return out;
}

}  // namespace amberfs
