#include "codec/encoder.h"

#include <libdeflate.h>
#include <lz4.h>
#include <lz4hc.h>
#include <lzma.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace amberfs {
namespace {

char* Chars(ByteSpan bytes) { return reinterpret_cast<char*>(bytes.data()); }

class Lz4Encoder final : public Encoder {
 public:
  Lz4Encoder() : state_(static_cast<std::size_t>(LZ4_sizeofState())) {}
  std::optional<std::size_t> Encode(ByteView plain, ByteSpan out) override {
    const int made =
        LZ4_compress_fast_extState(state_.data(), AsText(plain).data(), Chars(out),
                                   static_cast<int>(plain.size()), static_cast<int>(out.size()), 1);
    if (made <= 0) return std::nullopt;
    return static_cast<std::size_t>(made);
  }
  Part EncodeSome(ByteView plain, ByteSpan out, std::size_t /*guess*/) override {
    int taken = static_cast<int>(plain.size());
    const int made = LZ4_compress_destSize(AsText(plain).data(), Chars(out), &taken,
                                           static_cast<int>(out.size()));
    if (made <= 0) return {};
    return {static_cast<std::size_t>(taken), static_cast<std::size_t>(made)};
  }

 private:
  std::vector<std::byte> state_;
};

class Lz4HcEncoder final : public Encoder {
 public:
  explicit Lz4HcEncoder(int level)
      : level_(level), state_(static_cast<std::size_t>(LZ4_sizeofStateHC())) {}
  std::optional<std::size_t> Encode(ByteView plain, ByteSpan out) override {
    const int made = LZ4_compress_HC_extStateHC(state_.data(), AsText(plain).data(), Chars(out),
                                                static_cast<int>(plain.size()),
                                                static_cast<int>(out.size()), level_);
    if (made <= 0) return std::nullopt;
    return static_cast<std::size_t>(made);
  }
  Part EncodeSome(ByteView plain, ByteSpan out, std::size_t /*guess*/) override {
    int taken = static_cast<int>(plain.size());
    const int made = LZ4_compress_HC_destSize(state_.data(), AsText(plain).data(), Chars(out),
                                              &taken, static_cast<int>(out.size()), level_);
    if (made <= 0) return {};
    return {static_cast<std::size_t>(taken), static_cast<std::size_t>(made)};
  }

 private:
  const int level_;
  std::vector<std::byte> state_;
};

class DeflateEncoder final : public Encoder {
 public:
  explicit DeflateEncoder(int level) : compressor_(libdeflate_alloc_compressor(level)) {}
  bool usable() const { return compressor_ != nullptr; }
  std::optional<std::size_t> Encode(ByteView plain, ByteSpan out) override {
    const std::size_t made = libdeflate_deflate_compress(compressor_.get(), plain.data(),
                                                         plain.size(), out.data(), out.size());
    if (made == 0) return std::nullopt;
    // A stored block that is not the last one. Bit 3 is filling, which decoders skip.
    if (out[0] == std::byte{0}) out[0] = std::byte{1 << 3};
    return made;
  }

 private:
  struct Free {
    void operator()(libdeflate_compressor* compressor) const {
      libdeflate_free_compressor(compressor);
    }
  };
  std::unique_ptr<libdeflate_compressor, Free> compressor_;
};

class ZstdEncoder final : public Encoder {
 public:
  ZstdEncoder(int level, std::uint32_t window) : context_(ZSTD_createCCtx()) {
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog,
                           static_cast<int>(std::bit_width(window)) - 1);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_contentSizeFlag, 0);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 0);
  }
  bool usable() const { return context_ != nullptr; }
  std::optional<std::size_t> Encode(ByteView plain, ByteSpan out) override {
    const std::size_t made =
        ZSTD_compress2(context_.get(), out.data(), out.size(), plain.data(), plain.size());
    if (ZSTD_isError(made)) return std::nullopt;
    return made;
  }

  // Adds pieces to one frame, each as long as probably fits, for as long as that is true.
  Part EncodeSome(ByteView plain, ByteSpan out, std::size_t guess) override {
    if (out.size() <= kSmall) return Encoder::EncodeSome(plain, out, guess);
    if (guess >= plain.size())
      if (const auto whole = Encode(plain, out)) return {plain.size(), *whole};
    Part best;
    std::vector<std::byte> attempt(out.size());
    std::size_t first = std::min(guess, plain.size()) / 10 * 9;
    while (first > best.plain && first > out.size() / 4) {
      const Part part = Fill(plain, attempt, first);
      if (part.plain > 0) {
        best = part;
        std::ranges::copy(std::span(attempt).first(part.stream), out.begin());
      }
      if (part.stream >= out.size() / 4 * 3 || part.plain == plain.size()) break;
      first = part.plain == 0 ? first / 4 * 3 : part.plain * out.size() / part.stream / 10 * 9;
      first = std::min(first, plain.size());
    }
    return best;
  }

 private:
  // Pieces cost more than encoding anew until the stream is of the right length.
  static constexpr std::size_t kSmall = 16384;
  // A raw block of no bytes, which is the frame's last.
  static constexpr std::array<std::byte, 3> kEnd = {std::byte{1}, std::byte{0}, std::byte{0}};
  static constexpr std::size_t kLittleRoom = 128;

  // The first piece has `first` bytes. Nothing if those do not fit.
  Part Fill(ByteView plain, ByteSpan out, std::size_t first) {
    if (out.size() <= kEnd.size()) return {};
    ZSTD_CCtx_reset(context_.get(), ZSTD_reset_session_only);
    // The library chooses its tables by the size of what there will be to encode. It may become
    // less: frames do not say their size, and none is ended by the library.
    const std::size_t limit = std::min(plain.size(), first + first / 2);
    ZSTD_CCtx_setPledgedSrcSize(context_.get(), limit);
    Part part;
    for (std::size_t piece = first; piece > 0 && part.plain < limit;) {
      piece = std::min(piece, limit - part.plain);
      const std::size_t room = out.size() - kEnd.size() - part.stream;
      ZSTD_inBuffer from = {plain.data() + part.plain, piece, 0};
      ZSTD_outBuffer to = {out.data() + part.stream, room, 0};
      const std::size_t left = ZSTD_compressStream2(context_.get(), &to, &from, ZSTD_e_flush);
      if (ZSTD_isError(left) || left > 0) break;
      part.plain += piece;
      part.stream += to.pos;
      const std::size_t rest = room - to.pos;
      if (rest < kLittleRoom) break;
      piece = rest * part.plain / part.stream / 10 * 9;
    }
    if (part.plain == 0) return {};
    std::ranges::copy(kEnd, out.begin() + static_cast<std::ptrdiff_t>(part.stream));
    part.stream += kEnd.size();
    return part;
  }

  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> context_;
};

