// DmVeritySuperblock::Parse().
//
// Input: a superblock.
#include "fuzz/fuzz_input.h"
#include "verity/dm_verity.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  constexpr std::uint64_t kAt = 8192;
  const auto superblock = DmVeritySuperblock::Parse(std::as_bytes(std::span(data, size)), kAt);
  if (!superblock) {
    FUZZ_CHECK(superblock.error().offset >= kAt && superblock.error().offset < kAt + 512);
    FUZZ_CHECK(superblock.error().rule >= Rule::kDmv1 && superblock.error().rule <= Rule::kDmv4);
    return 0;
  }
  FUZZ_CHECK(superblock->salt.size() <= 256);
  FUZZ_CHECK(superblock->data_blocks <= (~std::uint64_t{0} >> 1) >>
             superblock->params.data_block_bits);
  const std::uint64_t tree = superblock->TreeOffset(kAt);
  FUZZ_CHECK(tree >= kAt + 512 && tree % superblock->params.hash_block_bytes() == 0);
  const auto again = DmVeritySuperblock::Parse(superblock->Encode(), 0);
  FUZZ_CHECK(again.has_value() && again->Encode() == superblock->Encode());
  const auto shape = TreeShape::Make(superblock->params,
                                     superblock->data_blocks << superblock->params.data_block_bits);
  if (shape) FUZZ_CHECK(shape->data_blocks() == superblock->data_blocks);
  return 0;
}
