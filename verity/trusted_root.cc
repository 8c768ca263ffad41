#include "verity/trusted_root.h"

#include <fmt/format.h>

#include "base/hex.h"
#include "verity/signature.h"

namespace amberfs {
namespace {

// Enough for a rotation of keys, few enough to be checked at every open.
constexpr std::size_t kMaxHelpers = 8;

std::string ReasonOf(const Signer& signer) {
  return fmt::format("signed by {}, certificate sha256:{}", signer.subject,
                     Hex(signer.fingerprint.bytes()));
}

Result<void> CheckAllowed(const FsVerityDescriptor& descriptor, std::uint64_t offset,
                          const TrustStore& store) {
  if (!store.policy().Allows(descriptor.params().algorithm))
    return Broken(Rule::kTrust4, offset + offsetof(wire::FsVerityDescriptor, hash_algorithm));
  if (store.Denies(descriptor.file_digest()) ||
      store.DeniesRootHash(descriptor.params().algorithm, descriptor.root_hash()))
    return Broken(Rule::kTrust5, offset);
  return {};
}

Result<void> CheckSize(const MerkleRoot& claim, const BareRootHash& trusted) {
  if (!trusted.data_bytes || *trusted.data_bytes != claim.shape.data_bytes())
    return Broken(Rule::kTrust3, Error::kNowhere);
  return {};
}

}  // namespace

Result<MerkleRoot> ClaimOf(const Seal& seal, const TrustStore& store) {
  const FsVerityDescriptor& descriptor = seal.descriptor();
  AMBERFS_TRY_VOID(CheckAllowed(descriptor, seal.descriptor_offset(), store));
  AMBERFS_TRY(const TreeShape shape, descriptor.Shape(seal.descriptor_offset()));
  return MerkleRoot{
      .shape = shape, .prefix = descriptor.prefix(), .root_hash = descriptor.root_hash()};
}

Result<TrustedRoot> TrustedRoot::FromPin(const Seal& seal, const PinnedDigest& pin,
                                         const TrustStore& store) {
  const FileDigest digest = seal.descriptor().file_digest();
  if (!pin.Matches(digest)) return Broken(Rule::kTrust1, seal.descriptor_offset());
  AMBERFS_TRY(MerkleRoot root, ClaimOf(seal, store));
  return TrustedRoot(std::move(root), TrustLevel::kDigest, "digest " + digest.id());
}

Result<TrustedRoot> TrustedRoot::FromSignature(const Seal& seal, const TrustStore& store) {
  std::vector<Certificate> helpers;
  for (const ByteView bytes : seal.Sections(SealSectionType::kCertificate))
    if (helpers.size() < kMaxHelpers)
      if (auto certificate = Certificate::FromDer(bytes)) helpers.push_back(*certificate);

  const std::vector<std::byte> message = seal.descriptor().SignedMessage();
  // One good signature is enough: the others may be of keys that we do not know. If none is, the
  // last one's fault is told.
  Result<Signer> signer = Broken(Rule::kTrust2, seal.metadata_offset());
  for (const ByteView signature : seal.Sections(SealSectionType::kSignature)) {
    signer = CheckSignature(signature, message, helpers, store);
    if (signer) break;
  }
  if (!signer) return std::unexpected(signer.error());
  AMBERFS_TRY(MerkleRoot root, ClaimOf(seal, store));
  return TrustedRoot(std::move(root), TrustLevel::kSignature, ReasonOf(*signer));
}

Result<TrustedRoot> TrustedRoot::FromRootHash(const MerkleRoot& claim, const BareRootHash& trusted,
                                              const TrustStore& store) {
  if (!store.policy().Allows(claim.shape.params().algorithm))
    return Broken(Rule::kTrust4, Error::kNowhere);
  if (store.DeniesRootHash(claim.shape.params().algorithm, claim.root_hash))
    return Broken(Rule::kTrust5, Error::kNowhere);
  if (claim.root_hash != trusted.digest) return Broken(Rule::kTrust1, Error::kNowhere);
  AMBERFS_TRY_VOID(CheckSize(claim, trusted));
  return TrustedRoot(claim, TrustLevel::kDigest, "root hash " + Hex(trusted.digest.bytes()));
}

Result<TrustedRoot> TrustedRoot::FromRootHashSignature(const MerkleRoot& claim,
                                                       const BareRootHash& signed_hash,
                                                       ByteView signature,
                                                       const TrustStore& store) {
  const std::string message = Hex(signed_hash.digest.bytes());
  AMBERFS_TRY(const Signer signer, CheckSignature(signature, AsBytes(message), {}, store));
  AMBERFS_TRY(TrustedRoot trusted, FromRootHash(claim, signed_hash, store));
  trusted.level_ = TrustLevel::kSignature;
  trusted.reason_ = ReasonOf(signer);
  return trusted;
}

}  // namespace amberfs
