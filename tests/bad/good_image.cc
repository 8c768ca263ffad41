#include "tests/bad/good_image.h"

#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>

#include "base/checked.h"
#include "format/inode.h"
#include "format/xattr_filter.h"
#include "verity/digest_xattr.h"
#include "verity/file_hasher.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kFirstInode = 1472;
// Blocks 0 and 1 hold the metadata.
constexpr std::uint32_t kDirBlock = 2;
constexpr std::uint32_t kSubBlock = 3;
constexpr std::uint32_t kDataBlock = 4;   // and 5; the chunk-based files share them
constexpr std::uint32_t kPlainBlock = 6;  // and 7
constexpr std::uint32_t kManyNames = 20;
constexpr std::uint32_t kDeviceBlocks = 2;

using Bytes = std::vector<std::byte>;

void Append(Bytes& bytes, ByteView more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

struct InlineXattr {
  std::uint8_t index;
  std::string_view suffix;
  std::string_view value;
};

Bytes XattrEntryBytes(const InlineXattr& xattr) {
  Bytes out;
  Append(out,
         WireBytes(wire::XattrEntry{static_cast<std::uint8_t>(xattr.suffix.size()), xattr.index,
                                    static_cast<std::uint16_t>(xattr.value.size())}));
  Append(out, AsBytes(xattr.suffix));
  Append(out, AsBytes(xattr.value));
  out.resize(RoundUp(out.size(), 4));
  return out;
}

constexpr InlineXattr kShared{wire::kXattrUser, "shared", "everybody has it"};
constexpr std::string_view kHello = "Hello, world!\n";
constexpr std::uint32_t kSharedId = GoodImage::kSharedXattr / 4;

// The area of an inode that has the shared attribute and those in `xattrs`.
Bytes XattrAreaBytes(const std::vector<InlineXattr>& xattrs) {
  std::uint32_t filter = ~(1U << XattrFilterBit(kShared.index, kShared.suffix));
  Bytes entries;
  for (const InlineXattr& xattr : xattrs) {
    // A long prefix counts as its short one and what follows that.
    const bool is_long = (xattr.index & wire::kXattrLongPrefix) != 0;
    filter &= ~(
        1U << (is_long ? XattrFilterBit(wire::kXattrTrusted, "overlay." + std::string(xattr.suffix))
                       : XattrFilterBit(xattr.index, xattr.suffix)));
    Append(entries, XattrEntryBytes(xattr));
  }
  Bytes out;
  Append(out, WireBytes(wire::XattrHeader{filter, 1, {}}));
  Append(out, WireBytes(Le32(kSharedId)));
  Append(out, entries);
  return out;
}

// u::rwx u:1000:rw- g::r-x m::rwx o::r-x
std::string AclValue() {
  Bytes out;
  Append(out, WireBytes(Le32(2)));
  const std::uint32_t entries[][3] = {{0x01, 7, 0xFFFFFFFF},
                                      {0x02, 6, 1000},
                                      {0x04, 5, 0xFFFFFFFF},
                                      {0x10, 7, 0xFFFFFFFF},
                                      {0x20, 5, 0xFFFFFFFF}};
  for (const auto& [tag, perm, id] : entries) {
    Append(out, WireBytes(Le16(static_cast<std::uint16_t>(tag))));
    Append(out, WireBytes(Le16(static_cast<std::uint16_t>(perm))));
    Append(out, WireBytes(Le32(id)));
  }
  return std::string(AsText(out));
}

Bytes ChunkIndexes() {
  Bytes out;
  Append(out, WireBytes(wire::ChunkIndex{0, 0, kDataBlock}));
  Append(out, WireBytes(wire::ChunkIndex{0, 0, wire::kNullBlock32}));
  Append(out, WireBytes(wire::ChunkIndex{0, 1, 1}));
  return out;
}

Bytes BlockMap() {
  Bytes out;
  Append(out, WireBytes(Le32(kDataBlock)));
  Append(out, WireBytes(Le32(kDataBlock + 1)));
  return out;
}

std::string ManyName(std::uint32_t i) {
  std::string name = "name-00-";
  name[5] = static_cast<char>('0' + i / 10);
  name[6] = static_cast<char>('0' + i % 10);
  return name + std::string(232, 'x');
}

std::uint8_t TypeOfMode(std::uint16_t mode) {
  return static_cast<std::uint8_t>(FileTypeOfMode(mode));
}

}  // namespace

struct GoodImage::Spec {
  struct Name {
    std::string name;
    std::string path;  // of the inode that it names
  };

