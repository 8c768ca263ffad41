// What the superblock says about compression: the algorithms of the image, and what each needs.
//
//   CFG-1  every algorithm is a known one (kUnsupported)
//   CFG-2  the records lie whole in the image's first 64 KiB, with values in range
#ifndef AMBERFS_FORMAT_COMPRESSION_CONFIGS_H_
#define AMBERFS_FORMAT_COMPRESSION_CONFIGS_H_

#include <array>
#include <cstdint>

#include "base/algorithm.h"
#include "base/bytes.h"
#include "base/error.h"
#include "format/superblock.h"

namespace amberfs {

class CompressionConfigs {
 public:
  // Decodes what belongs to `sb` in `head`, the image's first Superblock::kHeadBytes (or all of
  // it), untrusted.
  static Result<CompressionConfigs> Parse(const Superblock& sb, ByteView head);

  // Whether data may be compressed so. `id` may come straight from an image.
  bool has(unsigned id) const { return id < kAlgorithmCount && (available_ >> id & 1) != 0; }

  // The memory that a decoder of `algorithm` may take for what it has decoded already, in bytes:
  // LZMA's dictionary, Zstandard's largest window. 0 for the others.
  std::uint32_t window(Algorithm algorithm) const {
    return windows_[static_cast<unsigned>(algorithm)];
  }

  // How many bytes the records take, from the superblock's end on.
  std::uint64_t bytes() const { return bytes_; }

  // Streams end where their pcluster ends, behind zeros. Without it they start where it starts, and
  // their length is not known (LZ4 only).
  bool zero_padding() const { return zero_padding_; }

 private:
  CompressionConfigs() = default;  // Parse() is the only way in.
  // `block_bits` is log2 of the image's block size.
  Result<void> ParseRecord(Algorithm algorithm, ByteView record, unsigned block_bits,
                           std::uint64_t offset);

  unsigned available_ = 0;
  std::array<std::uint32_t, kAlgorithmCount> windows_{};
  bool zero_padding_ = false;
  std::uint64_t bytes_ = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_COMPRESSION_CONFIGS_H_
