#include "image/pcluster_reader.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "codec/decompressor.h"
#include "image/image.h"

namespace amberfs {
namespace {

// Extents so short are always decoded whole: neighbours of what is read now are read next. But if
// little is read, perhaps at random, they are not kept until they are wanted for the second time:
// to decode them once more costs less than memory that nobody touched yet.
constexpr std::uint64_t kSmallExtent = 64 << 10;
constexpr std::uint64_t kSmallRead = 16 << 10;  // encoded
// The most that one fetch takes besides the pcluster that is wanted.
constexpr std::uint64_t kMaxFetch = 256 << 10;

// Buffers that no reader of this thread uses; readers of fragments and of the metabox run inside
// others, so there may be three.
thread_local std::vector<std::vector<std::byte>> spare_buffers;

}  // namespace

// All that the decoded bytes depend on. Extents of several lengths may share a pcluster that is
// longer than each of them: then the longest's bytes will do for all. One that must be as long as
// its pcluster stands for itself.
BlockCache::Key CacheKeyOf(const Extent& extent) {
  return {.offset = extent.where.offset,
          .length = extent.partial ? 0 : extent.length,
          .what = std::uint64_t{extent.where.device.v} << 32 | extent.encoded_bytes << 4 |
                  static_cast<unsigned>(extent.algorithm) << 2 | (extent.padded ? 1U : 0U)};
}

ScratchBuffer::~ScratchBuffer() {
  if (!bytes_.empty()) spare_buffers.push_back(std::move(bytes_));
}

ByteSpan ScratchBuffer::Resize(std::size_t bytes) {
  if (bytes_.empty() && !spare_buffers.empty()) {
    bytes_ = std::move(spare_buffers.back());
    spare_buffers.pop_back();
  }
  if (bytes_.size() < bytes) bytes_.resize(bytes);
  return std::span(bytes_).first(bytes);
}

Result<void> PclusterReader::Read(const Extent& extent, std::uint64_t skip, ByteSpan out) {
  const std::uint64_t end = skip + out.size();
  const BlockCache::Key key = CacheKeyOf(extent);
  BlockCache::BlockPtr block = image_.cache().Find(key, end);
  if (!block && skip == 0 && end == extent.length) return Decode(extent, out);
  if (!block && extent.length <= kSmallExtent && expected_bytes_ <= kSmallRead &&
      image_.cache().IsNews(key)) {
    // Only LZ4 stops early without a detour.
    const ByteSpan decoded =
        small_.Resize(extent.algorithm == Algorithm::kLz4 ? end : extent.length);
    AMBERFS_TRY_VOID(Decode(extent, decoded));
    std::memcpy(out.data(), decoded.subspan(skip).data(), out.size());
    return {};
  }
  if (!block) {
    const bool first_part = extent.length > kSmallExtent && end <= extent.length / 4 * 3 &&
                            image_.cache().Find(key, 1) == nullptr;
    AMBERFS_TRY(block, image_.cache().Get(key, end, first_part ? end : extent.length,
                                          [&](ByteSpan all) { return Decode(extent, all); }));
  }
  std::memcpy(out.data(), block->bytes().subspan(skip).data(), out.size());
  return {};
}

Result<ByteView> PclusterReader::Fetch(const Extent& extent) {
  const std::uint64_t wanted = extent.encoded_bytes;
  const bool held = extent.where.device == fetched_.device &&
                    extent.where.offset >= fetched_.offset &&
                    extent.where.offset - fetched_.offset <= held_ &&
                    held_ - (extent.where.offset - fetched_.offset) >= wanted;
  if (!held) {
    const std::uint64_t left =
        expected_bytes_ > decoded_from_ ? expected_bytes_ - decoded_from_ : 0;
    const std::uint64_t end = image_.DataEnd(extent.where);
    const std::uint64_t count =
        std::min(std::max(wanted, std::min(left + left / 8, kMaxFetch)), end - extent.where.offset);
    held_ = 0;
    AMBERFS_TRY_VOID(image_.ReadData(extent.where, buffer_.Resize(count)));
    fetched_ = extent.where;
    held_ = count;
  }
  return buffer_.bytes().subspan(extent.where.offset - fetched_.offset, wanted);
}

Result<void> PclusterReader::Decode(const Extent& extent, ByteSpan out) {
  if (extent.encoded_bytes > image_.limits().max_encoded_bytes_per_read - decoded_from_)
    return Broken(Rule::kLim2, extent.where.offset);
  AMBERFS_TRY(const ByteView encoded, Fetch(extent));
  decoded_from_ += extent.encoded_bytes;
  return DecodePcluster(image_, extent, encoded, out);
}

Result<void> DecodePcluster(const Image& image, const Extent& extent, ByteView encoded,
                            ByteSpan out) {
  image.decoded_bytes().fetch_add(out.size(), std::memory_order_relaxed);
  if (extent.padded) {
    const ByteView first_block = encoded.first(std::min(encoded.size(), image.sb().block_size()));
    const auto start =
        std::ranges::find_if(first_block, [](std::byte byte) { return byte != std::byte{0}; });
    if (start == first_block.end()) return Broken(Rule::kZ16, extent.where.offset);
    encoded = encoded.subspan(static_cast<std::size_t>(start - first_block.begin()));
  }
  const EncodedStream stream{.algorithm = extent.algorithm,
                             .bytes = encoded,
                             .whole = !extent.partial && out.size() == extent.length,
                             .window = image.compression().window(extent.algorithm),
                             .strict = image.limits().strict_decoding};
  switch (Decode(stream, out)) {
    case DecodeStatus::kOk:
      return {};
    case DecodeStatus::kCorrupt:
      return Broken(Rule::kZ16, extent.where.offset);
    case DecodeStatus::kNoMemory:
      break;
  }
  return IoError(ENOMEM, extent.where.offset);
}

}  // namespace amberfs
