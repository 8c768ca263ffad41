// A compressed file is a sequence of extents that tile it, each stored as one pcluster. Two kinds
// of index say where: one entry for each logical cluster (a block of the file), or one record for
// each extent.
//
// By clusters. At most one extent starts in a cluster, and that cluster is its head. To find the
// extent that holds a byte: look at its cluster; if no extent starts there, or only behind the
// byte, step back by the distances until there is a head. The extent ends where the next head says,
// or with the file. For example, blocks of 4096 bytes, extents [0, 6000) and [6000, 9000):
//
//   cluster 0: HEAD1 +0      cluster 1: HEAD1 +1904      cluster 2: PLAIN +808 (byte 9000)
//
// Byte 5000 is in cluster 1, before its head's 1904: one back. The last entry starts an extent that
// is empty, at the file's end: it is there to end the one before it, and its address means nothing.
//
// The last extent may lie elsewhere: behind the index (inline), or in the packed inode (fragment).
#include "image/compressed_mapper.h"

#include <algorithm>
#include <array>

#include "base/checked.h"
#include "image/image.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kMaxExtent = std::uint64_t{12} << 20;

}  // namespace

Result<void> CompressedMapper::ReadHeader() {
  const std::uint64_t offset = MapHeader::OffsetOf(inode_);
  std::array<std::byte, sizeof(wire::MapHeader)> bytes;
  AMBERFS_TRY_VOID(image_.ReadMetadata(offset, bytes, Rule::kZ1));
  AMBERFS_TRY(const MapHeader header, MapHeader::Parse(image_.sb(), inode_, bytes, offset));
  const std::uint64_t limit = image_.MetadataEnd(offset);
  switch (header.form) {
    case MapHeader::Form::kWholeFragment:
      break;
    case MapHeader::Form::kFull:
    case MapHeader::Form::kCompact:
      layout_.emplace(image_.sb(), inode_, header);
      if (layout_->end() > limit) return Broken(Rule::kZ1, offset);
      window_.emplace(image_, layout_->start(), layout_->end(), Rule::kZ1);
      break;
    case MapHeader::Form::kExtents: {
      if (header.extent_count == 0) return Broken(Rule::kZ13, offset);
      const std::uint64_t start = RoundUp(offset + sizeof bytes, header.record_bytes);
      // Records of 4 bytes share one address, which stands before them.
      records_ = start + (header.record_bytes == 4 ? sizeof(Le64) : 0);
      const Checked end = Checked(header.extent_count) * header.record_bytes + records_;
      if (!end.AtMost(limit)) return Broken(Rule::kZ1, offset);
      window_.emplace(image_, start, end.get(), Rule::kZ1);
      break;
    }
  }
  header_ = header;
  return {};
}

Result<Extent> CompressedMapper::Map(std::uint64_t pos) {
  if (!header_) AMBERFS_TRY_VOID(ReadHeader());
  switch (header_->form) {
    case MapHeader::Form::kWholeFragment:
      return MapFragment(0, inode_.size(), header_->fragment_offset);
    case MapHeader::Form::kFull:
    case MapHeader::Form::kCompact:
      return MapClusters(pos);
    case MapHeader::Form::kExtents:
      break;
  }
  return MapRecords(pos);
}

CompressedMapper::Index CompressedMapper::index() const {
  if (!header_) return {};
  const std::uint64_t header = MapHeader::OffsetOf(inode_);
  Index index{.header = {header, header + sizeof(wire::MapHeader)}, .entries = {}};
  if (window_) index.entries = window_->table();
  return index;
}

// --- what an extent is stored as ---

Result<Extent> CompressedMapper::MapFragment(std::uint64_t pos, std::uint64_t length,
                                             std::uint64_t offset) const {
  const std::uint64_t header_offset = MapHeader::OffsetOf(inode_);
  if (inode_.nid() == image_.sb().packed_nid() || inode_.nid() == image_.sb().metabox_nid())
    return Broken(Rule::kZ15, header_offset);
  const auto& packed = image_.packed();
  if (!packed || !(Checked(offset) + length).AtMost(packed->size()))
    return Broken(Rule::kZ14, header_offset);
  return Extent{
      .kind = ExtentKind::kFragment, .pos = pos, .length = length, .where = {DeviceId{0}, offset}};
}

