// A file of encoded extents. Input: the file's size (8 bytes), its map header (8), then the image
// from there on: records, and whatever they point to.
//
// The image around it is sound. Extents tile the file if going through it in order meets no error;
// then each byte is found by itself as well. The rest is image_walk.h's.
#include <sys/stat.h>

#include <array>
#include <string_view>
#include <vector>

#include "base/checked.h"
#include "fuzz/fuzz_input.h"
#include "fuzz/image_walk.h"
#include "image/mapper.h"

namespace amberfs::fuzz {
namespace {

constexpr std::uint64_t kBlock = 512;
constexpr std::uint64_t kMeta = 3 * kBlock;
constexpr std::uint64_t kFileNid = 3;
constexpr std::uint64_t kFile = kMeta + kFileNid * wire::kSlotBytes;
constexpr std::uint64_t kHeader = kFile + sizeof(wire::InodeExtended);
constexpr std::uint64_t kMostBytes = 16384;

// The root directory holds itself, twice, and the file.
void PutRoot(std::vector<std::byte>& image) {
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 3> kEntries = {
      {{".", 0}, {"..", 0}, {"f", kFileNid}}};
  std::uint64_t at = kMeta + sizeof(wire::InodeCompact);
  std::uint64_t name = kEntries.size() * sizeof(wire::Dirent);
  for (std::size_t i = 0; i < kEntries.size(); ++i) {
    wire::Dirent entry{};
    entry.nid = kEntries[i].second;
    entry.nameoff = static_cast<std::uint16_t>(name);
    PutWire(image, at + i * sizeof entry, entry);
    for (const char c : kEntries[i].first) image[at + name++] = static_cast<std::byte>(c);
  }
  wire::InodeCompact root{};
  root.format = static_cast<std::uint16_t>(static_cast<int>(DataLayout::kFlatInline)
                                           << wire::kFormatLayoutShift);
  root.mode = S_IFDIR | 0755;
  root.nb = 2;
  root.size = static_cast<std::uint32_t>(name);
  PutWire(image, kMeta, root);
}

std::vector<std::byte> MakeImage(std::uint64_t size, wire::MapHeader header, ByteView rest) {
  rest = rest.first(std::min<std::uint64_t>(rest.size(), kMostBytes));
  std::vector<std::byte> image(RoundUp(kHeader + sizeof header + rest.size(), kBlock) + kBlock);
  PutRoot(image);
  wire::InodeExtended file{};
  file.format = static_cast<std::uint16_t>(1 | static_cast<int>(DataLayout::kCompressedFull)
                                                   << wire::kFormatLayoutShift);
  file.mode = S_IFREG | 0644;
  file.size = size;
  file.nlink = 1;
  PutWire(image, kFile, file);
  header.advise = static_cast<std::uint16_t>(header.advise.get() | wire::kMapExtents);
  header.advise = static_cast<std::uint16_t>(header.advise.get() & ~wire::kMapReserved);
  PutWire(image, kHeader, header);
  std::ranges::copy(rest, image.begin() + static_cast<std::ptrdiff_t>(kHeader + sizeof header));

  wire::Superblock sb{};
  sb.magic = wire::kMagic;
  sb.blkszbits = 9;
  sb.inos = 2;
  sb.blocks_lo = static_cast<std::uint32_t>(image.size() / kBlock);
  sb.meta_blkaddr = static_cast<std::uint32_t>(kMeta / kBlock);
  sb.feature_incompat = wire::kIncompatZeroPadding;
  PutWire(image, wire::kSuperblockOffset, sb);
  return image;
}

void CheckRandomAccess(const Image& image, const Inode& file, const std::vector<Extent>& extents) {
  Mapper mapper(image, file);
  const std::size_t step = extents.size() / 64 + 1;
  for (std::size_t i = extents.size(); i > 0; i -= std::min(i, step)) {
    const Extent& extent = extents[i - 1];
    for (const std::uint64_t at : {extent.pos + extent.length - 1, extent.pos}) {
      const auto other = mapper.Map(at, 1);
      FUZZ_CHECK(other && other->pos == extent.pos && other->length == extent.length);
      FUZZ_CHECK(other->kind == extent.kind && other->where.offset == extent.where.offset);
      FUZZ_CHECK(other->encoded_bytes == extent.encoded_bytes);
      FUZZ_CHECK(other->partial == extent.partial && other->padded == extent.padded);
    }
  }
}

void CheckTiling(const Image& image) {
  const auto file = image.ReadInode(Nid{kFileNid});
  FUZZ_CHECK(file.has_value());
  Mapper mapper(image, *file);
  std::vector<Extent> extents;
  std::uint64_t pos = 0;
  while (pos < file->size()) {
    const auto extent = mapper.Map(pos, 1);
    if (!extent) return;
    FUZZ_CHECK(extent->pos == pos && extent->length > 0);
    extents.push_back(*extent);
    pos += extent->length;
    // A record takes 4 bytes and gives two extents at most.
    FUZZ_CHECK(extents.size() <= kMostBytes);
  }
  FUZZ_CHECK(pos == file->size());
  CheckRandomAccess(image, *file, extents);
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Input input(data, bytes);
  const std::uint64_t size = input.Take<Le64>().get() >> 1;
  const auto header = input.Take<wire::MapHeader>();
  const auto source = std::make_shared<const MemorySource>(MakeImage(size, header, input.rest()));
  const auto image = Image::Open(source);
  FUZZ_CHECK(image.has_value());
  if (size > 0) CheckTiling(*image);
  WalkImage(source, {});
  return 0;
}
