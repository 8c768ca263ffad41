// Numbers as people write and read them.
#ifndef AMBERFS_AMBER_SIZE_H_
#define AMBERFS_AMBER_SIZE_H_

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace amberfs {

// "512 bytes", "1.5 MiB".
std::string SizeText(std::uint64_t bytes);

// "1 file", "2 files".
std::string CountText(std::uint64_t count, std::string_view one, std::string_view many);

// "4096", "4K", "4KiB", "1M"; nothing if it is no size or more than 64 bits hold.
std::optional<std::uint64_t> ParseSize(std::string_view text);

// A number in decimal digits and nothing else; nothing if it is none or does not fit.
template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// An option whose value is a size as ParseSize() takes it; help calls it `type_name`.
CLI::Option* AddSizeOption(CLI::App& app, const std::string& name, std::uint64_t& bytes,
                           const std::string& help, const std::string& type_name = "SIZE");

}  // namespace amberfs

#endif  // AMBERFS_AMBER_SIZE_H_