// Interlaced bytes keep their place in a block: an extent that starts in the middle of one has its
// first bytes at its pcluster's end, and the others at its start.
Result<Extent> CompressedMapper::MapPlain(Extent extent, std::uint64_t pos, std::uint64_t address,
                                          std::uint64_t bytes, bool interlaced,
                                          std::uint64_t index_offset) const {
  if (extent.length > bytes) return Broken(Rule::kZ11, index_offset);
  const auto where = image_.FindData(DeviceId{0}, address, bytes);
  if (!where) return Broken(Rule::kZ10, index_offset);
  extent.kind = ExtentKind::kMapped;
  extent.where = *where;
  if (!interlaced) return extent;
  const std::uint64_t block = image_.sb().block_size();
  const std::uint64_t to_block_end = block - extent.pos % block;
  if (pos - extent.pos < to_block_end) {
    extent.where.offset += bytes - to_block_end;
    extent.length = std::min(extent.length, to_block_end);
  } else {
    extent.pos += to_block_end;
    extent.length -= to_block_end;
  }
  return extent;
}

Result<Extent> CompressedMapper::MapEncoded(Extent extent, unsigned algorithm,
                                            std::uint64_t address, std::uint64_t bytes,
                                            std::uint64_t index_offset) const {
  if (!image_.compression().has(algorithm)) return Broken(Rule::kZ3, index_offset);
  const auto where = image_.FindData(DeviceId{0}, address, bytes);
  if (!where) return Broken(Rule::kZ10, index_offset);
  extent.kind = ExtentKind::kEncoded;
  extent.where = *where;
  extent.encoded_bytes = static_cast<std::uint32_t>(bytes);
  extent.algorithm = static_cast<Algorithm>(algorithm);
  return extent;
}

// --- by clusters ---

std::uint64_t CompressedMapper::ClusterStart(std::uint64_t cluster) const {
  return cluster << image_.sb().block_bits();
}

Result<ClusterIndex> CompressedMapper::Load(std::uint64_t cluster) {
  const ClusterIndexLayout::Pack pack = layout_->PackOf(cluster);
  AMBERFS_TRY(const ByteView bytes, window_->View(pack.offset, pack.bytes));
  const ClusterIndex entry = layout_->Decode(pack, bytes);
  if (!entry.reserved_is_zero) return Broken(Rule::kZ2, pack.offset);
  if (entry.is_head() && entry.cluster_offset >= image_.sb().block_size())
    return Broken(Rule::kZ6, pack.offset);
  return entry;
}

Result<CompressedMapper::Head> CompressedMapper::FindHead(std::uint64_t pos) {
  const unsigned bits = image_.sb().block_bits();
  const std::uint64_t max_back = (kMaxExtent >> bits) + 1;
  const std::uint64_t first = pos >> bits;
  std::uint64_t cluster = first;
  AMBERFS_TRY(ClusterIndex entry, Load(cluster));
  bool found = entry.is_head() && pos - ClusterStart(cluster) >= entry.cluster_offset;
  while (!found) {
    const std::uint64_t back = entry.is_head() ? 1 : entry.back;
    if (back == 0 || back > cluster || first - cluster + back > max_back)
      return Broken(cluster == 0 ? Rule::kZ6 : Rule::kZ7, layout_->PackOf(cluster).offset);
    cluster -= back;
    AMBERFS_TRY(entry, Load(cluster));
    found = entry.is_head();
  }
  const ClusterIndexLayout::Pack pack = layout_->PackOf(cluster);
  if (cluster == 0 && entry.cluster_offset != 0) return Broken(Rule::kZ6, pack.offset);
  AMBERFS_TRY(const ByteView bytes, window_->View(pack.offset, pack.bytes));
  const auto block = layout_->BlockOf(pack, bytes);
  if (!block) return Broken(Rule::kZ7, pack.offset);
  return Head{cluster, entry, *block, pack.offset};
}

Result<std::uint64_t> CompressedMapper::FindEnd(const Head& head, std::uint64_t start) {
  const std::uint64_t size = inode_.size();
  const std::uint64_t count = layout_->cluster_count();
  std::uint64_t next = head.cluster + 1;
  while (next < count) {
    // Also what bounds this loop.
    if (ClusterStart(next) - start > kMaxExtent) return Broken(Rule::kZ8, head.offset);
    const ClusterIndexLayout::Pack pack = layout_->PackOf(next);
    AMBERFS_TRY(const ByteView bytes, window_->View(pack.offset, pack.bytes));
    const unsigned found = layout_->FindHead(pack, bytes);
    next += found - pack.index;
    if (found == pack.entries || next >= count) continue;
    AMBERFS_TRY(const ClusterIndex entry, Load(next));
    const std::uint64_t end = ClusterStart(next) + entry.cluster_offset;
    if (end > size) return Broken(Rule::kZ8, pack.offset);
    return end;
  }
  return size;
}

