// What every fuzz target shares: a check that ends the run, and a way to take an input apart.
#ifndef AMBERFS_FUZZ_FUZZ_INPUT_H_
#define AMBERFS_FUZZ_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "base/bytes.h"

// libFuzzer calls it; under other compilers replay_main.cc does.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace amberfs::fuzz {

[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: property violated: %s\n", file, line, condition);
  std::abort();
}

// Takes fields off the front of an input; past its end they are zero.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(std::as_bytes(std::span(data, size))) {}

  template <Wire T>
  T Take() {
    T value{};
    const std::size_t count = std::min(sizeof value, rest_.size());
    if (count > 0) std::memcpy(&value, rest_.data(), count);
    rest_ = rest_.subspan(count);
    return value;
  }
  ByteView TakeBytes(std::size_t count) {
    const ByteView taken = rest_.first(std::min(count, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
};

}  // namespace amberfs::fuzz

// Unlike assert(), in every build.
#define FUZZ_CHECK(condition) \
  ((condition) ? void() : ::amberfs::fuzz::CheckFailed(#condition, __FILE__, __LINE__))

#endif  // AMBERFS_FUZZ_FUZZ_INPUT_H_