  std::string path;
  std::uint16_t mode = 0;
  std::uint32_t nlink = 1;
  std::uint64_t size = 0;
  DataLayout layout = DataLayout::kFlatPlain;
  bool extended = false;
  std::uint32_t u = 0xFFFFFFFF;
  Bytes xattrs = {};
  Bytes body = {};               // chunk table or inline data
  std::vector<Name> names = {};  // of a directory, sorted

  std::uint64_t inode_bytes() const {
    return extended ? sizeof(wire::InodeExtended) : sizeof(wire::InodeCompact);
  }
  // How names fall into blocks: the number in each, and the data's length.
  std::vector<std::size_t> BlockCounts() const;
  std::uint64_t DirectoryBytes() const;
};

std::vector<std::size_t> GoodImage::Spec::BlockCounts() const {
  std::vector<std::size_t> counts;
  std::uint64_t room = 0;
  for (const Name& name : names) {
    const std::uint64_t need = sizeof(wire::Dirent) + name.name.size();
    if (need > room) {
      counts.push_back(0);
      room = kBlock;
    }
    room -= need;
    ++counts.back();
  }
  return counts;
}

std::uint64_t GoodImage::Spec::DirectoryBytes() const {
  const std::vector<std::size_t> counts = BlockCounts();
  std::uint64_t total = (counts.size() - 1) * kBlock;
  for (std::size_t i = names.size() - counts.back(); i < names.size(); ++i)
    total += sizeof(wire::Dirent) + names[i].name.size();
  return total;
}

std::vector<GoodImage::Spec> GoodImage::Specs() {
  const std::string acl = AclValue();
  FileHasher hasher;
  hasher.Add(AsBytes(kHello));
  const std::string digest = DigestXattrValue(*hasher.Finish());
  const std::string many = "/dir/" + ManyName(0);
  const auto text = [](std::string_view string) {
    return Bytes(AsBytes(string).begin(), AsBytes(string).end());
  };
  std::vector<Spec::Name> dir_names = {{".", "/dir"}, {"..", "/"}};
  for (std::uint32_t i = 0; i < kManyNames; ++i) dir_names.push_back({ManyName(i), many});
  dir_names.push_back({"sub", "/dir/sub"});

  std::vector<Spec> specs = {
      {.path = "/",
       .mode = S_IFDIR | 0755,
       .nlink = 3,
       .layout = DataLayout::kFlatInline,
       .xattrs = XattrAreaBytes({{wire::kXattrAclDefault, "", acl}}),
       .names = {{"!early", many},
                 {".", "/"},
                 {"..", "/"},
                 {"blockmap", "/blockmap"},
                 {"chunks", "/chunks"},
                 {"dir", "/dir"},
                 {"empty", "/empty"},
                 {"fifo", "/fifo"},
                 {"file", "/file"},
                 {"hole", "/hole"},
                 {"link", "/link"},
                 {"null", "/null"},
                 {"plain", "/plain"},
                 {"socket", "/socket"}}},
      {.path = "/dir",
       .mode = S_IFDIR | 0755,
       .nlink = 3,
       .layout = DataLayout::kFlatInline,
       .u = kDirBlock,
       .names = dir_names},
      {.path = "/dir/sub",
       .mode = S_IFDIR | 0700,
       .nlink = 2,
       .extended = true,
       .u = kSubBlock,
       .names = {{".", "/dir/sub"}, {"..", "/dir"}, {"link", "/file"}}},
      {.path = "/file",
       .mode = S_IFREG | 0644,
       .nlink = 2,
       .size = 14,
       .layout = DataLayout::kFlatInline,
       .xattrs = XattrAreaBytes({{wire::kXattrUser, "a", "1"},
                                 {wire::kXattrUser, "b", "22"},
                                 {wire::kXattrUser, "amberfs.fsverity", digest},
                                 {wire::kXattrSecurity, "label", "none"},
                                 {wire::kXattrLongPrefix, "opaque", "y"},
                                 {wire::kXattrAclAccess, "", acl}}),
       .body = text(kHello)},
      {.path = many, .mode = S_IFREG | 0600, .nlink = kManyNames + 1, .size = 0, .u = 0},
      {.path = "/plain", .mode = S_IFREG | 0600, .size = 5000, .extended = true, .u = kPlainBlock},
      {.path = "/chunks",
       .mode = S_IFREG | 0600,
       .size = 3 * kBlock - 96,
       .layout = DataLayout::kChunkBased,
       .extended = true,
       .u = wire::kChunkIndexes,
       .body = ChunkIndexes()},
      {.path = "/blockmap",
       .mode = S_IFREG | 0600,
       .size = 2 * kBlock + 10,
       .layout = DataLayout::kChunkBased,
       .u = 1,  // chunks of two blocks
       .body = BlockMap()},
      {.path = "/hole", .mode = S_IFREG | 0600, .size = 1 << 20},
      {.path = "/empty", .mode = S_IFREG | 0600, .u = 0},
      {.path = "/link",
       .mode = S_IFLNK | 0777,
       .size = 7,
       .layout = DataLayout::kFlatInline,
       .body = text("dir/sub")},
      {.path = "/null", .mode = S_IFCHR | 0666, .u = 0x103},
      {.path = "/fifo", .mode = S_IFIFO | 0600, .u = 0},
      {.path = "/socket", .mode = S_IFSOCK | 0600, .u = 0},
  };
  for (Spec& spec : specs)
    if (!spec.names.empty()) spec.size = spec.DirectoryBytes();
  return specs;
}

