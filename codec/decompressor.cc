#include "codec/decompressor.h"

#include "codec/decoders.h"

namespace amberfs {

DecodeStatus Decode(const EncodedStream& stream, ByteSpan decoded) {
  if (stream.bytes.empty() || stream.bytes.size() > kMaxDecodeBytes || decoded.empty() ||
      decoded.size() > kMaxDecodeBytes)
    return DecodeStatus::kCorrupt;
  switch (stream.algorithm) {
    case Algorithm::kLz4:
      return DecodeLz4(stream, decoded);
    case Algorithm::kLzma:
      return DecodeLzma(stream, decoded);
    case Algorithm::kDeflate:
      return DecodeDeflate(stream, decoded);
    case Algorithm::kZstd:
      return DecodeZstd(stream, decoded);
  }
  return DecodeStatus::kCorrupt;
}

}  // namespace amberfs
