#include "amber/size.h"

#include <fmt/format.h>

#include <charconv>
#include <system_error>

namespace amberfs {
namespace {

constexpr std::string_view kUnits = "KMGTPE";

}  // namespace

std::string SizeText(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) value /= 1024;
  return fmt::format("{:.1f} {}iB", value, kUnits[unit]);
}

std::string CountText(std::uint64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::optional<std::uint64_t> ParseSize(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc()) return std::nullopt;
  const std::string_view suffix(rest, end);
  if (suffix.empty()) return value;
  const auto power = kUnits.find(suffix.front());
  if (power == kUnits.npos || (suffix.size() > 1 && suffix.substr(1) != "iB")) return std::nullopt;
  const unsigned bits = 10 * static_cast<unsigned>(power + 1);
  if (value << bits >> bits != value) return std::nullopt;
  return value << bits;
}

CLI::Option* AddSizeOption(CLI::App& app, const std::string& name, std::uint64_t& bytes,
                           const std::string& help, const std::string& type_name) {
  return app
      .add_option_function<std::string>(
          name,
          [name, &bytes](const std::string& text) {
            const auto size = ParseSize(text);
            if (!size) throw CLI::ValidationError(name, "not a number of bytes: " + text);
            bytes = *size;
          },
          help)
      ->type_name(type_name);
}

}  // namespace amberfs
