// Superblock::Parse(), its checksum, and InodeOffset().
//
// Input: the image's size (8 bytes), then its bytes from 1024 on.
#include <vector>

#include "format/compression_configs.h"
#include "format/crc32c.h"
#include "format/superblock.h"
#include "format/wire.h"
#include "fuzz/fuzz_input.h"
#include "fuzz/input_layout.h"

const amberfs::fuzz::InputLayout amberfs::fuzz::kInputLayout{.header_bytes = 8, .first_byte = 1024};

namespace amberfs::fuzz {
namespace {

void CheckRules(const Superblock& sb, std::uint64_t image_size) {
  FUZZ_CHECK(sb.block_bits() >= 9 && sb.block_bits() <= 16);
  FUZZ_CHECK(sb.blocks() >= 1 && sb.blocks() < std::uint64_t{1} << 48);
  FUZZ_CHECK(sb.blocks() <= image_size >> sb.block_bits());
  FUZZ_CHECK(sb.blocks_end() <= image_size);
  FUZZ_CHECK(wire::kSuperblockOffset + sb.size_bytes() <=
             std::min<std::uint64_t>(image_size, 4096));
  FUZZ_CHECK((sb.incompat() & ~wire::kIncompatKnown) == 0);
  FUZZ_CHECK(sb.fixed_nsec() < 1'000'000'000);
}

void CheckInodeOffset(const Superblock& sb, Nid nid) {
  const auto offset = sb.InodeOffset(nid);
  if (!offset) {
    FUZZ_CHECK(offset.error().rule == Rule::kIno1);
    return;
  }
  FUZZ_CHECK(*offset % wire::kSlotBytes == 0 && sb.blocks_end() - *offset >= wire::kSlotBytes);
  FUZZ_CHECK(*offset / wire::kSlotBytes >= nid.v);
}

void CheckConfigs(const Superblock& sb, ByteView head) {
  const auto configs = CompressionConfigs::Parse(sb, head);
  if (!configs) {
    FUZZ_CHECK(configs.error().rule == Rule::kCfg1 || configs.error().rule == Rule::kCfg2);
    return;
  }
  FUZZ_CHECK(!configs->has(kAlgorithmCount) && configs->window(Algorithm::kLz4) == 0);
  FUZZ_CHECK(configs->window(Algorithm::kLzma) <= 8U << 20);
  FUZZ_CHECK(configs->window(Algorithm::kZstd) <= 1U << 20);
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Input input(data, size);
  const std::uint64_t image_size = input.Take<Le64>().get();
  std::vector<std::byte> head(wire::kSuperblockOffset);
  head.insert(head.end(), input.rest().begin(), input.rest().end());

  const auto sb = Superblock::Parse(head, image_size);
  const auto again = Superblock::Parse(head, image_size);
  FUZZ_CHECK(sb.has_value() == again.has_value());
  if (!sb) {
    FUZZ_CHECK(sb.error() == again.error());
    FUZZ_CHECK(sb.error().code == Errc::kCorrupt || sb.error().code == Errc::kUnsupported);
    FUZZ_CHECK(sb.error().offset >= wire::kSuperblockOffset && sb.error().offset <= 1024 + 128);
    return 0;
  }
  CheckRules(*sb, image_size);
  for (const auto& nid : {sb->packed_nid(), sb->metabox_nid()}) {
    if (!nid) continue;
    FUZZ_CHECK(!nid->in_metabox());
    CheckInodeOffset(*sb, *nid);
  }
  for (const std::uint64_t nid :
       {sb->root_nid().v, sb->blocks_end() / 32, std::uint64_t{0}, ~std::uint64_t{0},
        ~std::uint64_t{0} >> 1, std::uint64_t{1} << 59})
    CheckInodeOffset(*sb, Nid{nid});
  CheckConfigs(*sb, head);

  if (head.size() >= SuperblockChecksumEnd(sb->block_bits()) &&
      sb->has_compat(wire::kCompatChecksum) && sb->ChecksumMatches(head)) {
    // Every single changed bit of the covered range shows.
    head[wire::kSuperblockOffset + 16] ^= std::byte{1};
    FUZZ_CHECK(!sb->ChecksumMatches(head));
  }
  return 0;
}
