// DEFLATE: one raw stream of RFC 1951.
//
// libdeflate is the faster one, but it decodes a stream to its end or not at all. A prefix is made
// by zlib, which can stop. They differ about some streams that RFC 1951 forbids (codes that are not
// complete): libdeflate takes more of them, so a stream may decode whole and not in part.
#include <libdeflate.h>
#define ZLIB_CONST  // next_in points to const
#include <zlib.h>

#include <memory>

#include "codec/decoders.h"

namespace amberfs {
namespace {

DecodeStatus DecodeWhole(ByteView bytes, ByteSpan decoded) {
  struct Free {
    void operator()(libdeflate_decompressor* context) const {
      libdeflate_free_decompressor(context);
    }
  };
  thread_local std::unique_ptr<libdeflate_decompressor, Free> context;
  if (!context) context.reset(libdeflate_alloc_decompressor());
  if (!context) return DecodeStatus::kNoMemory;

  std::size_t used = 0;
  // Without a place for the output's size, less output than asked for is an error.
  const auto end =
      libdeflate_deflate_decompress_ex(context.get(), bytes.data(), bytes.size(), decoded.data(),
                                       decoded.size(), &used, /*actual_out_nbytes_ret=*/nullptr);
  return end == LIBDEFLATE_SUCCESS && used == bytes.size() ? DecodeStatus::kOk
                                                           : DecodeStatus::kCorrupt;
}

class Inflater {
 public:
  Inflater() = default;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready_) inflateEnd(&stream_);
  }

  DecodeStatus DecodePrefix(ByteView bytes, ByteSpan decoded) {
    if (!ready_ && inflateInit2(&stream_, kRaw) != Z_OK) return DecodeStatus::kNoMemory;
    ready_ = true;
    inflateReset(&stream_);
    stream_.next_in = reinterpret_cast<const Bytef*>(bytes.data());
    stream_.avail_in = static_cast<uInt>(bytes.size());
    stream_.next_out = reinterpret_cast<Bytef*>(decoded.data());
    stream_.avail_out = static_cast<uInt>(decoded.size());
    // One call goes as far as input and output do. Whatever is wrong behind the last byte of
    // `decoded` does not matter; nor does it if there is no memory for the window, which zlib
    // makes at the end for a call that never comes.
    static_cast<void>(inflate(&stream_, Z_SYNC_FLUSH));
    return stream_.avail_out == 0 ? DecodeStatus::kOk : DecodeStatus::kCorrupt;
  }

 private:
  static constexpr int kRaw = -MAX_WBITS;  // negative: without zlib's own header

  z_stream stream_ = {};
  bool ready_ = false;
};

}  // namespace

DecodeStatus DecodeDeflate(const EncodedStream& stream, ByteSpan decoded) {
  if (stream.whole) return DecodeWhole(stream.bytes, decoded);
  thread_local Inflater inflater;
  return inflater.DecodePrefix(stream.bytes, decoded);
}

}  // namespace amberfs
