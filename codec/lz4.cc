// LZ4: one raw block, which has neither header nor end mark; it ends where its bytes end.
//
// The library decodes a match at distance 0, which the format forbids, by leaving bytes of the
// output as they were: a hostile stream could show what the memory held before. So either the
// distances are looked at first, or the memory is cleared, which costs a fortieth.
#include <lz4.h>

#include <cstring>

#include "codec/decoders.h"

namespace amberfs {
namespace {

static_assert(kMaxDecodeBytes <= LZ4_MAX_INPUT_SIZE);

class Sequences {
 public:
  explicit Sequences(ByteView bytes) : bytes_(bytes) {}

  // Whether one of the matches that begin in the first `limit` decoded bytes has distance 0. What
  // else may be wrong with the block is for the decoder to see.
  bool HaveZeroDistance(std::size_t limit) {
    std::size_t decoded = 0;
    while (left() > 0 && decoded < limit) {
      const std::size_t token = Next();
      const std::size_t literals = Length(token >> 4);
      if (left() < 2 || literals > left() - 2) return false;  // the last sequence has no match
      at_ += literals;
      decoded += literals;
      if (decoded >= limit) return false;
      if (AllZero(bytes_.subspan(at_, 2))) return true;
      at_ += 2;
      decoded += Length(token & 15) + 4;
    }
    return false;
  }

 private:
  std::size_t left() const { return bytes_.size() - at_; }
  std::size_t Next() { return std::to_integer<std::size_t>(bytes_[at_++]); }

  // 15 goes on in bytes that are added, up to the first that is not 255. The sum cannot overflow:
  // there are at most kMaxDecodeBytes.
  std::size_t Length(std::size_t length) {
    if (length != 15) return length;
    std::size_t more = 255;
    while (more == 255 && left() > 0) {
      more = Next();
      length += more;
    }
    return length;
  }

  ByteView bytes_;
  std::size_t at_ = 0;
};

}  // namespace

DecodeStatus DecodeLz4(const EncodedStream& stream, ByteSpan decoded) {
  if (stream.strict) {
    if (Sequences(stream.bytes).HaveZeroDistance(decoded.size())) return DecodeStatus::kCorrupt;
  } else {
    std::memset(decoded.data(), 0, decoded.size());
  }
  const char* from = AsText(stream.bytes).data();
  auto* to = reinterpret_cast<char*>(decoded.data());
  const int from_bytes = static_cast<int>(stream.bytes.size());
  const int to_bytes = static_cast<int>(decoded.size());
  const int got = stream.whole
                      ? LZ4_decompress_safe(from, to, from_bytes, to_bytes)
                      : LZ4_decompress_safe_partial(from, to, from_bytes, to_bytes, to_bytes);
  return got == to_bytes ? DecodeStatus::kOk : DecodeStatus::kCorrupt;
}

}  // namespace amberfs
