// CompressionConfigs::Parse(). Input: the image's first bytes from the superblock on.
#include "format/compression_configs.h"

#include <algorithm>
#include <vector>

#include "fuzz/fuzz_input.h"
#include "fuzz/some_superblock.h"

namespace amberfs::fuzz {
namespace {

void CheckRules(const Superblock& sb, const CompressionConfigs& configs) {
  for (unsigned id = 4; id < 300; ++id) FUZZ_CHECK(!configs.has(id));
  for (const Algorithm algorithm :
       {Algorithm::kLz4, Algorithm::kLzma, Algorithm::kDeflate, Algorithm::kZstd}) {
    const std::uint32_t window = configs.window(algorithm);
    if (!configs.has(static_cast<unsigned>(algorithm))) {
      FUZZ_CHECK(window == 0);
      continue;
    }
    FUZZ_CHECK(algorithm == Algorithm::kLz4 || sb.has_incompat(wire::kIncompatCompressionConfigs));
    // What a decoder may take for it.
    FUZZ_CHECK(algorithm != Algorithm::kLzma || (window >= 4096 && window <= 8U << 20));
    FUZZ_CHECK(algorithm != Algorithm::kZstd || (window >= 1024 && window <= 1U << 20));
  }
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  std::vector<std::byte> head(wire::kSuperblockOffset);
  const ByteView bytes = std::as_bytes(std::span(data, size));
  head.insert(head.end(), bytes.begin(), bytes.end());
  const auto sb = Superblock::Parse(head, ~std::uint64_t{0});
  if (!sb) return 0;
  const auto configs = CompressionConfigs::Parse(*sb, head);
  if (!configs) {
    FUZZ_CHECK(configs.error().rule == Rule::kCfg1 || configs.error().rule == Rule::kCfg2);
    FUZZ_CHECK(configs.error().offset >= wire::kSuperblockOffset);
    // A record that is missing would start behind the superblock, or behind the one before it.
    const std::uint64_t end = wire::kSuperblockOffset + sb->size_bytes();
    FUZZ_CHECK(configs.error().offset < std::max<std::uint64_t>(head.size(), end) + 4);
    return 0;
  }
  CheckRules(*sb, *configs);
  return 0;
}
