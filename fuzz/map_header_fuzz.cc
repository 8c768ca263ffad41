// MapHeader::Parse(). Input: some_superblock.h's fields, 1 byte of flags (bit 0: compact, bit 1:
// the superblock has compression configurations), the file's size (8), the header.
#include "format/map_header.h"

#include "base/checked.h"
#include "fuzz/fuzz_input.h"
#include "fuzz/some_superblock.h"

namespace amberfs::fuzz {
namespace {

void CheckRules(const Superblock& sb, const Inode& inode, const MapHeader& header, bool compact) {
  using Form = MapHeader::Form;
  if (header.form == Form::kWholeFragment) {
    FUZZ_CHECK(header.has_fragment && header.fragment_offset <= ~std::uint64_t{0} >> 1);
    FUZZ_CHECK(header.inline_bytes == 0);
    return;
  }
  FUZZ_CHECK((header.form == Form::kCompact) == compact);
  FUZZ_CHECK(header.fragment_offset <= 0xFFFFFFFF && header.inline_bytes <= 0xFFFF);
  FUZZ_CHECK(!header.has_fragment || header.inline_bytes == 0);
  if (header.form == Form::kExtents) {
    FUZZ_CHECK(header.record_bytes == 4 || header.record_bytes == 8 || header.record_bytes == 16 ||
               header.record_bytes == 32);
    FUZZ_CHECK(header.extent_count < std::uint64_t{1} << 63);
    if (header.record_bytes > 8) return;
    // Equally long extents cover the file, and none lies behind its end.
    FUZZ_CHECK(header.extent_bits >= sb.block_bits() && header.extent_bits <= 31);
    FUZZ_CHECK(header.extent_count == CeilShift(inode.size(), header.extent_bits));
    return;
  }
  FUZZ_CHECK(!(header.big_head1 || header.big_head2) ||
             sb.has_incompat(wire::kIncompatCompressionConfigs));
  FUZZ_CHECK(header.algorithm1 < 16 && header.algorithm2 < 16);
  if (!compact) return;
  FUZZ_CHECK(header.big_head1 == header.big_head2 && sb.block_bits() <= 14);
  FUZZ_CHECK(!header.two_byte || sb.block_bits() <= 12);
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Input input(data, size);
  const auto fields = input.Take<SuperblockFields>();
  const auto flags = input.Take<std::uint8_t>();
  const Superblock sb = SomeSuperblock(fields, (flags & 2) != 0);
  const bool compact = (flags & 1) != 0;
  wire::InodeExtended raw{};
  raw.format = static_cast<std::uint16_t>(1 | (compact ? 3 : 1) << 1);
  raw.mode = 0100644;
  raw.size = input.Take<Le64>().get() >> 1;
  const auto inode = Inode::Parse(sb, Nid{7}, 4096, WireBytes(raw));
  FUZZ_CHECK(inode.has_value());
  const std::uint64_t offset = MapHeader::OffsetOf(*inode);
  FUZZ_CHECK(offset % 8 == 0 && offset >= inode->body_end() && offset < inode->body_end() + 8);

  const auto header = MapHeader::Parse(sb, *inode, input.rest(), offset);
  if (!header) {
    const Error& error = header.error();
    FUZZ_CHECK(error.offset >= offset && error.offset < offset + sizeof(wire::MapHeader));
    FUZZ_CHECK(error.code == Errc::kUnsupported || error.rule == Rule::kZ1 ||
               error.rule == Rule::kZ4);
    return 0;
  }
  FUZZ_CHECK(input.rest().size() >= sizeof(wire::MapHeader));
  CheckRules(sb, *inode, *header, compact);
  return 0;
}
