#include "format/map_header.h"

#include "base/checked.h"

namespace amberfs {
namespace {

constexpr unsigned kMaxCompactClusterBits = 14;
constexpr unsigned kMax2ByteClusterBits = 12;

}  // namespace

std::uint64_t MapHeader::OffsetOf(const Inode& inode) { return RoundUp(inode.body_end(), 8); }

Result<MapHeader> MapHeader::Parse(const Superblock& sb, const Inode& inode, ByteView bytes,
                                   std::uint64_t offset) {
  const auto raw = CopyWire<wire::MapHeader>(bytes, 0);
  if (!raw) return Broken(Rule::kZ1, offset);
  MapHeader header;
  if ((raw->cluster_bits & wire::kMapWholeFragment) != 0) {
    header.has_fragment = true;
    header.fragment_offset = CopyWire<Le64>(bytes, 0)->get() & ~(std::uint64_t{1} << 63);
    return header;
  }
  const std::uint16_t advise = raw->advise.get();
  if ((advise & wire::kMapReserved) != 0) return Broken(Rule::kZ2, offset + 4);
  header.interlaced = (advise & wire::kMapInterlaced) != 0;
  header.has_fragment = (advise & wire::kMapFragment) != 0;

  const bool compact = inode.layout() == DataLayout::kCompressedCompact;
  if (!compact && (advise & wire::kMapExtents) != 0) {
    header.form = Form::kExtents;
    header.record_bytes = 4U << (advise >> 1 & 3);
    if (header.record_bytes >= 16) {
      const std::uint64_t high = raw->algorithms | std::uint64_t{raw->cluster_bits} << 8;
      header.extent_count = raw->low.get() | high << 32;
      return header;
    }
    if ((raw->cluster_bits & wire::kMapClusterReserved) != 0) return Broken(Rule::kZ2, offset + 7);
    header.extent_bits = sb.block_bits() + (raw->cluster_bits & wire::kMapClusterBits);
    header.extent_count = CeilShift(inode.size(), header.extent_bits);
    return header;
  }

  header.form = compact ? Form::kCompact : Form::kFull;
  if ((raw->algorithms & wire::kMapAlgorithmsReserved) != 0) return Broken(Rule::kZ2, offset + 6);
  if ((raw->cluster_bits & wire::kMapClusterReserved) != 0) return Broken(Rule::kZ2, offset + 7);
  if (header.has_fragment)
    header.fragment_offset = raw->low.get();
  else if ((advise & wire::kMapInline) != 0)
    header.inline_bytes = raw->low.get() >> 16;
  header.big_head1 = (advise & wire::kMapBigHead1) != 0;
  header.big_head2 = (advise & wire::kMapBigHead2) != 0;
  header.two_byte = compact && (advise & wire::kMap2Byte) != 0;
  header.algorithm1 = raw->algorithms & 0xF;
  header.algorithm2 = raw->algorithms >> 4;
  const bool big = header.big_head1 || header.big_head2;
  if ((big && !sb.has_incompat(wire::kIncompatCompressionConfigs)) ||
      (compact && header.big_head1 != header.big_head2))
    return Broken(Rule::kZ4, offset + 4);
  if ((raw->cluster_bits & wire::kMapClusterBits) != 0 ||
      (compact && sb.block_bits() > kMaxCompactClusterBits) ||
      (header.two_byte && sb.block_bits() > kMax2ByteClusterBits))
    return Broken(Rule::kZ5, offset + 7);
  return header;
}

}  // namespace amberfs
