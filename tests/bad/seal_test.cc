// A sealed and signed image, broken in each way that the rules of docs/verity.md name.
//
//   BAD_SEAL(SEAL3, ChecksumOfOtherBytes) {
//     bad.seal[bad.footer_at() + 48] ^= std::byte{1};
//     return bad.footer_at() + 48;
//   }
//
// As BAD_IMAGE: the body breaks this rule and nothing but it, and returns the place at which it
// must be reported. The good image has 300 blocks under two levels of hashes, a sidecar, and a
// signature.
#include <gtest/gtest.h>

#include <functional>

#include "base/crc32c.h"
#include "base/hex.h"
#include "tests/bad/bad_image.h"
#include "verity/dm_verity.h"
#include "verity/open.h"
#include "verity/openssl.h"
#include "verity/seal_writer.h"
#include "verity/test_keys.h"
#include "verity/test_stream.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kBlock = 4096;
constexpr std::uint64_t kImageBytes = 300 * kBlock;
constexpr std::uint64_t kTree = kBlock;  // behind the superblock

const SigningKey& Key() {
  static const SigningKey key = MakeTestKey({});
  return key;
}

struct BadSeal {
  BadSeal() {
    store.Add(Key().certificate());
    Reseal();
    MakeDmVerity();
    request.level = TrustLevel::kSignature;
  }

  const FsVerityDescriptor& descriptor() const { return *descriptor_; }
  std::vector<std::byte> Signature() const {
    return *Key().Sign(descriptor().SignedMessage(), HashAlgorithm::kSha256);
  }

  // A seal of the image with these sections, or with a signature.
  void Reseal(std::optional<std::vector<SealSection>> sections = std::nullopt) {
    const MemorySource source(image);
    descriptor_ = *ComputeDescriptor(source, {});
    if (!sections)
      sections.emplace({SealSection{.type = SealSectionType::kSignature, .bytes = Signature()}});
    seal = *MakeSeal(source, {}, *sections);
  }
  void ResealWithSignature(std::vector<std::byte> signature) {
    Reseal({{SealSection{.type = SealSectionType::kSignature, .bytes = std::move(signature)}}});
  }

  // An extra device, and a seal of the image that has `names` for it and their hash as salt.
  void AddDevice() {
    device = TestStream(40 * kBlock);
    device_seal = *MakeSeal(MemorySource(device), {});
    NameDevice({NameDevices(std::array{DeviceDigest()})});
  }
  FileDigest DeviceDigest() const {
    return ComputeDescriptor(MemorySource(device), {})->file_digest();
  }
  void NameDevice(const std::vector<SealSection>& names) {
    const MemorySource source(image);
    const SealOptions options{.salt = names.empty() ? std::vector<std::byte>() : SaltOf(names[0])};
    descriptor_ = *ComputeDescriptor(source, options);
    seal = *MakeSeal(source, options, names);
    request = {.level = TrustLevel::kDigest,
               .pin = PinnedDigest::FromText(descriptor_->file_digest().id())};
  }

  // Places in the seal.
  std::uint64_t metadata_at() const { return seal.size() - kBlock; }
  std::uint64_t footer_at() const { return seal.size() - sizeof(wire::SealFooter); }
  std::uint64_t descriptor_at() const { return metadata_at() + 32; }  // behind two table entries

  // Changes the T at `offset` of the seal and makes its checksum right again.
  template <Wire T>
  std::uint64_t Edit(std::uint64_t offset, const std::function<void(T&)>& change) {
    T value = *CopyWire<T>(seal, offset);
    change(value);
    PutWire(seal, offset, value);
    FixChecksum();
    return offset;
  }
  // The same for a descriptor, which is then pinned: no signature is of it.
  std::uint64_t EditDescriptor(const std::function<void(wire::FsVerityDescriptor&)>& change) {
    Edit<wire::FsVerityDescriptor>(descriptor_at(), change);
    PinWhatIsThere();
    return descriptor_at();
  }
  void PinWhatIsThere() {
    const Digest digest =
        HashOf(HashAlgorithm::kSha256, ByteView(seal).subspan(descriptor_at(), 256));
    request = {.level = TrustLevel::kDigest,
               .pin = PinnedDigest{.algorithm = HashAlgorithm::kSha256, .digest = digest}};
  }
  void FixChecksum() {
    const ByteSpan metadata = ByteSpan(seal).subspan(metadata_at());
    PutWire(metadata, kBlock - 16, Le32(0));
    PutWire(metadata, kBlock - 16, Le32(~Crc32c(kCrc32cSeed, metadata)));
  }

