#include "verity/dm_verity.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "base/checked.h"

namespace amberfs {
namespace {

constexpr std::array<char, 8> kSignature = {'v', 'e', 'r', 'i', 't', 'y', 0, 0};
constexpr std::uint32_t kVersion = 1;
constexpr std::uint32_t kNormalHashType = 1;
constexpr unsigned kMinBlockBits = 9;
constexpr unsigned kMaxBlockBits = 19;

bool IsBlockSize(std::uint32_t bytes) {
  return std::has_single_bit(bytes) && bytes >= 1U << kMinBlockBits && bytes <= 1U << kMaxBlockBits;
}

std::optional<HashAlgorithm> AlgorithmOf(const std::array<char, 32>& field) {
  const std::string_view text(field.data(), field.size());
  const std::string_view name = text.substr(0, text.find('\0'));
  if (!AllZero(AsBytes(text.substr(name.size())))) return std::nullopt;
  return HashAlgorithmFromName(name);
}

}  // namespace

Result<DmVeritySuperblock> DmVeritySuperblock::Parse(ByteView bytes, std::uint64_t offset) {
  const auto raw = CopyWire<wire::DmVeritySuperblock>(bytes, 0);
  if (!raw || raw->signature != kSignature || raw->version.get() != kVersion)
    return Broken(Rule::kDmv1, offset);
  const auto algorithm = AlgorithmOf(raw->algorithm);
  if (raw->hash_type.get() != kNormalHashType || !algorithm)
    return Broken(Rule::kDmv2, offset + offsetof(wire::DmVeritySuperblock, hash_type));
  const std::uint32_t data_block = raw->data_block_size.get();
  const std::uint32_t hash_block = raw->hash_block_size.get();
  constexpr std::uint64_t kLimit = ~std::uint64_t{0} >> 1;
  if (!IsBlockSize(data_block) || !IsBlockSize(hash_block) ||
      !(Checked(raw->data_blocks.get()) * data_block).AtMost(kLimit))
    return Broken(Rule::kDmv3, offset + offsetof(wire::DmVeritySuperblock, data_block_size));
  if (raw->salt_size.get() > kMaxSaltBytes)
    return Broken(Rule::kDmv4, offset + offsetof(wire::DmVeritySuperblock, salt_size));

  return DmVeritySuperblock{
      .params = {.algorithm = *algorithm,
                 .data_block_bits = static_cast<unsigned>(std::countr_zero(data_block)),
                 .hash_block_bits = static_cast<unsigned>(std::countr_zero(hash_block))},
      .data_blocks = raw->data_blocks.get(),
      .salt = {raw->salt.begin(), raw->salt.begin() + raw->salt_size.get()},
      .uuid = raw->uuid};
}

std::array<std::byte, DmVeritySuperblock::kBytes> DmVeritySuperblock::Encode() const {
  assert(salt.size() <= kMaxSaltBytes);
  wire::DmVeritySuperblock raw{};
  raw.signature = kSignature;
  raw.version = kVersion;
  raw.hash_type = kNormalHashType;
  raw.uuid = uuid;
  std::ranges::copy(NameOf(params.algorithm), raw.algorithm.begin());
  raw.data_block_size = static_cast<std::uint32_t>(params.data_block_bytes());
  raw.hash_block_size = static_cast<std::uint32_t>(params.hash_block_bytes());
  raw.data_blocks = data_blocks;
  raw.salt_size = static_cast<std::uint16_t>(salt.size());
  std::ranges::copy(salt, raw.salt.begin());
  std::array<std::byte, kBytes> out;
  PutWire(out, 0, raw);
  return out;
}

DmVeritySuperblock DmVeritySuperblock::FromDescriptor(const FsVerityDescriptor& descriptor) {
  DmVeritySuperblock superblock{
      .params = descriptor.params(),
      .data_blocks = CeilShift(descriptor.data_bytes(), descriptor.params().data_block_bits),
      .salt = descriptor.prefix()};
  const Digest digest = descriptor.file_digest().digest;
  std::ranges::copy(digest.bytes().first(superblock.uuid.size()), superblock.uuid.begin());
  // Version 8 ("made in a way of its own"), RFC variant.
  superblock.uuid[6] = (superblock.uuid[6] & std::byte{0x0F}) | std::byte{0x80};
  superblock.uuid[8] = (superblock.uuid[8] & std::byte{0x3F}) | std::byte{0x80};
  return superblock;
}

std::uint64_t DmVeritySuperblock::TreeOffset(std::uint64_t hash_offset) const {
  return RoundUp(hash_offset + kBytes, params.hash_block_bytes());
}

}  // namespace amberfs
