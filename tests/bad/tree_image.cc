#include "tests/bad/tree_image.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/checked.h"
#include "format/inode.h"
#include "format/wire.h"

namespace amberfs {
namespace {

using Bytes = std::vector<std::byte>;
constexpr std::uint64_t kBlock = TreeImage::kBlock;

void Append(Bytes& bytes, ByteView more) { bytes.insert(bytes.end(), more.begin(), more.end()); }

Bytes XattrArea(const std::vector<TreeImage::Xattr>& xattrs) {
  if (xattrs.empty()) return {};
  Bytes out;
  Append(out, WireBytes(wire::XattrHeader{}));
  for (const TreeImage::Xattr& xattr : xattrs) {
    Append(out,
           WireBytes(wire::XattrEntry{static_cast<std::uint8_t>(xattr.suffix.size()), xattr.index,
                                      static_cast<std::uint16_t>(xattr.value.size())}));
    Append(out, AsBytes(xattr.suffix));
    Append(out, AsBytes(xattr.value));
    out.resize(RoundUp(out.size(), 4));
  }
  return out;
}

// A name as a directory block stores it, before nids are known.
struct Entry {
  std::string name;
  TreeImage::Id id;
};

// How many entries each block takes, and the bytes of the whole directory.
struct Packing {
  std::vector<std::size_t> counts;
  std::uint64_t bytes = 0;
};

Packing Pack(const std::vector<Entry>& entries) {
  Packing packing;
  std::uint64_t used = kBlock;
  for (const Entry& entry : entries) {
    const std::uint64_t need = sizeof(wire::Dirent) + entry.name.size();
    if (used + need > kBlock) {
      packing.counts.push_back(0);
      used = 0;
    }
    used += need;
    ++packing.counts.back();
  }
  packing.bytes = (packing.counts.size() - 1) * kBlock + used;
  return packing;
}

// One inode, its place and what it stores.
struct Placed {
  std::uint64_t inode = 0;
  std::uint64_t size = 0;    // i_size
  std::uint64_t stored = 0;  // bytes at `data`: contents, entries or a chunk table
  std::uint64_t data = 0;
  bool is_inline = false;
  Bytes xattrs;
  std::vector<Entry> entries;  // of a directory
};

class Builder {
 public:
  explicit Builder(const std::deque<TreeImage::Node>& nodes)
      : nodes_(nodes), places_(nodes.size()) {}

  Bytes Build() && {
    std::uint64_t end = kBlock;
    for (std::size_t id = 0; id < nodes_.size(); ++id) end = Place(id, end);
    bytes_.resize(RoundUp(end, kBlock));
    for (std::size_t id = 0; id < nodes_.size(); ++id) WriteNode(id);
    WriteSuperblock();
    return std::move(bytes_);
  }