class LzmaEncoder final : public Encoder {
 public:
  LzmaEncoder(int level, std::uint32_t dictionary) {
    usable_ = !lzma_lzma_preset(&options_, static_cast<std::uint32_t>(level));
    options_.dict_size = dictionary;
  }
  ~LzmaEncoder() override { lzma_end(&stream_); }
  bool usable() const { return usable_; }
  std::optional<std::size_t> Encode(ByteView plain, ByteSpan out) override {
    const Part part = EncodeSome(plain, out, plain.size());
    if (part.plain != plain.size()) return std::nullopt;
    return part.stream;
  }
  // Ends by itself when `out` is full.
  Part EncodeSome(ByteView plain, ByteSpan out, std::size_t /*guess*/) override {
    if (lzma_microlzma_encoder(&stream_, &options_) != LZMA_OK) return {};
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(plain.data());
    stream_.avail_in = plain.size();
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out.data());
    stream_.avail_out = out.size();
    if (lzma_code(&stream_, LZMA_FINISH) != LZMA_STREAM_END) return {};
    return {stream_.total_in, stream_.total_out};
  }

 private:
  bool usable_ = false;
  lzma_options_lzma options_{};
  lzma_stream stream_ = LZMA_STREAM_INIT;
};

template <typename AnyEncoder>
std::unique_ptr<Encoder> IfUsable(std::unique_ptr<AnyEncoder> encoder) {
  if (!encoder->usable()) return nullptr;
  return encoder;
}

}  // namespace

int MinLevel(Algorithm algorithm, bool high) {
  switch (algorithm) {
    case Algorithm::kLz4:
      return high ? LZ4HC_CLEVEL_MIN : 0;
    case Algorithm::kLzma:
      return 0;
    case Algorithm::kDeflate:
    case Algorithm::kZstd:
      return 1;
  }
  return 0;
}

int MaxLevel(Algorithm algorithm, bool high) {
  switch (algorithm) {
    case Algorithm::kLz4:
      return high ? LZ4HC_CLEVEL_MAX : 0;
    case Algorithm::kLzma:
      return 9;
    case Algorithm::kDeflate:
      return 12;
    case Algorithm::kZstd:
      return 22;
  }
  return 0;
}

int DefaultLevel(Algorithm algorithm, bool high) {
  switch (algorithm) {
    case Algorithm::kLz4:
      return high ? LZ4HC_CLEVEL_DEFAULT : 0;
    case Algorithm::kLzma:
      return 6;
    case Algorithm::kDeflate:
      return 6;
    case Algorithm::kZstd:
      return 9;
  }
  return 0;
}

std::unique_ptr<Encoder> Encoder::Make(const EncoderSettings& settings) {
  switch (settings.algorithm) {
    case Algorithm::kLz4:
      if (settings.high) return std::make_unique<Lz4HcEncoder>(settings.level);
      return std::make_unique<Lz4Encoder>();
    case Algorithm::kLzma:
      return IfUsable(std::make_unique<LzmaEncoder>(settings.level, settings.window));
    case Algorithm::kDeflate:
      return IfUsable(std::make_unique<DeflateEncoder>(settings.level));
    case Algorithm::kZstd:
      return IfUsable(std::make_unique<ZstdEncoder>(settings.level, settings.window));
  }
  return nullptr;
}

// Libraries that only encode all or nothing are asked until the stream is nearly as long as it may
// be.
Encoder::Part Encoder::EncodeSome(ByteView plain, ByteSpan out, std::size_t guess) {
  constexpr int kTries = 6;
  const std::size_t enough = out.size() - out.size() / 64;
  Part best;
  std::size_t too_much = plain.size() + 1;
  std::size_t next = std::clamp<std::size_t>(guess, 1, plain.size());
  std::vector<std::byte> attempt(out.size());
  for (int i = 0; i < kTries && next > best.plain && next < too_much; ++i) {
    if (const auto stream = Encode(plain.first(next), attempt)) {
      best = {next, *stream};
      std::ranges::copy(std::span(attempt).first(*stream), out.begin());
      if (next == plain.size() || *stream >= enough) break;
      // As much more as would fill it, if what follows is alike.
      next = static_cast<std::size_t>(static_cast<double>(next) * static_cast<double>(out.size()) *
                                      0.99 / static_cast<double>(*stream));
    } else {
      too_much = next;
      // Between what fits and what does not; without the former, what is as long as its stream.
      const std::size_t fits = best.plain > 0 ? best.plain : std::min(next / 4 * 3, out.size());
      next = static_cast<std::size_t>(
          std::sqrt(static_cast<double>(fits) * static_cast<double>(too_much)));
    }
    next = std::min({next, plain.size(), too_much - 1});
  }
  return best;
}

}  // namespace amberfs
