// How an input of codec_fuzz.cc begins; the stream follows.
#ifndef AMBERFS_FUZZ_CODEC_INPUT_H_
#define AMBERFS_FUZZ_CODEC_INPUT_H_

#include <cstddef>
#include <cstdint>

#include "base/algorithm.h"
#include "base/bytes.h"

namespace amberfs::fuzz {

inline constexpr std::uint32_t kMostDecoded = 256 << 10;

// Whatever the fields hold is bent into range.
struct CodecHead {
  std::uint8_t how = 0;         // bits 0-1: the algorithm, 2: the stream is whole, 3: not strict
  std::uint8_t window_log = 0;  // from 10 on
  Le16 reserved;
  Le32 size;  // to decode
  Le32 part;  // of these, to decode as well

  Algorithm algorithm() const { return static_cast<Algorithm>(how & 3); }
  bool whole() const { return (how & 4) != 0; }
  bool strict() const { return (how & 8) == 0; }
  std::uint32_t window() const { return std::uint32_t{1} << (10 + window_log % 11); }
  std::size_t size_bytes() const { return size.get() % (kMostDecoded + 1); }
  std::size_t part_bytes() const { return 1 + part.get() % size_bytes(); }  // if there are any
};
static_assert(sizeof(CodecHead) == 12);

}  // namespace amberfs::fuzz

#endif  // AMBERFS_FUZZ_CODEC_INPUT_H_
