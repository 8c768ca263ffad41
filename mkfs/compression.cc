#include "mkfs/compression.h"

#include <algorithm>

#include "base/checked.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kMinSegment = std::uint64_t{4} << 20;
// What an extent has in bytes of the file for each of its stream, before one was encoded, and where
// one could not be.
constexpr double kHopedRatio = 2.5;
constexpr double kPoorRatio = 1.05;

}  // namespace

std::uint64_t Compression::SegmentBytes() const {
  return std::max<std::uint64_t>(kMinSegment, std::uint64_t{8} * pcluster_bytes);
}

EncodedSegment EncodeSegment(Encoder& encoder, const Compression& compression, unsigned block_bits,
                             ByteView segment, bool last) {
  const std::size_t block_bytes = std::size_t{1} << block_bits;
  EncodedSegment encoded;
  std::vector<std::byte> stream(compression.pcluster_bytes);
  double ratio = kHopedRatio;
  const auto add = [&](ByteView plain, ByteView bytes, bool is_plain) {
    encoded.extents.push_back({static_cast<std::uint32_t>(plain.size()),
                               static_cast<std::uint32_t>(bytes.size()), is_plain});
    encoded.streams.insert(encoded.streams.end(), bytes.begin(), bytes.end());
  };
  while (!segment.empty()) {
    const auto guess = static_cast<std::size_t>(0.97 * ratio * static_cast<double>(stream.size()));
    Encoder::Part part;
    if (segment.size() > block_bytes) {
      part = encoder.EncodeSome(segment, stream, guess);
      if (RoundUp(part.stream, block_bytes) >= part.plain) part = {};
    } else if (last && compression.inline_tails) {
      part.stream = encoder.Encode(segment, stream).value_or(segment.size());
      part.plain = part.stream < segment.size() ? segment.size() : 0;
    }
    if (part.plain > 0) {
      ratio = static_cast<double>(part.plain) / static_cast<double>(part.stream);
      add(segment.first(part.plain), ByteView(stream).first(part.stream), false);
      segment = segment.subspan(part.plain);
      continue;
    }
    ratio = kPoorRatio;
    // As it is, block by block.
    ByteView as_it_is = segment.first(std::min(segment.size(), stream.size()));
    segment = segment.subspan(as_it_is.size());
    while (!as_it_is.empty()) {
      const ByteView piece = as_it_is.first(std::min(as_it_is.size(), block_bytes));
      add(piece, piece, true);
      as_it_is = as_it_is.subspan(piece.size());
    }
  }
  return encoded;
}

}  // namespace amberfs
