#include "format/xattr_filter.h"

#include <xxhash.h>

#include <array>

#include "format/wire.h"

namespace amberfs {
namespace {

constexpr std::uint32_t kFilterSeed = 0x25BBE08F;

constexpr std::array<std::string_view, 7> kShortPrefixes = {
    "", "user.",    "system.posix_acl_access", "system.posix_acl_default", "trusted.",
    "", "security."};

constexpr bool IsWholeName(std::uint8_t index) {
  return index == wire::kXattrAclAccess || index == wire::kXattrAclDefault;
}

}  // namespace

unsigned XattrFilterBit(std::uint8_t index, std::string_view rest) {
  return XXH32(rest.data(), rest.size(), kFilterSeed + index) & 31;
}

SplitXattrName SplitAtShortPrefix(std::string_view name) {
  for (std::uint8_t index = 1; index < kShortPrefixes.size(); ++index) {
    const std::string_view prefix = kShortPrefixes[index];
    if (prefix.empty() || !name.starts_with(prefix)) continue;
    const std::string_view rest = name.substr(prefix.size());
    if (rest.empty() == IsWholeName(index)) return {index, rest};
  }
  return {0, name};
}

std::string_view ShortXattrPrefix(std::uint8_t index) {
  return index < kShortPrefixes.size() ? kShortPrefixes[index] : std::string_view();
}

}  // namespace amberfs
