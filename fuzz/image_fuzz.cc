// A whole image, everything in it. Input: the image.
#include "fuzz/fuzz_input.h"
#include "fuzz/image_walk.h"
#include "fuzz/input_layout.h"

const amberfs::fuzz::InputLayout amberfs::fuzz::kInputLayout{.header_bytes = 0, .first_byte = 0};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  fuzz::WalkImage(
      std::make_shared<const MemorySource>(std::vector<std::byte>(bytes.begin(), bytes.end())), {});
  return 0;
}
