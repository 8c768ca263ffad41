// Mutates images without losing what every image needs: magic, block size, checksum.
//
// Half of the mutations are libFuzzer's own. The others aim: they find the structures that the
// image holds and change one field, to a value that tends to hurt. Afterwards the superblock is
// mostly repaired, for otherwise nearly every input would die at the first check.
#include <algorithm>
#include <array>
#include <random>
#include <set>
#include <vector>

#include "base/checked.h"
#include "format/crc32c.h"
#include "format/wire.h"
#include "fuzz/fuzz_input.h"
#include "fuzz/input_layout.h"
#include "image/directory.h"
#include "image/image.h"
#include "image/mapper.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed);

namespace amberfs::fuzz {
namespace {

constexpr std::size_t kSb = wire::kSuperblockOffset;
constexpr std::size_t kNeeded = kSb + sizeof(wire::Superblock);
using Random = std::minstd_rand;

std::uint64_t Below(Random& random, std::uint64_t limit) {
  return (random() ^ std::uint64_t{random()} << 31) % limit;
}

struct Field {
  std::size_t offset;
  std::size_t bytes;
};

constexpr Field kSuperblockFields[] = {
    {8, 4},  {12, 1}, {13, 1}, {14, 2}, {16, 8}, {24, 8}, {32, 4},  {36, 4},  {40, 4},  {44, 4},
    {80, 4}, {86, 2}, {88, 2}, {91, 1}, {92, 4}, {96, 8}, {104, 1}, {112, 8}, {128, 8},
};
constexpr Field kInodeFields[] = {
    {0, 2},  {2, 2},  {4, 2},  {6, 2},  {8, 4},  {8, 8},  {12, 4},
    {16, 4}, {20, 4}, {24, 4}, {32, 8}, {40, 4}, {44, 4},
};
constexpr Field kDirentFields[] = {{0, 8}, {8, 2}, {10, 1}};
constexpr Field kXattrFields[] = {{0, 4}, {4, 1}, {12, 1}, {13, 1}, {14, 2}, {12, 4}, {16, 4}};
constexpr Field kChunkFields[] = {{0, 4}, {0, 2}, {2, 2}, {4, 4}, {8, 4}, {12, 4}};
constexpr Field kDeviceFields[] = {{64, 4}, {68, 4}, {72, 2}, {74, 2}};

// Every field of every structure that can be reached, as places in the image.
std::vector<Field> FindFields(ByteView bytes, Random& random) {
  std::vector<Field> fields;
  const auto add = [&](std::uint64_t base, std::span<const Field> of) {
    for (const Field& field : of)
      if (base < bytes.size() && field.offset + field.bytes <= bytes.size() - base)
        fields.push_back({static_cast<std::size_t>(base) + field.offset, field.bytes});
  };
  add(kSb, kSuperblockFields);

  const auto image = Image::Open(
      std::make_shared<const MemorySource>(std::vector<std::byte>(bytes.begin(), bytes.end())));
  if (!image) return fields;
  for (std::size_t i = 0; i < image->device_slots().size(); ++i)
    add(image->sb().device_table_offset() + i * sizeof(wire::DeviceSlot), kDeviceFields);
  if (image->sb().xattr_prefix_count() > 0)
    add(image->sb().xattr_prefixes_offset(), std::array<Field, 3>{{{0, 2}, {2, 1}, {3, 1}}});

  std::vector<Nid> todo = {image->sb().root_nid()};
  std::set<Nid> seen(todo.begin(), todo.end());
  for (std::size_t at = 0; at < todo.size() && at < 40; ++at) {
    const auto inode = image->ReadInode(todo[at]);
    if (!inode) continue;
    add(inode->offset(), kInodeFields);
    if (inode->xattr_bytes() > 0) add(inode->xattr_offset(), kXattrFields);
    if (inode->layout() == DataLayout::kChunkBased)
      add(RoundUp(inode->body_end(), inode->chunk_format().entry_bytes()), kChunkFields);
    if (!inode->is_directory() || inode->size() == 0) continue;
    const Directory directory(*image, *inode);
    Directory::Iterator entries(directory);
    const auto extent = Mapper(*image, *inode).Map(0, 1);
    for (int i = 0; i < 40; ++i) {
      const std::uint64_t cookie = entries.cookie();
      const auto next = entries.Next();
      if (!next || !*next) break;
      if (extent && extent->kind != ExtentKind::kHole && cookie < extent->length)
        add(extent->where.offset + cookie, kDirentFields);
      if (seen.insert((*next)->nid).second) todo.push_back((*next)->nid);
    }
  }
  std::ranges::shuffle(fields, random);
  return fields;
}

std::uint64_t NastyValue(std::uint64_t old, std::size_t image_size, Random& random) {
  switch (Below(random, 8)) {
    case 0:
      return old + 1 + Below(random, 16);
    case 1:
      return old - 1 - Below(random, 16);
    case 2:
      return old ^ std::uint64_t{1} << Below(random, 64);
    case 3:
      return ~std::uint64_t{0} >> Below(random, 64);
    case 4:
      return std::uint64_t{1} << Below(random, 64);
    case 5:
      return Below(random, image_size + 1);
    case 6:
      return Below(random, image_size / 512 + 2);
    default:
      return random() | std::uint64_t{random()} << 32;
  }
}

void ChangeFields(ByteSpan image, Random& random) {
  const std::vector<Field> fields = FindFields(image, random);
  const std::size_t count = std::min<std::size_t>(fields.size(), 1 + Below(random, 3));
  for (std::size_t i = 0; i < count; ++i) {
    const auto [offset, bytes] = fields[i];
    Le64 value;
    std::memcpy(&value, image.data() + offset, bytes);
    value = NastyValue(value.get(), image.size(), random);
    std::memcpy(image.data() + offset, &value, bytes);
  }
}

// Makes the superblock one that Image::Open() looks behind.
void Repair(ByteSpan image, Random& random) {
  auto raw = *CopyWire<wire::Superblock>(image, kSb);
  raw.magic = wire::kMagic;
  if (raw.blkszbits < 9 || raw.blkszbits > 16)
    raw.blkszbits = Below(random, 2) == 0 ? std::uint8_t{12} : std::uint8_t{9};
  if (Below(random, 16) != 0) {
    raw.dirblkbits = 0;
    raw.feature_incompat = raw.feature_incompat.get() & wire::kIncompatKnown;
    if (raw.sb_extslots > 8) raw.sb_extslots = 0;
    raw.fixed_nsec = raw.fixed_nsec.get() % 1'000'000'000;
  }
  const auto blocks = static_cast<std::uint32_t>(image.size() >> raw.blkszbits);
  if (Below(random, 16) != 0 && raw.blocks_lo.get() > blocks) raw.blocks_lo = std::max(blocks, 1U);
  if (Below(random, 4) != 0 && (raw.feature_incompat.get() & wire::kIncompat48Bit) != 0 &&
      raw.rootnid_8b.get() != 0)
    raw.rootnid_2b = 0;  // blocks_hi
  PutWire(image, kSb, raw);

  const std::uint64_t end = SuperblockChecksumEnd(raw.blkszbits);
  if ((raw.feature_compat.get() & wire::kCompatChecksum) == 0) return;
  if (end <= image.size())
    raw.checksum = SuperblockChecksum(image, raw.blkszbits);
  else
    raw.feature_compat = raw.feature_compat.get() & ~wire::kCompatChecksum;
  PutWire(image, kSb, raw);
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Random random(seed);
  const bool aim = Below(random, 2) == 0;
  if (!aim) size = LLVMFuzzerMutate(data, size, max_size);

  const auto [header, first] = kInputLayout;
  if (size < header) return size;
  const ByteSpan held = std::as_writable_bytes(std::span(data, size)).subspan(header);
  std::vector<std::byte> image(first);
  image.insert(image.end(), held.begin(), held.end());
  if (image.size() < kNeeded) return size;
  if (aim) ChangeFields(image, random);
  if (Below(random, 20) != 0) Repair(image, random);
  std::ranges::copy(std::span(image).subspan(first), held.begin());
  return size;
}
