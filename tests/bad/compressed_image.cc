#include "tests/bad/compressed_image.h"

#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <cstring>

#include "base/checked.h"
#include "format/inode.h"
#include "image/image.h"

namespace amberfs {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kFirstInode = 4096 + wire::kSlotBytes;
constexpr std::uint64_t kFirstDataBlock = 3;
constexpr std::uint64_t kMaxBlocks = 40;
constexpr std::uint64_t kRoot = 1;  // nid

// Ids of algorithms, and types of clusters.
constexpr unsigned kLz4 = 0;
constexpr unsigned kDeflate = 2;
constexpr unsigned kZstd = 3;
constexpr unsigned kPlain = 0;
constexpr unsigned kHead1 = 1;
constexpr unsigned kNonHead = 2;
constexpr unsigned kHead2 = 3;

constexpr unsigned kFullLayout = 1;
constexpr unsigned kInlineLayout = 2;
constexpr unsigned kCompactLayout = 3;

constexpr std::uint16_t kFile = S_IFREG | 0644;
constexpr std::uint16_t kDirectory = S_IFDIR | 0755;

void Append(Bytes& bytes, ByteView more) { bytes.insert(bytes.end(), more.begin(), more.end()); }
void AppendByte(Bytes& bytes, std::uint64_t value) {
  bytes.push_back(static_cast<std::byte>(value & 0xFF));
}

// Eight bytes over and over.
constexpr std::uint64_t kPeriod = 8;
Bytes Pattern(char letter, std::uint64_t length) {
  Bytes out(length);
  for (std::uint64_t i = 0; i < length; ++i) out[i] = std::byte(letter + static_cast<int>(i % 8));
  return out;
}
Bytes Run(char letter, std::uint64_t length) { return Bytes(length, std::byte(letter)); }

// LZ4 of a pattern: its first period, a match that repeats it, and five literals, which is what a
// block must end with.
Bytes Lz4OfPattern(const Bytes& data) {
  constexpr std::uint64_t kEnd = 5;
  constexpr std::uint64_t kMinMatch = 4;
  std::uint64_t match = data.size() - kPeriod - kEnd - kMinMatch;
  Bytes out;
  AppendByte(out, kPeriod << 4 | 15);
  Append(out, std::span(data).first(kPeriod));
  Append(out, WireBytes(Le16(kPeriod)));
  for (match -= 15; match >= 255; match -= 255) AppendByte(out, 255);
  AppendByte(out, match);
  AppendByte(out, kEnd << 4);
  Append(out, std::span(data).last(kEnd));
  return out;
}

// LZ4 of anything: literals only, which come last.
Bytes Lz4OfLiterals(const Bytes& data) {
  Bytes out;
  AppendByte(out, 15 << 4);
  std::uint64_t left = data.size() - 15;
  for (; left >= 255; left -= 255) AppendByte(out, 255);
  AppendByte(out, left);
  Append(out, data);
  return out;
}

// DEFLATE's form for data that is not compressed: one last block with its length twice.
Bytes DeflateOfLiterals(const Bytes& data) {
  const auto length = static_cast<std::uint16_t>(data.size());
  Bytes out;
  AppendByte(out, 1);
  Append(out, WireBytes(Le16(length)));
  Append(out, WireBytes(Le16(static_cast<std::uint16_t>(~length))));
  Append(out, data);
  return out;
}

// A Zstandard frame of one segment, with one block that repeats one byte.
Bytes ZstdOfRun(const Bytes& data) {
  Bytes out;
  Append(out, WireBytes(Le32(0xFD2FB528)));
  AppendByte(out, 0x60);
  Append(out, WireBytes(Le16(static_cast<std::uint16_t>(data.size() - 256))));
  const std::uint64_t block = data.size() << 3 | 1 << 1 | 1;
  AppendByte(out, block);
  AppendByte(out, block >> 8);
  AppendByte(out, block >> 16);
  out.push_back(data[0]);
  return out;
}

Bytes DirectoryBytes(const std::vector<std::pair<std::string, std::uint64_t>>& names,
                     const std::vector<FileType>& types) {
  Bytes out;
  std::uint64_t name_at = names.size() * sizeof(wire::Dirent);
  for (std::size_t i = 0; i < names.size(); ++i) {
    Append(out, WireBytes(wire::Dirent{names[i].second, static_cast<std::uint16_t>(name_at),
                                       static_cast<std::uint8_t>(types[i]), 0}));
    name_at += names[i].first.size();
  }
  for (const auto& [name, nid] : names) Append(out, AsBytes(name));
  return out;
}

// What of a map header is the same in all of them.
wire::MapHeader Header(std::uint16_t advise, std::uint32_t low = 0) {
  wire::MapHeader raw{};
  raw.low = low;
  raw.advise = advise;
  raw.algorithms = kLz4 | kDeflate << 4;
  return raw;
}

constexpr std::uint64_t kBoxed = 0;  // offsets in the metabox
constexpr std::uint64_t kBoxedz = 64;
constexpr std::uint64_t kBoxBytes = 128;

}  // namespace

