// An image with extra devices, or with sources that are larger than anything behind them.
//
// Input: bytes of the input that belong to the extra devices (4 bytes), flags (1), how many extra
// sources are given (1), 2 unused bytes; the image; the extra devices' bytes.
#include "fuzz/fuzz_input.h"
#include "fuzz/image_walk.h"
#include "fuzz/input_layout.h"

const amberfs::fuzz::InputLayout amberfs::fuzz::kInputLayout{.header_bytes = 8, .first_byte = 0};

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Input input(data, size);
  const std::size_t extra_bytes = input.Take<Le32>().get();
  const auto flags = input.Take<std::uint8_t>();
  const auto sources = input.Take<std::uint8_t>() % 4U;
  input.Take<Le16>();
  const ByteView primary =
      input.TakeBytes(input.rest().size() - std::min(extra_bytes, input.rest().size()));
  const ByteView extra = input.rest();

  // Sizes that reach past every address, so that only the arithmetic stands in the way.
  constexpr std::uint64_t kHuge = ~std::uint64_t{0} >> 1;
  const auto source_of = [](ByteView bytes, bool huge) -> SourcePtr {
    return std::make_shared<const SparseSource>(std::vector<std::byte>(bytes.begin(), bytes.end()),
                                                huge ? kHuge : bytes.size());
  };
  std::vector<SourcePtr> extras;
  for (unsigned i = 0; i < sources; ++i)
    extras.push_back(source_of(extra.subspan(extra.size() * i / sources, extra.size() / sources),
                               (flags & 2) != 0));
  WalkImage(source_of(primary, (flags & 1) != 0), extras);
  return 0;
}
