#include "format/cluster_index.h"

#include <algorithm>
#include <cassert>

#include "base/checked.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kHeaderBytes = sizeof(wire::MapHeader);
constexpr std::uint64_t kFullHeaderBytes = 16;  // the header and 8 bytes more
constexpr unsigned kMinLowBits = 12;
constexpr std::uint32_t kCountMask = wire::kIndexBlockCount - 1;

}  // namespace

ClusterIndexLayout::ClusterIndexLayout(const Superblock& sb, const Inode& inode,
                                       const MapHeader& header)
    : cluster_count_(CeilShift(inode.size(), sb.block_bits())),
      low_bits_(std::max(sb.block_bits(), kMinLowBits)),
      compact_(header.form == MapHeader::Form::kCompact),
      big_(header.big_head1 || header.big_head2) {
  // At most 2^54 clusters: nothing here overflows.
  const std::uint64_t header_offset = MapHeader::OffsetOf(inode);
  if (!compact_) {
    start_ = header_offset + kFullHeaderBytes;
    end_ = start_ + cluster_count_ * sizeof(wire::ClusterIndex);
    return;
  }
  start_ = header_offset + kHeaderBytes;
  first_4byte_ = (32 - start_ % 32) / 4 & 7;
  if (header.two_byte && first_4byte_ < cluster_count_)
    two_byte_ = (cluster_count_ - first_4byte_) & ~std::uint64_t{15};
  if (cluster_count_ <= first_4byte_) {
    end_ = start_ + (cluster_count_ + 1) / 2 * 8;
  } else {
    const std::uint64_t rest = cluster_count_ - first_4byte_ - two_byte_;
    end_ = start_ + 4 * first_4byte_ + 2 * two_byte_ + (rest + 1) / 2 * 8;
  }
}

ClusterIndexLayout::Pack ClusterIndexLayout::PackOf(std::uint64_t cluster) const {
  assert(cluster < cluster_count_);
  if (!compact_) return {start_ + cluster * sizeof(wire::ClusterIndex), 8, 1, 0};
  if (cluster < first_4byte_)
    return {start_ + cluster / 2 * 8, 8, 2, static_cast<unsigned>(cluster % 2)};
  const std::uint64_t behind = cluster - first_4byte_;
  const std::uint64_t two_byte_start = start_ + 4 * first_4byte_;
  if (behind < two_byte_)
    return {two_byte_start + behind / 16 * 32, 32, 16, static_cast<unsigned>(behind % 16)};
  const std::uint64_t last = behind - two_byte_;
  return {two_byte_start + 2 * two_byte_ + last / 2 * 8, 8, 2, static_cast<unsigned>(last % 2)};
}

ClusterIndexLayout::Packed ClusterIndexLayout::Unpack(const Pack& pack, ByteView bytes,
                                                      unsigned index) const {
  // Entries are low_bits_ + 2 bits of 16 or 14; four bytes from an entry's first byte hold it, and
  // the base address behind the entries keeps them inside the pack.
  const unsigned bit = index * (pack.bytes - 4) * 8 / pack.entries;
  const std::uint32_t word = CopyWire<Le32>(bytes, bit / 8)->get() >> bit % 8;
  const std::uint32_t low = word & ((std::uint32_t{1} << low_bits_) - 1);
  return {static_cast<ClusterType>(word >> low_bits_ & 3), low};
}

ClusterIndex ClusterIndexLayout::Decode(const Pack& pack, ByteView bytes) const {
  if (!compact_) return DecodeFull(bytes);
  const auto [type, low] = Unpack(pack, bytes, pack.index);
  ClusterIndex entry{.type = type};
  if (entry.is_head()) {
    entry.cluster_offset = low;
    return entry;
  }
  if ((low & wire::kIndexBlockCount) != 0) {
    TakeBlockCount(low, entry);
    return entry;
  }
  if (pack.index + 1 < pack.entries) {
    entry.back = low;
    return entry;
  }
  // The last entry tells the distance to the next head; the one before it knows the way back.
  const auto [previous, distance] = Unpack(pack, bytes, pack.index - 1);
  const bool is_count = (distance & wire::kIndexBlockCount) != 0;
  entry.back = previous != ClusterType::kNonHead ? 1 : is_count ? 2 : distance + 1;
  return entry;
}

ClusterIndex ClusterIndexLayout::DecodeFull(ByteView bytes) const {
  const auto raw = *CopyWire<wire::ClusterIndex>(bytes, 0);
  ClusterIndex entry{.type = static_cast<ClusterType>(raw.advise.get() & wire::kIndexTypeMask)};
  entry.reserved_is_zero = (raw.advise.get() & wire::kIndexReserved) == 0;
  if (entry.is_head()) {
    entry.cluster_offset = raw.cluster_offset.get();
    entry.partial = (raw.advise.get() & wire::kIndexPartial) != 0;
    return entry;
  }
  const std::uint32_t back = raw.u.get() & 0xFFFF;
  if ((back & wire::kIndexBlockCount) != 0)
    TakeBlockCount(back, entry);
  else
    entry.back = back;
  return entry;
}

// Where all pclusters are one block there are no counts, and no distance is so long: then it leads
// nowhere.
void ClusterIndexLayout::TakeBlockCount(std::uint32_t field, ClusterIndex& entry) const {
  if (!big_) return;
  entry.back = 1;
  entry.block_count = field & kCountMask;
}

unsigned ClusterIndexLayout::FindHead(const Pack& pack, ByteView bytes) const {
  if (!compact_) return DecodeFull(bytes).is_head() ? 0 : 1;
  unsigned index = pack.index;
  while (index < pack.entries && Unpack(pack, bytes, index).type == ClusterType::kNonHead) ++index;
  return index;
}

std::optional<std::uint64_t> ClusterIndexLayout::BlockOf(const Pack& pack, ByteView bytes) const {
  if (!compact_) return CopyWire<wire::ClusterIndex>(bytes, 0)->u.get();
  const std::uint64_t base = CopyWire<Le32>(bytes, pack.bytes - 4)->get();
  // Backwards over the entries before it, from head to head, adding up their pclusters' blocks.
  std::uint64_t blocks = big_ ? 0 : 1;
  auto at = static_cast<std::int64_t>(pack.index);
  while (at > 0) {
    --at;
    const auto [type, low] = Unpack(pack, bytes, static_cast<unsigned>(at));
    if (type != ClusterType::kNonHead) {
      ++blocks;  // followed by another head at once: one block
    } else if (!big_) {
      at -= low;
      if (at >= 0) ++blocks;
    } else if ((low & wire::kIndexBlockCount) != 0) {
      blocks += low & kCountMask;
      --at;  // its head, which may be the last one of the pack before
    } else if (low <= 1) {
      return std::nullopt;  // the entry behind a head tells the count
    } else {
      at -= low - 2;  // to just behind the entry that does
    }
  }
  return base + blocks;
}

}  // namespace amberfs