  // The superblock that the descriptor wants.
  void FixSuperblock() {
    const auto edited = *FsVerityDescriptor::Parse(ByteView(seal).subspan(descriptor_at(), 256), 0);
    std::ranges::copy(DmVeritySuperblock::FromDescriptor(edited).Encode(), seal.begin());
  }

  // A dm-verity tree without a seal, its root hash in `root_hash`.
  void MakeDmVerity() {
    const auto shape = TreeShape::Make({}, image.size());
    superblock = {.params = {}, .data_blocks = shape->data_blocks(), .salt = {}, .uuid = {}};
    hashes.assign(kTree + shape->tree_bytes(), std::byte{0});
    const auto sink = [this](std::uint64_t offset, ByteView bytes) {
      std::ranges::copy(bytes, ByteSpan(hashes).subspan(kTree + offset).begin());
      return Result<void>();
    };
    root_hash.digest =
        *BuildTree(MemorySource(image), *shape, BlockHasher(HashAlgorithm::kSha256), sink, 1);
    root_hash.data_bytes = image.size();
    PutSuperblock();
  }
  void PutSuperblock() { std::ranges::copy(superblock.Encode(), hashes.begin()); }
  std::uint64_t EditSuperblock(const std::function<void(wire::DmVeritySuperblock&)>& change) {
    auto raw = *CopyWire<wire::DmVeritySuperblock>(hashes, 0);
    change(raw);
    PutWire(hashes, 0, raw);
    use_dm_verity = true;
    request = {};
    return 0;
  }

  // Opens the image and reads all of it, and of its device. The first error; nothing if all is
  // well.
  std::optional<Error> FirstError() const {
    const auto opened = Open();
    if (!opened) return opened.error();
    if (const auto error = FirstErrorIn(*opened->source)) return error;
    if (device.empty()) return std::nullopt;
    const auto opened_device = OpenVerifiedDevice(
        *opened, 0, std::make_shared<MemorySource>(device),
        device_seal.empty() ? nullptr : std::make_shared<MemorySource>(device_seal), {}, store);
    if (!opened_device) return opened_device.error();
    return FirstErrorIn(**opened_device);
  }

  std::vector<std::byte> image = TestStream(kImageBytes);
  std::vector<std::byte> seal;
  bool is_appended = false;
  bool has_seal = true;
  bool use_dm_verity = false;
  DmVeritySuperblock superblock;
  std::vector<std::byte> hashes;
  BareRootHash root_hash;
  std::vector<std::byte> device;
  std::vector<std::byte> device_seal;
  VerityRequest request;
  TrustStore store;

 private:
  static std::optional<Error> FirstErrorIn(const ByteSource& source) {
    std::vector<std::byte> block(kBlock);
    for (std::uint64_t at = 0; at < source.size(); at += kBlock)
      if (const auto read = source.ReadAt(at, block); !read) return read.error();
    return std::nullopt;
  }

  Result<VerifiedImage> Open() const {
    const auto source = std::make_shared<MemorySource>(image);
    if (use_dm_verity)
      return OpenDmVerity(source, {std::make_shared<MemorySource>(hashes), 0}, root_hash, {},
                          request, store);
    if (!has_seal) return OpenVerified(source, nullptr, request, store);
    if (!is_appended)
      return OpenVerified(source, std::make_shared<MemorySource>(seal), request, store);
    auto both = image;
    both.insert(both.end(), seal.begin(), seal.end());
    return OpenVerified(std::make_shared<MemorySource>(both), nullptr, request, store);
  }

  std::optional<FsVerityDescriptor> descriptor_;
};

void ExpectRefusal(std::string_view token, std::uint64_t (*break_it)(BadSeal&)) {
  BadSeal bad;
  const std::uint64_t offset = break_it(bad);
  const auto error = bad.FirstError();
  ASSERT_TRUE(error.has_value()) << "nobody minds";
  std::string id(RuleId(error->rule));
  std::erase(id, '-');
  EXPECT_EQ(id, token) << Describe(*error);
  EXPECT_EQ(error->offset, offset) << Describe(*error);
}

