// Encoding: the other side of Decode().
#ifndef AMBERFS_CODEC_ENCODER_H_
#define AMBERFS_CODEC_ENCODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/algorithm.h"
#include "base/bytes.h"

namespace amberfs {

struct EncoderSettings {
  Algorithm algorithm = Algorithm::kLz4;
  bool high = false;         // LZ4: look for the best match instead of the first
  int level = 0;             // between MinLevel() and MaxLevel()
  std::uint32_t window = 0;  // LZMA's dictionary, Zstandard's window, in bytes: a power of two
};

// Of LZ4 without `high` there is one level, 0.
int MinLevel(Algorithm algorithm, bool high);
int MaxLevel(Algorithm algorithm, bool high);
int DefaultLevel(Algorithm algorithm, bool high);

// Makes streams as docs/format.md, section 13.1, has them, none of which starts with a zero byte.
// The same input makes the same stream, whatever was encoded before. Not for several threads.
class Encoder {
 public:
  // Null if there is no memory for it.
  static std::unique_ptr<Encoder> Make(const EncoderSettings& settings);
  virtual ~Encoder() = default;
  Encoder() = default;
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  // Encodes all of `plain`, which has 1 byte to 12 MiB, into the beginning of `out`. The length of
  // the stream; nothing if it is longer than `out`.
  virtual std::optional<std::size_t> Encode(ByteView plain, ByteSpan out) = 0;

  struct Part {
    std::size_t plain = 0;   // bytes that were encoded, from the first on
    std::size_t stream = 0;  // bytes that they take
  };
  // Encodes as much of `plain` as fits into `out`, exactly or nearly; nothing of it if too little
  // fits to be worth it. `guess` is what it probably will be, in bytes of `plain`.
  virtual Part EncodeSome(ByteView plain, ByteSpan out, std::size_t guess);
};

}  // namespace amberfs

#endif  // AMBERFS_CODEC_ENCODER_H_
