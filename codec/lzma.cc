#include <lzma.h>

#include "codec/decoders.h"

namespace amberfs {
namespace {

// Keeps its dictionary from one stream to the next.
struct LzmaDecoder {
  lzma_stream stream = LZMA_STREAM_INIT;
  ~LzmaDecoder() { lzma_end(&stream); }
};

}  // namespace

DecodeStatus DecodeLzma(const EncodedStream& stream, ByteSpan decoded) {
  thread_local LzmaDecoder decoder;
  lzma_stream& lzma = decoder.stream;
  const lzma_ret made = lzma_microlzma_decoder(&lzma, stream.bytes.size(), decoded.size(),
                                               stream.whole, stream.window);
  if (made == LZMA_MEM_ERROR) return DecodeStatus::kNoMemory;
  if (made != LZMA_OK) return DecodeStatus::kCorrupt;
  lzma.next_in = reinterpret_cast<const std::uint8_t*>(stream.bytes.data());
  lzma.avail_in = stream.bytes.size();
  lzma.next_out = reinterpret_cast<std::uint8_t*>(decoded.data());
  lzma.avail_out = decoded.size();
  const lzma_ret done = lzma_code(&lzma, LZMA_FINISH);
  if (done == LZMA_MEM_ERROR) return DecodeStatus::kNoMemory;
  return done == LZMA_STREAM_END && lzma.avail_out == 0 ? DecodeStatus::kOk
                                                        : DecodeStatus::kCorrupt;
}

}  // namespace amberfs