#define BAD_SEAL(token, what)                                                                \
  static std::uint64_t Break_##token##_##what(BadSeal& bad);                                 \
  static const bool registered_##token##_##what = RulesWithBadImage().insert(#token).second; \
  TEST(BadSeal, token##_##what) {                                                            \
    static_cast<void>(registered_##token##_##what);                                          \
    ExpectRefusal(#token, Break_##token##_##what);                                           \
  }                                                                                          \
  static std::uint64_t Break_##token##_##what([[maybe_unused]] BadSeal& bad)

TEST(GoodSeal, IsAcceptedInEachForm) {
  EXPECT_EQ(BadSeal().FirstError(), std::nullopt);
  BadSeal appended;
  appended.is_appended = true;
  EXPECT_EQ(appended.FirstError(), std::nullopt);
  BadSeal pinned;
  pinned.PinWhatIsThere();
  EXPECT_EQ(pinned.FirstError(), std::nullopt);
  BadSeal dm_verity;
  dm_verity.EditSuperblock([](auto&) {});
  EXPECT_EQ(dm_verity.FirstError(), std::nullopt);
  BadSeal with_device;
  with_device.AddDevice();
  EXPECT_EQ(with_device.FirstError(), std::nullopt);
}

TEST(GoodSeal, DevicesWithoutNamesAreLeftToIntegrity) {
  BadSeal bad;
  bad.AddDevice();
  bad.NameDevice({});
  bad.request = {.level = TrustLevel::kIntegrity};
  EXPECT_EQ(bad.FirstError(), std::nullopt);
}

// --- the descriptor ---

BAD_SEAL(FSV1, Version2) {
  return bad.EditDescriptor([](auto& raw) { raw.version = 2; });
}
BAD_SEAL(FSV1, ReservedByte) {
  return bad.EditDescriptor([](auto& raw) { raw.reserved2[143] = std::byte{1}; });
}
BAD_SEAL(FSV1, BytesBehindTheRootHash) {
  return bad.EditDescriptor([](auto& raw) { raw.root_hash[32] = std::byte{1}; }) + 16;
}
BAD_SEAL(FSV1, BytesBehindTheSalt) {
  return bad.EditDescriptor([](auto& raw) { raw.salt[0] = std::byte{1}; }) + 80;
}
BAD_SEAL(FSV2, NoSuchAlgorithm) {
  return bad.EditDescriptor([](auto& raw) { raw.hash_algorithm = 3; }) + 1;
}
BAD_SEAL(FSV2, AlgorithmNone) {
  return bad.EditDescriptor([](auto& raw) { raw.hash_algorithm = 0; }) + 1;
}
BAD_SEAL(FSV3, BlocksOf256Bytes) {
  return bad.EditDescriptor([](auto& raw) { raw.log_blocksize = 8; }) + 2;
}
BAD_SEAL(FSV3, BlocksBeyondAnyShift) {
  return bad.EditDescriptor([](auto& raw) { raw.log_blocksize = 255; }) + 2;
}
BAD_SEAL(FSV4, SaltOf33Bytes) {
  return bad.EditDescriptor([](auto& raw) { raw.salt_size = 33; }) + 3;
}
BAD_SEAL(FSV5, NineLevels) {
  return bad.EditSuperblock([](auto& raw) {
    raw.algorithm = {'s', 'h', 'a', '5', '1', '2'};
    raw.data_block_size = raw.hash_block_size = 512;
    raw.data_blocks = (std::uint64_t{1} << 24) + 1;
  });
}

// --- the seal ---

BAD_SEAL(SEAL1, Version2) {
  return bad.Edit<wire::SealFooter>(bad.footer_at(), [](auto& raw) { raw.version = 2; });
}
BAD_SEAL(SEAL1, NoEndMagic) {
  return bad.Edit<wire::SealFooter>(bad.footer_at(), [](auto& raw) { raw.end_magic[7] = 'B'; });
}
BAD_SEAL(SEAL1, UnknownFlag) {
  return bad.Edit<wire::SealFooter>(bad.footer_at(), [](auto& raw) { raw.flags = 3; });
}
BAD_SEAL(SEAL1, ReservedBytes) {
  return bad.Edit<wire::SealFooter>(bad.footer_at(), [](auto& raw) { raw.zero2 = 1; });
}
BAD_SEAL(SEAL1, AnEmptyFile) {
  bad.seal.clear();
  return 0;
}
BAD_SEAL(SEAL2, NoMetadata) {
  return 12 + bad.Edit<wire::SealFooter>(bad.footer_at(), [](auto& raw) { raw.metadata_size = 0; });
}
BAD_SEAL(SEAL2, MetadataOf65540Bytes) {
  return 12 +
         bad.Edit<wire::SealFooter>(bad.footer_at(), [](auto& raw) { raw.metadata_size = 65540; });
}
BAD_SEAL(SEAL2, MetadataLargerThanTheSeal) {
  return 12 + bad.Edit<wire::SealFooter>(bad.footer_at(), [](auto& raw) {
    raw.metadata_size = 8192;
    raw.seal_size = 4096;
  });
}
BAD_SEAL(SEAL3, ChecksumOfOtherBytes) {
  bad.seal[bad.footer_at() + 48] ^= std::byte{1};
  return bad.footer_at() + 48;
}
BAD_SEAL(SEAL3, ADescriptorByte) {
  bad.seal[bad.descriptor_at() + 20] ^= std::byte{1};
  return bad.footer_at() + 48;
}
BAD_SEAL(SEAL4, NoSections) {
  return 36 + bad.Edit<wire::SealFooter>(bad.footer_at(), [](auto& raw) { raw.sections = 0; });
}
BAD_SEAL(SEAL4, SeventeenSections) {
  return 36 + bad.Edit<wire::SealFooter>(bad.footer_at(), [](auto& raw) { raw.sections = 17; });
}
BAD_SEAL(SEAL4, OverlappingSections) {
  return bad.Edit<wire::SealSection>(bad.metadata_at() + 16, [](auto& raw) { raw.offset = 32; });
}
BAD_SEAL(SEAL4, ASectionPastTheEnd) {
  return bad.Edit<wire::SealSection>(bad.metadata_at() + 16, [](auto& raw) { raw.size = 4096; });
}
BAD_SEAL(SEAL4, SizeOfAllBits) {
  return bad.Edit<wire::SealSection>(bad.metadata_at() + 16, [](auto& raw) { raw.size = ~0U; });
}
BAD_SEAL(SEAL4, BytesBehindTheSections) {
  bad.Edit<Le16>(bad.footer_at() - 2, [](auto& raw) { raw = 1; });
  const auto entry = *CopyWire<wire::SealSection>(bad.seal, bad.metadata_at() + 16);
  return bad.metadata_at() + entry.offset.get() + entry.size.get();
}
BAD_SEAL(SEAL5, NoDescriptor) {
  return bad.Edit<wire::SealSection>(bad.metadata_at(), [](auto& raw) { raw.type = 2; });
}
BAD_SEAL(SEAL5, TwoDescriptors) {
  return bad.Edit<wire::SealSection>(bad.metadata_at() + 16, [](auto& raw) {
    raw.type = 1;
    raw.flags = 1;
  });
}
BAD_SEAL(SEAL5, ASignatureThatClaimsToBeCritical) {
  return bad.Edit<wire::SealSection>(bad.metadata_at() + 16, [](auto& raw) { raw.flags = 1; });
}
BAD_SEAL(SEAL5, UnknownFlag) {
  return bad.Edit<wire::SealSection>(bad.metadata_at() + 16, [](auto& raw) {
    raw.type = 99;
    raw.flags = 2;
  });
}
BAD_SEAL(SEAL6, UnknownCriticalSection) {
  return bad.Edit<wire::SealSection>(bad.metadata_at() + 16, [](auto& raw) {
    raw.type = 99;
    raw.flags = 1;
  });
}
BAD_SEAL(SEAL7, SealSizePastAnyFile) {
  return 16 + bad.Edit<wire::SealFooter>(bad.footer_at(),
                                         [](auto& raw) { raw.seal_size = ~std::uint64_t{0}; });
}
BAD_SEAL(SEAL7, ABlockTooMuchBeforeTheTree) {
  bad.seal.insert(bad.seal.begin(), kBlock, std::byte{0});
  bad.Edit<wire::SealFooter>(bad.footer_at(),
                             [&bad](auto& raw) { raw.seal_size = bad.seal.size(); });
  return 0;
}
BAD_SEAL(SEAL7, AnAppendedSealBehindHalfABlock) {
  bad.image.resize(kImageBytes - 100);
  bad.Reseal();
  bad.is_appended = true;
  return bad.image.size();
}
BAD_SEAL(SEAL8, AnImageThatHasGrown) {
  bad.image.push_back(std::byte{0});
  return 24 + bad.footer_at();
}
BAD_SEAL(SEAL8, AnImageThatHasShrunk) {
  bad.image.pop_back();
  return 24 + bad.footer_at();
}
BAD_SEAL(SEAL8, BytesBetweenDataAndAppendedSeal) {
  bad.image.insert(bad.image.end(), 4096, std::byte{0});
  bad.is_appended = true;
  return bad.image.size() + 24 + bad.footer_at();
}
BAD_SEAL(SEAL8, DescriptorOfAnotherSize) {
  return 8 + bad.EditDescriptor([](auto& raw) { raw.data_size = kImageBytes - 1; });
}
BAD_SEAL(SEAL8, AnImageTooSmallToBeOne) {
  bad.image.resize(1024);
  bad.Reseal();
  return 24 + bad.footer_at();
}
BAD_SEAL(SEAL9, AnotherBlockCount) {
  bad.seal[72] ^= std::byte{1};
  return 0;
}
BAD_SEAL(SEAL9, BytesBehindTheSuperblock) {
  bad.seal[4095] = std::byte{1};
  return 0;
}

BAD_SEAL(SEAL10, NamesOfOtherDevices) {
  bad.AddDevice();
  return bad.Edit<Le16>(bad.descriptor_at() + 256 + 20, [](auto& raw) { raw = 0x3030; }) -
         (32 + 256 + 20);
}
BAD_SEAL(SEAL10, NamesUnderNoSalt) {
  bad.AddDevice();
  bad.Reseal({{NameDevices(std::array{bad.DeviceDigest()})}});
  return bad.metadata_at();
}
BAD_SEAL(SEAL10, NamesTwice) {
  bad.AddDevice();
  const SealSection names = NameDevices(std::array{bad.DeviceDigest()});
  bad.NameDevice({names, names});
  return bad.metadata_at();
}
BAD_SEAL(SEAL10, NoNames) {
  bad.AddDevice();
  bad.NameDevice({SealSection{.type = SealSectionType::kDevices, .bytes = {}}});
  return bad.metadata_at();
}
BAD_SEAL(SEAL10, ANameWithoutABlockSize) {
  bad.AddDevice();
  const std::string line = bad.DeviceDigest().text() + "\n";
  const ByteView bytes = AsBytes(line);
  bad.NameDevice(
      {SealSection{.type = SealSectionType::kDevices, .bytes = {bytes.begin(), bytes.end()}}});
  return bad.metadata_at();
}
BAD_SEAL(SEAL10, ANameThatDoesNotEnd) {
  bad.AddDevice();
  SealSection names = NameDevices(std::array{bad.DeviceDigest()});
  names.bytes.pop_back();
  bad.NameDevice({names});
  return bad.metadata_at();
}

// --- blocks ---

BAD_SEAL(VER1, ADataByte) {
  bad.image[200 * kBlock + 17] ^= std::byte{1};
  return 200 * kBlock;
}
BAD_SEAL(VER1, TwoBlocksChangePlaces) {
  std::swap_ranges(bad.image.begin(), bad.image.begin() + kBlock, bad.image.begin() + kBlock);
  return 0;
}
BAD_SEAL(VER2, ATreeByte) {
  bad.seal[kTree + kBlock + 5] ^= std::byte{1};
  return kTree + kBlock;
}
BAD_SEAL(VER2, TheRootHash) {
  bad.EditDescriptor([](auto& raw) { raw.root_hash[0] ^= std::byte{1}; });
  bad.FixSuperblock();
  return kTree;
}
BAD_SEAL(VER2, AnotherSeal) {
  // Of the same size and shape: the descriptor is right, the tree is not.
  BadSeal other;
  other.image[0] ^= std::byte{1};
  other.Reseal();
  std::copy_n(other.seal.begin() + kTree, 4 * kBlock, bad.seal.begin() + kTree);
  return kTree;
}
BAD_SEAL(VER2, BlockSizeOfAnotherTree) {
  // 150 blocks of 8192 bytes would have one hash block; here are two of the real tree instead.
  bad.seal.erase(bad.seal.begin(), bad.seal.begin() + kTree);
  bad.seal.erase(bad.seal.begin() + 2 * kBlock, bad.seal.begin() + 4 * kBlock);
  bad.Edit<wire::SealFooter>(bad.footer_at(), [&bad](auto& raw) {
    raw.seal_size = bad.seal.size();
    raw.flags = 0;
  });
  bad.EditDescriptor([](auto& raw) { raw.log_blocksize = 13; });
  return 0;
}
BAD_SEAL(VER3, AHashTooMuch) {
  // Signed by somebody who fills the tree as he likes.
  const std::uint64_t last = kTree + 3 * kBlock;
  bad.seal[last + 44 * 32] = std::byte{1};
  const BlockHasher hasher(HashAlgorithm::kSha256);
  hasher.Hash(ByteView(bad.seal).subspan(last, kBlock), ByteSpan(bad.seal).subspan(kTree + 64, 32));
  const Digest root_hash = hasher.Hash(ByteView(bad.seal).subspan(kTree, kBlock));
  bad.EditDescriptor(
      [&root_hash](auto& raw) { std::ranges::copy(root_hash.bytes(), raw.root_hash.begin()); });
  bad.FixSuperblock();
  return last;
}

// --- dm-verity ---

BAD_SEAL(DMV1, AnotherSignature) {
  return bad.EditSuperblock([](auto& raw) { raw.signature[0] = 'V'; });
}
BAD_SEAL(DMV1, Version2) {
  return bad.EditSuperblock([](auto& raw) { raw.version = 2; });
}
BAD_SEAL(DMV2, TheHashTypeOfChromeOs) {
  return 12 + bad.EditSuperblock([](auto& raw) { raw.hash_type = 0; });
}
BAD_SEAL(DMV2, AnAlgorithmThatIsBroken) {
  return 12 + bad.EditSuperblock([](auto& raw) { raw.algorithm = {'s', 'h', 'a', '1'}; });
}
BAD_SEAL(DMV2, AnAlgorithmWithATail) {
  return 12 + bad.EditSuperblock([](auto& raw) { raw.algorithm[31] = 'x'; });
}
BAD_SEAL(DMV3, BlocksOf4095Bytes) {
  return 64 + bad.EditSuperblock([](auto& raw) { raw.data_block_size = 4095; });
}
BAD_SEAL(DMV3, BlocksOf256Bytes) {
  return 64 + bad.EditSuperblock([](auto& raw) { raw.hash_block_size = 256; });
}
BAD_SEAL(DMV3, DataThatOverflows) {
  return 64 + bad.EditSuperblock([](auto& raw) { raw.data_blocks = std::uint64_t{1} << 52; });
}
BAD_SEAL(DMV4, SaltOf257Bytes) {
  return 80 + bad.EditSuperblock([](auto& raw) { raw.salt_size = 257; });
}
BAD_SEAL(DMV4, SaltOf65535Bytes) {
  return 80 + bad.EditSuperblock([](auto& raw) { raw.salt_size = 65535; });
}

// --- signatures ---

std::vector<std::byte> Pkcs7WithFlags(const BadSeal& bad, int flags) {
  const auto message = bad.descriptor().SignedMessage();
  const openssl::Bio content = openssl::ReadFrom(message);
  const openssl::Pkcs7 p7(PKCS7_sign(Key().certificate().get(), Key().key(), nullptr, content.get(),
                                     PKCS7_BINARY | PKCS7_NOCERTS | flags));
  return openssl::ToDer<i2d_PKCS7>(p7.get());
}

BAD_SEAL(SIG1, AnEmptySection) {
  bad.ResealWithSignature({});
  return Error::kNowhere;
}
BAD_SEAL(SIG1, AByteBehindIt) {
  auto signature = bad.Signature();
  signature.push_back(std::byte{0});
  bad.ResealWithSignature(std::move(signature));
  return Error::kNowhere;
}
BAD_SEAL(SIG1, TooLarge) {
  bad.ResealWithSignature(std::vector<std::byte>(16129, std::byte{0x30}));
  return Error::kNowhere;
}
BAD_SEAL(SIG2, ContentInside) {
  bad.ResealWithSignature(Pkcs7WithFlags(bad, PKCS7_NOATTR));
  return Error::kNowhere;
}
BAD_SEAL(SIG2, AnotherType) {
  // "data", which signs nothing: SEQUENCE { OBJECT 1.2.840.113549.1.7.1, [0] { OCTET STRING "" } }
  bad.ResealWithSignature(*FromHex("300f06092a864886f70d010701a0020400"));
  return Error::kNowhere;
}
BAD_SEAL(SIG3, SignedAttributes) {
  bad.ResealWithSignature(Pkcs7WithFlags(bad, PKCS7_DETACHED));
  return Error::kNowhere;
}
BAD_SEAL(SIG4, NobodyWeKnow) {
  bad.store = TrustStore();
  bad.store.Add(MakeTestKey({.name = "somebody else"}).certificate());
  return Error::kNowhere;
}
BAD_SEAL(SIG4, Denied) {
  EXPECT_TRUE(
      bad.store.Deny("cert:sha256:" + Hex(Key().certificate().fingerprint().bytes())).has_value());
  return Error::kNowhere;
}
BAD_SEAL(SIG5, AKeyForServers) {
  // The certificate of this name and number, for the same key, says that it is for servers.
  const SigningKey server = MakeTestKey({.extended_usage = "serverAuth"});
  const auto message = bad.descriptor().SignedMessage();
  const openssl::Bio content = openssl::ReadFrom(message);
  const openssl::Pkcs7 p7(PKCS7_sign(server.certificate().get(), server.key(), nullptr,
                                     content.get(),
                                     PKCS7_BINARY | PKCS7_NOCERTS | PKCS7_NOATTR | PKCS7_DETACHED));
  bad.ResealWithSignature(openssl::ToDer<i2d_PKCS7>(p7.get()));
  bad.store.Add(server.certificate());
  return Error::kNowhere;
}
BAD_SEAL(SIG6, OfAnotherImage) {
  BadSeal other;
  other.image[0] ^= std::byte{1};
  other.Reseal();
  bad.ResealWithSignature(other.Signature());
  return Error::kNowhere;
}
BAD_SEAL(SIG6, OfTheRootHash) {
  const std::string hex = Hex(bad.descriptor().root_hash().bytes());
  bad.ResealWithSignature(*Key().Sign(AsBytes(hex), HashAlgorithm::kSha256));
  return Error::kNowhere;
}

// --- trust ---

BAD_SEAL(TRUST1, AnotherDigest) {
  bad.EditDescriptor([](auto&) {});
  bad.image[0] ^= std::byte{1};
  bad.Reseal();
  return bad.descriptor_at();
}
BAD_SEAL(TRUST1, AnotherBlockSize) {
  bad.PinWhatIsThere();
  bad.request.pin->block_bits = 16;
  return bad.descriptor_at();
}
BAD_SEAL(TRUST2, NoSignature) {
  bad.Reseal(std::vector<SealSection>());
  return bad.metadata_at();
}
BAD_SEAL(TRUST2, ASignatureForDmVerityOnly) {
  const std::string hex = Hex(bad.descriptor().root_hash().bytes());
  bad.Reseal({{SealSection{.type = SealSectionType::kRootHashSignature,
                           .bytes = *Key().Sign(AsBytes(hex), HashAlgorithm::kSha256)}}});
  return bad.metadata_at();
}
BAD_SEAL(TRUST3, NobodySaysHowLarge) {
  bad.EditSuperblock([](auto&) {});
  bad.root_hash.data_bytes.reset();
  return Error::kNowhere;
}
BAD_SEAL(TRUST3, FewerBlocksUnderTheSameRoot) {
  bad.EditSuperblock([](auto& raw) { raw.data_blocks = 299; });
  return Error::kNowhere;
}
BAD_SEAL(TRUST3, TheTreeAsData) {
  // The three blocks of level 0 as an "image" under the genuine root hash.
  bad.image.assign(bad.hashes.begin() + kTree + kBlock, bad.hashes.end());
  bad.hashes.resize(kTree + kBlock);
  bad.EditSuperblock([](auto& raw) { raw.data_blocks = 3; });
  return Error::kNowhere;
}
BAD_SEAL(TRUST4, AnAlgorithmOutOfUse) {
  bad.store = TrustStore({.allow_sha256 = false});
  bad.store.Add(Key().certificate());
  return bad.descriptor_at() + 1;
}
BAD_SEAL(TRUST5, ARevokedImage) {
  EXPECT_TRUE(bad.store.Deny("digest:" + bad.descriptor().file_digest().text()).has_value());
  return bad.descriptor_at();
}
BAD_SEAL(TRUST7, ADeviceThatTheSealDoesNotName) {
  bad.AddDevice();
  bad.NameDevice({});
  return Error::kNowhere;
}
BAD_SEAL(TRUST6, ADeviceWithoutASeal) {
  bad.AddDevice();
  bad.device_seal.clear();
  return Error::kNowhere;
}
BAD_SEAL(TRUST1, AnotherDeviceWithASealOfItsOwn) {
  bad.AddDevice();
  bad.device[0] ^= std::byte{1};
  bad.device_seal = *MakeSeal(MemorySource(bad.device), {});
  return kBlock + kBlock + 16;
}
BAD_SEAL(VER1, ADataByteOfADevice) {
  bad.AddDevice();
  bad.device[30 * kBlock] ^= std::byte{1};
  return 30 * kBlock;
}
BAD_SEAL(TRUST6, NoSeal) {
  bad.has_seal = false;
  return Error::kNowhere;
}

// Every number of the footer, at the ends of its range and around the truth: refused, whatever else
// happens, and never by a crash.
TEST(BadSeal, EveryFieldOfTheFooter) {
  const BadSeal good;
  const std::uint64_t size = good.seal.size();
  for (const bool is_appended : {false, true}) {
    for (std::size_t at = 0; at < sizeof(wire::SealFooter); at += 4) {
      for (const std::uint32_t value :
           {0U, 1U, ~0U, ~0U - 63, static_cast<std::uint32_t>(size),
            static_cast<std::uint32_t>(size) - 1, static_cast<std::uint32_t>(size) + 1,
            static_cast<std::uint32_t>(kImageBytes) + 4096}) {
        BadSeal bad;
        bad.is_appended = is_appended;
        const auto old = *CopyWire<Le32>(bad.seal, bad.footer_at() + at);
        if (old.get() == value) continue;
        PutWire(bad.seal, bad.footer_at() + at, Le32(value));
        if (at != offsetof(wire::SealFooter, crc)) bad.FixChecksum();
        EXPECT_TRUE(bad.FirstError().has_value()) << at << " = " << value;
      }
    }
  }
}

// 1 to 4097 bytes more or fewer, at every seam.
TEST(BadSeal, BytesMoreOrFewerAtEverySeam) {
  for (const bool is_appended : {false, true}) {
    for (const std::size_t count :
         {std::size_t{1}, std::size_t{63}, std::size_t{512}, kBlock, kBlock + 1}) {
      for (int seam = 0; seam < 6; ++seam) {
        BadSeal bad;
        bad.is_appended = is_appended;
        auto& bytes = seam < 2 ? bad.image : bad.seal;
        const std::ptrdiff_t places[] = {0,
                                         static_cast<std::ptrdiff_t>(bad.image.size()),
                                         0,
                                         static_cast<std::ptrdiff_t>(kTree),
                                         static_cast<std::ptrdiff_t>(bad.metadata_at()),
                                         static_cast<std::ptrdiff_t>(bad.seal.size())};
        auto fewer = bad;
        bytes.insert(bytes.begin() + places[seam], count, std::byte{0});
        EXPECT_TRUE(bad.FirstError().has_value()) << seam << " + " << count;
        auto& cut = seam < 2 ? fewer.image : fewer.seal;
        const auto end = std::min<std::ptrdiff_t>(places[seam] + static_cast<std::ptrdiff_t>(count),
                                                  static_cast<std::ptrdiff_t>(cut.size()));
        cut.erase(cut.begin() + end - static_cast<std::ptrdiff_t>(count), cut.begin() + end);
        EXPECT_TRUE(fewer.FirstError().has_value()) << seam << " - " << count;
      }
    }
  }
}

}  // namespace
}  // namespace amberfs
