// The decoders behind Decode(), one file each. `decoded` and `stream.bytes` have 1 to
// kMaxDecodeBytes bytes.
#ifndef AMBERFS_CODEC_DECODERS_H_
#define AMBERFS_CODEC_DECODERS_H_

#include "codec/decompressor.h"

namespace amberfs {

DecodeStatus DecodeLz4(const EncodedStream& stream, ByteSpan decoded);
DecodeStatus DecodeLzma(const EncodedStream& stream, ByteSpan decoded);
DecodeStatus DecodeDeflate(const EncodedStream& stream, ByteSpan decoded);
DecodeStatus DecodeZstd(const EncodedStream& stream, ByteSpan decoded);

}  // namespace amberfs

#endif  // AMBERFS_CODEC_DECODERS_H_
