// Decoded bytes of compressed extents.
//
// An extent that is read whole is decoded into the reader's own memory. A long one that is read in
// part is decoded into the image's cache, where the next reader finds the rest: the first time only
// as far as was asked, from then on whole. A short one goes there the second time. So a single
// small read of a large pcluster costs no more than it must, and many of them cost one decoding
// more.
//
// pclusters that follow one another on the device are fetched with one read.
#ifndef AMBERFS_IMAGE_PCLUSTER_READER_H_
#define AMBERFS_IMAGE_PCLUSTER_READER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "image/extent.h"
#include "io/block_cache.h"

namespace amberfs {

class Image;

// A buffer that its thread uses again.
class ScratchBuffer {
 public:
  ScratchBuffer() = default;
  ScratchBuffer(const ScratchBuffer&) = delete;
  ScratchBuffer& operator=(const ScratchBuffer&) = delete;
  ~ScratchBuffer();

  // `bytes` bytes of anything; what was there before is lost if it must grow.
  ByteSpan Resize(std::size_t bytes);
  ByteView bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

// Where the cache keeps what `extent`, which is encoded, decodes to.
BlockCache::Key CacheKeyOf(const Extent& extent);

// Decodes the first out.size() bytes of `extent` from its pcluster's bytes. Fails with Z-16, or kIo
// where memory ran out.
Result<void> DecodePcluster(const Image& image, const Extent& extent, ByteView encoded,
                            ByteSpan out);

class PclusterReader {
 public:
  // Borrows the image. For one thread at a time.
  explicit PclusterReader(const Image& image) : image_(image) {}

  // A read begins that will take about `encoded_bytes` encoded bytes.
  void Start(std::uint64_t encoded_bytes) {
    expected_bytes_ = encoded_bytes;
    decoded_from_ = 0;
  }

  // Copies the bytes of `extent`, which is encoded, from its byte `skip` on. Fails with Z-16, LIM-2
  // or kIo.
  Result<void> Read(const Extent& extent, std::uint64_t skip, ByteSpan out);

 private:
  // The first out.size() bytes of `extent`.
  Result<void> Decode(const Extent& extent, ByteSpan out);
  // The pcluster's bytes, good until the next call.
  Result<ByteView> Fetch(const Extent& extent);

  const Image& image_;
  std::uint64_t expected_bytes_ = 0;
  std::uint64_t decoded_from_ = 0;  // encoded bytes that this read has decoded
  // Bytes fetched: held_ of them, from fetched_ on.
  Location fetched_;
  std::uint64_t held_ = 0;
  ScratchBuffer buffer_;
  ScratchBuffer small_;  // what a short extent decodes to
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_PCLUSTER_READER_H_
