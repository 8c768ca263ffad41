#include "format/compression_configs.h"

#include "base/checked.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kAlgorithmsField =
    wire::kSuperblockOffset + offsetof(wire::Superblock, compression);
constexpr std::uint32_t kMinDictionary = 4096;
constexpr std::uint32_t kMaxDictionary = 8 << 20;
constexpr unsigned kMinWindowLog = 10;
constexpr unsigned kMaxWindowLogField = 10;
constexpr unsigned kMaxDeflateWindow = 15;

}  // namespace

Result<CompressionConfigs> CompressionConfigs::Parse(const Superblock& sb, ByteView head) {
  CompressionConfigs configs;
  configs.zero_padding_ = sb.has_incompat(wire::kIncompatZeroPadding);
  if (!sb.has_incompat(wire::kIncompatCompressionConfigs)) {
    // The field is LZ4's largest distance then.
    const bool lz4 = configs.zero_padding_ || sb.compression_field() != 0;
    configs.available_ = lz4 ? 1 : 0;
    return configs;
  }
  configs.available_ = sb.compression_field();
  if ((configs.available_ & ~unsigned{wire::kCompressionKnown}) != 0)
    return Broken(Rule::kCfg1, kAlgorithmsField);

  std::uint64_t at = wire::kSuperblockOffset + sb.size_bytes();
  for (unsigned id = 0; id < kAlgorithmCount; ++id) {
    if (!configs.has(id)) continue;
    at = RoundUp(at, 4);
    const auto length = CopyWire<Le16>(head, at);
    if (!length || head.size() - at - sizeof *length < length->get())
      return Broken(Rule::kCfg2, at);
    const ByteView record = head.subspan(at + sizeof *length, length->get());
    AMBERFS_TRY_VOID(configs.ParseRecord(static_cast<Algorithm>(id), record, sb.block_bits(), at));
    at += sizeof *length + record.size();
  }
  configs.bytes_ = at - (wire::kSuperblockOffset + sb.size_bytes());
  return configs;
}

Result<void> CompressionConfigs::ParseRecord(Algorithm algorithm, ByteView record,
                                             unsigned block_bits, std::uint64_t offset) {
  std::uint32_t& window = windows_[static_cast<unsigned>(algorithm)];
  bool good = false;
  switch (algorithm) {
    case Algorithm::kLz4:
      if (const auto raw = CopyWire<wire::Lz4Config>(record, 0))
        good = std::uint64_t{raw->max_pclusterblks.get()} << block_bits <= wire::kMaxPclusterBytes;
      break;
    case Algorithm::kLzma:
      if (const auto raw = CopyWire<wire::LzmaConfig>(record, 0)) {
        window = raw->dict_size.get();
        good = window >= kMinDictionary && window <= kMaxDictionary && raw->format.get() == 0;
      }
      break;
    case Algorithm::kDeflate:
      if (const auto raw = CopyWire<wire::DeflateConfig>(record, 0))
        good = raw->windowbits <= kMaxDeflateWindow;  // 0: not told
      break;
    case Algorithm::kZstd:
      if (const auto raw = CopyWire<wire::ZstdConfig>(record, 0)) {
        good = raw->format == 0 && raw->windowlog <= kMaxWindowLogField;
        if (good) window = std::uint32_t{1} << (raw->windowlog + kMinWindowLog);
      }
      break;
  }
  if (!good) return Broken(Rule::kCfg2, offset);
  return {};
}

}  // namespace amberfs
