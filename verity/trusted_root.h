// A root hash that somebody vouches for, and everything that gives it a meaning.
//
// A TrustedRoot exists only because a digest was the one that the caller pinned, or because a
// signature over it was checked. The decision is made on the 256 bytes of the descriptor, before
// the tree, the superblock or anything else of the image is looked at.
//
//   TRUST-1  the digest, or bare root hash, is the pinned one
//   TRUST-2  there is a signature; SIG-* if there is, but not a good one
//   TRUST-3  a bare root hash comes with the size of its data
//   TRUST-4  the policy allows the algorithm
//   TRUST-5  the digest is not denied
#ifndef AMBERFS_VERITY_TRUSTED_ROOT_H_
#define AMBERFS_VERITY_TRUSTED_ROOT_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "verity/fs_verity.h"
#include "verity/seal.h"
#include "verity/tree_shape.h"
#include "verity/trust_store.h"

namespace amberfs {

// What bytes are verified against. By itself a claim.
struct MerkleRoot {
  TreeShape shape;
  std::vector<std::byte> prefix;  // hashed before each block
  Digest root_hash;
};

// A root hash as dm-verity uses it: alone, in hex. It commits to neither the number of data blocks
// nor the number of levels: the same root hash fits an "image" made of the hash blocks of level 0.
struct BareRootHash {
  Digest digest;
  // From whoever gave us the digest, not from the image.
  std::optional<std::uint64_t> data_bytes;
};

class TrustedRoot {
 public:
  // From the seal of an image, untrusted. Also fails with FSV-5.
  static Result<TrustedRoot> FromPin(const Seal& seal, const PinnedDigest& pin,
                                     const TrustStore& store);
  static Result<TrustedRoot> FromSignature(const Seal& seal, const TrustStore& store);

  // From what a dm-verity superblock says, untrusted; `trusted` comes from the caller.
  static Result<TrustedRoot> FromRootHash(const MerkleRoot& claim, const BareRootHash& trusted,
                                          const TrustStore& store);
  // The same with a signature over the root hash in hex. It covers no size either.
  static Result<TrustedRoot> FromRootHashSignature(const MerkleRoot& claim,
                                                   const BareRootHash& signed_hash,
                                                   ByteView signature, const TrustStore& store);

  const MerkleRoot& root() const { return root_; }
  TrustLevel level() const { return level_; }
  // Why it is trusted, printable: "digest sha256-12:...", "signed by CN=..., certificate
  // sha256:..."
  const std::string& reason() const { return reason_; }

 private:
  TrustedRoot(MerkleRoot root, TrustLevel level, std::string reason)
      : root_(std::move(root)), level_(level), reason_(std::move(reason)) {}

  MerkleRoot root_;
  TrustLevel level_;
  std::string reason_;
};

// What a seal claims, unauthenticated. Fails with FSV-5, TRUST-4 and TRUST-5: what is denied is
// denied to those too who ask for no proof.
Result<MerkleRoot> ClaimOf(const Seal& seal, const TrustStore& store);

}  // namespace amberfs

#endif  // AMBERFS_VERITY_TRUSTED_ROOT_H_
