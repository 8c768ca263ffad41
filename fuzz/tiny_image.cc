#include "fuzz/tiny_image.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/crc32c.h"
#include "format/inode.h"
#include "format/wire.h"

namespace amberfs::fuzz {
namespace {

constexpr std::uint64_t kBlock = 512;
constexpr std::uint32_t kMetaBlock = 3;  // blocks 0 to 2 hold boot area and superblock

struct Attribute {
  std::uint8_t index;
  std::string rest;
  std::string value;
};

// Grows one image. Inodes are placed one after the other from kMetaBlock on; their numbers must be
// known before their directories are written.
class Builder {
 public:
  explicit Builder(bool wide, bool with_device) : wide_(wide), with_device_(with_device) {
    image_.resize(kMetaBlock * kBlock + wire::kSlotBytes);  // slot 0 stays empty
  }

  struct Spec {
    std::uint32_t mode;
    DataLayout layout = DataLayout::kFlatInline;
    std::string body{};  // inline data, or the chunk table
    std::uint64_t size = 0;
    std::uint32_t u = 0;
    bool extended = false;
    std::vector<Attribute> attributes{};
    std::vector<std::uint32_t> shared_ids{};
    bool bit4 = false;
    std::uint16_t nb = 1;
  };

  Nid Add(const Spec& spec);
  // Names must ascend.
  Nid AddDirectory(const std::vector<std::pair<std::string, Nid>>& entries, Spec spec);
  std::uint32_t AddShared(const Attribute& attribute);  // id counted from kMetaBlock
  std::uint32_t AddPrefix(std::uint8_t base, const std::string& infix);  // offset / 4
  std::uint32_t AddBlocks(const std::string& bytes);                     // first block

  std::vector<std::byte> Finish(Nid root_nid, std::uint32_t prefix_start, unsigned prefix_count,
                                std::uint32_t device_blocks);

 private:
  void Align(std::uint64_t unit) { image_.resize(RoundUp(std::uint64_t{image_.size()}, unit)); }
  void Append(ByteView bytes) { image_.insert(image_.end(), bytes.begin(), bytes.end()); }