GoodImage::GoodImage() : TestImage(kBlocks) {
  devices.assign(2, std::vector<std::byte>(kDeviceBlocks * kBlock));
  const std::vector<Spec> specs = Specs();
  PlaceInodes(specs);
  for (const Spec& spec : specs) WriteInode(spec);
  for (const Spec& spec : specs)
    if (!spec.names.empty()) WriteDirectory(spec);
  const std::string_view data = "The data of a file.";
  for (const std::uint32_t block : {kDataBlock, kPlainBlock})
    std::ranges::copy(AsBytes(data), bytes.begin() + block * kBlock);
  WriteSuperblock(specs.size());
  Seal();
}

void GoodImage::PlaceInodes(const std::vector<Spec>& specs) {
  std::uint64_t cursor = kFirstInode;
  for (const Spec& spec : specs) {
    Places places;
    const bool is_inline = spec.layout == DataLayout::kFlatInline;
    const std::uint64_t fixed = spec.inode_bytes() + spec.xattrs.size();
    const std::uint64_t tail = is_inline ? spec.size % kBlock : spec.body.size();
    // An inline tail must not cross a block, nor need the rest.
    if (cursor / kBlock != (cursor + fixed + tail) / kBlock) cursor = RoundUp(cursor, kBlock);
    places.inode = cursor;
    places.xattrs = cursor + spec.inode_bytes();
    places.body = cursor + fixed;
    if (spec.layout == DataLayout::kChunkBased) places.body = RoundUp(places.body, 8);
    if (!spec.names.empty()) {
      const std::size_t count = spec.BlockCounts().size();
      for (std::size_t i = 0; i < count; ++i) places.blocks.push_back((spec.u + i) * kBlock);
      if (is_inline) places.blocks.back() = places.body;
    }
    cursor = RoundUp(places.body + tail, wire::kSlotBytes);
    places_.emplace(spec.path, std::move(places));
  }
  assert(cursor <= kDirBlock * kBlock);
}

void GoodImage::WriteInode(const Spec& spec) {
  const Places& places = Place(spec.path);
  const auto format =
      static_cast<std::uint16_t>((spec.extended ? wire::kFormatExtended : 0) |
                                 static_cast<unsigned>(spec.layout) << wire::kFormatLayoutShift);
  const auto icount =
      static_cast<std::uint16_t>(spec.xattrs.empty() ? 0 : (spec.xattrs.size() - 12) / 4 + 1);
  const auto serial = static_cast<std::uint32_t>(places.inode);
  if (spec.extended) {
    wire::InodeExtended raw{};
    raw.format = format;
    raw.xattr_icount = icount;
    raw.mode = spec.mode;
    raw.size = spec.size;
    raw.u = spec.u;
    raw.ino = serial;
    raw.uid = 70000;
    raw.mtime = 1'700'000'000;
    raw.mtime_nsec = 999'999'999;
    raw.nlink = spec.nlink;
    PutWire(bytes, places.inode, raw);
  } else {
    wire::InodeCompact raw{};
    raw.format = format;
    raw.xattr_icount = icount;
    raw.mode = spec.mode;
    raw.nb = static_cast<std::uint16_t>(spec.nlink);
    raw.size = static_cast<std::uint32_t>(spec.size);
    raw.u = spec.u;
    raw.ino = serial;
    PutWire(bytes, places.inode, raw);
  }
  std::ranges::copy(spec.xattrs, bytes.begin() + static_cast<std::ptrdiff_t>(places.xattrs));
  std::ranges::copy(spec.body, bytes.begin() + static_cast<std::ptrdiff_t>(places.body));
}

