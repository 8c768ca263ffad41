// What makes streams for tests and for seeds of the fuzzer: the encoders of the libraries whose
// decoders we use. Not in any program that people run.
#ifndef AMBERFS_CODEC_TEST_ENCODERS_H_
#define AMBERFS_CODEC_TEST_ENCODERS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/algorithm.h"
#include "base/bytes.h"

namespace amberfs {

// As far as one of their streams refers back at most, unless a function below says otherwise.
inline constexpr std::uint32_t kEncoderWindow = 1U << 20;

struct TestEncoder {
  const char* name;
  Algorithm algorithm;
  // `plain` as one whole stream. Ends the program if the library fails.
  std::vector<std::byte> (*encode)(ByteView plain);
};

// Two for LZ4 and DEFLATE, which their encoders write differently.
inline constexpr std::size_t kEncoderCount = 6;
extern const TestEncoder kEncoders[kEncoderCount];

std::vector<std::byte> EncodeLz4(ByteView plain);
std::vector<std::byte> EncodeLzma(ByteView plain, std::uint32_t dictionary = kEncoderWindow);
std::vector<std::byte> EncodeZstd(ByteView plain, int window_log = 20, bool checksum = false);

}  // namespace amberfs

#endif  // AMBERFS_CODEC_TEST_ENCODERS_H_
