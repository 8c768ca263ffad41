#include "verity/seal.h"

#include <algorithm>

#include "base/checked.h"
#include "base/crc32c.h"
#include "verity/dm_verity.h"

namespace amberfs {
namespace {

constexpr std::array<char, 8> kMagic = {'A', 'M', 'B', 'R', 'S', 'E', 'A', 'L'};
constexpr std::array<char, 8> kEndMagic = {'L', 'A', 'E', 'S', 'R', 'B', 'M', 'A'};
constexpr std::uint16_t kVersion = 1;
constexpr std::uint64_t kSectionAlign = 8;

// The one value that the flags of a section may have; nothing for types that we do not know.
std::optional<std::uint16_t> FlagsOf(std::uint16_t type) {
  switch (static_cast<SealSectionType>(type)) {
    case SealSectionType::kDescriptor:
      return wire::kSectionCritical;
    case SealSectionType::kSignature:
    case SealSectionType::kRootHashSignature:
    case SealSectionType::kCertificate:
    case SealSectionType::kDevices:
      return std::uint16_t{0};
  }
  return std::nullopt;
}

// The checksum that `metadata` should carry.
std::uint32_t ChecksumOf(ByteView metadata) {
  const std::size_t crc_at =
      metadata.size() - sizeof(wire::SealFooter) + offsetof(wire::SealFooter, crc);
  const Le32 zero;
  std::uint32_t state = Crc32c(kCrc32cSeed, metadata.first(crc_at));
  state = Crc32c(state, WireBytes(zero));
  return ~Crc32c(state, metadata.subspan(crc_at + sizeof zero));
}

bool HasMagic(const wire::SealFooter& footer) {
  return footer.magic == kMagic && footer.end_magic == kEndMagic;
}

// SEAL-1 and SEAL-2. `at` is where the footer lies.
Result<void> CheckFooter(const wire::SealFooter& footer, std::uint64_t at) {
  if (!HasMagic(footer) || footer.version.get() != kVersion ||
      footer.footer_size.get() != sizeof footer || footer.zero1.get() != 0 ||
      footer.zero2.get() != 0 || footer.zero3.get() != 0 ||
      (footer.flags.get() & ~wire::kSealHasSuperblock) != 0)
    return Broken(Rule::kSeal1, at);
  const std::uint32_t metadata = footer.metadata_size.get();
  if (metadata < Seal::kMinMetadataBytes || metadata > Seal::kMaxMetadataBytes ||
      metadata % Seal::kMinMetadataBytes != 0 || metadata > footer.seal_size.get())
    return Broken(Rule::kSeal2, at + offsetof(wire::SealFooter, metadata_size));
  return {};
}

}  // namespace

SealSection NameDevices(std::span<const FileDigest> devices) {
  std::string text;
  for (const FileDigest& device : devices) text += device.id() + '\n';
  const ByteView bytes = AsBytes(text);
  return {.type = SealSectionType::kDevices, .bytes = {bytes.begin(), bytes.end()}};
}

std::vector<std::byte> SaltOf(const SealSection& devices) {
  const Digest digest = HashOf(HashAlgorithm::kSha256, devices.bytes);
  return {digest.bytes().begin(), digest.bytes().end()};
}

Result<bool> Seal::IsAtEndOf(const ByteSource& source) {
  if (source.size() < kFooterBytes) return false;
  std::array<std::byte, kFooterBytes> bytes;
  AMBERFS_TRY_VOID(source.ReadAt(source.size() - kFooterBytes, bytes));
  return HasMagic(*CopyWire<wire::SealFooter>(bytes, 0));
}

Result<Seal> Seal::ReadSidecar(const ByteSource& source, std::uint64_t image_bytes) {
  return Read(source, image_bytes);
}
Result<Seal> Seal::ReadAppended(const ByteSource& source) { return Read(source, std::nullopt); }

Result<Seal> Seal::Read(const ByteSource& source, std::optional<std::uint64_t> image_bytes) {
  const std::uint64_t end = source.size();
  if (end < kMinMetadataBytes) return Broken(Rule::kSeal1, 0);
  const std::uint64_t footer_at = end - kFooterBytes;
  std::array<std::byte, kFooterBytes> footer_bytes;
  AMBERFS_TRY_VOID(source.ReadAt(footer_at, footer_bytes));
  const auto footer = *CopyWire<wire::SealFooter>(footer_bytes, 0);
  AMBERFS_TRY_VOID(CheckFooter(footer, footer_at));
  // What the sizes say must be all there is: nothing may hide between data and seal.
  const std::uint64_t size = footer.seal_size.get();
  if (image_bytes ? size != end : size > end)
    return Broken(Rule::kSeal7, footer_at + offsetof(wire::SealFooter, seal_size));
  if (footer.data_size.get() != image_bytes.value_or(end - size) ||
      footer.data_size.get() < kMinDataBytes)
    return Broken(Rule::kSeal8, footer_at + offsetof(wire::SealFooter, data_size));

  // The footer once more, as part of the metadata: from here on only this copy counts, and it must
  // be the one that was checked.
  std::vector<std::byte> metadata(footer.metadata_size.get());
  const std::uint64_t metadata_at = end - metadata.size();
  AMBERFS_TRY_VOID(source.ReadAt(metadata_at, metadata));
  if (!std::ranges::equal(ByteView(metadata).last(kFooterBytes), footer_bytes) ||
      ChecksumOf(metadata) != footer.crc.get())
    return Broken(Rule::kSeal3, footer_at + offsetof(wire::SealFooter, crc));

  // The descriptor first: without one a Seal does not exist.
  const std::size_t count = footer.sections.get();
  if (count < 1 || count > kMaxSections)
    return Broken(Rule::kSeal4, footer_at + offsetof(wire::SealFooter, sections));
  const auto first = *CopyWire<wire::SealSection>(metadata, 0);
  const std::uint64_t descriptor_at = RoundUp(count * sizeof(wire::SealSection), kSectionAlign);
  if (first.type.get() != static_cast<std::uint16_t>(SealSectionType::kDescriptor) ||
      first.size.get() != FsVerityDescriptor::kBytes)
    return Broken(Rule::kSeal5, metadata_at);
  AMBERFS_TRY(FsVerityDescriptor descriptor,
              FsVerityDescriptor::Parse(
                  ByteView(metadata).subspan(descriptor_at, FsVerityDescriptor::kBytes),
                  metadata_at + descriptor_at));

  Seal seal(std::move(descriptor));
  seal.descriptor_offset_ = metadata_at + descriptor_at;
  seal.offset_ = end - size;
  seal.size_ = size;
  seal.metadata_bytes_ = footer.metadata_size.get();
  seal.has_superblock_ = (footer.flags.get() & wire::kSealHasSuperblock) != 0;
  AMBERFS_TRY_VOID(seal.TakeSections(metadata, count));
  AMBERFS_TRY_VOID(seal.TakeDevices());
  if (seal.descriptor_.data_bytes() != footer.data_size.get())
    return Broken(Rule::kSeal8,
                  seal.descriptor_offset_ + offsetof(wire::FsVerityDescriptor, data_size));
  return seal;
}

// Each section lies where the ones before it end, so there is nothing to overlap, and no byte of
// the metadata that means nothing and is not zero.
Result<void> Seal::TakeSections(ByteView metadata, std::size_t count) {
  const ByteView body = metadata.first(metadata.size() - kFooterBytes);
  std::uint64_t end = count * sizeof(wire::SealSection);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t entry_at = i * sizeof(wire::SealSection);
    const auto entry = *CopyWire<wire::SealSection>(body, entry_at);
    const std::uint64_t start = RoundUp(end, kSectionAlign);
    if (start > body.size() || entry.offset.get() != start || entry.zero.get() != 0 ||
        entry.size.get() > body.size() - start || !AllZero(body.subspan(end, start - end)))
      return Broken(Rule::kSeal4, metadata_offset() + entry_at);
    end = start + entry.size.get();

    const std::uint16_t type = entry.type.get();
    const std::uint16_t flags = entry.flags.get();
    const auto wanted = FlagsOf(type);
    const bool second_descriptor =
        i > 0 && type == static_cast<std::uint16_t>(SealSectionType::kDescriptor);
    if (second_descriptor || (flags & ~wire::kSectionCritical) != 0 || (wanted && flags != *wanted))
      return Broken(Rule::kSeal5, metadata_offset() + entry_at);
    if (!wanted && flags != 0) return Broken(Rule::kSeal6, metadata_offset() + entry_at);
    if (!wanted || i == 0) continue;
    const ByteView bytes = body.subspan(start, entry.size.get());
    sections_.push_back(
        {.type = static_cast<SealSectionType>(type), .bytes = {bytes.begin(), bytes.end()}});
  }
  if (!AllZero(body.subspan(end))) return Broken(Rule::kSeal4, metadata_offset() + end);
  return {};
}