Result<void> CompressedMapper::CheckDistances(const Extent& extent) {
  if (!layout_) return {};  // records have none
  const unsigned bits = image_.sb().block_bits();
  AMBERFS_TRY(const Head head, FindHead(extent.pos));
  const std::uint64_t last = (extent.pos + extent.length - 1) >> bits;
  for (std::uint64_t cluster = head.cluster + 1; cluster <= last; ++cluster) {
    AMBERFS_TRY(const ClusterIndex entry, Load(cluster));
    // Wherever it leads, to the head or to a cluster behind it, that one was checked before.
    if (!entry.is_head() && (entry.back == 0 || entry.back > cluster - head.cluster))
      return Broken(Rule::kZ7, layout_->PackOf(cluster).offset);
  }
  return {};
}

Result<std::uint64_t> CompressedMapper::PclusterBlocks(const Head& head) {
  const bool big = head.entry.type == ClusterType::kHead1 ? header_->big_head1 : header_->big_head2;
  const std::uint64_t next = head.cluster + 1;
  if (!big || next >= layout_->cluster_count()) return std::uint64_t{1};
  AMBERFS_TRY(const ClusterIndex entry, Load(next));
  if (entry.is_head()) return std::uint64_t{1};
  const std::uint64_t blocks = entry.block_count.value_or(0);
  if (blocks == 0 || blocks << image_.sb().block_bits() > wire::kMaxPclusterBytes)
    return Broken(Rule::kZ9, layout_->PackOf(next).offset);
  return blocks;
}

Result<Extent> CompressedMapper::MapInline(Extent extent, const Head& head) const {
  const std::uint64_t start = layout_->end();
  const std::uint64_t bytes = header_->inline_bytes;
  const std::uint64_t block = image_.sb().block_size();
  if (start % block + bytes > block || start + bytes > image_.MetadataEnd(start))
    return Broken(Rule::kZ12, start);
  extent.where = {DeviceId{0}, start};
  if (head.entry.type == ClusterType::kPlain) {
    if (extent.length > bytes) return Broken(Rule::kZ11, head.offset);
    extent.kind = ExtentKind::kInline;  // never interlaced
    return extent;
  }
  const unsigned algorithm =
      head.entry.type == ClusterType::kHead1 ? header_->algorithm1 : header_->algorithm2;
  if (!image_.compression().has(algorithm)) return Broken(Rule::kZ3, head.offset);
  extent.kind = ExtentKind::kEncoded;
  extent.encoded_bytes = static_cast<std::uint32_t>(bytes);
  extent.algorithm = static_cast<Algorithm>(algorithm);
  return extent;
}

Result<Extent> CompressedMapper::MapClusters(std::uint64_t pos) {
  AMBERFS_TRY(const Head head, FindHead(pos));
  Extent extent;
  extent.pos = ClusterStart(head.cluster) + head.entry.cluster_offset;
  AMBERFS_TRY(const std::uint64_t end, FindEnd(head, extent.pos));
  // A head behind `pos` that claims to be before it.
  if (end <= pos || end - extent.pos > kMaxExtent) return Broken(Rule::kZ8, head.offset);
  extent.length = end - extent.pos;
  if (end == inode_.size() && header_->has_fragment) {
    const std::uint64_t high = header_->form == MapHeader::Form::kFull ? head.block << 32 : 0;
    return MapFragment(extent.pos, extent.length, header_->fragment_offset | high);
  }
  extent.partial = head.entry.partial;
  if (end == inode_.size() && header_->inline_bytes > 0) return MapInline(extent, head);

  AMBERFS_TRY(const std::uint64_t blocks, PclusterBlocks(head));
  const unsigned bits = image_.sb().block_bits();
  // Of at most 2^33 and 2^11 blocks.
  const std::uint64_t address = head.block << bits;
  const std::uint64_t bytes = blocks << bits;
  if (head.entry.type == ClusterType::kPlain)
    return MapPlain(extent, pos, address, bytes, header_->interlaced, head.offset);
  extent.padded = image_.compression().zero_padding();
  extent.partial = extent.partial || !extent.padded;
  return MapEncoded(
      extent, head.entry.type == ClusterType::kHead1 ? header_->algorithm1 : header_->algorithm2,
      address, bytes, head.offset);
}

// --- by records ---

std::uint64_t CompressedMapper::RecordOffset(std::uint64_t index) const {
  return records_ + index * header_->record_bytes;
}

Result<std::uint64_t> CompressedMapper::RecordStart(std::uint64_t index) {
  if (header_->record_bytes <= 8) return index << header_->extent_bits;
  AMBERFS_TRY(const ByteView bytes, window_->View(RecordOffset(index), header_->record_bytes));
  std::uint64_t start = CopyWire<Le32>(bytes, offsetof(wire::ExtentRecord, lstart_lo))->get();
  if (const auto high = CopyWire<Le32>(bytes, offsetof(wire::ExtentRecord, lstart_hi)))
    start |= std::uint64_t{high->get()} << 32;
  return start;
}

