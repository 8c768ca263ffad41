#include <lz4.h>

#include "codec/decoders.h"

namespace amberfs {

DecodeStatus DecodeLz4(const EncodedStream& stream, ByteSpan decoded) {
  if (stream.bytes.size() > LZ4_MAX_INPUT_SIZE || decoded.size() > LZ4_MAX_INPUT_SIZE)
    return DecodeStatus::kCorrupt;
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
