// The superblock that veritysetup writes before a dm-verity hash tree.
//
// Linux never reads it: whoever activates the device does, and tells Linux. Nothing in it is
// covered by the root hash. So what it says is a hint whose falsehood makes verification fail,
// except for the number of data blocks: a bare root hash fits images of several sizes. See
// verity/trusted_root.h, TRUST-3.
//
//   DMV-1  the signature, and version 1
//   DMV-2  hash type 1, and an algorithm that we know
//   DMV-3  block sizes that are powers of two from 2^9 to 2^19, data whose size fits into 63 bits
//   DMV-4  a salt of at most 256 bytes
//
// Values; any thread.
#ifndef AMBERFS_VERITY_DM_VERITY_H_
#define AMBERFS_VERITY_DM_VERITY_H_

#include <array>
#include <cstdint>
#include <vector>

#include "base/error.h"
#include "verity/fs_verity.h"
#include "verity/tree_shape.h"

namespace amberfs {
namespace wire {

struct DmVeritySuperblock {
  std::array<char, 8> signature;
  Le32 version;
  Le32 hash_type;
  std::array<std::byte, 16> uuid;
  std::array<char, 32> algorithm;
  Le32 data_block_size;
  Le32 hash_block_size;
  Le64 data_blocks;
  Le16 salt_size;
  std::array<std::byte, 6> pad1;
  std::array<std::byte, 256> salt;
  std::array<std::byte, 168> pad2;
};
static_assert(sizeof(DmVeritySuperblock) == 512);

}  // namespace wire

using Uuid = std::array<std::byte, 16>;

struct DmVeritySuperblock {
  static constexpr std::size_t kBytes = sizeof(wire::DmVeritySuperblock);
  static constexpr std::size_t kMaxSaltBytes = 256;

  TreeParams params;
  std::uint64_t data_blocks = 0;
  std::vector<std::byte> salt;  // hashed before each block as it is
  Uuid uuid{};

  // Decodes `bytes`, untrusted, which lie at `offset` for error messages.
  static Result<DmVeritySuperblock> Parse(ByteView bytes, std::uint64_t offset);
  std::array<std::byte, kBytes> Encode() const;

  // The one that a seal holds: a pure function of the descriptor, so that a reader compares it
  // instead of believing it.
  static DmVeritySuperblock FromDescriptor(const FsVerityDescriptor& descriptor);

  // Where the tree starts, for a superblock at `hash_offset`.
  std::uint64_t TreeOffset(std::uint64_t hash_offset) const;
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_DM_VERITY_H_