Result<std::uint64_t> CompressedMapper::SumOfLengths(std::uint64_t count) {
  if (count < summed_) summed_ = summed_bytes_ = 0;
  if (count - summed_ > image_.limits().max_records_per_map) return Broken(Rule::kLim2, records_);
  for (; summed_ < count; ++summed_) {
    AMBERFS_TRY(const ByteView bytes, window_->View(RecordOffset(summed_), sizeof(Le32)));
    summed_bytes_ += CopyWire<Le32>(bytes, 0)->get() & wire::kExtentLength;
  }
  return summed_bytes_;
}

Result<CompressedMapper::Record> CompressedMapper::FindRecord(std::uint64_t pos) {
  const std::uint64_t count = header_->extent_count;
  std::uint64_t index = pos >> header_->extent_bits;
  if (header_->record_bytes > 8) {
    // Who goes through the file in order meets each record, in order as well; so what is not in
    // order is not missed. Others want the last record that starts at or before `pos`.
    index = 0;
    std::uint64_t high = count;
    if (next_record_ < count) {
      AMBERFS_TRY(const std::uint64_t start, RecordStart(next_record_));
      if (start == pos) {
        index = next_record_;
        high = index + 1;
      }
    }
    while (high - index > 1) {
      const std::uint64_t middle = index + (high - index) / 2;
      AMBERFS_TRY(const std::uint64_t start, RecordStart(middle));
      (start <= pos ? index : high) = middle;
    }
  }
  Record record;
  record.index = index;
  record.offset = RecordOffset(index);
  AMBERFS_TRY(record.start, RecordStart(index));
  record.end = inode_.size();
  if (index + 1 < count) {
    AMBERFS_TRY(record.end, RecordStart(index + 1));
  }
  if (record.start > pos || record.end <= pos || record.end > inode_.size() ||
      (index == 0 && record.start != 0))
    return Broken(Rule::kZ13, record.offset);
  next_record_ = index + 1;

  AMBERFS_TRY(const ByteView bytes, window_->View(record.offset, header_->record_bytes));
  record.plen = CopyWire<Le32>(bytes, 0)->get();
  if (const auto low = CopyWire<Le32>(bytes, offsetof(wire::ExtentRecord, pstart_lo)))
    record.address = low->get();
  if (const auto high = CopyWire<Le32>(bytes, offsetof(wire::ExtentRecord, pstart_hi)))
    record.address |= std::uint64_t{high->get()} << 32;
  return record;
}

Result<Extent> CompressedMapper::MapRecords(std::uint64_t pos) {
  AMBERFS_TRY(Record record, FindRecord(pos));
  Extent extent;
  extent.pos = record.start;
  extent.length = record.end - record.start;
  if (header_->has_fragment && record.index + 1 == header_->extent_count) {
    const std::uint64_t high = record.address << 32;  // of which only the low half is in use
    return MapFragment(extent.pos, extent.length, record.plen | high);
  }
  if ((record.plen & wire::kExtentReserved) != 0) return Broken(Rule::kZ2, record.offset);
  const std::uint64_t bytes = record.plen & wire::kExtentLength;
  if (bytes == 0) return extent;  // a hole
  if (bytes > wire::kMaxPclusterBytes) return Broken(Rule::kZ9, record.offset);
  if (extent.length > kMaxExtent) return Broken(Rule::kZ8, record.offset);
  if (header_->record_bytes == 4) {
    AMBERFS_TRY(const std::uint64_t before, SumOfLengths(record.index));
    AMBERFS_TRY(const ByteView first, window_->View(records_ - sizeof(Le64), sizeof(Le64)));
    const Checked address = Checked(CopyWire<Le64>(first, 0)->get()) + before;
    if (!address.AtMost(~std::uint64_t{0})) return Broken(Rule::kZ10, record.offset);
    record.address = address.get();
  }
  const std::uint64_t block = image_.sb().block_size();
  const bool aligned = record.address % block == 0 && bytes % block == 0;
  const unsigned format = record.plen >> wire::kExtentFormatShift;
  if (format == 0)
    return MapPlain(extent, pos, record.address, bytes, header_->interlaced && aligned,
                    record.offset);
  extent.padded = aligned;
  extent.partial = (record.plen & wire::kExtentPartial) != 0;
  return MapEncoded(extent, format - 1, record.address, bytes, record.offset);
}

}  // namespace amberfs
