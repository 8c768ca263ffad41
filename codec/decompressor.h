// Decoding one compressed stream.
//
// The stream is untrusted. A decoder reads nothing but the stream, writes nothing but `decoded`,
// and takes no memory but its contexts, which each thread makes once and uses again, and the
// window. Any thread.
#ifndef AMBERFS_CODEC_DECOMPRESSOR_H_
#define AMBERFS_CODEC_DECOMPRESSOR_H_

#include <cstddef>
#include <cstdint>

#include "base/algorithm.h"
#include "base/bytes.h"

namespace amberfs {

struct EncodedStream {
  Algorithm algorithm;
  ByteView bytes;  // the stream itself, without padding
  // It decodes to exactly the bytes that are asked for and ends there; else these are the first of
  // what it holds, and what follows is not looked at.
  bool whole;
  // What it may refer back to, in bytes: LZMA's dictionary, the largest window for Zstandard.
  std::uint32_t window;
  // Also refuses an LZ4 match at distance 0, of which there is nothing to copy; to find it costs as
  // much as to decode. Otherwise bytes of the stream or zeros stand for the match, which ones may
  // depend on how much is decoded.
  bool strict = false;
};

// The most that a stream and what it decodes to may have. Some libraries count in 32 bits.
inline constexpr std::size_t kMaxDecodeBytes = std::size_t{1} << 30;

enum class DecodeStatus : std::uint8_t { kOk, kCorrupt, kNoMemory };

// Fills all of `decoded`, or fails: kCorrupt also for what is empty or too long. After a failure
// its bytes mean nothing.
DecodeStatus Decode(const EncodedStream& stream, ByteSpan decoded);

}  // namespace amberfs

#endif  // AMBERFS_CODEC_DECOMPRESSOR_H_
