// ClusterIndexLayout. Input: 4 bytes of shape, the inode's offset (4 bytes), the file's size (4),
// then the index as it lies behind the map header.
//
// Whatever the entries say, each lies where its neighbours leave room. If a forward pass over them
// can tell each head's block by adding up, BlockOf() must say the same.
#include "format/cluster_index.h"

#include <optional>
#include <vector>

#include "fuzz/fuzz_input.h"
#include "fuzz/some_superblock.h"

namespace amberfs::fuzz {
namespace {

constexpr std::uint64_t kMostClusters = 600;

struct Shape {
  std::uint8_t block_bits;
  std::uint8_t flags;  // bit 0: compact, 1: big pclusters, 2: 2-byte entries, 3: extended inode
  Le16 unused;
};

struct File {
  Superblock sb;
  Inode inode;
  MapHeader header;
};

File MakeFile(Input& input) {
  const auto shape = input.Take<Shape>();
  const std::uint64_t offset = std::uint64_t{input.Take<Le32>().get()} * wire::kSlotBytes;
  const std::uint32_t size = input.Take<Le32>().get();
  const bool compact = (shape.flags & 1) != 0;
  const std::uint8_t bits = static_cast<std::uint8_t>(shape.block_bits % (compact ? 6 : 8));
  const Superblock sb = SomeSuperblock({.block_bits = bits,
                                        .wide = 0,
                                        .extra_devices = 0,
                                        .blocks = 1,
                                        .meta_block = 0,
                                        .fixed_nsec = 0,
                                        .epoch = 0});
  wire::InodeExtended raw{};
  raw.format = static_cast<std::uint16_t>(1 | (compact ? 3 : 1) << 1);
  raw.mode = 0100644;
  raw.size = size % (kMostClusters << sb.block_bits()) + 1;
  const auto inode = Inode::Parse(sb, Nid{7}, offset, WireBytes(raw));
  FUZZ_CHECK(inode.has_value());
  MapHeader header;
  header.form = compact ? MapHeader::Form::kCompact : MapHeader::Form::kFull;
  header.big_head1 = header.big_head2 = (shape.flags & 2) != 0;
  header.two_byte = compact && (shape.flags & 4) != 0 && sb.block_bits() <= 12;
  return {sb, *inode, header};
}

// The entries follow one another, without gaps between their packs.
void CheckGeometry(const ClusterIndexLayout& layout) {
  std::uint64_t next = layout.start();
  for (std::uint64_t cluster = 0; cluster < layout.cluster_count();) {
    const auto pack = layout.PackOf(cluster);
    FUZZ_CHECK(pack.offset == next && pack.index == 0);
    FUZZ_CHECK(pack.bytes <= ClusterIndexLayout::kMaxPackBytes && pack.bytes % pack.entries == 0);
    FUZZ_CHECK(pack.entries == 1 || pack.offset % pack.bytes == 0);
    for (unsigned i = 1; i < pack.entries && cluster + i < layout.cluster_count(); ++i) {
      const auto other = layout.PackOf(cluster + i);
      FUZZ_CHECK(other.offset == pack.offset && other.index == i && other.bytes == pack.bytes);
    }
    next += pack.bytes;
    cluster += pack.entries;
  }
  FUZZ_CHECK(layout.end() == next);
}

// What the entries of one pack say, from front to back, where they agree with each other: each head
// in it lies behind the pclusters of those before it. Nothing where they do not agree.
std::optional<std::vector<std::uint64_t>> BlocksForward(const std::vector<ClusterIndex>& entries,
                                                        std::uint32_t base, bool big) {
  std::vector<std::uint64_t> blocks(entries.size());
  std::uint64_t next = std::uint64_t{base} + (big ? 0 : 1);
  std::optional<std::int64_t> head;  // before the pack if negative
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const ClusterIndex& entry = entries[i];
    const auto here = static_cast<std::int64_t>(i);
    const bool last = i + 1 == entries.size();
    if (entry.is_head()) {
      blocks[i] = next;
      // Where blocks are counted by entries, a head that another follows at once has no such entry.
      if (!big || last || entries[i + 1].is_head()) ++next;
      head = here;
      continue;
    }
    if (last) break;  // no head of this pack is behind it
    if (!head) head = here - entry.back;
    if (*head != here - entry.back || (i == 0 && *head >= 0)) return std::nullopt;
    if (!big) continue;
    const bool behind_head = *head + 1 == here;
    if (entry.block_count.has_value() != behind_head) return std::nullopt;
    if (behind_head) next += *entry.block_count;
  }
  return blocks;
}

void CheckPack(const ClusterIndexLayout& layout, std::uint64_t cluster, ByteView bytes, bool big) {
  auto pack = layout.PackOf(cluster);
  std::vector<ClusterIndex> entries;
  for (pack.index = 0; pack.index < pack.entries; ++pack.index) {
    entries.push_back(layout.Decode(pack, bytes));
    const ClusterIndex& entry = entries.back();
    FUZZ_CHECK(entry.cluster_offset <= 0xFFFF && (entry.is_head() || entry.back <= 0xFFFF + 1));
    FUZZ_CHECK(!entry.block_count || (big && !entry.is_head() && *entry.block_count < 0x800));
    FUZZ_CHECK(!entry.block_count || entry.back == 1);
  }
  std::optional<std::vector<std::uint64_t>> forward;
  if (pack.entries > 1)
    forward = BlocksForward(entries, CopyWire<Le32>(bytes, pack.bytes - 4)->get(), big);
  for (pack.index = 0; pack.index < pack.entries; ++pack.index) {
    unsigned next = pack.index;
    while (next < pack.entries && !entries[next].is_head()) ++next;
    FUZZ_CHECK(layout.FindHead(pack, bytes) == next);
    if (!entries[pack.index].is_head()) continue;
    const auto block = layout.BlockOf(pack, bytes);
    FUZZ_CHECK(block || (big && pack.entries > 1));
    if (forward) FUZZ_CHECK(block == (*forward)[pack.index]);
  }
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Input input(data, size);
  const File file = MakeFile(input);
  const ClusterIndexLayout layout(file.sb, file.inode, file.header);
  FUZZ_CHECK(layout.start() >= MapHeader::OffsetOf(file.inode) + 8);
  CheckGeometry(layout);

  const ByteView index = input.rest();
  for (std::uint64_t cluster = 0; cluster < layout.cluster_count();) {
    const auto pack = layout.PackOf(cluster);
    const std::uint64_t at = pack.offset - layout.start();
    if (at + pack.bytes > index.size()) break;
    CheckPack(layout, cluster, index.subspan(at, pack.bytes), file.header.big_head1);
    cluster += pack.entries;
  }
  return 0;
}
