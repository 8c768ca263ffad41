// Inode::Parse(). Input: some_superblock.h's fields, the inode's offset (8 bytes), its bytes.
#include "format/inode.h"

#include "fuzz/fuzz_input.h"
#include "fuzz/some_superblock.h"

namespace amberfs::fuzz {
namespace {

void CheckRules(const Superblock& sb, const Inode& inode, std::uint64_t offset, std::size_t size) {
  FUZZ_CHECK(size >= (inode.is_extended() ? 64U : 32U));
  FUZZ_CHECK(inode.type() != FileType::kUnknown);
  FUZZ_CHECK(inode.size() <= ~std::uint64_t{0} >> 1);
  FUZZ_CHECK(inode.mtime_nsec() < 1'000'000'000);
  FUZZ_CHECK(inode.offset() == offset);
  FUZZ_CHECK(inode.xattr_offset() == offset + (inode.is_extended() ? 64 : 32));
  FUZZ_CHECK(inode.xattr_bytes() == 0 ||
             (inode.xattr_bytes() >= 12 && inode.xattr_bytes() <= 262148));
  FUZZ_CHECK(inode.body_end() == inode.xattr_offset() + inode.xattr_bytes());
  FUZZ_CHECK(inode.body_end() % 4 == 0);
  FUZZ_CHECK(!inode.start_block() || inode.start_block()->v < std::uint64_t{1} << 48);
  FUZZ_CHECK(inode.is_compressed() || inode.blocks_512() >= inode.size() >> 9);
  FUZZ_CHECK(!inode.dot_omitted() || inode.is_directory());
  FUZZ_CHECK(inode.device_major() <= 0xFFF && inode.device_minor() <= 0xFFFFF);
  if (inode.layout() != DataLayout::kChunkBased) return;
  const ChunkFormat format = inode.chunk_format();
  FUZZ_CHECK(format.chunk_bits >= sb.block_bits() && format.chunk_bits <= 47);
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Input input(data, size);
  const Superblock sb = SomeSuperblock(input.Take<SuperblockFields>());
  // As far in as an image can reach, and aligned as InodeOffset() promises.
  const std::uint64_t offset = input.Take<Le64>().get() >> 2 & ~std::uint64_t{31};
  const ByteView bytes = input.rest();

  const auto inode = Inode::Parse(sb, Nid{7}, offset, bytes);
  if (!inode) {
    const Error& error = inode.error();
    FUZZ_CHECK(error.code == Errc::kCorrupt || error.code == Errc::kUnsupported);
    FUZZ_CHECK(error.offset >= offset && error.offset < offset + Inode::kMaxBytes);
    return 0;
  }
  CheckRules(sb, *inode, offset, bytes.size());
  // Nothing behind the fixed part matters.
  const auto shorter =
      Inode::Parse(sb, Nid{7}, offset, bytes.first(inode->is_extended() ? 64 : 32));
  FUZZ_CHECK(shorter.has_value() && shorter->size() == inode->size() &&
             shorter->mode() == inode->mode() && shorter->blocks_512() == inode->blocks_512());
  return 0;
}
