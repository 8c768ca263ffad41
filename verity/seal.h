// The seal, version 1: a Merkle tree with its descriptor and signatures, as a file of its own
// (IMAGE.seal) or at the end of the image. Same bytes in both places.
//
//   0        [dm-verity superblock, filled up to a block]   optional
//   b        [Merkle tree, top level first]
//   b + T    [metadata: 4096 to 65536 bytes]
//                 section table, 16 bytes each; sections; zeros; footer, the last 64 bytes
//
// Only the descriptor decides anything. Everything else that a seal says is either computed from
// the descriptor and compared, or a hint whose falsehood makes verification fail. So a Seal that
// was read is well formed and fits its image; what it is worth is decided on its descriptor's
// digest (verity/trusted_root.h), before the tree or the image is looked at.
//
//   SEAL-1   the footer          SEAL-5   types and flags of sections
//   SEAL-2   size of metadata    SEAL-6   unknown critical sections
//   SEAL-3   checksum            SEAL-7   the seal's size
//   SEAL-4   places of sections  SEAL-8   the data's size
//   SEAL-9   the superblock block (CheckTree())
//   SEAL-10  names of devices
//
// Of the sections only the descriptor is covered by the digest. The one that names the digests of
// extra devices has to be: so its hash is the descriptor's salt. Whoever changes or removes it has
// another digest, or a seal that names no devices, and then none are accepted.
//
// Values; any thread.
#ifndef AMBERFS_VERITY_SEAL_H_
#define AMBERFS_VERITY_SEAL_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/error.h"
#include "io/byte_source.h"
#include "verity/fs_verity.h"

namespace amberfs {
namespace wire {

struct SealFooter {
  std::array<char, 8> magic;
  Le16 version;
  Le16 footer_size;
  Le32 metadata_size;
  Le64 seal_size;
  Le64 data_size;
  Le32 flags;
  Le16 sections;
  Le16 zero1;
  Le64 zero2;
  Le32 crc;  // of the metadata, with zeros here
  Le32 zero3;
  std::array<char, 8> end_magic;
};
static_assert(sizeof(SealFooter) == 64);

struct SealSection {
  Le16 type;
  Le16 flags;
  Le32 offset;  // from the metadata's start
  Le32 size;
  Le32 zero;
};
static_assert(sizeof(SealSection) == 16);

inline constexpr std::uint32_t kSealHasSuperblock = 1;
inline constexpr std::uint16_t kSectionCritical = 1;

}  // namespace wire

enum class SealSectionType : std::uint16_t {
  kDescriptor = 1,
  kSignature = 2,          // PKCS#7 over FsVerityDescriptor::SignedMessage()
  kRootHashSignature = 3,  // PKCS#7 over the root hash in hex, for dm-verity
  kCertificate = 4,        // X.509; untrusted, helps to build a chain
  kDevices = 7,            // digests of the extra devices, in the order of the image's table
};

struct SealSection {
  SealSectionType type;
  std::vector<std::byte> bytes;
};

// The section that names devices: FileDigest::id() of each, a line each.
SealSection NameDevices(std::span<const FileDigest> devices);
// The salt of a seal with this section.
std::vector<std::byte> SaltOf(const SealSection& devices);

class Seal {
 public:
  static constexpr std::size_t kFooterBytes = sizeof(wire::SealFooter);
  static constexpr std::uint32_t kMinMetadataBytes = 4096;
  static constexpr std::uint32_t kMaxMetadataBytes = 65536;
  static constexpr std::size_t kMaxSections = 16;
  static constexpr std::uint64_t kMinDataBytes = 1152;  // the smallest image

  // Whether the last bytes of `source` say that a seal ends there.
  static Result<bool> IsAtEndOf(const ByteSource& source);

  // Reads a seal that is a file of its own, for an image of `image_bytes`.
  static Result<Seal> ReadSidecar(const ByteSource& source, std::uint64_t image_bytes);
  // Reads the seal at the end of an image.
  static Result<Seal> ReadAppended(const ByteSource& source);

  const FsVerityDescriptor& descriptor() const { return descriptor_; }
  std::uint64_t descriptor_offset() const { return descriptor_offset_; }
  bool has_superblock() const { return has_superblock_; }
  std::uint64_t size() const { return size_; }

  // In the source that it was read from.
  std::uint64_t offset() const { return offset_; }
  std::uint64_t tree_offset() const { return offset_ + superblock_bytes(); }
  std::uint64_t metadata_offset() const { return offset_ + size_ - metadata_bytes_; }

  // All sections but the descriptor that are of a known type, in order.
  const std::vector<SealSection>& sections() const { return sections_; }
  std::vector<ByteView> Sections(SealSectionType type) const;
  // The digests of the extra devices; empty if the seal names none.
  const std::vector<PinnedDigest>& devices() const { return devices_; }

  // What is left to check once the descriptor is trusted: that the tree fits between superblock and
  // metadata, and that the superblock is the one that follows from the descriptor. Returns the
  // tree's geometry.
  Result<TreeShape> CheckTree(const ByteSource& source) const;

 private:
  Seal(FsVerityDescriptor descriptor) : descriptor_(std::move(descriptor)) {}
  static Result<Seal> Read(const ByteSource& source, std::optional<std::uint64_t> image_bytes);
  Result<void> TakeSections(ByteView metadata, std::size_t count);
  Result<void> TakeDevices();
  std::uint64_t superblock_bytes() const {
    return has_superblock_ ? descriptor_.params().data_block_bytes() : 0;
  }

  FsVerityDescriptor descriptor_;
  std::uint64_t descriptor_offset_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 0;
  std::uint32_t metadata_bytes_ = 0;
  bool has_superblock_ = false;
  std::vector<SealSection> sections_;
  std::vector<PinnedDigest> devices_;
};

// What a seal consists of, for whoever writes one.
class SealLayout {
 public:
  // For the tree of `shape`, whose data and hash blocks are of one size.
  SealLayout(const TreeShape& shape, bool has_superblock)
      : shape_(shape), has_superblock_(has_superblock) {}

  std::uint64_t tree_offset() const {
    return has_superblock_ ? shape_.params().data_block_bytes() : 0;
  }
  std::uint64_t metadata_offset() const { return tree_offset() + shape_.tree_bytes(); }

  // The block before the tree; empty if there is none.
  std::vector<std::byte> SuperblockBlock(const FsVerityDescriptor& descriptor) const;

  // The metadata with these sections behind the descriptor; nothing if they are too many or large.
  std::optional<std::vector<std::byte>> Metadata(const FsVerityDescriptor& descriptor,
                                                 std::span<const SealSection> sections) const;

 private:
  TreeShape shape_;
  bool has_superblock_;
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_SEAL_H_