Result<void> Seal::TakeDevices() {
  const std::vector<ByteView> found = Sections(SealSectionType::kDevices);
  if (found.empty()) return {};
  const Digest digest = HashOf(HashAlgorithm::kSha256, found.front());
  if (found.size() > 1 || !std::ranges::equal(digest.bytes(), descriptor_.salt()))
    return Broken(Rule::kSeal10, metadata_offset());
  std::string_view text = AsText(found.front());
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const auto device = PinnedDigest::FromText(text.substr(0, end));
    if (end == text.npos || !device || !device->block_bits)
      return Broken(Rule::kSeal10, metadata_offset());
    devices_.push_back(*device);
    text.remove_prefix(end + 1);
  }
  if (devices_.empty()) return Broken(Rule::kSeal10, metadata_offset());
  return {};
}

std::vector<ByteView> Seal::Sections(SealSectionType type) const {
  std::vector<ByteView> out;
  for (const SealSection& section : sections_)
    if (section.type == type) out.push_back(section.bytes);
  return out;
}

Result<TreeShape> Seal::CheckTree(const ByteSource& source) const {
  AMBERFS_TRY(const TreeShape shape, descriptor_.Shape(descriptor_offset_));
  const std::uint64_t block = shape.params().data_block_bytes();
  const bool is_appended = offset_ > 0;
  const Checked wanted = Checked(superblock_bytes()) + shape.tree_bytes() + metadata_bytes_;
  if (!wanted.AtMost(size_) || wanted.get() != size_ ||
      (is_appended && descriptor_.data_bytes() % block != 0))
    return Broken(Rule::kSeal7, offset_);
  if (!has_superblock_) return shape;

  std::vector<std::byte> found(block);
  AMBERFS_TRY_VOID(source.ReadAt(offset_, found));
  if (found != SealLayout(shape, true).SuperblockBlock(descriptor_))
    return Broken(Rule::kSeal9, offset_);
  return shape;
}