// An extent and what it is stored as.
struct CompressedImage::Part {
  enum class Store : std::uint8_t { kBlocks, kInline, kFragment, kNowhere };

  unsigned type = kHead1;
  Bytes data;
  Bytes stream = {};
  std::uint64_t blocks = 1;
  bool partial = false;
  Store store = Store::kBlocks;
};

// What an index says about a cluster.
struct CompressedImage::Entry {
  unsigned type = kNonHead;
  std::uint64_t offset = 0;
  std::uint64_t back = 0;
  std::uint64_t forward = 0;
  std::uint64_t count = 0;  // 0: the distance back is told
  std::uint64_t block = 0;
  bool partial = false;
};

CompressedImage::CompressedImage()
    : TestImage(kMaxBlocks), inode_cursor_(kFirstInode), data_cursor_(kFirstDataBlock * kBlock) {
  // The root comes first and is written last.
  AddInode("/", kDirectory, kInlineLayout, 0, 512);

  const Bytes full_plain = Pattern('c', 4000);
  const std::uint64_t in_block = (9000 + 4000) % kBlock;
  Bytes interlaced(kBlock);
  std::copy_n(full_plain.begin(), kBlock - in_block,
              interlaced.begin() + static_cast<std::ptrdiff_t>(in_block));
  std::copy(full_plain.begin() + static_cast<std::ptrdiff_t>(kBlock - in_block), full_plain.end(),
            interlaced.begin());
  const Bytes full_head2 = Pattern('b', 4080);
  AddFull("/full", wire::kMapInterlaced,
          {{.data = Pattern('a', 9000), .stream = Lz4OfPattern(Pattern('a', 9000))},
           {.type = kHead2,
            .data = Bytes(full_head2.begin(), full_head2.begin() + 4000),
            .stream = DeflateOfLiterals(full_head2),
            .partial = true},
           {.type = kPlain, .data = full_plain, .stream = interlaced},
           {.type = kPlain, .data = {}, .store = Part::Store::kNowhere}});

  // Each second head of a pack follows another kind of entry.
  const Bytes one = Pattern('A', 13000);
  const Bytes three = Pattern('B', 9000);
  const Bytes last = Pattern('d', 20000);
  AddCompact("/big", kFile, wire::kMapBigHead1 | wire::kMapBigHead2,
             {{.data = one, .stream = Lz4OfPattern(one)},
              {.data = three, .stream = Lz4OfLiterals(three), .blocks = 3},
              {.data = last, .stream = Lz4OfPattern(last)}});

  std::vector<Part> ten;
  for (int i = 0; i < 10; ++i) {
    const Bytes data = Pattern(static_cast<char>('0' + i), i < 9 ? 10000 : 5000);
    ten.push_back({.data = data, .stream = Lz4OfPattern(data)});
  }
  ten.push_back({.type = kPlain, .data = {}, .store = Part::Store::kNowhere});
  AddCompact("/two", kFile, wire::kMap2Byte, ten);

  const Bytes first = Pattern('e', 8000);
  const Bytes second = Pattern('f', 4000);
  AddCompact("/inline", kFile, wire::kMapInline,
             {{.data = first, .stream = Lz4OfPattern(first)},
              {.data = second, .stream = Lz4OfPattern(second), .store = Part::Store::kInline}});

  AddPacked();
  const Bytes& packed = data_.find("packed")->second;
  const auto fragment = [&](std::ptrdiff_t from, std::ptrdiff_t length) {
    return Bytes(packed.begin() + from, packed.begin() + from + length);
  };
  AddFull("/tail", wire::kMapFragment,
          {{.data = first, .stream = Lz4OfPattern(first)},
           {.data = fragment(100, 4000), .store = Part::Store::kFragment}});
  EditHeader("/tail", [](auto& header) { header.low = 100; });

  const Places& whole = AddInode("/whole", kFile, kFullLayout, 3000, 8);
  PutWire(bytes, whole.inode + 32, Le64(std::uint64_t{1} << 63 | 500));
  data_.emplace("/whole", fragment(500, 3000));

  AddRecords();
  AddBoxed();
  AddRoot();
  AlignData();
  bytes.resize(data_cursor_);
  WriteSuperblock();
  Seal();
}

