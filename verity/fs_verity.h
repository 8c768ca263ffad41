// The fs-verity descriptor: 256 bytes that say everything about a file's Merkle tree, and whose
// hash is the file's digest. What is pinned and signed is this digest, for unlike a bare root hash
// it commits to the size of the data, the block size, the algorithm and the salt.
//
// Parse() believes nothing. A descriptor that it returns is well formed, not authentic: see
// verity/trusted_root.h.
//
//   FSV-1  version 1, and zeros wherever nothing is stored
//   FSV-2  the algorithm is a known one
//   FSV-3  blocks of 2^9 to 2^16 bytes that hold two hashes or more
//   FSV-4  a salt of at most 32 bytes
//   FSV-5  a tree of at most 8 levels (Shape())
//
// Values; any thread.
#ifndef AMBERFS_VERITY_FS_VERITY_H_
#define AMBERFS_VERITY_FS_VERITY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "verity/digest.h"
#include "verity/tree_shape.h"

namespace amberfs {
namespace wire {

struct FsVerityDescriptor {
  std::uint8_t version;
  std::uint8_t hash_algorithm;
  std::uint8_t log_blocksize;
  std::uint8_t salt_size;
  Le32 reserved1;
  Le64 data_size;
  std::array<std::byte, 64> root_hash;
  std::array<std::byte, 32> salt;
  std::array<std::byte, 144> reserved2;
};
static_assert(sizeof(FsVerityDescriptor) == 256);

}  // namespace wire

// What is hashed before each block: the salt, filled up to the algorithm's own block.
std::vector<std::byte> FsVerityPrefix(HashAlgorithm algorithm, ByteView salt);

// The digest of a file, as fs-verity defines it.
struct FileDigest {
  HashAlgorithm algorithm = HashAlgorithm::kSha256;
  unsigned block_bits = 12;
  Digest digest;

  std::string text() const;  // "sha256:3d24..."
  std::string id() const;    // "sha256-12:3d24...", which tells the block size too
};

// A digest that somebody vouches for. Without a block size any is right.
struct PinnedDigest {
  HashAlgorithm algorithm = HashAlgorithm::kSha256;
  std::optional<unsigned> block_bits = {};
  Digest digest = {};

  // "sha256:HEX", "sha512:HEX", "sha256-12:HEX"; nothing if it is none of these.
  static std::optional<PinnedDigest> FromText(std::string_view text);
  bool Matches(const FileDigest& file) const;
};

class FsVerityDescriptor {
 public:
  static constexpr std::size_t kBytes = sizeof(wire::FsVerityDescriptor);
  static constexpr std::size_t kMaxSaltBytes = 32;
  static constexpr unsigned kMaxLevels = 8;  // Linux's limit

  // Of a tree that we built. `salt` has at most kMaxSaltBytes.
  FsVerityDescriptor(const TreeShape& shape, ByteView salt, const Digest& root_hash);

  // Decodes `bytes`, untrusted, which lie at `offset` for error messages.
  static Result<FsVerityDescriptor> Parse(ByteView bytes, std::uint64_t offset);
  std::array<std::byte, kBytes> Encode() const;

  const TreeParams& params() const { return params_; }
  std::uint64_t data_bytes() const { return data_bytes_; }
  const Digest& root_hash() const { return root_hash_; }
  ByteView salt() const { return salt_; }
  std::vector<std::byte> prefix() const { return FsVerityPrefix(params_.algorithm, salt_); }

  // The tree's geometry; fails with FSV-5, for a descriptor found at `offset`.
  Result<TreeShape> Shape(std::uint64_t offset) const;

  FileDigest file_digest() const;

  // What a signature for fs-verity is over.
  std::vector<std::byte> SignedMessage() const;

 private:
  FsVerityDescriptor() = default;

  TreeParams params_;
  std::uint64_t data_bytes_ = 0;
  Digest root_hash_;
  std::vector<std::byte> salt_;
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_FS_VERITY_H_
