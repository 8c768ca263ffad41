// libdeflate decodes streams whole and fast, zlib stops anywhere.
#include <libdeflate.h>
#include <zlib.h>

#include <memory>

#include "codec/decoders.h"

namespace amberfs {
namespace {

struct FreeDecompressor {
  void operator()(libdeflate_decompressor* decompressor) const {
    libdeflate_free_decompressor(decompressor);
  }
};

DecodeStatus DecodeWhole(ByteView bytes, ByteSpan decoded) {
  thread_local const std::unique_ptr<libdeflate_decompressor, FreeDecompressor> decompressor(
      libdeflate_alloc_decompressor());
  if (!decompressor) return DecodeStatus::kNoMemory;
  std::size_t used = 0;
  std::size_t made = 0;
  const libdeflate_result result = libdeflate_deflate_decompress_ex(
      decompressor.get(), bytes.data(), bytes.size(), decoded.data(), decoded.size(), &used, &made);
  const bool good = result == LIBDEFLATE_SUCCESS && used == bytes.size() && made == decoded.size();
  return good ? DecodeStatus::kOk : DecodeStatus::kCorrupt;
}

struct Inflater {
  z_stream stream{};
  bool good = inflateInit2(&stream, -MAX_WBITS) == Z_OK;  // raw, without a header
  ~Inflater() {
    if (good) inflateEnd(&stream);
  }
};

DecodeStatus DecodePrefix(ByteView bytes, ByteSpan decoded) {
  thread_local Inflater inflater;
  z_stream& zlib = inflater.stream;
  if (!inflater.good || inflateReset(&zlib) != Z_OK) return DecodeStatus::kNoMemory;
  // zlib takes its input by a pointer that is not const, and does not write to it.
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  zlib.avail_in = static_cast<uInt>(bytes.size());
  zlib.next_out = reinterpret_cast<Bytef*>(decoded.data());
  zlib.avail_out = static_cast<uInt>(decoded.size());
  const int result = inflate(&zlib, Z_SYNC_FLUSH);
  if (result == Z_MEM_ERROR) return DecodeStatus::kNoMemory;
  const bool good =
      (result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) && zlib.avail_out == 0;
  return good ? DecodeStatus::kOk : DecodeStatus::kCorrupt;
}

}  // namespace

DecodeStatus DecodeDeflate(const EncodedStream& stream, ByteSpan decoded) {
  return stream.whole ? DecodeWhole(stream.bytes, decoded) : DecodePrefix(stream.bytes, decoded);
}

}  // namespace amberfs
