// Opens an image for reading what is proven, in this order: the seal, the trust decision on its
// descriptor, the tree's place and size. Nothing of the image is looked at on the way.
#ifndef AMBERFS_VERITY_OPEN_H_
#define AMBERFS_VERITY_OPEN_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/byte_source.h"
#include "verity/trust_store.h"
#include "verity/trusted_root.h"
#include "verity/verified_source.h"

namespace amberfs {

struct VerityRequest {
  TrustLevel level = TrustLevel::kNone;  // what is asked for; the store's policy may ask for more
  std::optional<PinnedDigest> pin = {};  // must match whatever the level
  VerifiedSource::Options source = {};
};

// An image's bytes, and what is known about them.
struct VerifiedImage {
  std::shared_ptr<const ByteSource> source;
  // The same object if anything is verified; null at level none.
  std::shared_ptr<const VerifiedSource> verified;
  TrustLevel level = TrustLevel::kNone;    // that was reached
  std::string reason;                      // printable
  std::optional<FileDigest> digest;        // of a seal
  std::vector<PinnedDigest> devices = {};  // that the seal names
};

// `image` is a file or device as it is, `seal` its sidecar or null; both untrusted. Without a
// sidecar an appended seal is looked for. A seal that is there must be right at any level. Fails
// with TRUST-6 if there is none and the level asks for one, and with SEAL-*, FSV-*, SIG-*, TRUST-*.
Result<VerifiedImage> OpenVerified(std::shared_ptr<const ByteSource> image,
                                   std::shared_ptr<const ByteSource> seal,
                                   const VerityRequest& request, const TrustStore& store);

// Extra device number `index` of `image`, from 0, with its seal as above; both untrusted. Every
// byte of a device that the image's seal names is then proven, on the word of that seal alone: a
// signature of the device itself plays no part. Without names a device is given out as it is, if
// the level is kIntegrity or less. Fails with TRUST-7, TRUST-6 without a seal, and as
// OpenVerified().
Result<std::shared_ptr<const ByteSource>> OpenVerifiedDevice(
    const VerifiedImage& image, std::size_t index, std::shared_ptr<const ByteSource> device,
    std::shared_ptr<const ByteSource> seal, const VerifiedSource::Options& options,
    const TrustStore& store);

// An image with a dm-verity tree, as veritysetup and containerd make them.
struct DmVerityPlace {
  std::shared_ptr<const ByteSource> hashes;  // may be the image itself
  std::uint64_t superblock_offset = 0;
};

// The same for an image with a bare root hash. `signature`, if any, is one over the hash in hex,
// untrusted, and the level then reached is kSignature. Fails with DMV-*, FSV-5, SIG-*, TRUST-*.
Result<VerifiedImage> OpenDmVerity(std::shared_ptr<const ByteSource> image,
                                   const DmVerityPlace& place, const BareRootHash& root_hash,
                                   ByteView signature, const VerityRequest& request,
                                   const TrustStore& store);

}  // namespace amberfs

#endif  // AMBERFS_VERITY_OPEN_H_
