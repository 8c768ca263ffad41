#include <zstd.h>

#include <memory>
#include <optional>

#include "codec/decoders.h"

namespace amberfs {
namespace {

struct FreeContext {
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

// The window that the frame at the start of `bytes` asks for (RFC 8878, section 3.1.1.1); nothing
// if it is no frame or wants a dictionary.
std::optional<std::uint64_t> WindowOf(ByteView bytes) {
  const auto magic = CopyWire<Le32>(bytes, 0);
  if (!magic || magic->get() != ZSTD_MAGICNUMBER || bytes.size() < 6) return std::nullopt;
  const auto descriptor = std::to_integer<unsigned>(bytes[4]);
  if ((descriptor & 3) != 0) return std::nullopt;
  // A single segment is its own window.
  if ((descriptor & 0x20) != 0) {
    const unsigned long long size = ZSTD_getFrameContentSize(bytes.data(), bytes.size());
    if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN) return std::nullopt;
    return size;
  }
  const auto window = std::to_integer<unsigned>(bytes[5]);
  const std::uint64_t base = std::uint64_t{1} << (10 + (window >> 3));
  return base + base / 8 * (window & 7);
}

}  // namespace

DecodeStatus DecodeZstd(const EncodedStream& stream, ByteSpan decoded) {
  thread_local const std::unique_ptr<ZSTD_DCtx, FreeContext> context(ZSTD_createDCtx());
  if (!context) return DecodeStatus::kNoMemory;
  const ByteView bytes = stream.bytes;
  const auto window = WindowOf(bytes);
  if (!window || *window > stream.window) return DecodeStatus::kCorrupt;
  if (stream.whole) {
    // Else what follows would be decoded as another frame.
    if (ZSTD_findFrameCompressedSize(bytes.data(), bytes.size()) != bytes.size())
      return DecodeStatus::kCorrupt;
    const std::size_t got = ZSTD_decompressDCtx(context.get(), decoded.data(), decoded.size(),
                                                bytes.data(), bytes.size());
    return got == decoded.size() ? DecodeStatus::kOk : DecodeStatus::kCorrupt;
  }
  ZSTD_DCtx_reset(context.get(), ZSTD_reset_session_only);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  ZSTD_outBuffer out{decoded.data(), decoded.size(), 0};
  while (out.pos < out.size) {
    const std::size_t left = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(left) != 0) return DecodeStatus::kCorrupt;
    const bool stuck = left == 0 || in.pos == in.size;
    if (stuck && out.pos < out.size) return DecodeStatus::kCorrupt;
  }
  return DecodeStatus::kOk;
}

}  // namespace amberfs
