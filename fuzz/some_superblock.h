// A well-formed superblock made of a fuzz input's first bytes, for the doors that need one.
#ifndef AMBERFS_FUZZ_SOME_SUPERBLOCK_H_
#define AMBERFS_FUZZ_SOME_SUPERBLOCK_H_

#include "format/superblock.h"
#include "format/wire.h"
#include "fuzz/fuzz_input.h"

namespace amberfs::fuzz {

// 24 bytes of input; whatever they hold is bent into range.
struct SuperblockFields {
  std::uint8_t block_bits;
  std::uint8_t wide;  // bit 0: 48BIT
  Le16 extra_devices;
  Le32 blocks;
  Le32 meta_block;
  Le32 fixed_nsec;
  Le64 epoch;
};
static_assert(sizeof(SuperblockFields) == 24);

inline Superblock SomeSuperblock(const SuperblockFields& fields,
                                 bool has_compression_configs = false) {
  wire::Superblock raw{};
  raw.magic = wire::kMagic;
  raw.blkszbits = static_cast<std::uint8_t>(9 + (fields.block_bits & 7));
  raw.blocks_lo = std::max(fields.blocks.get(), std::uint32_t{1});
  raw.meta_blkaddr = fields.meta_block.get() % raw.blocks_lo.get();
  raw.fixed_nsec = fields.fixed_nsec.get() % 1'000'000'000;
  raw.epoch = fields.epoch.get();
  raw.extra_devices = fields.extra_devices.get();
  raw.feature_incompat = wire::kIncompatDeviceTable |
                         ((fields.wide & 1) != 0 ? wire::kIncompat48Bit : 0) |
                         (has_compression_configs ? wire::kIncompatCompressionConfigs : 0);
  std::array<std::byte, wire::kSuperblockOffset + sizeof raw> head{};
  PutWire(head, wire::kSuperblockOffset, raw);
  const auto sb = Superblock::Parse(head, ~std::uint64_t{0});
  FUZZ_CHECK(sb.has_value());
  return *sb;
}

}  // namespace amberfs::fuzz

#endif  // AMBERFS_FUZZ_SOME_SUPERBLOCK_H_