void GoodImage::WriteDirectory(const Spec& spec) {
  const Places& places = Place(spec.path);
  auto name = spec.names.begin();
  const std::vector<std::size_t> counts = spec.BlockCounts();
  for (std::size_t block = 0; block < counts.size(); ++block) {
    const std::uint64_t start = places.blocks[block];
    std::uint64_t name_at = counts[block] * sizeof(wire::Dirent);
    for (std::size_t i = 0; i < counts[block]; ++i, ++name) {
      const std::uint64_t target = InodeAt(name->path);
      // Both forms keep the mode at the same place.
      const std::uint16_t mode = CopyWire<wire::InodeCompact>(bytes, target)->mode.get();
      PutWire(bytes, start + i * sizeof(wire::Dirent),
              wire::Dirent{target / wire::kSlotBytes, static_cast<std::uint16_t>(name_at),
                           TypeOfMode(mode), 0});
      std::ranges::copy(AsBytes(name->name),
                        bytes.begin() + static_cast<std::ptrdiff_t>(start + name_at));
      name_at += name->name.size();
    }
  }
}

void GoodImage::WriteSuperblock(std::uint64_t inodes) {
  wire::Superblock raw{};
  raw.magic = wire::kMagic;
  raw.feature_compat = wire::kCompatChecksum | wire::kCompatMtime | wire::kCompatXattrFilter;
  raw.feature_incompat =
      wire::kIncompatChunkedFile | wire::kIncompatDeviceTable | wire::kIncompatXattrPrefixes;
  raw.blkszbits = 12;
  raw.rootnid_2b = static_cast<std::uint16_t>(NidOf("/"));
  raw.inos = inodes;
  raw.epoch = 1'700'000'000;
  raw.blocks_lo = kBlocks;
  raw.extra_devices = static_cast<std::uint16_t>(devices.size());
  raw.devt_slotoff = kDeviceTable / sizeof(wire::DeviceSlot);
  raw.xattr_prefix_count = 1;
  raw.xattr_prefix_start = kPrefixTable / 4;
  PutWire(bytes, kSb, raw);

  for (std::uint32_t i = 0; i < devices.size(); ++i) {
    wire::DeviceSlot slot{};
    slot.tag[0] = std::byte('A');
    slot.blocks_lo = kDeviceBlocks;
    slot.uniaddr_lo = static_cast<std::uint32_t>(kBlocks) + i * kDeviceBlocks;
    PutWire(bytes, kDeviceTable + i * sizeof slot, slot);
  }
  std::ranges::copy(XattrEntryBytes(kShared), bytes.begin() + kSharedXattr);
  constexpr std::string_view kInfix = "overlay.";
  PutWire(bytes, kPrefixTable, Le16(1 + kInfix.size()));
  PutWire(bytes, kPrefixTable + 2, wire::kXattrTrusted);
  std::ranges::copy(AsBytes(kInfix), bytes.begin() + kPrefixTable + 3);
}

std::uint64_t GoodImage::EntryAt(std::string_view path, std::string_view name) const {
  for (const std::uint64_t start : Place(path).blocks) {
    const auto name_offset = [&](std::uint64_t i) -> std::uint64_t {
      return CopyWire<wire::Dirent>(bytes, start + i * sizeof(wire::Dirent))->nameoff.get();
    };
    const std::uint64_t count = name_offset(0) / sizeof(wire::Dirent);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t begin = name_offset(i);
      const std::uint64_t end = i + 1 < count ? name_offset(i + 1) : begin + name.size();
      if (AsText(ByteView(bytes).subspan(start + begin, end - begin)) == name)
        return start + i * sizeof(wire::Dirent);
    }
  }
  std::abort();
}

std::uint64_t GoodImage::InlineXattrAt(std::string_view path, std::string_view suffix) const {
  std::uint64_t at = XattrsAt(path) + sizeof(wire::XattrHeader) + sizeof(Le32);
  while (at < BodyAt(path)) {
    const auto entry = *CopyWire<wire::XattrEntry>(bytes, at);
    const std::uint64_t name_at = at + sizeof entry;
    if (AsText(ByteView(bytes).subspan(name_at, entry.name_len)) == suffix) return at;
    at = RoundUp(name_at + entry.name_len + entry.value_size.get(), 4);
  }
  std::abort();
}

}  // namespace amberfs