CompressedImage::Places& CompressedImage::AddInode(std::string_view path, std::uint16_t mode,
                                                   unsigned layout, std::uint64_t size,
                                                   std::uint64_t behind) {
  wire::InodeCompact raw{};
  raw.format = static_cast<std::uint16_t>(layout << wire::kFormatLayoutShift);
  raw.mode = mode;
  raw.nb = 1;
  raw.size = static_cast<std::uint32_t>(size);
  raw.ino = static_cast<std::uint32_t>(places_.size() + 1);
  // Inline data must not cross a block.
  if (inode_cursor_ / kBlock != (inode_cursor_ + 32 + behind) / kBlock)
    inode_cursor_ = RoundUp(inode_cursor_, kBlock);
  const std::uint64_t at = inode_cursor_;
  PutWire(bytes, at, raw);
  inode_cursor_ = RoundUp(at + 32 + behind, wire::kSlotBytes);
  assert(inode_cursor_ <= kFirstDataBlock * kBlock);
  return places_.emplace(path, Places{.inode = at}).first->second;
}

void CompressedImage::Remember(std::string_view path, const std::vector<Part>& parts) {
  Bytes data;
  for (const Part& part : parts) Append(data, part.data);
  data_.emplace(path, std::move(data));
}

namespace {

template <typename Parts>
std::uint64_t SizeOf(const Parts& parts) {
  std::uint64_t size = 0;
  for (const auto& part : parts) size += part.data.size();
  return size;
}

}  // namespace

void CompressedImage::AlignData() { data_cursor_ = RoundUp(data_cursor_, kBlock); }

std::uint64_t CompressedImage::PlaceBytes(Places& places, const Bytes& stream) {
  const std::uint64_t at = data_cursor_;
  std::ranges::copy(stream, bytes.begin() + static_cast<std::ptrdiff_t>(at));
  places.pclusters.push_back(at);
  places.streams.push_back(at);
  data_cursor_ += stream.size();
  return at;
}

void CompressedImage::PlaceParts(Places& places, const std::vector<Part>& parts) {
  AlignData();
  for (const Part& part : parts) {
    if (part.store != Part::Store::kBlocks) continue;
    const std::uint64_t end = data_cursor_ + part.blocks * kBlock;
    places.pclusters.push_back(data_cursor_);
    places.streams.push_back(end - part.stream.size());
    std::ranges::copy(part.stream,
                      bytes.begin() + static_cast<std::ptrdiff_t>(end - part.stream.size()));
    data_cursor_ = end;
  }
  assert(data_cursor_ <= bytes.size());
}

std::vector<CompressedImage::Entry> CompressedImage::Entries(const Places& places,
                                                             const std::vector<Part>& parts,
                                                             bool counts) {
  std::vector<Entry> entries(CeilShift(SizeOf(parts), 12));
  std::uint64_t start = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Part& part = parts[i];
    const std::uint64_t head = start / kBlock;
    start += part.data.size();
    Entry& entry = entries.at(head);
    entry.type = part.type;
    entry.offset = (start - part.data.size()) % kBlock;
    entry.partial = part.partial;
    if (part.store == Part::Store::kBlocks) entry.block = places.pclusters.at(i) / kBlock;
    // Where the next head is, or would be.
    const std::uint64_t next = i + 1 < parts.size() ? start / kBlock : entries.size();
    for (std::uint64_t cluster = head + 1; cluster < next; ++cluster) {
      entries[cluster].back = cluster - head;
      entries[cluster].forward = next - cluster;
      if (counts && cluster == head + 1) entries[cluster].count = part.blocks;
    }
  }
  return entries;
}

