// Hash algorithms, digests, and the hashing of blocks.
//
// A digest is public, so digests are compared with plain comparison: there is nothing to leak.
// Hashing runs on any thread: each keeps one OpenSSL context per algorithm, for making one costs a
// tenth of hashing a block.
#ifndef AMBERFS_VERITY_DIGEST_H_
#define AMBERFS_VERITY_DIGEST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace amberfs {

// The numbers are fs-verity's.
enum class HashAlgorithm : std::uint8_t { kSha256 = 1, kSha512 = 2 };

inline constexpr std::size_t kMaxDigestBytes = 64;

constexpr std::size_t DigestBytes(HashAlgorithm algorithm) {
  return algorithm == HashAlgorithm::kSha256 ? 32 : 64;
}
std::string_view NameOf(HashAlgorithm algorithm);  // "sha256"
std::optional<HashAlgorithm> HashAlgorithmFromName(std::string_view name);
std::optional<HashAlgorithm> HashAlgorithmFromNumber(std::uint64_t number);  // fs-verity's

class Digest {
 public:
  Digest() = default;               // no bytes
  explicit Digest(ByteView bytes);  // at most kMaxDigestBytes

  ByteView bytes() const { return ByteView(bytes_).first(size_); }
  std::size_t size() const { return size_; }
  friend bool operator==(const Digest&, const Digest&) = default;

 private:
  std::array<std::byte, kMaxDigestBytes> bytes_{};
  std::uint8_t size_ = 0;
};

// Prepares OpenSSL without its configuration file: that could name modules to load, and a variable
// of the environment names the file. Everything in verity/ calls it before its first use of
// OpenSSL. Idempotent, any thread; ends the process if this OpenSSL has no SHA-2.
void PrepareOpenSsl();

Digest HashOf(HashAlgorithm algorithm, ByteView bytes);

// Hashes what comes in pieces. Not for several threads.
class StreamHasher {
 public:
  explicit StreamHasher(HashAlgorithm algorithm);
  StreamHasher(StreamHasher&&) noexcept;
  ~StreamHasher();

  void Add(ByteView bytes);
  Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Hashes blocks, each behind the same prefix: an fs-verity or dm-verity salt, mostly nothing.
// Immutable; any thread.
class BlockHasher {
 public:
  explicit BlockHasher(HashAlgorithm algorithm, ByteView prefix = {});

  HashAlgorithm algorithm() const { return algorithm_; }
  std::size_t digest_bytes() const { return DigestBytes(algorithm_); }
  ByteView prefix() const { return prefix_; }

  // Writes H(prefix, block) to `out`, digest_bytes() long.
  void Hash(ByteView block, ByteSpan out) const;
  Digest Hash(ByteView block) const;

  // The same for each of the blocks of `block_bytes` that lie in `blocks`, which holds whole ones.
  // `out` has room for all digests, one behind the other.
  void HashBlocks(ByteView blocks, std::size_t block_bytes, ByteSpan out) const;

 private:
  HashAlgorithm algorithm_;
  std::vector<std::byte> prefix_;
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_DIGEST_H_
