#include "fsck/audit_policy.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <array>
#include <charconv>

#include "base/text.h"

namespace amberfs {
namespace {

constexpr std::array kFlags = {
    std::pair("set-id", &AuditPolicy::allow_set_id),
    std::pair("file-capabilities", &AuditPolicy::allow_file_capabilities),
    std::pair("devices", &AuditPolicy::allow_devices),
    std::pair("world-writable", &AuditPolicy::allow_world_writable),
    std::pair("absolute-links", &AuditPolicy::allow_absolute_links),
    std::pair("escaping-links", &AuditPolicy::allow_escaping_links),
    std::pair("whiteouts", &AuditPolicy::allow_whiteouts),
    std::pair("overlay-xattrs", &AuditPolicy::allow_overlay_xattrs),
};

template <typename Number>
bool SetNumber(Number& number, std::string_view text) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end;
}

// "0 1000-1999", or "any".
bool SetRanges(AuditPolicy::IdRanges& ranges, std::string_view value) {
  ranges.clear();
  if (value == "any") return true;
  while (!value.empty()) {
    const std::string_view word = TakeWord(value);
    const std::size_t dash = word.find('-');
    std::pair<std::uint32_t, std::uint32_t> range;
    if (!SetNumber(range.first, word.substr(0, dash))) return false;
    range.second = range.first;
    if (dash != word.npos && !SetNumber(range.second, word.substr(dash + 1))) return false;
    if (range.second < range.first) return false;
    ranges.push_back(range);
  }
  return !ranges.empty();
}

bool SetOption(AuditPolicy& policy, std::string_view name, std::string_view value) {
  for (const auto& [flag, member] : kFlags)
    if (name == flag) {
      policy.*member = value == "allow";
      return value == "allow" || value == "refuse";
    }
  if (name == "owners") return SetRanges(policy.owners, value);
  if (name == "groups") return SetRanges(policy.groups, value);
  if (name == "max-inodes") return SetNumber(policy.max_inodes, value);
  if (name == "max-bytes") return SetNumber(policy.max_bytes, value);
  if (name != "xattrs") return false;
  policy.xattrs.clear();
  while (!value.empty()) policy.xattrs.emplace_back(TakeWord(value));
  return true;
}

}  // namespace

ConfigResult<AuditPolicy> AuditPolicy::Parse(std::string_view text) {
  AuditPolicy policy;
  const std::size_t refused =
      FirstRefusedSetting(text, [&policy](std::string_view name, std::string_view value) {
        return SetOption(policy, name, value);
      });
  if (refused > 0) return std::unexpected(fmt::format("line {} makes no sense", refused));
  return policy;
}

ConfigResult<AuditPolicy> AuditPolicy::Load(const std::string& name) {
  if (name == "hardened") return AuditPolicy();
  const UniqueFd fd(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const auto text = ReadConfigFile(fd, name, std::nullopt);
  if (!text) return std::unexpected(text.error());
  auto policy = Parse(*text);
  if (!policy) return std::unexpected(fmt::format("{}: {}", Printable(name), policy.error()));
  return policy;
}

}  // namespace amberfs
