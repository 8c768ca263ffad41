// The fs-verity digest of a file whose bytes come in order, each once.
//
// Memory: a block for each level of the tree, whatever the file's size. Runs of zeros, which sparse
// files have by the terabyte, cost time by their logarithm. One thread.
#ifndef AMBERFS_VERITY_FILE_HASHER_H_
#define AMBERFS_VERITY_FILE_HASHER_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "verity/fs_verity.h"

namespace amberfs {

class FileHasher {
 public:
  // With SHA-256, blocks of 4096 bytes and no salt, as composefs has them.
  FileHasher();

  // What comes next; fewer than 2^64 bytes in all.
  void Add(ByteView bytes);
  void AddZeros(std::uint64_t bytes);

  // After all of the file's bytes, once. Nothing if they are more than a tree can have.
  std::optional<FileDigest> Finish();

 private:
  static constexpr unsigned kBlockBits = 12;
  static constexpr std::size_t kBlockBytes = std::size_t{1} << kBlockBits;
  static constexpr std::size_t kHashBytes = 32;
  static constexpr unsigned kHashesPerBlockBits = 7;
  // 2^64 bytes are 2^52 data blocks, above which there are 8 levels of hashes, and the root hash.
  static constexpr std::size_t kLevels = 10;

  // The blocks of one level: level 0 holds data, each other one the hashes of the level below.
  struct Level {
    std::vector<std::byte> open;  // the block that is being filled, never a whole one
    std::uint64_t blocks = 0;     // that were hashed
    Digest zeros;                 // of a block below which the file is all zeros; made when needed
  };
  // Adds the hash of a block to `level`, and hashes that one's block if it is full now.
  void AddHash(std::size_t level, const Digest& hash);
  // Fills the open block of `level` up with zeros and hashes it.
  void CloseBlock(std::size_t level);
  const Digest& ZeroHash(std::size_t level);

  BlockHasher hasher_{HashAlgorithm::kSha256};
  std::array<Level, kLevels> levels_;
  std::uint64_t bytes_ = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_FILE_HASHER_H_
