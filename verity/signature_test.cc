// The six rules for signatures, and who is trusted.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/hex.h"
#include "verity/open.h"
#include "verity/seal_writer.h"
#include "verity/signature.h"
#include "verity/signing_key.h"
#include "verity/test_keys.h"
#include "verity/test_stream.h"
#include "verity/test_vectors.h"

namespace amberfs {
namespace {

namespace fs = std::filesystem;

Rule RuleOf(const Result<Signer>& result) { return result ? Rule::kNone : result.error().rule; }

TrustStore StoreOf(std::initializer_list<Certificate> certificates,
                   const TrustPolicy& policy = {}) {
  TrustStore store(policy);
  for (const Certificate& certificate : certificates) store.Add(certificate);
  return store;
}

// What a signature by `key` over "message" breaks.
Rule RuleBrokenBy(const SigningKey& key, const TrustStore& store,
                  std::span<const Certificate> helpers = {}) {
  // Sign() refuses what would not be accepted, so one of its own store is asked first.
  const auto signature = key.Sign(AsBytes("message"), HashAlgorithm::kSha256);
  EXPECT_TRUE(signature.has_value()) << (signature ? "" : signature.error());
  return RuleOf(CheckSignature(*signature, AsBytes("message"), helpers, store));
}

TEST(Signature, ThoseOfFsveritySign) {
  const auto certificate = Certificate::FromDer(FromBase64(kVectorCertificate));
  ASSERT_TRUE(certificate.has_value());
  EXPECT_EQ(Hex(certificate->fingerprint().bytes()),
            "5c13d34ef2667d50709dcf6dab4932f361eb73b590a79021c82d7105ef5e02b6");
  const TrustStore store = StoreOf({*certificate});
  const auto message = ComputeDescriptor(MemorySource(TestStream(524288)), {})->SignedMessage();
  const auto signature = FromBase64(kVectorSignature);
  const auto signer = CheckSignature(signature, message, {}, store);
  ASSERT_TRUE(signer.has_value()) << Describe(signer.error());
  EXPECT_EQ(signer->subject, "CN=amberfs test vector");

  // The form for dm-verity, and neither in place of the other.
  const auto root_hash_signature = FromBase64(kVectorRootHashSignature);
  EXPECT_EQ(RuleOf(CheckSignature(root_hash_signature, AsBytes(kVectorRootHash), {}, store)),
            Rule::kNone);
  EXPECT_EQ(RuleOf(CheckSignature(root_hash_signature, message, {}, store)), Rule::kSig6);
  EXPECT_EQ(RuleOf(CheckSignature(signature, AsBytes(kVectorRootHash), {}, store)), Rule::kSig6);
  std::string upper(kVectorRootHash);
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_EQ(RuleOf(CheckSignature(root_hash_signature, AsBytes(upper), {}, store)), Rule::kSig6);
}

TEST(Signature, OursAreAccepted) {
  for (const unsigned rsa_bits : {0U, 3072U}) {
    const SigningKey key = MakeTestKey({.rsa_bits = rsa_bits});
    for (const auto algorithm : {HashAlgorithm::kSha256, HashAlgorithm::kSha512}) {
      const auto signature = key.Sign(AsBytes("message"), algorithm);
      ASSERT_TRUE(signature.has_value());
      const TrustStore store = StoreOf({key.certificate()});
      EXPECT_EQ(RuleOf(CheckSignature(*signature, AsBytes("message"), {}, store)), Rule::kNone);
      EXPECT_EQ(RuleOf(CheckSignature(*signature, AsBytes("Message"), {}, store)), Rule::kSig6);
    }
  }
}

TEST(Signature, SIG1_SizeAndEncoding) {
  const SigningKey key = MakeTestKey({});
  const TrustStore store = StoreOf({key.certificate()});
  const auto good = *key.Sign(AsBytes("m"), HashAlgorithm::kSha256);
  EXPECT_EQ(RuleOf(CheckSignature({}, AsBytes("m"), {}, store)), Rule::kSig1);
  EXPECT_EQ(RuleOf(CheckSignature(std::vector<std::byte>(16129), AsBytes("m"), {}, store)),
            Rule::kSig1);
  auto longer = good;
  longer.push_back(std::byte{0});
  EXPECT_EQ(RuleOf(CheckSignature(longer, AsBytes("m"), {}, store)), Rule::kSig1);
  EXPECT_EQ(RuleOf(CheckSignature(ByteView(good).first(good.size() - 1), AsBytes("m"), {}, store)),
            Rule::kSig1);
}

TEST(Signature, SIG4_OnlyTrustedSigners) {
  const SigningKey key = MakeTestKey({});
  const SigningKey other = MakeTestKey({.name = "other"});
  EXPECT_EQ(RuleBrokenBy(key, StoreOf({})), Rule::kSig4);
  EXPECT_EQ(RuleBrokenBy(key, StoreOf({other.certificate()})), Rule::kSig4);
  EXPECT_EQ(RuleBrokenBy(key, StoreOf({other.certificate(), key.certificate()})), Rule::kNone);
  // A certificate that comes with the image is no reason to trust it.
  const Certificate helpers[] = {key.certificate()};
  EXPECT_EQ(RuleBrokenBy(key, StoreOf({other.certificate()}), helpers), Rule::kSig4);
}

TEST(Signature, SIG4_ChainsToAnAuthority) {
  const SigningKey root = MakeTestKey({.name = "root", .is_authority = true});
  const SigningKey middle = MakeTestKey({.name = "middle", .is_authority = true}, &root);
  const SigningKey leaf = MakeTestKey({.name = "leaf", .extended_usage = "codeSigning"}, &middle);
  const TrustStore store = StoreOf({root.certificate()});
  const Certificate all[] = {middle.certificate(), leaf.certificate()};
  EXPECT_EQ(RuleBrokenBy(leaf, store, all), Rule::kNone);
  EXPECT_EQ(RuleBrokenBy(leaf, store, std::span(all).last(1)), Rule::kSig4);
  // An anchor need not be the end of the chain.
  EXPECT_EQ(RuleBrokenBy(leaf, StoreOf({middle.certificate()}), all), Rule::kNone);
  // A pinned signer issues nothing.
  const SigningKey pinned = MakeTestKey({.name = "pinned"});
  const SigningKey forged = MakeTestKey({.name = "forged"}, &pinned);
  const Certificate forged_helper[] = {forged.certificate()};
  EXPECT_EQ(RuleBrokenBy(forged, StoreOf({pinned.certificate()}), forged_helper), Rule::kSig4);
}

TEST(Signature, SIG4_ChainsHaveALimit) {
  std::vector<SigningKey> chain = {MakeTestKey({.name = "root", .is_authority = true})};
  std::vector<Certificate> helpers;
  for (int i = 0; i < 100; ++i) {
    chain.push_back(
        MakeTestKey({.name = "link" + std::to_string(i), .is_authority = true}, &chain.back()));
    helpers.push_back(chain.back().certificate());
  }
  const TrustStore store = StoreOf({chain.front().certificate()});
  EXPECT_EQ(RuleBrokenBy(chain[3], store, helpers), Rule::kNone);
  EXPECT_EQ(RuleBrokenBy(chain[100], store, helpers), Rule::kSig4);
}

TEST(Signature, SIG4_TimeCountsForAuthoritiesOnly) {
  const SigningKey root = MakeTestKey({.name = "root", .is_authority = true});
  const SigningKey expired = MakeTestKey({.days_from_now = -20, .days = 10}, &root);
  const Certificate helpers[] = {expired.certificate()};
  EXPECT_EQ(RuleBrokenBy(expired, StoreOf({expired.certificate()})), Rule::kNone);
  EXPECT_EQ(RuleBrokenBy(expired, StoreOf({root.certificate()}), helpers), Rule::kSig4);
  EXPECT_EQ(RuleBrokenBy(expired, StoreOf({root.certificate()}, {.ignore_time = true}), helpers),
            Rule::kNone);
}

TEST(Signature, SIG4_DeniedIsNotThere) {
  const SigningKey root = MakeTestKey({.name = "root", .is_authority = true});
  const SigningKey middle = MakeTestKey({.name = "middle", .is_authority = true}, &root);
  const SigningKey leaf = MakeTestKey({.name = "leaf"}, &middle);
  const Certificate helpers[] = {middle.certificate(), leaf.certificate()};
  for (const Certificate& denied : {root.certificate(), middle.certificate(), leaf.certificate()}) {
    for (const std::string& line : {"cert:sha256:" + Hex(denied.fingerprint().bytes()),
                                    "spki:sha256:" + Hex(denied.key_fingerprint().bytes())}) {
      TrustStore before;
      ASSERT_TRUE(before.Deny(line + " # why\n").has_value());
      before.Add(root.certificate());
      EXPECT_EQ(RuleBrokenBy(leaf, before, helpers), Rule::kSig4) << line;
      TrustStore after = StoreOf({root.certificate()});
      ASSERT_TRUE(after.Deny(line).has_value());
      EXPECT_EQ(RuleBrokenBy(leaf, after, helpers), Rule::kSig4) << line;
    }
  }
}

TEST(Signature, SIG5_KeysForOtherThings) {
  const auto sign = [](const TestKeySpec& spec) {
    return MakeTestKey(spec).Sign(AsBytes("m"), HashAlgorithm::kSha256).has_value();
  };
  EXPECT_TRUE(sign({.usage = "digitalSignature"}));
  EXPECT_TRUE(sign({.extended_usage = "codeSigning"}));
  EXPECT_TRUE(sign({.extended_usage = "anyExtendedKeyUsage"}));
  EXPECT_FALSE(sign({.usage = "keyEncipherment"}));
  EXPECT_FALSE(sign({.extended_usage = "serverAuth"}));
  EXPECT_FALSE(sign({.rsa_bits = 1024}));
  EXPECT_TRUE(sign({.rsa_bits = 2048}));
  const SigningKey rsa = MakeTestKey({.rsa_bits = 2048});
  EXPECT_EQ(RuleBrokenBy(rsa, StoreOf({rsa.certificate()}, {.min_rsa_bits = 3072})), Rule::kSig5);
}

TEST(TrustPolicy, IsReadOrRefused) {
  const auto policy = TrustPolicy::Parse(
      "# ours\n min-level = signature\nalgorithms = sha512\nuser-anchors=no # none\n"
      "time = ignore\nmin-rsa-bits = 4096\n");
  ASSERT_TRUE(policy.has_value());
  EXPECT_EQ(policy->min_level, TrustLevel::kSignature);
  EXPECT_FALSE(policy->allow_sha256);
  EXPECT_TRUE(policy->allow_sha512);
  EXPECT_FALSE(policy->allow_user_anchors);
  EXPECT_TRUE(policy->ignore_time);
  EXPECT_EQ(policy->min_rsa_bits, 4096U);
  EXPECT_TRUE(TrustPolicy::Parse("").has_value());
  for (const char* bad : {"min-level = high", "algorithms =", "algorithms = md5", "time = never",
                          "min-rsa-bits = 1024", "min-rsa-bits = x", "what = ever", "nothing",
                          "user-anchors = perhaps"})
    EXPECT_FALSE(TrustPolicy::Parse(bad).has_value()) << bad;
}

// A directory of anchors, each test with one thing wrong in it.
class AnchorDirectory : public testing::Test {
 protected:
  AnchorDirectory()
      : path_(fs::temp_directory_path() / ("amberfs-anchors-" + std::to_string(::getpid()))) {
    fs::remove_all(path_);
    fs::create_directory(path_);
    ::chmod(path_.c_str(), 0755);
    Write("a.der", FromBase64(kVectorCertificate));
  }
  ~AnchorDirectory() override { fs::remove_all(path_); }

