#include "codec/test_encoders.h"

#include <libdeflate.h>
#include <lz4.h>
#include <lz4hc.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdlib>

namespace amberfs {
namespace {

using Bytes = std::vector<std::byte>;

void Must(bool worked) {
  if (!worked) std::abort();
}

template <typename T>
T* As(Bytes& bytes) {
  return reinterpret_cast<T*>(bytes.data());
}

Bytes EncodeLz4hc(ByteView plain) {
  const int size = static_cast<int>(plain.size());
  Bytes out(static_cast<std::size_t>(LZ4_compressBound(size)));
  const int made = LZ4_compress_HC(AsText(plain).data(), As<char>(out), size,
                                   static_cast<int>(out.size()), LZ4HC_CLEVEL_DEFAULT);
  Must(made > 0);
  out.resize(static_cast<std::size_t>(made));
  return out;
}

Bytes EncodeWithLibdeflate(ByteView plain) {
  libdeflate_compressor* compressor = libdeflate_alloc_compressor(6);
  Must(compressor != nullptr);
  Bytes out(libdeflate_deflate_compress_bound(compressor, plain.size()));
  out.resize(
      libdeflate_deflate_compress(compressor, plain.data(), plain.size(), out.data(), out.size()));
  Must(!out.empty());
  libdeflate_free_compressor(compressor);
  return out;
}

Bytes EncodeWithZlib(ByteView plain) {
  z_stream stream = {};
  Must(deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes out(deflateBound(&stream, plain.size()));
  Bytes in(plain.begin(), plain.end());
  stream.next_in = As<Bytef>(in);
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = As<Bytef>(out);
  stream.avail_out = static_cast<uInt>(out.size());
  Must(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

const TestEncoder kEncoders[kEncoderCount] = {
    {"lz4", Algorithm::kLz4, EncodeLz4},
    {"lz4hc", Algorithm::kLz4, EncodeLz4hc},
    {"lzma", Algorithm::kLzma, [](ByteView plain) { return EncodeLzma(plain); }},
    {"libdeflate", Algorithm::kDeflate, EncodeWithLibdeflate},
    {"zlib", Algorithm::kDeflate, EncodeWithZlib},
    {"zstd", Algorithm::kZstd, [](ByteView plain) { return EncodeZstd(plain); }},
};

Bytes EncodeLz4(ByteView plain) {
  const int size = static_cast<int>(plain.size());
  Bytes out(static_cast<std::size_t>(LZ4_compressBound(size)));
  const int made =
      LZ4_compress_default(AsText(plain).data(), As<char>(out), size, static_cast<int>(out.size()));
  Must(made > 0);
  out.resize(static_cast<std::size_t>(made));
  return out;
}

Bytes EncodeLzma(ByteView plain, std::uint32_t dictionary) {
  Bytes out(plain.size() + plain.size() / 8 + 1024);
  lzma_options_lzma options;
  Must(!lzma_lzma_preset(&options, 1));
  options.dict_size = dictionary;
  lzma_stream stream = LZMA_STREAM_INIT;
  Must(lzma_microlzma_encoder(&stream, &options) == LZMA_OK);
  stream.next_in = reinterpret_cast<const std::uint8_t*>(plain.data());
  stream.avail_in = plain.size();
  stream.next_out = As<std::uint8_t>(out);
  stream.avail_out = out.size();
  Must(lzma_code(&stream, LZMA_FINISH) == LZMA_STREAM_END && stream.total_in == plain.size());
  out.resize(stream.total_out);
  lzma_end(&stream);
  return out;
}

Bytes EncodeZstd(ByteView plain, int window_log, bool checksum) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
  ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum ? 1 : 0);
  Bytes out(ZSTD_compressBound(plain.size()));
  const std::size_t made =
      ZSTD_compress2(context, out.data(), out.size(), plain.data(), plain.size());
  Must(!ZSTD_isError(made));
  out.resize(made);
  ZSTD_freeCCtx(context);
  return out;
}

}  // namespace amberfs