void CompressedImage::WriteFull(std::uint64_t at, const std::vector<Entry>& entries) {
  for (const Entry& entry : entries) {
    wire::ClusterIndex raw{};
    raw.advise =
        static_cast<std::uint16_t>(entry.type | (entry.partial ? wire::kIndexPartial : 0U));
    raw.cluster_offset = static_cast<std::uint16_t>(entry.offset);
    const std::uint64_t back = entry.count != 0 ? wire::kIndexBlockCount | entry.count : entry.back;
    raw.u = static_cast<std::uint32_t>(entry.type != kNonHead ? entry.block
                                                              : entry.forward << 16 | back);
    PutWire(bytes, at, raw);
    at += sizeof raw;
  }
}

void CompressedImage::WritePack(std::uint64_t at, const std::vector<Entry>& entries,
                                std::size_t first, std::size_t count, unsigned bits, bool counts) {
  std::vector<bool> room(count * bits);
  // The block that the pack counts from: the one before its first head's, or with counts that one
  // itself, unless the first entry tells how long the pcluster before it is.
  std::uint64_t base = 0;
  for (std::size_t i = 0; i < count && first + i < entries.size(); ++i) {
    const Entry& entry = entries[first + i];
    const bool is_head = entry.type != kNonHead;
    if (is_head && base == 0) {
      base = counts ? entry.block : entry.block - 1;
      if (entries[first].count != 0) base -= entries[first].count;
    }
    const std::uint64_t low = is_head            ? entry.offset
                              : entry.count != 0 ? wire::kIndexBlockCount | entry.count
                              : i + 1 == count   ? entry.forward
                                                 : entry.back;
    const std::uint64_t value = low | std::uint64_t{entry.type} << 12;
    for (unsigned bit = 0; bit < bits; ++bit) room[i * bits + bit] = (value >> bit & 1) != 0;
  }
  for (std::size_t i = 0; i < room.size(); ++i)
    if (room[i]) bytes[at + i / 8] |= std::byte(1U << i % 8);
  PutWire(bytes, at + room.size() / 8, Le32(static_cast<std::uint32_t>(base)));
}

void CompressedImage::WriteCompact(std::uint64_t at, const std::vector<Entry>& entries,
                                   bool two_byte, bool counts) {
  // Inodes are aligned to 32 bytes here, so 24 bytes are left to the first pack of 2-byte entries.
  assert(at % 32 == 8);
  constexpr std::size_t kFirst = 6;
  for (std::size_t i = 0; i < entries.size();) {
    const bool small = two_byte && i >= kFirst && entries.size() - i >= 16;
    if (small) {
      WritePack(at, entries, i, 16, 14, counts);
      at += 32;
      i += 16;
    } else {
      WritePack(at, entries, i, 2, 16, counts);
      at += 8;
      i += 2;
    }
  }
}

void CompressedImage::AddFull(std::string_view path, std::uint16_t advise,
                              const std::vector<Part>& parts) {
  const std::uint64_t clusters = CeilShift(SizeOf(parts), 12);
  Places& places = AddInode(path, kFile, kFullLayout, SizeOf(parts), 16 + clusters * 8);
  PlaceParts(places, parts);
  places.index = places.inode + 32 + 16;
  PutWire(bytes, places.inode + 32, Header(advise));
  WriteFull(places.index, Entries(places, parts, false));
  EditInode(path, [&](auto& inode) { inode.u = static_cast<std::uint32_t>(parts.size()); });
  Remember(path, parts);
}

