#include "amber/inode_text.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <array>
#include <ctime>
#include <iterator>

#include "base/text.h"

namespace amberfs {

std::string_view TypeName(FileType type) {
  constexpr std::array<std::string_view, 8> kNames = {
      "unknown", "file", "directory", "char-device", "block-device", "fifo", "socket", "symlink"};
  return kNames.at(static_cast<std::size_t>(type));
}

std::string_view LayoutName(DataLayout layout) {
  constexpr std::array<std::string_view, 5> kNames = {
      "flat-plain", "compressed-full", "flat-inline", "compressed-compact", "chunk-based"};
  return kNames.at(static_cast<std::size_t>(layout));
}

std::string_view AlgorithmName(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kLz4:
      return "lz4";
    case Algorithm::kLzma:
      return "lzma";
    case Algorithm::kDeflate:
      return "deflate";
    case Algorithm::kZstd:
      return "zstd";
  }
  return "unknown";
}

std::string ModeText(std::uint32_t mode) {
  constexpr std::string_view kTypes = "?-dcbpsl";
  std::string text(1, kTypes[static_cast<std::size_t>(FileTypeOfMode(mode))]);
  constexpr std::string_view kBits = "rwxrwxrwx";
  for (std::size_t i = 0; i < kBits.size(); ++i)
    text += (mode >> (kBits.size() - 1 - i) & 1) != 0 ? kBits[i] : '-';
  const auto mark = [&](std::uint32_t bit, std::size_t at, char with_x, char without) {
    if ((mode & bit) != 0) text[at] = text[at] == 'x' ? with_x : without;
  };
  mark(S_ISUID, 3, 's', 'S');
  mark(S_ISGID, 6, 's', 'S');
  mark(S_ISVTX, 9, 't', 'T');
  return text;
}

std::string TimeText(std::int64_t seconds, const char* format) {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm calendar{};
  std::array<char, 100> text;
  const std::size_t length = ::localtime_r(&time, &calendar) == nullptr
                                 ? 0
                                 : std::strftime(text.data(), text.size(), format, &calendar);
  return length == 0 ? fmt::format("@{}", seconds) : std::string(text.data(), length);
}

nlohmann::ordered_json JsonBytes(std::string_view bytes) {
  if (IsUtf8(bytes)) return std::string(bytes);
  std::string hex;
  for (const char c : bytes)
    fmt::format_to(std::back_inserter(hex), "{:02x}", static_cast<unsigned char>(c));
  return {{"hex", hex}};
}

std::string JsonLine(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/true) + "\n";
}

nlohmann::ordered_json InodeJson(const Inode& inode) {
  nlohmann::ordered_json json = {{"nid", inode.nid().v},
                                 {"type", TypeName(inode.type())},
                                 {"mode", fmt::format("{:04o}", inode.mode() & 07777)},
                                 {"nlink", inode.nlink()},
                                 {"uid", inode.uid()},
                                 {"gid", inode.gid()},
                                 {"size", inode.size()},
                                 {"mtime", inode.mtime()},
                                 {"mtime_nsec", inode.mtime_nsec()}};
  if (inode.is_device()) {
    json["major"] = inode.device_major();
    json["minor"] = inode.device_minor();
  }
  return json;
}

}  // namespace amberfs
