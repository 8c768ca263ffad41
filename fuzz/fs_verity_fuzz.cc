// FsVerityDescriptor::Parse().
//
// Input: a descriptor.
#include "fuzz/fuzz_input.h"
#include "verity/fs_verity.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  const ByteView bytes = std::as_bytes(std::span(data, size));
  constexpr std::uint64_t kAt = 4096;
  const auto descriptor = FsVerityDescriptor::Parse(bytes, kAt);
  if (!descriptor) {
    FUZZ_CHECK(descriptor.error().offset >= kAt && descriptor.error().offset < kAt + 256);
    FUZZ_CHECK(descriptor.error().rule >= Rule::kFsv1 && descriptor.error().rule <= Rule::kFsv4);
    return 0;
  }
  // No byte of it means nothing.
  FUZZ_CHECK(std::ranges::equal(descriptor->Encode(), bytes.first(256)));
  FUZZ_CHECK(descriptor->salt().size() <= 32);
  FUZZ_CHECK(descriptor->prefix().size() % 64 == 0);
  const auto shape = descriptor->Shape(kAt);
  if (!shape) {
    FUZZ_CHECK(shape.error().rule == Rule::kFsv5);
    return 0;
  }
  FUZZ_CHECK(shape->levels() <= 8 && shape->data_bytes() == descriptor->data_bytes());
  std::uint64_t blocks = 0;
  for (unsigned level = shape->levels(); level > 0;) {
    --level;
    FUZZ_CHECK(shape->first_block(level) == blocks && shape->blocks(level) >= 1);
    const std::uint64_t fan_out = shape->params().hashes_per_block();
    FUZZ_CHECK((shape->items(level) - 1) / fan_out + 1 == shape->blocks(level));
    blocks += shape->blocks(level);
  }
  FUZZ_CHECK(shape->tree_blocks() == blocks);
  FUZZ_CHECK(shape->data_bytes() < std::uint64_t{1} << 63 &&
             shape->tree_bytes() < (std::uint64_t{1} << 63) - shape->data_bytes());
  return 0;
}
