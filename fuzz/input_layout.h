// Where in an input the image lies; each target that is mutated as an image defines it.
#ifndef AMBERFS_FUZZ_INPUT_LAYOUT_H_
#define AMBERFS_FUZZ_INPUT_LAYOUT_H_

#include <cstddef>

namespace amberfs::fuzz {

struct InputLayout {
  std::size_t header_bytes;  // of the input, before the image
  std::size_t first_byte;    // of the image that the input holds; those before it are zero
};
extern const InputLayout kInputLayout;

}  // namespace amberfs::fuzz

#endif  // AMBERFS_FUZZ_INPUT_LAYOUT_H_
