// Builds what a seal says about an image: tree, descriptor, superblock.
#ifndef AMBERFS_VERITY_SEAL_WRITER_H_
#define AMBERFS_VERITY_SEAL_WRITER_H_

#include <optional>
#include <vector>

#include "io/byte_source.h"
#include "verity/fs_verity.h"
#include "verity/seal.h"
#include "verity/tree_builder.h"

namespace amberfs {

struct SealOptions {
  HashAlgorithm algorithm = HashAlgorithm::kSha256;
  unsigned block_bits = 12;
  std::vector<std::byte> salt = {};  // at most FsVerityDescriptor::kMaxSaltBytes
  bool has_superblock = true;
  unsigned threads = 1;
};

// Computes the fs-verity descriptor of `data`, and gives the tree to `sink`, if any. Fails as reads
// and sink do, and with FSV-5.
Result<FsVerityDescriptor> ComputeDescriptor(const ByteSource& data, const SealOptions& options,
                                             const TreeSink& sink = {});

// A whole seal in memory, with these sections; for small images. Fails with kLimit if the sections
// are too many or too large.
Result<std::vector<std::byte>> MakeSeal(const ByteSource& data, const SealOptions& options,
                                        std::span<const SealSection> sections = {});

}  // namespace amberfs

#endif  // AMBERFS_VERITY_SEAL_WRITER_H_
