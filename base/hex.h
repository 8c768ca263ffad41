// Bytes as hexadecimal digits and back.
#ifndef AMBERFS_BASE_HEX_H_
#define AMBERFS_BASE_HEX_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace amberfs {

std::string Hex(ByteView bytes);  // two lower-case digits a byte

// The bytes that `text` spells, digits of either case; nothing if it holds anything else, or half a
// byte.
std::optional<std::vector<std::byte>> FromHex(std::string_view text);

}  // namespace amberfs

#endif  // AMBERFS_BASE_HEX_H_