  bool wide_;
  bool with_device_;
  std::vector<std::byte> image_;
};

std::string EncodeEntry(const Attribute& attribute) {
  wire::XattrEntry entry;
  entry.name_len = static_cast<std::uint8_t>(attribute.rest.size());
  entry.name_index = attribute.index;
  entry.value_size = static_cast<std::uint16_t>(attribute.value.size());
  std::string out(AsText(WireBytes(entry)));
  out += attribute.rest + attribute.value;
  out.resize(RoundUp(std::uint64_t{out.size()}, 4), '\0');
  return out;
}

Nid Builder::Add(const Spec& spec) {
  std::string area;
  if (!spec.attributes.empty() || !spec.shared_ids.empty()) {
    wire::XattrHeader header;
    header.shared_count = static_cast<std::uint8_t>(spec.shared_ids.size());
    area = AsText(WireBytes(header));
    for (const Le32 id : spec.shared_ids) area += AsText(WireBytes(id));
    for (const Attribute& attribute : spec.attributes) area += EncodeEntry(attribute);
  }
  const std::uint64_t fixed =
      (spec.extended ? sizeof(wire::InodeExtended) : sizeof(wire::InodeCompact)) + area.size();
  Align(wire::kSlotBytes);
  // An inline tail must not cross the end of the block that the inode ends in.
  const std::uint64_t end = image_.size() + fixed;
  if (spec.layout == DataLayout::kFlatInline && (end - 1) % kBlock + 1 + spec.body.size() > kBlock)
    Align(kBlock);

  const Nid nid{(image_.size() - kMetaBlock * kBlock) / wire::kSlotBytes};
  const auto format = static_cast<std::uint16_t>(
      (spec.extended ? 1 : 0) | static_cast<int>(spec.layout) << wire::kFormatLayoutShift |
      (spec.bit4 ? wire::kFormatBit4 : 0));
  const auto icount = static_cast<std::uint16_t>(area.empty() ? 0 : (area.size() - 12) / 4 + 1);
  if (spec.extended) {
    wire::InodeExtended raw;
    raw.format = format;
    raw.xattr_icount = icount;
    raw.mode = static_cast<std::uint16_t>(spec.mode);
    raw.size = spec.size;
    raw.u = spec.u;
    raw.uid = 100000;
    raw.mtime = 1'700'000'000;
    raw.nlink = 1;
    Append(WireBytes(raw));
  } else {
    wire::InodeCompact raw;
    raw.format = format;
    raw.xattr_icount = icount;
    raw.mode = static_cast<std::uint16_t>(spec.mode);
    raw.nb = spec.nb;
    raw.size = static_cast<std::uint32_t>(spec.size);
    raw.u = spec.u;
    Append(WireBytes(raw));
  }
  Append(AsBytes(area));
  if (spec.layout == DataLayout::kChunkBased) Align((spec.u & wire::kChunkIndexes) != 0 ? 8 : 4);
  Append(AsBytes(spec.body));
  return nid;
}

Nid Builder::AddDirectory(const std::vector<std::pair<std::string, Nid>>& entries, Spec spec) {
  std::string heads;
  std::string names;
  for (const auto& [name, nid] : entries) {
    wire::Dirent raw;
    raw.nid = nid.v;
    raw.nameoff = static_cast<std::uint16_t>(entries.size() * sizeof raw + names.size());
    raw.file_type = 1;
    heads += AsText(WireBytes(raw));
    names += name;
  }
  spec.mode |= S_IFDIR;
  spec.body = heads + names;
  spec.size = spec.body.size();
  return Add(spec);
}

std::uint32_t Builder::AddShared(const Attribute& attribute) {
  Align(4);
  const std::uint64_t at = image_.size() - kMetaBlock * kBlock;
  Append(AsBytes(EncodeEntry(attribute)));
  return static_cast<std::uint32_t>(at / 4);
}

std::uint32_t Builder::AddPrefix(std::uint8_t base, const std::string& infix) {
  Align(4);
  const std::uint64_t at = image_.size();
  Append(WireBytes(Le16(static_cast<std::uint16_t>(infix.size() + 1))));
  image_.push_back(std::byte{base});
  Append(AsBytes(infix));
  return static_cast<std::uint32_t>(at / 4);
}

std::uint32_t Builder::AddBlocks(const std::string& bytes) {
  Align(kBlock);
  const std::uint64_t at = image_.size();
  Append(AsBytes(bytes));
  Align(kBlock);
  return static_cast<std::uint32_t>(at / kBlock);
}

std::vector<std::byte> Builder::Finish(Nid root_nid, std::uint32_t prefix_start,
                                       unsigned prefix_count, std::uint32_t device_blocks) {
  std::uint32_t devices = 0;
  if (with_device_) {
    Align(128);
    devices = static_cast<std::uint32_t>(image_.size() / 128);
    wire::DeviceSlot slot{};
    slot.blocks_lo = device_blocks;
    slot.uniaddr_lo =
        static_cast<std::uint32_t>(RoundUp(std::uint64_t{image_.size()} + 128, kBlock) / kBlock);
    Append(WireBytes(slot));
  }
  Align(kBlock);
  wire::Superblock sb{};
  sb.magic = wire::kMagic;
  sb.feature_compat = wire::kCompatChecksum | wire::kCompatMtime | wire::kCompatXattrFilter;
  sb.blkszbits = 9;
  sb.inos = 3;
  sb.blocks_lo = static_cast<std::uint32_t>(image_.size() / kBlock);
  sb.meta_blkaddr = kMetaBlock;
  sb.xattr_blkaddr = kMetaBlock;
  sb.feature_incompat =
      wire::kIncompatChunkedFile | (with_device_ ? wire::kIncompatDeviceTable : 0) |
      (prefix_count > 0 ? wire::kIncompatXattrPrefixes : 0) | (wide_ ? wire::kIncompat48Bit : 0);
  if (wide_)
    sb.rootnid_8b = root_nid.v;
  else
    sb.rootnid_2b = static_cast<std::uint16_t>(root_nid.v);
  sb.extra_devices = with_device_ ? 1 : 0;
  sb.devt_slotoff = static_cast<std::uint16_t>(devices);
  sb.xattr_prefix_count = static_cast<std::uint8_t>(prefix_count);
  sb.xattr_prefix_start = prefix_start;
  PutWire(image_, wire::kSuperblockOffset, sb);
  sb.checksum = SuperblockChecksum(image_, 9);
  PutWire(image_, wire::kSuperblockOffset, sb);
  return image_;
}

std::string Indexes(std::initializer_list<std::pair<std::uint16_t, std::uint32_t>> chunks) {
  std::string out;
  for (const auto& [device, block] : chunks) {
    wire::ChunkIndex raw;
    raw.device_id = device;
    raw.startblk_lo = block;
    out += AsText(WireBytes(raw));
  }
  return out;
}

// An ACL: version 2, then tag, permissions and id of each entry.
std::string Acl() {
  std::string out(AsText(WireBytes(Le32(2))));
  for (const auto& [tag, id] :
       {std::pair{1U, ~0U}, {2U, 1000U}, {4U, ~0U}, {16U, ~0U}, {32U, ~0U}}) {
    out += AsText(WireBytes(Le16(static_cast<std::uint16_t>(tag))));
    out += AsText(WireBytes(Le16(5)));
    out += AsText(WireBytes(Le32(id)));
  }
  return out;
}

}  // namespace

std::vector<TinyImage> MakeTinyImages() {
  std::vector<TinyImage> out;
  for (const bool wide : {false, true}) {
    Builder plain(wide, false);
    const std::uint32_t shared = plain.AddShared({wire::kXattrUser, "shared", "value"});
    const std::uint32_t prefixes = plain.AddPrefix(wire::kXattrTrusted, "overlay.");
    plain.AddPrefix(wire::kXattrUser, "");
    const std::uint32_t data = plain.AddBlocks(std::string(700, 'd'));
    const Nid file = plain.Add({.mode = S_IFREG | 0644, .body = "hello", .size = 5});
    const Nid link = plain.Add({.mode = S_IFLNK | 0777, .body = "file", .size = 4});
    const Nid flat = plain.Add(
        {.mode = S_IFREG | 0600, .layout = DataLayout::kFlatPlain, .size = 700, .u = data});
    const Nid tail = plain.Add({.mode = S_IFREG | 04755,
                                .body = std::string(88, 't'),
                                .size = 600,
                                .u = data,
                                .extended = true,
                                .attributes = {{wire::kXattrSecurity, "capability", "cap"},
                                               {wire::kXattrAclAccess, "", Acl()},
                                               {0x80, "opaque", "y"},
                                               {0x81, "long", ""}},
                                .shared_ids = {shared}});
    const Nid holes = plain.Add({.mode = S_IFREG | 0644,
                                 .layout = DataLayout::kChunkBased,
                                 .body = Indexes({{0, data}, {0, ~0U}, {0, data + 1}}),
                                 .size = 1400,
                                 .u = wire::kChunkIndexes});
    const Nid map =
        plain.Add({.mode = S_IFREG | 0644,
                   .layout = DataLayout::kChunkBased,
                   .body = std::string(AsText(WireBytes(Le32(data)))) + "\xff\xff\xff\xff",
                   .size = 1500,
                   .u = 1});
    const Nid device =
        plain.Add({.mode = S_IFCHR | 0600, .layout = DataLayout::kFlatPlain, .u = 0x103});
    const Nid empty = plain.Add({.mode = S_IFREG, .layout = DataLayout::kFlatPlain, .nb = 3});
    // The numbers of directories are guesses until they are placed; these two are made twice.
    Nid below{0};
    Nid top{0};
    std::vector<std::byte> image;
    for (int round = 0; round < 2; ++round) {
      Builder copy = plain;
      const Nid new_below =
          copy.AddDirectory({{"..", top}, {"hard", file}}, {.mode = 0755, .bit4 = true, .nb = 2});
      const Nid new_top = copy.AddDirectory({{".", top},
                                             {"..", top},
                                             {"c", device},
                                             {"dir", below},
                                             {"empty", empty},
                                             {"file", file},
                                             {"flat", flat},
                                             {"holes", holes},
                                             {"link", link},
                                             {"map", map},
                                             {"tail", tail}},
                                            {.mode = 0755, .shared_ids = {shared}, .nb = 3});
      below = new_below;
      top = new_top;
      image = copy.Finish(top, prefixes, 2, 0);
    }
    out.push_back({wide ? "tiny48" : "tiny", image, {}});

    Builder devices(wide, true);
    const Nid blob = devices.Add({.mode = S_IFREG | 0644,
                                  .layout = DataLayout::kChunkBased,
                                  .body = Indexes({{1, 0}, {0, ~0U}, {1, 1}}),
                                  .size = 1400,
                                  .u = wire::kChunkIndexes | (wide ? wire::kChunk48Bit : 0U)});
    Nid root{0};
    std::vector<std::byte> with_device;
    for (int round = 0; round < 2; ++round) {
      Builder copy = devices;
      root =
          copy.AddDirectory({{".", root}, {"..", root}, {"blob", blob}}, {.mode = 0755, .nb = 2});
      with_device = copy.Finish(root, 0, 0, 2);
    }
    std::vector<std::byte> extra(2 * kBlock, std::byte{'x'});
    out.push_back({wide ? "devices48" : "devices", with_device, extra});
  }
  return out;
}

}  // namespace amberfs::fuzz