std::vector<std::byte> SealLayout::SuperblockBlock(const FsVerityDescriptor& descriptor) const {
  std::vector<std::byte> block(tree_offset());
  if (has_superblock_)
    std::ranges::copy(DmVeritySuperblock::FromDescriptor(descriptor).Encode(), block.begin());
  return block;
}

std::optional<std::vector<std::byte>> SealLayout::Metadata(
    const FsVerityDescriptor& descriptor, std::span<const SealSection> sections) const {
  const auto descriptor_bytes = descriptor.Encode();
  std::vector<std::pair<SealSectionType, ByteView>> all;
  all.emplace_back(SealSectionType::kDescriptor, descriptor_bytes);
  for (const SealSection& section : sections) all.emplace_back(section.type, section.bytes);
  if (all.size() > Seal::kMaxSections) return std::nullopt;

  std::vector<std::byte> metadata(all.size() * sizeof(wire::SealSection));
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto& [type, bytes] = all[i];
    if (bytes.size() > Seal::kMaxMetadataBytes) return std::nullopt;
    metadata.resize(RoundUp(metadata.size(), kSectionAlign));
    wire::SealSection entry{};
    entry.type = static_cast<std::uint16_t>(type);
    entry.flags = FlagsOf(static_cast<std::uint16_t>(type)).value_or(0);
    entry.offset = static_cast<std::uint32_t>(metadata.size());
    entry.size = static_cast<std::uint32_t>(bytes.size());
    PutWire(metadata, i * sizeof entry, entry);
    metadata.insert(metadata.end(), bytes.begin(), bytes.end());
  }
  metadata.resize(RoundUp(metadata.size() + Seal::kFooterBytes, Seal::kMinMetadataBytes));
  if (metadata.size() > Seal::kMaxMetadataBytes) return std::nullopt;

  wire::SealFooter footer{};
  footer.magic = kMagic;
  footer.end_magic = kEndMagic;
  footer.version = kVersion;
  footer.footer_size = static_cast<std::uint16_t>(sizeof footer);
  footer.metadata_size = static_cast<std::uint32_t>(metadata.size());
  footer.seal_size = metadata_offset() + metadata.size();
  footer.data_size = shape_.data_bytes();
  footer.flags = has_superblock_ ? wire::kSealHasSuperblock : 0;
  footer.sections = static_cast<std::uint16_t>(all.size());
  PutWire(metadata, metadata.size() - sizeof footer, footer);
  footer.crc = ChecksumOf(metadata);
  PutWire(metadata, metadata.size() - sizeof footer, footer);
  return metadata;
}

}  // namespace amberfs
