#include "verity/open.h"

#include <algorithm>

#include "base/checked.h"
#include "verity/dm_verity.h"

namespace amberfs {
namespace {

TrustLevel WantedLevel(const VerityRequest& request, const TrustStore& store) {
  const TrustLevel pinned = request.pin ? TrustLevel::kDigest : TrustLevel::kNone;
  return std::max({request.level, store.policy().min_level, pinned});
}

// A seal, and the source that it was found in.
struct FoundSeal {
  Seal seal;
  std::shared_ptr<const ByteSource> source;
};

// The sidecar if there is one, else the seal at the end of `image`, else nothing.
Result<std::optional<FoundSeal>> FindSeal(const std::shared_ptr<const ByteSource>& image,
                                          const std::shared_ptr<const ByteSource>& sidecar) {
  if (sidecar != nullptr) {
    AMBERFS_TRY(const Seal seal, Seal::ReadSidecar(*sidecar, image->size()));
    return FoundSeal{seal, sidecar};
  }
  AMBERFS_TRY(const bool is_appended, Seal::IsAtEndOf(*image));
  if (!is_appended) return std::nullopt;
  AMBERFS_TRY(const Seal seal, Seal::ReadAppended(*image));
  return FoundSeal{seal, image};
}

}  // namespace

Result<VerifiedImage> OpenVerified(std::shared_ptr<const ByteSource> image,
                                   std::shared_ptr<const ByteSource> sidecar,
                                   const VerityRequest& request, const TrustStore& store) {
  const TrustLevel wanted = WantedLevel(request, store);
  AMBERFS_TRY(const auto found, FindSeal(image, sidecar));
  if (!found) {
    if (wanted > TrustLevel::kNone) return Broken(Rule::kTrust6, Error::kNowhere);
    return VerifiedImage{.source = image,
                         .verified = nullptr,
                         .level = TrustLevel::kNone,
                         .reason = "no seal",
                         .digest = std::nullopt};
  }
  const Seal& seal = found->seal;

  std::optional<TrustedRoot> trusted;
  if (request.pin) {
    AMBERFS_TRY(trusted, TrustedRoot::FromPin(seal, *request.pin, store));
  }
  if (wanted == TrustLevel::kSignature) {
    AMBERFS_TRY(trusted, TrustedRoot::FromSignature(seal, store));
  } else if (wanted == TrustLevel::kDigest && !trusted) {
    return Broken(Rule::kTrust1, seal.descriptor_offset());  // nobody said which
  }
  AMBERFS_TRY(const MerkleRoot claim, ClaimOf(seal, store));
  AMBERFS_TRY_VOID(seal.CheckTree(*found->source));

  VerifiedImage out{.source = nullptr,
                    .verified = nullptr,
                    .level = TrustLevel::kIntegrity,
                    .reason = "a seal that nobody was asked to vouch for",
                    .digest = seal.descriptor().file_digest(),
                    .devices = seal.devices()};
  const TreePlace tree{found->source, seal.tree_offset()};
  if (trusted) {
    out.verified = VerifiedSource::Open(image, tree, *trusted, request.source);
    out.level = trusted->level();
    out.reason = trusted->reason();
  } else {
    out.verified = VerifiedSource::OpenUnauthenticated(image, tree, claim, request.source);
  }
  out.source = out.verified;
  return out;
}

Result<std::shared_ptr<const ByteSource>> OpenVerifiedDevice(
    const VerifiedImage& image, std::size_t index, std::shared_ptr<const ByteSource> device,
    std::shared_ptr<const ByteSource> sidecar, const VerifiedSource::Options& options,
    const TrustStore& store) {
  if (image.devices.empty() && image.level <= TrustLevel::kIntegrity) return device;
  if (index >= image.devices.size()) return Broken(Rule::kTrust7, Error::kNowhere);
  AMBERFS_TRY(const auto found, FindSeal(device, sidecar));
  if (!found) return Broken(Rule::kTrust6, Error::kNowhere);
  AMBERFS_TRY(const TrustedRoot trusted,
              TrustedRoot::FromPin(found->seal, image.devices[index], store));
  AMBERFS_TRY_VOID(found->seal.CheckTree(*found->source));
  return VerifiedSource::Open(std::move(device), {found->source, found->seal.tree_offset()},
                              trusted, options);
}

Result<VerifiedImage> OpenDmVerity(std::shared_ptr<const ByteSource> image,
                                   const DmVerityPlace& place, const BareRootHash& root_hash,
                                   ByteView signature, const VerityRequest& request,
                                   const TrustStore& store) {
  std::array<std::byte, DmVeritySuperblock::kBytes> head;
  if (!(Checked(place.superblock_offset) + head.size()).AtMost(place.hashes->size()))
    return Broken(Rule::kDmv1, place.superblock_offset);
  AMBERFS_TRY_VOID(place.hashes->ReadAt(place.superblock_offset, head));
  AMBERFS_TRY(const DmVeritySuperblock superblock,
              DmVeritySuperblock::Parse(head, place.superblock_offset));
  const auto shape = TreeShape::Make(superblock.params,
                                     superblock.data_blocks << superblock.params.data_block_bits);
  if (!shape || shape->levels() > FsVerityDescriptor::kMaxLevels)
    return Broken(Rule::kFsv5, place.superblock_offset);
  if (root_hash.digest.size() != DigestBytes(superblock.params.algorithm))
    return Broken(Rule::kTrust1, Error::kNowhere);

  const MerkleRoot claim{.shape = *shape, .prefix = superblock.salt, .root_hash = root_hash.digest};
  AMBERFS_TRY(const TrustedRoot trusted,
              signature.empty()
                  ? TrustedRoot::FromRootHash(claim, root_hash, store)
                  : TrustedRoot::FromRootHashSignature(claim, root_hash, signature, store));
  if (trusted.level() < WantedLevel(request, store)) return Broken(Rule::kTrust2, Error::kNowhere);
  // Only now: until the size is trusted, it says nothing about the file.
  if (shape->data_bytes() > image->size()) return Broken(Rule::kSeal8, place.superblock_offset);

  const auto source =
      VerifiedSource::Open(image, {place.hashes, superblock.TreeOffset(place.superblock_offset)},
                           trusted, request.source);
  return VerifiedImage{.source = source,
                       .verified = source,
                       .level = trusted.level(),
                       .reason = trusted.reason(),
                       .digest = std::nullopt};
}

}  // namespace amberfs
