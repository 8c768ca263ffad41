#include "mkfs/cluster_index.h"

#include <algorithm>
#include <cassert>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/wire.h"

namespace amberfs {
namespace {

enum Type : std::uint8_t { kPlain = 0, kHead = 1, kNonHead = 2 };

struct Entry {
  Type type = kNonHead;
  std::uint32_t low = 0;    // a head's offset, a block count with its mark, or the distance back
  std::uint32_t next = 0;   // the distance to the next head
  std::uint32_t block = 0;  // a head's
};

constexpr std::uint32_t kMaxDistance = wire::kIndexBlockCount - 1;
constexpr unsigned kMax2ByteBits = 12;
constexpr std::uint64_t kLargePack = 16;  // entries

// How many entries have 4 bytes at the beginning, and how many then have 2.
struct Shape {
  std::uint64_t first;
  std::uint64_t second;
};
Shape ShapeOf(std::uint64_t clusters, unsigned block_bits, std::uint64_t header) {
  const std::uint64_t first = (32 - (header + sizeof(wire::MapHeader)) % 32) / 4 % 8;
  if (block_bits > kMax2ByteBits || clusters <= first) return {clusters, 0};
  return {first, (clusters - first) / kLargePack * kLargePack};
}

std::vector<Entry> MakeEntries(const StoredData& data, std::uint64_t size, unsigned block_bits,
                               bool big) {
  const std::uint64_t block_bytes = std::uint64_t{1} << block_bits;
  std::vector<Entry> entries(CeilShift(size, block_bits));
  std::uint64_t pos = 0;
  std::uint32_t block = data.start_block;
  for (const StoredExtent& extent : data.extents) {
    const std::uint64_t head = pos >> block_bits;
    entries[head] = {extent.is_plain ? kPlain : kHead,
                     static_cast<std::uint32_t>(pos & (block_bytes - 1)), 0, block};
    block += extent.blocks;
    pos += extent.bytes;
    const std::uint64_t next = pos >> block_bits;
    for (std::uint64_t i = head + 1; i < next; ++i) {
      const auto back = static_cast<std::uint32_t>(std::min<std::uint64_t>(i - head, kMaxDistance));
      entries[i].low = big && i == head + 1
                           ? wire::kIndexBlockCount | std::max<std::uint32_t>(extent.blocks, 1)
                           : back;
      entries[i].next = static_cast<std::uint32_t>(std::min<std::uint64_t>(next - i, kMaxDistance));
      entries[i].block = entries[head].block;
    }
  }
  assert(pos == size);
  // The last extent ends where another would start.
  if (const std::uint64_t end = size & (block_bytes - 1);
      end != 0 && entries.back().type == kNonHead && entries.back().low == 0)
    entries.back() = {kPlain, static_cast<std::uint32_t>(end), 0, block};
  return entries;
}

// The base address of the pack that starts at `pack`: its first head's, less what a reader adds.
std::uint32_t BaseOf(const std::vector<Entry>& entries, std::uint64_t pack, std::uint64_t count,
                     bool big) {
  std::uint64_t head = pack;
  const std::uint64_t end = std::min<std::uint64_t>(pack + count, entries.size());
  while (head < end && entries[head].type == kNonHead) ++head;
  if (head == end) return entries[pack].block;
  std::uint32_t blocks = big ? 0 : 1;
  for (auto i = static_cast<std::int64_t>(head - pack) - 1; i >= 0; --i) {
    const Entry& entry = entries[pack + static_cast<std::uint64_t>(i)];
    if (!big) {
      i -= entry.low;
      if (i >= 0) ++blocks;
    } else if ((entry.low & wire::kIndexBlockCount) != 0) {
      blocks += entry.low & ~wire::kIndexBlockCount;
      --i;
    } else {
      i -= static_cast<std::int64_t>(entry.low) - 2;
    }
  }
  return entries[head].block - blocks;
}

class PackWriter {
 public:
  PackWriter(const std::vector<Entry>& entries, unsigned block_bits, bool big,
             std::vector<std::byte>& out)
      : entries_(entries), low_bits_(std::max(12U, block_bits)), big_(big), out_(out) {}

  // The entries from `first` on, `count` in a pack, with their base behind them.
  void Write(std::uint64_t first, std::uint64_t count, unsigned entry_bits) {
    const std::size_t start = out_.size();
    out_.resize(start + count * entry_bits / 8 + sizeof(Le32));
    for (std::uint64_t i = 0; i < count && first + i < entries_.size(); ++i) {
      const Entry& entry = entries_[first + i];
      const bool tells_next =
          entry.type == kNonHead && i + 1 == count && (entry.low & wire::kIndexBlockCount) == 0;
      const std::uint32_t bits = (tells_next ? entry.next : entry.low) | std::uint32_t{entry.type}
                                                                             << low_bits_;
      Put(start * 8 + i * entry_bits, bits, low_bits_ + 2);
    }
    const Le32 base = BaseOf(entries_, first, count, big_);
    PutWire(out_, out_.size() - sizeof base, base);
  }

 private:
  void Put(std::uint64_t at, std::uint32_t value, unsigned count) {
    for (unsigned i = 0; i < count; ++i, ++at)
      if ((value >> i & 1) != 0) out_[at / 8] |= static_cast<std::byte>(1U << at % 8);
  }

  const std::vector<Entry>& entries_;
  const unsigned low_bits_;
  const bool big_;
  std::vector<std::byte>& out_;
};

}  // namespace

std::uint64_t ClusterIndexBytes(std::uint64_t size, unsigned block_bits, std::uint64_t header) {
  const std::uint64_t clusters = CeilShift(size, block_bits);
  const Shape shape = ShapeOf(clusters, block_bits, header);
  return sizeof(wire::MapHeader) + 2 * shape.second + 4 * RoundUp(clusters - shape.second, 2);
}

std::vector<std::byte> EncodeClusterIndex(const StoredData& data, std::uint64_t size,
                                          unsigned block_bits, std::uint64_t header) {
  const bool big =
      std::ranges::any_of(data.extents, [](const StoredExtent& e) { return e.blocks > 1; });
  const bool two_bytes = block_bits <= kMax2ByteBits;
  wire::MapHeader raw{};
  raw.low = data.tail_bytes << 16;
  raw.advise = static_cast<std::uint16_t>((two_bytes ? wire::kMap2Byte : 0) |
                                          (big ? wire::kMapBigHead1 | wire::kMapBigHead2 : 0) |
                                          (data.tail_bytes > 0 ? wire::kMapInline : 0));
  raw.algorithms = static_cast<std::uint8_t>(data.algorithm);
  std::vector<std::byte> out(WireBytes(raw).begin(), WireBytes(raw).end());

  const std::vector<Entry> entries = MakeEntries(data, size, block_bits, big);
  const Shape shape = ShapeOf(entries.size(), block_bits, header);
  PackWriter writer(entries, block_bits, big, out);
  std::uint64_t at = 0;
  for (; at < shape.first; at += 2) writer.Write(at, 2, 16);
  for (; at < shape.first + shape.second; at += kLargePack) writer.Write(at, kLargePack, 14);
  for (; at < entries.size(); at += 2) writer.Write(at, 2, 16);
  assert(out.size() == ClusterIndexBytes(size, block_bits, header));
  return out;
}

}  // namespace amberfs
