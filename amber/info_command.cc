// amber info: what an image says about itself, and who vouches for it.
#include <fmt/format.h>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "amber/command.h"
#include "amber/image_arguments.h"
#include "amber/inode_text.h"
#include "amber/output.h"
#include "amber/size.h"
#include "base/hex.h"
#include "base/text.h"

namespace amberfs {
namespace {

struct Feature {
  std::uint32_t bit;
  std::string_view name;
};

constexpr std::array kCompatible = {
    Feature{wire::kCompatChecksum, "checksum"},
    Feature{wire::kCompatMtime, "mtime"},
    Feature{wire::kCompatXattrFilter, "xattr-filter"},
    Feature{wire::kCompatSharedXattrsInMetabox, "shared-xattrs-in-metabox"},
    Feature{wire::kCompatPlainXattrPrefixes, "plain-xattr-prefixes"},
    Feature{wire::kCompatInodeShareXattrs, "inode-share-xattrs"},
};
// Two of the bits have two meanings each, which the rest of the image tells apart.
constexpr std::array kIncompatible = {
    Feature{wire::kIncompatZeroPadding, "zero-padding"},
    Feature{wire::kIncompatCompressionConfigs, "compression-configs"},
    Feature{wire::kIncompatChunkedFile, "chunked-file"},
    Feature{wire::kIncompatDeviceTable, "device-table"},
    Feature{wire::kIncompatTailPacking, "tail-packing"},
    Feature{wire::kIncompatFragments, "fragments-or-dedupe"},
    Feature{wire::kIncompatXattrPrefixes, "xattr-prefixes"},
    Feature{wire::kIncompat48Bit, "48-bit"},
    Feature{wire::kIncompatMetabox, "metabox"},
};

std::vector<std::string_view> NamesOf(std::span<const Feature> features, std::uint32_t bits) {
  std::vector<std::string_view> names;
  for (const Feature& feature : features)
    if ((bits & feature.bit) != 0) names.push_back(feature.name);
  return names;
}

// Those that the image announces. The first images with LZ4 did not.
std::vector<std::string_view> AlgorithmsOf(const Image& image) {
  std::vector<std::string_view> names;
  if ((image.sb().incompat() & (wire::kIncompatZeroPadding | wire::kIncompatCompressionConfigs)) ==
      0)
    return names;
  for (unsigned id = 0; id < kAlgorithmCount; ++id)
    if (image.compression().has(id)) names.push_back(AlgorithmName(static_cast<Algorithm>(id)));
  return names;
}

std::string UuidText(const std::array<std::byte, 16>& uuid) {
  std::string text = Hex(uuid);
  for (const std::size_t at : {20U, 16U, 12U, 8U}) text.insert(at, "-");
  return text;
}

std::string VolumeName(const Superblock& sb) {
  const std::string_view field(sb.volume_name().data(), sb.volume_name().size());
  return std::string(field.substr(0, field.find('\0')));
}

std::string ToText(const OpenedImage& opened, const std::string& title) {
  const Image& image = opened.image;
  const Superblock& sb = image.sb();
  std::string text = title + ":\n";
  const auto add = [&](std::string_view key, const std::string& value) {
    text += fmt::format("  {:<12} {}\n", key, value.empty() ? "none" : value);
  };
  add("size", fmt::format("{}, {} blocks of {} bytes", SizeText(sb.blocks_end()), sb.blocks(),
                          sb.block_size()));
  add("inodes", fmt::format("{}, root is nid {}", sb.inodes(), sb.root_nid().v));
  add("volume name", Printable(VolumeName(sb)));
  add("uuid", UuidText(sb.uuid()));
  add("epoch", TimeText(sb.epoch(), "%Y-%m-%d %H:%M:%S %z"));
  add("compatible", fmt::format("{}", fmt::join(NamesOf(kCompatible, sb.compat()), " ")));
  add("needed", fmt::format("{}", fmt::join(NamesOf(kIncompatible, sb.incompat()), " ")));
  add("compression", fmt::format("{}", fmt::join(AlgorithmsOf(image), " ")));
  for (const DeviceSlot& slot : image.device_slots())
    add("device", SizeText(slot.blocks << sb.block_bits()));
  add("verity", VerityText(opened.files));
  return text;
}

nlohmann::ordered_json ToJson(const OpenedImage& opened, const std::string& path) {
  const Image& image = opened.image;
  const Superblock& sb = image.sb();
  auto devices = nlohmann::ordered_json::array();
  for (const DeviceSlot& slot : image.device_slots()) devices.push_back({{"blocks", slot.blocks}});
  nlohmann::ordered_json json = {{"image", JsonBytes(path)},
                                 {"block_bytes", sb.block_size()},
                                 {"blocks", sb.blocks()},
                                 {"inodes", sb.inodes()},
                                 {"root_nid", sb.root_nid().v},
                                 {"volume_name", JsonBytes(VolumeName(sb))},
                                 {"uuid", UuidText(sb.uuid())},
                                 {"epoch", sb.epoch()},
                                 {"compatible", NamesOf(kCompatible, sb.compat())},
                                 {"needed", NamesOf(kIncompatible, sb.incompat())},
                                 {"compression", AlgorithmsOf(image)},
                                 {"devices", std::move(devices)},
                                 {"verity", nullptr}};
  if (opened.files.verified != nullptr) json["verity"] = VerityJson(opened.files);
  return json;
}

}  // namespace

int RunInfo(const Arguments& arguments, const std::string& name) {
  ImageArguments args;
  bool json = false;
  CLI::App app("Show what an image says about itself, and who vouches for it.");
  AddImageOptions(app, args);
  app.add_flag("--json", json, "One JSON object");
  if (const auto status = ParseArguments(app, arguments, name, kBadUsage)) return *status;

  const auto opened = OpenVerifiedImage(args, name);
  if (!opened) return kPartFailed;
  const std::string text =
      json ? JsonLine(ToJson(*opened, args.image)) : ToText(*opened, Printable(args.image));
  return PrintOutput(text, name) ? 0 : kPartFailed;
}

}  // namespace amberfs