void CompressedImage::AddCompact(std::string_view path, std::uint16_t mode, std::uint16_t advise,
                                 const std::vector<Part>& parts) {
  const bool two_byte = (advise & wire::kMap2Byte) != 0;
  const bool counts = (advise & wire::kMapBigHead1) != 0;
  const std::uint64_t clusters = CeilShift(SizeOf(parts), 12);
  const std::uint64_t index_bytes = two_byte ? 24 + 32 + 8 : (clusters + 1) / 2 * 8;
  assert(!two_byte || clusters == 24);
  const bool has_inline = parts.back().store == Part::Store::kInline;
  const std::uint64_t behind = 8 + index_bytes + (has_inline ? parts.back().stream.size() : 0);
  Places& places = AddInode(path, mode, kCompactLayout, SizeOf(parts), behind);
  PlaceParts(places, parts);
  places.index = places.inode + 32 + 8;
  std::uint32_t low = 0;
  if (has_inline) {
    const std::uint64_t at = places.index + index_bytes;
    std::ranges::copy(parts.back().stream, bytes.begin() + static_cast<std::ptrdiff_t>(at));
    places.pclusters.push_back(at);
    places.streams.push_back(at);
    low = static_cast<std::uint32_t>(parts.back().stream.size()) << 16;
  }
  PutWire(bytes, places.inode + 32, Header(advise, low));
  WriteCompact(places.index, Entries(places, parts, counts), two_byte, counts);
  EditInode(path, [&](auto& inode) { inode.u = static_cast<std::uint32_t>(parts.size()); });
  Remember(path, parts);
}

void CompressedImage::AddPacked() {
  const Bytes data = Pattern('p', 6000);
  AddCompact("packed", kFile, 0, {{.data = data, .stream = Lz4OfPattern(data)}});
}

void CompressedImage::AddRecords() {
  constexpr std::uint16_t kExtents = wire::kMapExtents;
  const auto plen = [](unsigned algorithm, const Bytes& stream) {
    return Le32(
        static_cast<std::uint32_t>((algorithm + 1) << wire::kExtentFormatShift | stream.size()));
  };
  const Bytes a = Pattern('g', 8192);
  const Bytes b = Run('h', 8192);
  const Bytes c = Pattern('i', 3616);
  const Bytes hole_8192(8192);
  const Bytes stream_a = Lz4OfPattern(a);
  const Bytes stream_b = ZstdOfRun(b);

  AlignData();
  data_cursor_ += 100;  // where no block starts
  Places& r4 = AddInode("/r4", kFile, kFullLayout, 20000, 16 + 3 * 4);
  r4.index = r4.inode + 32 + 16;
  wire::MapHeader header{};
  header.advise = kExtents;
  header.cluster_bits = 1;
  PutWire(bytes, r4.inode + 32, header);
  PutWire(bytes, r4.inode + 32 + 8, Le64(PlaceBytes(r4, stream_a)));
  PlaceBytes(r4, stream_b);
  PlaceBytes(r4, c);
  PutWire(bytes, r4.index, plen(kLz4, stream_a));
  PutWire(bytes, r4.index + 4, plen(kZstd, stream_b));
  PutWire(bytes, r4.index + 8, Le32(static_cast<std::uint32_t>(c.size())));
  Remember("/r4", {{.data = a}, {.data = b}, {.data = c}});

  Places& r8 = AddInode("/r8", kFile, kFullLayout, 20000, 8 + 3 * 8);
  r8.index = r8.inode + 32 + 8;
  header.advise = kExtents | 1 << 1;
  PutWire(bytes, r8.inode + 32, header);
  PutWire(bytes, r8.index, plen(kZstd, stream_b));
  PutWire(bytes, r8.index + 4, Le32(static_cast<std::uint32_t>(PlaceBytes(r8, stream_b))));
  PutWire(bytes, r8.index + 16, Le32(static_cast<std::uint32_t>(c.size())));
  PutWire(bytes, r8.index + 20, Le32(static_cast<std::uint32_t>(PlaceBytes(r8, c))));
  Remember("/r8", {{.data = b}, {.data = hole_8192}, {.data = c}});

  // Whole blocks, whose stream stands at the end; part of a stream; a hole; a fragment.
  const Bytes d = Pattern('j', 6000);
  const Bytes e = Run('k', 4000);
  const Bytes& packed = data_.find("packed")->second;
  Places& r16 = AddInode("/r16", kFile, kFullLayout, 15000, 24 + 4 * 16);
  r16.index = RoundUp(r16.inode + 32 + 8, 16);
  header = {};
  header.low = 4;
  header.advise = kExtents | 2 << 1 | wire::kMapFragment;
  PutWire(bytes, r16.inode + 32, header);
  const auto put = [&](std::uint64_t at, std::uint64_t length_and_flags, std::uint64_t address,
                       std::uint64_t start) {
    PutWire(bytes, at, Le32(static_cast<std::uint32_t>(length_and_flags)));
    PutWire(bytes, at + 4, Le32(static_cast<std::uint32_t>(address)));
    PutWire(bytes, at + 12, Le32(static_cast<std::uint32_t>(start)));
  };
  PlaceParts(r16, {{.data = d, .stream = Lz4OfPattern(d)}});
  put(r16.index, 1U << wire::kExtentFormatShift | kBlock, r16.pclusters[0], 0);
  const Bytes stream_e = ZstdOfRun(e);
  const std::uint64_t e_at = PlaceBytes(r16, stream_e);
  put(r16.index + 16, plen(kZstd, stream_e).get() | wire::kExtentPartial, e_at, 6000);
  put(r16.index + 32, 0, 0, 9000);
  put(r16.index + 48, 1000, 0, 12000);
  Remember("/r16", {{.data = d},
                    {.data = Bytes(3000, e[0])},
                    {.data = Bytes(3000)},
                    {.data = Bytes(packed.begin() + 1000, packed.begin() + 4000)}});

  // Interlaced, in whole blocks: 7000 bytes into the file, so 2904 into a block.
  const Bytes f = Pattern('l', 7000);
  const Bytes g = Pattern('m', 3000);
  constexpr std::uint64_t kInBlock = 7000 % kBlock;
  Bytes interlaced(kBlock);
  std::copy_n(g.begin(), kBlock - kInBlock, interlaced.begin() + kInBlock);
  std::copy(g.begin() + (kBlock - kInBlock), g.end(), interlaced.begin());
  Places& r32 = AddInode("/r32", kFile, kFullLayout, 10000, 32 + 2 * 32);
  r32.index = RoundUp(r32.inode + 32 + 8, 32);
  header.low = 2;
  header.advise = kExtents | 3 << 1 | wire::kMapInterlaced;
  PutWire(bytes, r32.inode + 32, header);
  const Bytes stream_f = Lz4OfPattern(f);
  put(r32.index, plen(kLz4, stream_f).get(), PlaceBytes(r32, stream_f), 0);
  PlaceParts(r32, {{.data = g, .stream = interlaced}});
  put(r32.index + 32, kBlock, r32.pclusters[1], 7000);
  Remember("/r32", {{.data = f}, {.data = g}});
}

