#include "amber/compression_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <string_view>
#include <thread>

#include "amber/size.h"
#include "format/wire.h"

namespace amberfs {
namespace {

constexpr std::uint32_t kDefaultPclusterBytes = 65536;
constexpr unsigned kMaxWorkers = 256;
constexpr unsigned kMaxBlockBits = 14;

struct Name {
  std::string_view name;
  Algorithm algorithm;
  bool high;
};
constexpr auto kNames = std::to_array<Name>({
    {"lz4", Algorithm::kLz4, false},
    {"lz4hc", Algorithm::kLz4, true},
    {"lzma", Algorithm::kLzma, false},
    {"deflate", Algorithm::kDeflate, false},
    {"libdeflate", Algorithm::kDeflate, false},
    {"zstd", Algorithm::kZstd, false},
});

// The bytes that one match may reach back, or 0 where the format does not say.
struct Windows {
  std::uint32_t least;
  std::uint32_t most;
};
Windows WindowsOf(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::kLzma:
      return {4096, 8U << 20};
    case Algorithm::kZstd:
      return {1024, 1U << 20};
    case Algorithm::kLz4:
    case Algorithm::kDeflate:
      return {0, 0};
  }
  return {0, 0};
}

// Enough for what one pcluster usually holds: readers may need as much memory for each decoder.
std::uint32_t DefaultWindow(Algorithm algorithm, std::uint64_t pcluster_bytes) {
  if (WindowsOf(algorithm).most == 0) return 0;
  return static_cast<std::uint32_t>(
      std::clamp<std::uint64_t>(std::bit_ceil(8 * pcluster_bytes), 65536, 1U << 20));
}

// "level=N", "N" or "dictsize=SIZE".
std::expected<void, std::string> SetOption(std::string_view option, EncoderSettings& settings) {
  constexpr std::string_view kLevel = "level=";
  constexpr std::string_view kWindow = "dictsize=";
  if (option.starts_with(kWindow)) {
    const auto [least, most] = WindowsOf(settings.algorithm);
    if (most == 0) return std::unexpected("-z: this algorithm has no dictsize");
    const auto size = ParseSize(option.substr(kWindow.size()));
    if (!size || *size < least || *size > most || !std::has_single_bit(*size))
      return std::unexpected(
          fmt::format("-z: '{}' is not a power of two from {} to {}", option, least, most));
    settings.window = static_cast<std::uint32_t>(*size);
    return {};
  }
  if (option.starts_with(kLevel)) option.remove_prefix(kLevel.size());
  const auto level = ParseNumber<int>(option);
  const int least = MinLevel(settings.algorithm, settings.high);
  const int most = MaxLevel(settings.algorithm, settings.high);
  if (!level || *level < least || *level > most)
    return std::unexpected(
        fmt::format("-z: '{}' is not a level from {} to {}", option, least, most));
  settings.level = *level;
  return {};
}

}  // namespace

void DefineCompressionOptions(CLI::App& app, CompressionArguments& args) {
  app.add_option(
         "-z", args.algorithm,
         "Compress files: lz4, lz4hc, lzma, deflate or zstd, and perhaps ,LEVEL or ,level=N "
         "or ,dictsize=SIZE")
      ->type_name("ALGORITHM");
  AddSizeOption(app, "-C", args.pcluster_bytes,
                "The longest compressed piece, a block to 1M (default 64K)");
  app.add_option("--workers", args.workers,
                 "Threads that compress (default 0: one for each processor)")
      ->type_name("N");
}

std::expected<std::optional<Compression>, std::string> ParseCompression(
    const CompressionArguments& args, unsigned block_bits) {
  if (args.workers > kMaxWorkers)
    return std::unexpected(fmt::format("--workers: {} at most", kMaxWorkers));
  const std::uint64_t block_bytes = std::uint64_t{1} << block_bits;
  if (args.pcluster_bytes % block_bytes != 0 || args.pcluster_bytes > wire::kMaxPclusterBytes)
    return std::unexpected("-C: a compressed piece has whole blocks and 1 MiB at most");
  if (args.algorithm.empty()) return std::nullopt;
  if (block_bits > kMaxBlockBits)
    return std::unexpected("-z: files can be compressed in blocks of at most 16384 bytes");

  std::string_view rest = args.algorithm;
  const auto next_part = [&rest] {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    return part;
  };
  const std::string_view name = next_part();
  const auto* const known = std::ranges::find(kNames, name, &Name::name);
  if (known == kNames.end())
    return std::unexpected(fmt::format("-z: there is no algorithm '{}'", name));

  Compression compression;
  compression.pcluster_bytes = static_cast<std::uint32_t>(
      args.pcluster_bytes != 0 ? args.pcluster_bytes
                               : std::max<std::uint64_t>(kDefaultPclusterBytes, block_bytes));
  EncoderSettings& encoder = compression.encoder;
  encoder.algorithm = known->algorithm;
  encoder.high = known->high;
  encoder.level = DefaultLevel(encoder.algorithm, encoder.high);
  encoder.window = DefaultWindow(encoder.algorithm, compression.pcluster_bytes);
  while (!rest.empty())
    if (const auto set = SetOption(next_part(), encoder); !set) return std::unexpected(set.error());
  compression.workers =
      args.workers != 0 ? args.workers : std::max(1U, std::thread::hardware_concurrency());
  return compression;
}

}  // namespace amberfs