  void Write(const std::string& name, ByteView bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << AsText(bytes);
    ::chmod((path_ / name).c_str(), 0644);
  }
  std::string Failure(TrustStore& store) const {
    const auto loaded = store.LoadDirectory(path_, ::geteuid());
    return loaded ? "" : loaded.error();
  }
  std::string Failure() const {
    TrustStore store;
    return Failure(store);
  }

  fs::path path_;
};

TEST_F(AnchorDirectory, IsLoaded) {
  TrustStore store;
  Write("README", AsBytes("not a certificate"));
  EXPECT_EQ(Failure(store), "");
  EXPECT_EQ(store.pinned().size(), 1U);
  EXPECT_TRUE(store.authorities().empty());
}
TEST_F(AnchorDirectory, HasADenyList) {
  TrustStore store;
  Write("deny", AsBytes("cert:sha256:"
                        "5c13d34ef2667d50709dcf6dab4932f361eb73b590a79021c82d7105ef5e02b6\n"));
  EXPECT_EQ(Failure(store), "");
  EXPECT_TRUE(store.empty());
  Write("deny", AsBytes("cert:sha256:5c13\n"));
  EXPECT_NE(Failure().find("line 1 makes no sense"), std::string::npos);
}
TEST_F(AnchorDirectory, RefusesLinks) {
  fs::create_symlink(path_ / "a.der", path_ / "b.der");
  EXPECT_NE(Failure().find("b.der: Too many levels"), std::string::npos) << Failure();
}
TEST_F(AnchorDirectory, RefusesFifos) {
  ASSERT_EQ(::mkfifo((path_ / "b.pem").c_str(), 0644), 0);
  EXPECT_NE(Failure().find("b.pem: not a regular file"), std::string::npos) << Failure();
}
TEST_F(AnchorDirectory, RefusesWhatOthersCanWrite) {
  ::chmod((path_ / "a.der").c_str(), 0666);
  EXPECT_NE(Failure().find("a.der: others can write"), std::string::npos) << Failure();
  ::chmod((path_ / "a.der").c_str(), 0644);
  ::chmod(path_.c_str(), 0777);
  EXPECT_NE(Failure().find("others can write"), std::string::npos);
}
TEST_F(AnchorDirectory, RefusesLargeFiles) {
  Write("b.crt", {});
  fs::resize_file(path_ / "b.crt", std::uintmax_t{1} << 30);
  EXPECT_NE(Failure().find("larger than 1 MiB"), std::string::npos);
}
TEST_F(AnchorDirectory, RefusesDamagedCertificates) {
  Write("b.crt", AsBytes("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  EXPECT_NE(Failure().find("not a certificate"), std::string::npos);
}

// A sealed and signed image, opened at each level.
struct SignedImage {
  explicit SignedImage(const SigningKey& key) {
    const auto descriptor = ComputeDescriptor(MemorySource(TestStream(524288)), {});
    digest = descriptor->file_digest();
    const std::vector<SealSection> sections = {
        {SealSectionType::kSignature,
         *key.Sign(descriptor->SignedMessage(), HashAlgorithm::kSha256)}};
    seal = std::make_shared<MemorySource>(*MakeSeal(*image, {}, sections));
  }
  Result<VerifiedImage> Open(const VerityRequest& request, const TrustStore& store) const {
    return OpenVerified(image, seal, request, store);
  }
  Rule RuleOf(const VerityRequest& request, const TrustStore& store) const {
    const auto opened = Open(request, store);
    return opened ? Rule::kNone : opened.error().rule;
  }

  std::shared_ptr<const ByteSource> image = std::make_shared<MemorySource>(TestStream(524288));
  std::shared_ptr<const ByteSource> seal;
  FileDigest digest;
};

TEST(OpenVerified, ReachesTheLevelThatWasAskedFor) {
  const SigningKey key = MakeTestKey({});
  const SignedImage signed_image(key);
  const TrustStore store = StoreOf({key.certificate()});
  const auto pin = PinnedDigest::FromText(signed_image.digest.id());

  const auto plain = signed_image.Open({}, store);
  EXPECT_EQ(plain->level, TrustLevel::kIntegrity);
  const auto pinned = signed_image.Open({.pin = pin}, store);
  EXPECT_EQ(pinned->level, TrustLevel::kDigest);
  EXPECT_EQ(pinned->reason, "digest " + signed_image.digest.id());
  const auto both = signed_image.Open({.level = TrustLevel::kSignature, .pin = pin}, store);
  EXPECT_EQ(both->level, TrustLevel::kSignature);
  EXPECT_EQ(both->reason, "signed by CN=test, certificate sha256:" +
                              Hex(key.certificate().fingerprint().bytes()));
}

TEST(OpenVerified, SignatureAndPinMustBothHold) {
  const SigningKey key = MakeTestKey({});
  const SignedImage signed_image(key);
  const auto wrong = PinnedDigest::FromText("sha256:" + std::string(64, '0'));
  const TrustStore store = StoreOf({key.certificate()});
  EXPECT_EQ(signed_image.RuleOf({.level = TrustLevel::kSignature, .pin = wrong}, store),
            Rule::kTrust1);
  EXPECT_EQ(signed_image.RuleOf({.level = TrustLevel::kDigest}, store), Rule::kTrust1);
  const auto pin = PinnedDigest::FromText(signed_image.digest.id());
  EXPECT_EQ(signed_image.RuleOf({.level = TrustLevel::kSignature, .pin = pin}, StoreOf({})),
            Rule::kSig4);
}

TEST(OpenVerified, ThePolicyRaisesTheLevel) {
  const SigningKey key = MakeTestKey({});
  const SignedImage signed_image(key);
  EXPECT_EQ(signed_image.RuleOf({}, StoreOf({}, {.min_level = TrustLevel::kSignature})),
            Rule::kSig4);
  EXPECT_EQ(signed_image.RuleOf({}, StoreOf({}, {.allow_sha256 = false})), Rule::kTrust4);
  TrustStore denies = StoreOf({key.certificate()});
  ASSERT_TRUE(denies.Deny("digest:" + signed_image.digest.text()).has_value());
  EXPECT_EQ(signed_image.RuleOf({}, denies), Rule::kTrust5);
  EXPECT_EQ(signed_image.RuleOf({.level = TrustLevel::kSignature}, denies), Rule::kTrust5);
}

TEST(OpenVerified, NoSealIsNoReasonToLookAway) {
  const auto image = std::make_shared<MemorySource>(TestStream(8192));
  EXPECT_EQ(OpenVerified(image, nullptr, {}, TrustStore())->level, TrustLevel::kNone);
  for (const auto level : {TrustLevel::kIntegrity, TrustLevel::kDigest, TrustLevel::kSignature}) {
    const auto opened = OpenVerified(image, nullptr, {.level = level}, TrustStore());
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().rule, Rule::kTrust6);
  }
}

}  // namespace
}  // namespace amberfs