void CompressedImage::AddBoxed() {
  Bytes box(kBoxBytes);
  wire::InodeCompact raw{};
  raw.format = kInlineLayout << wire::kFormatLayoutShift;
  raw.mode = kFile;
  raw.nb = 1;
  raw.size = 5;
  raw.u = wire::kNullBlock32;
  raw.ino = 100;
  PutWire(box, kBoxed, raw);
  std::ranges::copy(AsBytes(std::string_view("boxed")), box.begin() + kBoxed + 32);
  data_.emplace("/zdir/boxed", Bytes(box.begin() + kBoxed + 32, box.begin() + kBoxed + 37));

  const Bytes data = Pattern('n', 5000);
  Places boxedz{.inode = kMetaboxAddress | kBoxedz, .index = kMetaboxAddress | (kBoxedz + 48)};
  PlaceParts(boxedz, {{.data = data, .stream = Lz4OfPattern(data)}});
  raw.format = kFullLayout << wire::kFormatLayoutShift;
  raw.size = 5000;
  raw.u = 1;
  raw.ino = 101;
  PutWire(box, kBoxedz, raw);
  PutWire(box, kBoxedz + 32, Header(0));
  wire::ClusterIndex entry{};
  entry.advise = kHead1;
  entry.u = static_cast<std::uint32_t>(boxedz.pclusters[0] / kBlock);
  PutWire(box, kBoxedz + 48, entry);
  entry.advise = kNonHead;
  entry.u = 1U << 16 | 1;
  PutWire(box, kBoxedz + 56, entry);
  places_.emplace("/zdir/boxed", Places{.inode = kMetaboxAddress | kBoxed});
  places_.emplace("/zdir/boxedz", boxedz);
  data_.emplace("/zdir/boxedz", data);

  AddCompact("metabox", kFile, 0, {{.data = box, .stream = Lz4OfLiterals(box)}});

  // Its inode comes next: "." is known.
  const std::uint64_t nid = (inode_cursor_ - kBlock) / wire::kSlotBytes;
  const Bytes names = DirectoryBytes(
      {{".", nid},
       {"..", kRoot},
       {"boxed", NidOf("/zdir/boxed")},
       {"boxedz", NidOf("/zdir/boxedz")}},
      {FileType::kDirectory, FileType::kDirectory, FileType::kRegular, FileType::kRegular});
  AddCompact("/zdir", kDirectory, 0, {{.data = names, .stream = Lz4OfLiterals(names)}});
  assert(NidOf("/zdir") == nid);
  EditInode("/zdir", [](auto& inode) { inode.nb = 2; });
}

