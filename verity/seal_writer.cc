#include "verity/seal_writer.h"

#include <algorithm>

namespace amberfs {

Result<FsVerityDescriptor> ComputeDescriptor(const ByteSource& data, const SealOptions& options,
                                             const TreeSink& sink) {
  const auto shape = TreeShape::Make({.algorithm = options.algorithm,
                                      .data_block_bits = options.block_bits,
                                      .hash_block_bits = options.block_bits},
                                     data.size());
  if (!shape) return Broken(Rule::kFsv5, Error::kNowhere);
  const BlockHasher hasher(options.algorithm, FsVerityPrefix(options.algorithm, options.salt));
  const TreeSink nowhere = [](std::uint64_t, ByteView) { return Result<void>(); };
  AMBERFS_TRY(const Digest root_hash,
              BuildTree(data, *shape, hasher, sink ? sink : nowhere, options.threads));
  return FsVerityDescriptor(*shape, options.salt, root_hash);
}

Result<std::vector<std::byte>> MakeSeal(const ByteSource& data, const SealOptions& options,
                                        std::span<const SealSection> sections) {
  const auto shape = TreeShape::Make({.algorithm = options.algorithm,
                                      .data_block_bits = options.block_bits,
                                      .hash_block_bits = options.block_bits},
                                     data.size());
  if (!shape) return Broken(Rule::kFsv5, Error::kNowhere);
  const SealLayout layout(*shape, options.has_superblock);
  std::vector<std::byte> seal(layout.metadata_offset());
  // Threads write to places of their own.
  const ByteSpan tree = ByteSpan(seal).subspan(layout.tree_offset());
  AMBERFS_TRY(const FsVerityDescriptor descriptor,
              ComputeDescriptor(data, options, [tree](std::uint64_t offset, ByteView bytes) {
                std::ranges::copy(bytes, tree.subspan(offset).begin());
                return Result<void>();
              }));
  std::ranges::copy(layout.SuperblockBlock(descriptor), seal.begin());
  const auto metadata = layout.Metadata(descriptor, sections);
  if (!metadata) return Fail(Errc::kLimit);
  seal.insert(seal.end(), metadata->begin(), metadata->end());
  return seal;
}

}  // namespace amberfs