 private:
  std::uint64_t Place(std::size_t id, std::uint64_t cursor);
  void WriteNode(std::size_t id);
  void WriteEntries(const Placed& place);
  void WriteSuperblock();
  void Put(std::uint64_t at, ByteView view) {
    std::ranges::copy(view, bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  }

  const std::deque<TreeImage::Node>& nodes_;
  std::vector<Placed> places_;
  Bytes bytes_;
};

// Gives inode `id` its place from `cursor` on; returns where the next one may start.
std::uint64_t Builder::Place(std::size_t id, std::uint64_t cursor) {
  const TreeImage::Node& node = nodes_[id];
  Placed& place = places_[id];
  const bool chunked = !node.chunks.empty();
  if (chunked) {
    place.size = node.chunks.size() * kBlock;
    place.stored = node.chunks.size() * sizeof(Le32);
  } else if (node.hole) {
    place.size = *node.hole;
  } else if (S_ISDIR(node.mode)) {
    place.entries = {{".", id}, {"..", node.parent}};
    // Equal names stay in the order in which they were added.
    for (const TreeImage::Name& name : node.names)
      place.entries.insert(std::ranges::upper_bound(place.entries, name.name, {}, &Entry::name),
                           {name.name, name.id});
    place.size = place.stored = Pack(place.entries).bytes;
  } else {
    place.size = place.stored = node.data.size();
  }
  place.xattrs = XattrArea(node.xattrs);

  // A chunk table, and what fits into one block with its inode, stands behind it.
  const std::uint64_t fixed = sizeof(wire::InodeExtended) + place.xattrs.size();
  place.is_inline = !chunked && place.stored > 0 && fixed + place.stored <= kBlock;
  const std::uint64_t whole = fixed + (chunked || place.is_inline ? place.stored : 0);
  if (cursor % kBlock + whole > kBlock) cursor = RoundUp(cursor, kBlock);
  place.inode = cursor;
  place.data = cursor + fixed;
  cursor = RoundUp(cursor + whole, wire::kSlotBytes);
  if (chunked || place.is_inline || place.stored == 0) return cursor;
  place.data = RoundUp(cursor, kBlock);
  return RoundUp(place.data + place.stored, kBlock);
}

void Builder::WriteNode(std::size_t id) {
  const TreeImage::Node& node = nodes_[id];
  const Placed& place = places_[id];
  const DataLayout layout = !node.chunks.empty() ? DataLayout::kChunkBased
                            : place.is_inline    ? DataLayout::kFlatInline
                                                 : DataLayout::kFlatPlain;
  wire::InodeExtended raw{};
  raw.format = static_cast<std::uint16_t>(wire::kFormatExtended | static_cast<unsigned>(layout)
                                                                      << wire::kFormatLayoutShift);
  if (!place.xattrs.empty())
    raw.xattr_icount = static_cast<std::uint16_t>((place.xattrs.size() - 12) / 4 + 1);
  raw.mode = node.mode;
  raw.size = place.size;
  raw.uid = node.uid;
  raw.gid = node.gid;
  raw.mtime = static_cast<std::uint64_t>(node.mtime);
  raw.mtime_nsec = node.mtime_nsec;
  raw.nlink = node.nlink;
  if (node.hole) raw.nb = 0xFFFF;  // the high bits of "no block"
  if (S_ISCHR(node.mode) || S_ISBLK(node.mode))
    raw.u = node.device;
  else if (node.hole || place.is_inline)
    raw.u = wire::kNullBlock32;
  else if (node.chunks.empty())
    raw.u = static_cast<std::uint32_t>(place.data / kBlock);
  PutWire(bytes_, place.inode, raw);
  Put(place.inode + sizeof raw, place.xattrs);

  for (std::size_t i = 0; i < node.chunks.size(); ++i)
    PutWire(bytes_, place.data + i * sizeof(Le32), Le32(node.chunks[i]));
  Put(place.data, AsBytes(node.data));
  if (!place.entries.empty()) WriteEntries(place);
}

void Builder::WriteEntries(const Placed& place) {
  auto entry = place.entries.begin();
  std::uint64_t start = place.data;
  for (const std::size_t count : Pack(place.entries).counts) {
    std::uint64_t name_at = count * sizeof(wire::Dirent);
    for (std::size_t i = 0; i < count; ++i, ++entry) {
      const auto type = static_cast<std::uint8_t>(FileTypeOfMode(nodes_[entry->id].mode));
      PutWire(bytes_, start + i * sizeof(wire::Dirent),
              wire::Dirent{places_[entry->id].inode / wire::kSlotBytes,
                           static_cast<std::uint16_t>(name_at), type, 0});
      Put(start + name_at, AsBytes(entry->name));
      name_at += entry->name.size();
    }
    start += kBlock;
  }
}

void Builder::WriteSuperblock() {
  wire::Superblock sb{};
  sb.magic = wire::kMagic;
  sb.feature_incompat = wire::kIncompatChunkedFile;
  sb.blkszbits = 12;
  sb.rootnid_2b = static_cast<std::uint16_t>(places_[TreeImage::kRoot].inode / wire::kSlotBytes);
  sb.inos = nodes_.size();
  sb.blocks_lo = static_cast<std::uint32_t>(bytes_.size() / kBlock);
  PutWire(bytes_, wire::kSuperblockOffset, sb);
}

}  // namespace

TreeImage::TreeImage() { nodes_.push_back({.mode = S_IFDIR | 0755, .nlink = 2}); }

TreeImage::Id TreeImage::AddNode(Id parent, const std::string& name, std::uint16_t mode) {
  nodes_.push_back({.mode = mode, .parent = parent});
  nodes_[parent].names.push_back({name, nodes_.size() - 1});
  return nodes_.size() - 1;
}

TreeImage::Id TreeImage::AddDirectory(Id parent, const std::string& name, std::uint16_t mode) {
  const Id id = AddNode(parent, name, static_cast<std::uint16_t>(S_IFDIR | mode));
  nodes_[id].nlink = 2;
  ++nodes_[parent].nlink;
  return id;
}

TreeImage::Id TreeImage::AddFile(Id parent, const std::string& name, const std::string& data,
                                 std::uint16_t mode) {
  const Id id = AddNode(parent, name, static_cast<std::uint16_t>(S_IFREG | mode));
  nodes_[id].data = data;
  return id;
}

TreeImage::Id TreeImage::AddLink(Id parent, const std::string& name, const std::string& target) {
  const Id id = AddNode(parent, name, S_IFLNK | 0777);
  nodes_[id].data = target;
  return id;
}

void TreeImage::AddName(Id parent, const std::string& name, Id id) {
  nodes_[parent].names.push_back({name, id});
}

std::vector<std::byte> TreeImage::Build() const { return Builder(nodes_).Build(); }

Image TreeImage::Open() const {
  auto image = Image::Open(std::make_shared<const MemorySource>(Build()));
  if (!image) std::abort();
  return *std::move(image);
}

}  // namespace amberfs
