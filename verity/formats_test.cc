// Descriptor, dm-verity superblock and seal: known bytes, and what is refused.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "base/crc32c.h"
#include "base/hex.h"
#include "verity/dm_verity.h"
#include "verity/root_hash_file.h"
#include "verity/seal.h"
#include "verity/seal_writer.h"
#include "verity/test_stream.h"

namespace amberfs {
namespace {

std::vector<std::byte> CountingSalt() {
  std::vector<std::byte> salt;
  for (int i = 0; i < 32; ++i) salt.push_back(static_cast<std::byte>(i));
  return salt;
}

std::vector<std::byte> SealOf(std::size_t bytes, const SealOptions& options,
                              std::span<const SealSection> sections = {}) {
  auto seal = MakeSeal(MemorySource(TestStream(bytes)), options, sections);
  EXPECT_TRUE(seal.has_value());
  return *seal;
}

std::string Sha256(ByteView bytes) { return Hex(HashOf(HashAlgorithm::kSha256, bytes).bytes()); }

TEST(Crc32c, KnownValue) { EXPECT_EQ(~Crc32c(kCrc32cSeed, AsBytes("123456789")), 0xE3069283U); }

// Made with an independent implementation.
TEST(Seal, KnownSeals) {
  const auto sha512 = HashAlgorithm::kSha512;
  const struct {
    std::size_t bytes;
    SealOptions options;
    std::size_t seal_bytes;
    const char* hash;
  } kSeals[] = {
      {4096, {}, 8192, "6048403194a4f42797d8459ce8717ff3874c95fcfc08582f1bfcabc79a8d1234"},
      {524288, {}, 12288, "fe4b654ae802e90f4bf7da756376a78f3d42e93bd2599d97442bc36b45d19e6f"},
      {524288,
       {.has_superblock = false},
       8192,
       "b68ca49c0a79d3d286a065d04b6c4a7e641c6b78112e2533391b1bd8340b47ed"},
      {524288,
       {.algorithm = sha512},
       20480,
       "2edf728c3ae2270a43666844d5cc487bc446a9d6a7b100e78616fa2e3328f557"},
      {524288,
       {.salt = CountingSalt()},
       12288,
       "9370de6ceabf02f94be2944b06f262885dceb3c945f35146b49006e4655a68c8"},
      {524288,
       {.block_bits = 10},
       22528,
       "9770414cd9ac5b47f9a00fdffb7e9a9bf576b2a8b0be2dad6873694f89eb572a"},
      {524288,
       {.block_bits = 16},
       135168,
       "4dfdefb509d8aa92ee02c76f91141b651c0654e5e5e5440bf0b5b99f75fc815a"},
      {70004736,
       {.threads = 2},
       569344,
       "eac83eea91de668a79aaaddfe37817723e9fca5c498cbfb9b745113231eb4593"},
  };
  for (const auto& known : kSeals) {
    const auto seal = SealOf(known.bytes, known.options);
    EXPECT_EQ(seal.size(), known.seal_bytes);
    EXPECT_EQ(Sha256(seal), known.hash);
  }
}

TEST(Seal, IsReadAsASidecarAndAtTheEndOfAnImage) {
  const std::vector<SealSection> sections = {
      {SealSectionType::kSignature, {std::byte{1}, std::byte{2}, std::byte{3}}},
      {SealSectionType::kCertificate, std::vector<std::byte>(100, std::byte{7})}};
  const auto bytes = SealOf(8192, {}, sections);
  auto image = TestStream(8192);

  const MemorySource sidecar(bytes);
  const auto seal = Seal::ReadSidecar(sidecar, 8192);
  ASSERT_TRUE(seal.has_value());
  EXPECT_EQ(seal->tree_offset(), 4096U);
  ASSERT_EQ(seal->sections().size(), 2U);
  EXPECT_EQ(seal->sections()[0].bytes, sections[0].bytes);
  EXPECT_EQ(seal->sections()[1].bytes, sections[1].bytes);
  EXPECT_TRUE(seal->CheckTree(sidecar).has_value());

  image.insert(image.end(), bytes.begin(), bytes.end());
  const MemorySource sealed(image);
  EXPECT_TRUE(*Seal::IsAtEndOf(sealed));
  const auto appended = Seal::ReadAppended(sealed);
  ASSERT_TRUE(appended.has_value());
  EXPECT_EQ(appended->offset(), 8192U);
  EXPECT_EQ(appended->tree_offset(), 8192U + 4096U);
  EXPECT_TRUE(appended->CheckTree(sealed).has_value());
  EXPECT_EQ(appended->descriptor().Encode(), seal->descriptor().Encode());
}

TEST(Seal, MetadataHasItsLimits) {
  const auto shape = TreeShape::Make({}, 8192);
  const FsVerityDescriptor descriptor(*shape, {}, HashOf(HashAlgorithm::kSha256, {}));
  const SealLayout layout(*shape, true);
  std::vector<SealSection> sections(15, {SealSectionType::kCertificate, {}});
  EXPECT_TRUE(layout.Metadata(descriptor, sections).has_value());
  sections.push_back({SealSectionType::kCertificate, {}});
  EXPECT_FALSE(layout.Metadata(descriptor, sections).has_value());
  const std::vector<SealSection> large = {
      {SealSectionType::kCertificate, std::vector<std::byte>(65536 - 64 - 288)}};
  EXPECT_EQ(layout.Metadata(descriptor, large)->size(), 65536U);
  const std::vector<SealSection> larger = {
      {SealSectionType::kCertificate, std::vector<std::byte>(65536 - 64 - 287)}};
  EXPECT_FALSE(layout.Metadata(descriptor, larger).has_value());
}

// Every bit of a seal, with the checksum repaired where it covers: either the seal is refused, or
// the bit lies in the tree, whose blocks are verified when they are read.
TEST(Seal, EveryBitCounts) {
  const std::size_t kImage = 8192;
  const auto good = SealOf(kImage, {});
  const std::size_t metadata_at = good.size() - 4096;
  const auto descriptor = Seal::ReadSidecar(MemorySource(good), kImage)->descriptor().Encode();
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bytes = good;
    bytes[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    if (bit / 8 >= metadata_at) {
      const ByteSpan metadata = ByteSpan(bytes).subspan(metadata_at);
      const std::size_t crc_at = metadata.size() - 16;
      const bool is_crc = bit / 8 - metadata_at >= crc_at && bit / 8 - metadata_at < crc_at + 4;
      if (!is_crc) {
        PutWire(metadata, crc_at, Le32(0));
        PutWire(metadata, crc_at, Le32(~Crc32c(kCrc32cSeed, metadata)));
      }
    }
    const MemorySource source(bytes);
    const auto seal = Seal::ReadSidecar(source, kImage);
    if (!seal || !seal->CheckTree(source)) continue;
    EXPECT_GE(bit / 8, 4096U) << "bit " << bit << " of the superblock block";
    if (bit / 8 >= metadata_at) {
      // What remains is the descriptor's own content, on which trust is decided.
      EXPECT_TRUE(seal->descriptor().Encode() != descriptor) << "bit " << bit;
    }
  }
}

TEST(FsVerity, MessageToBeSigned) {
  const auto descriptor = ComputeDescriptor(MemorySource(TestStream(524288)), {});
  EXPECT_EQ(Hex(descriptor->SignedMessage()),
            "465356657269747901002000"
            "c03339d82bd67cf6c7da2d68f506fa9ee630a1b8abef5afaab2dc94048d1be62");
}

TEST(FsVerity, ParseUndoesEncode) {
  for (const auto algorithm : {HashAlgorithm::kSha256, HashAlgorithm::kSha512}) {
    const auto made =
        ComputeDescriptor(MemorySource(TestStream(100'000)),
                          {.algorithm = algorithm, .block_bits = 10, .salt = CountingSalt()});
    const auto parsed = FsVerityDescriptor::Parse(made->Encode(), 0);
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->Encode(), made->Encode());
    EXPECT_EQ(parsed->file_digest().digest, made->file_digest().digest);
  }
}

TEST(FsVerity, FSV5_TreesHaveALimit) {
  const auto descriptor_of = [](std::uint64_t blocks) {
    const auto shape = TreeShape::Make(
        {.algorithm = HashAlgorithm::kSha512, .data_block_bits = 9, .hash_block_bits = 9},
        blocks * 512);
    return FsVerityDescriptor(*shape, {}, HashOf(HashAlgorithm::kSha512, {}));
  };
  EXPECT_EQ(descriptor_of(1 << 24).Shape(0)->levels(), 8U);
  const auto refused = descriptor_of((1 << 24) + 1).Shape(100);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().rule, Rule::kFsv5);
  EXPECT_EQ(refused.error().code, Errc::kLimit);
  EXPECT_EQ(refused.error().offset, 108U);
}

TEST(FsVerity, PinsAreRead) {
  const std::string hex(64, 'a');
  EXPECT_TRUE(PinnedDigest::FromText("sha256:" + hex));
  EXPECT_EQ(PinnedDigest::FromText("sha256-12:" + hex)->block_bits, 12U);
  EXPECT_TRUE(PinnedDigest::FromText("sha512:" + hex + hex));
  EXPECT_TRUE(PinnedDigest::FromText("sha256:" + std::string(64, 'A')));
  for (const std::string& bad :
       {hex, "md5:" + hex, "sha256:" + hex.substr(1), "sha256:" + hex + "aa", "sha256-:" + hex,
        "sha256-x:" + hex, "sha256-12x:" + hex, "sha256-99:" + hex, "sha512:" + hex,
        "sha256:" + std::string(64, 'g'), std::string("sha256")})
    EXPECT_FALSE(PinnedDigest::FromText(bad)) << bad;
}

TEST(FsVerity, APinWithABlockSizeMatchesNoOther) {
  const FileDigest digest = ComputeDescriptor(MemorySource({}), {})->file_digest();
  EXPECT_TRUE(PinnedDigest::FromText(digest.text())->Matches(digest));
  EXPECT_TRUE(PinnedDigest::FromText(digest.id())->Matches(digest));
  PinnedDigest other = *PinnedDigest::FromText(digest.id());
  other.block_bits = 13;
  EXPECT_FALSE(other.Matches(digest));
}

TEST(DmVerity, ParseUndoesEncode) {
  const DmVeritySuperblock made{
      .params = {.algorithm = HashAlgorithm::kSha512, .data_block_bits = 10, .hash_block_bits = 13},
      .data_blocks = 77,
      .salt = CountingSalt(),
      .uuid = {std::byte{1}, std::byte{2}}};
  const auto parsed = DmVeritySuperblock::Parse(made.Encode(), 0);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->Encode(), made.Encode());
  EXPECT_EQ(parsed->TreeOffset(0), 8192U);
  EXPECT_EQ(parsed->TreeOffset(8192 - 512), 8192U);
  EXPECT_EQ(parsed->TreeOffset(8192), 16384U);
}

TEST(RootHashFile, ContainerdsAndSystemds) {
  const Digest hash = HashOf(HashAlgorithm::kSha256, {});
  const auto containerd = RootHashFile::Parse(RootHashFile::Containerd(hash, 524288));
  ASSERT_TRUE(containerd.has_value());
  EXPECT_EQ(containerd->root_hash, hash);
  EXPECT_EQ(containerd->hash_offset, 524288U);
  EXPECT_TRUE(containerd->signature.empty());
  for (const std::size_t bytes : {1U, 2U, 3U, 1000U}) {
    const auto signature = TestStream(bytes);
    const std::string text = RootHashFile::Systemd(hash, signature, hash);
    EXPECT_EQ(text.size(), 4096U);
    const auto systemd = RootHashFile::Parse(text);
    ASSERT_TRUE(systemd.has_value());
    EXPECT_EQ(systemd->root_hash, hash);
    EXPECT_EQ(systemd->signature, signature);
    EXPECT_FALSE(systemd->hash_offset.has_value());
  }
}

TEST(RootHashFile, NothingElse) {
  const std::string hex(64, 'a');
  for (const std::string& bad :
       {std::string(), std::string("{}"), std::string("[]"), std::string("null"),
        R"({"roothash":")" + hex + R"("})", R"({"roothash":")" + hex + R"(","hashoffset":-1})",
        R"({"roothash":")" + hex + R"(","hashoffset":"1"})",
        R"({"roothash":")" + hex + R"(","hashoffset":1.5})",
        R"({"roothash":")" + hex.substr(2) + R"(","hashoffset":1})",
        R"({"roothash":")" + hex + R"(","hashoffset":1)",
        std::string(R"({"roothash":1,"hashoffset":1})"), R"({"rootHash":")" + hex + R"("})",
        R"({"rootHash":")" + hex + R"(","signature":1})",
        R"({"rootHash":")" + hex + R"(","signature":""})",
        R"({"rootHash":")" + hex + R"(","signature":"A"})",
        R"({"rootHash":")" + hex + R"(","signature":"===="})",
        R"({"rootHash":")" + hex + R"(","roothash":")" + hex +
            R"(","hashoffset":1,"signature":"AAAA"})",
        std::string(100'000, '[')})
    EXPECT_FALSE(RootHashFile::Parse(bad)) << bad.substr(0, 100);
}

}  // namespace
}  // namespace amberfs