void CompressedImage::AddRoot() {
  std::vector<std::pair<std::string, std::uint64_t>> names = {{".", kRoot}, {"..", kRoot}};
  std::vector<FileType> types = {FileType::kDirectory, FileType::kDirectory};
  for (const auto& [path, places] : places_) {
    if (!path.starts_with('/') || path == "/" || path.starts_with("/zdir/")) continue;
    names.emplace_back(path.substr(1), NidOf(path));
    types.push_back(path == "/zdir" ? FileType::kDirectory : FileType::kRegular);
  }
  const Bytes data = DirectoryBytes(names, types);
  assert(data.size() <= 512 && NidOf("/") == kRoot);
  EditInode("/", [&](auto& inode) {
    inode.size = static_cast<std::uint32_t>(data.size());
    inode.u = wire::kNullBlock32;
    inode.nb = 3;
  });
  std::ranges::copy(data, bytes.begin() + static_cast<std::ptrdiff_t>(InodeAt("/") + 32));
}

void CompressedImage::WriteSuperblock() {
  wire::Superblock sb{};
  sb.magic = wire::kMagic;
  sb.feature_compat = wire::kCompatChecksum | wire::kCompatMtime;
  sb.blkszbits = 12;
  sb.sb_extslots = 1;
  sb.inos = places_.size();
  sb.blocks_lo = static_cast<std::uint32_t>(bytes.size() / kBlock);
  sb.meta_blkaddr = 1;
  sb.feature_incompat = wire::kIncompatZeroPadding | wire::kIncompatCompressionConfigs |
                        wire::kIncompatDeviceTable | wire::kIncompatTailPacking |
                        wire::kIncompatFragments | wire::kIncompat48Bit | wire::kIncompatMetabox;
  sb.compression = 1 << kLz4 | 1 << kDeflate | 1 << kZstd;
  sb.packed_nid = NidOf("packed");
  sb.rootnid_8b = kRoot;
  PutWire(bytes, kSb, sb);
  wire::FirstExtensionSlot slot{};
  slot.metabox_nid = NidOf("metabox");
  PutWire(bytes, kSb + sizeof sb, slot);

  PutWire(bytes, kLz4Config, Le16(sizeof(wire::Lz4Config)));
  wire::Lz4Config lz4{};
  lz4.max_pclusterblks = 3;
  PutWire(bytes, kLz4Config + 2, lz4);
  PutWire(bytes, kDeflateConfig, Le16(sizeof(wire::DeflateConfig)));
  wire::DeflateConfig deflate{};
  deflate.windowbits = 15;
  PutWire(bytes, kDeflateConfig + 2, deflate);
  PutWire(bytes, kZstdConfig, Le16(sizeof(wire::ZstdConfig)));
  wire::ZstdConfig zstd{};
  zstd.windowlog = 5;
  PutWire(bytes, kZstdConfig + 2, zstd);
}

std::uint64_t CompressedImage::NidOf(std::string_view path) const {
  const std::uint64_t at = InodeAt(path);
  if ((at & kMetaboxAddress) != 0)
    return Nid::kMetaboxBit | (at & ~kMetaboxAddress) / wire::kSlotBytes;
  return (at - kBlock) / wire::kSlotBytes;
}

// Its stream is literals, which come last.
std::uint64_t CompressedImage::MetaboxByte(std::uint64_t offset) const {
  return PclusterAt("metabox", 0) + kBlock - kBoxBytes + offset;
}

}  // namespace amberfs
