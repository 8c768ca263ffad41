// ZSTD: one frame of RFC 8878, which needs no dictionary.
//
// The header is read here first, since the library is more generous than the format: it would also
// take skippable frames, frames of its own past versions, and any number of them.
//
// Two ways lead through the library. ZSTD_decompressDCtx() decodes a whole frame straight into
// `decoded`. ZSTD_decompressStream() can stop early; it decodes into a ring of its own, a little
// larger than the frame's window, and copies from there. A hostile frame may refer to bytes further
// back than its window: the first would find them, the second would find what has replaced them. So
// the first is used only where no such bytes exist, and both ways give the same.
#include <zstd.h>
#include <zstd_errors.h>

#include <array>
#include <memory>
#include <optional>

#include "codec/decoders.h"

namespace amberfs {
namespace {

constexpr std::uint32_t kMagic = 0xFD2FB528;

struct FrameHeader {
  std::size_t size_bytes;
  std::uint64_t window_bytes;
};

// RFC 8878, 3.1.1.1:
//
//   offset  bytes
//        0  4           magic
//        4  1           descriptor: bits 0-1 form of the dictionary id, 2 checksum, 3 reserved,
//                       5 single segment, 6-7 form of the content size
//        5  0, 1        window: bits 0-2 mantissa, 3-7 exponent; absent in a single segment, whose
//                       window is its content
//           0, 1, 2, 4  dictionary id
//           0-8         content size
std::optional<FrameHeader> ParseFrameHeader(ByteView bytes) {
  constexpr std::array<std::size_t, 4> kIdBytes = {0, 1, 2, 4};
  constexpr std::array<std::size_t, 4> kContentBytes = {0, 2, 4, 8};
  const auto magic = CopyWire<Le32>(bytes, 0);
  const auto descriptor = CopyWire<std::uint8_t>(bytes, 4);
  if (!magic || magic->get() != kMagic || !descriptor) return std::nullopt;
  const bool single_segment = (*descriptor & 0x20) != 0;
  const unsigned content_form = *descriptor >> 6;
  const std::size_t id_at = single_segment ? 5 : 6;
  const std::size_t id_bytes = kIdBytes[*descriptor & 3];
  const std::size_t content_at = id_at + id_bytes;
  const std::size_t content_bytes =
      single_segment && content_form == 0 ? 1 : kContentBytes[content_form];
  FrameHeader header = {.size_bytes = content_at + content_bytes, .window_bytes = 0};
  if (bytes.size() < header.size_bytes) return std::nullopt;
  // Id 0 is no dictionary. There is none here, so any other is one too many.
  if (!AllZero(bytes.subspan(id_at, id_bytes))) return std::nullopt;
  if (single_segment) {
    for (std::size_t end = header.size_bytes; end > content_at; --end) {
      header.window_bytes =
          header.window_bytes << 8 | std::to_integer<std::uint64_t>(bytes[end - 1]);
    }
    if (content_bytes == 2) header.window_bytes += 256;
  } else {
    const auto window = std::to_integer<unsigned>(bytes[5]);
    header.window_bytes = std::uint64_t{8 + (window & 7)} << (7 + (window >> 3));
  }
  return header;
}

ZSTD_DCtx* Context() {
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  thread_local std::unique_ptr<ZSTD_DCtx, Free> context;
  if (!context) context.reset(ZSTD_createDCtx());
  return context.get();
}

DecodeStatus StatusOf(std::size_t error) {
  return ZSTD_getErrorCode(error) == ZSTD_error_memory_allocation ? DecodeStatus::kNoMemory
                                                                  : DecodeStatus::kCorrupt;
}

DecodeStatus DecodeAtOnce(ZSTD_DCtx* context, ByteView bytes, ByteSpan decoded) {
  // The size of the first frame, which must be all there is.
  if (ZSTD_findFrameCompressedSize(bytes.data(), bytes.size()) != bytes.size()) {
    return DecodeStatus::kCorrupt;
  }
  const std::size_t made = ZSTD_decompressDCtx(context, decoded.data(), decoded.size(),  //
                                               bytes.data(), bytes.size());
  if (ZSTD_isError(made)) return StatusOf(made);
  return made == decoded.size() ? DecodeStatus::kOk : DecodeStatus::kCorrupt;
}

DecodeStatus DecodeThroughRing(ZSTD_DCtx* context, const EncodedStream& stream,
                               std::size_t header_bytes, ByteSpan decoded) {
  ZSTD_DCtx_reset(context, ZSTD_reset_session_only);
  ZSTD_outBuffer out = {.dst = decoded.data(), .size = decoded.size(), .pos = 0};
  // The header comes alone: seeing all of a frame whose content fits, the library would decode it
  // at once, without the ring.
  ZSTD_inBuffer in = {.src = stream.bytes.data(), .size = header_bytes, .pos = 0};
  std::size_t left = ZSTD_decompressStream(context, &out, &in);
  in.size = stream.bytes.size();
  // Ends: each round but the last consumes or makes something.
  while (left != 0 && !ZSTD_isError(left)) {
    if (!stream.whole && out.pos == out.size) return DecodeStatus::kOk;
    const std::size_t progress = in.pos + out.pos;
    left = ZSTD_decompressStream(context, &out, &in);
    if (!ZSTD_isError(left) && in.pos + out.pos == progress) return DecodeStatus::kCorrupt;
  }
  if (ZSTD_isError(left)) return StatusOf(left);
  const bool complete = out.pos == out.size && (!stream.whole || in.pos == in.size);
  return complete ? DecodeStatus::kOk : DecodeStatus::kCorrupt;
}

}  // namespace

DecodeStatus DecodeZstd(const EncodedStream& stream, ByteSpan decoded) {
  const auto header = ParseFrameHeader(stream.bytes);
  if (!header || header->window_bytes > stream.window) {
    return DecodeStatus::kCorrupt;
  }
  ZSTD_DCtx* context = Context();
  if (context == nullptr) return DecodeStatus::kNoMemory;
  if (stream.whole && decoded.size() <= header->window_bytes) {
    return DecodeAtOnce(context, stream.bytes, decoded);
  }
  return DecodeThroughRing(context, stream, header->size_bytes, decoded);
}

}  // namespace amberfs
