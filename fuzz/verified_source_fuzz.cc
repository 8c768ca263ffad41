// VerifiedSource: whatever is done to image and seal, what a read returns is the image that was
// sealed, or an error and zeros.
//
// Input: the cache's size in blocks (1 byte), then steps of 6 bytes: what (1), how long (1; times
// 64), where (4). What: 0 and 1 read, 2 changes a byte of the image, 3 one of the seal.
#include <array>
#include <vector>

#include "fuzz/fuzz_input.h"
#include "verity/open.h"
#include "verity/seal_writer.h"

namespace amberfs::fuzz {
namespace {

constexpr std::size_t kBytes = 40'000;  // two levels of hashes with blocks of 512 bytes
constexpr std::size_t kSteps = 64;

// Bytes that are changed between reads.
class Memory final : public ByteSource {
 public:
  explicit Memory(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override {
    if (offset > size() || out.size() > size() - offset) return IoError(EIO, offset);
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(offset), out.size(), out.begin());
    return {};
  }
  void Change(std::uint64_t at) { bytes_[at % bytes_.size()] ^= std::byte{0x10}; }

 private:
  std::vector<std::byte> bytes_;
};

struct Sealed {
  Sealed() : image(kBytes) {
    std::uint32_t state = 1;
    for (std::byte& b : image) {
      state = (state >> 1) ^ ((state & 1) != 0 ? 0xEDB88320U : 0U);
      b = static_cast<std::byte>(state & 0xFF);
    }
    seal = *MakeSeal(MemorySource(image), {.block_bits = 9});
    pin = *PinnedDigest::FromText(
        ComputeDescriptor(MemorySource(image), {.block_bits = 9})->file_digest().id());
  }
  std::vector<std::byte> image;
  std::vector<std::byte> seal;
  PinnedDigest pin;
};

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  static const Sealed sealed;
  Input input(data, size);
  const ByteView first = input.TakeBytes(1);
  const std::uint64_t cache_bytes =
      first.empty() ? 0 : std::to_integer<std::uint64_t>(first[0]) * 512;
  const auto image = std::make_shared<Memory>(sealed.image);
  const auto seal = std::make_shared<Memory>(sealed.seal);
  const auto opened = OpenVerified(
      image, seal, {.pin = sealed.pin, .source = {.cache_bytes = cache_bytes}}, TrustStore());
  FUZZ_CHECK(opened.has_value());

  std::vector<std::byte> out;
  for (std::size_t step = 0; step < kSteps && !input.rest().empty(); ++step) {
    const ByteView head = input.TakeBytes(2);
    if (head.size() < 2) break;
    const std::uint64_t at = input.Take<Le32>().get();
    switch (std::to_integer<unsigned>(head[0]) % 4) {
      case 2:
        image->Change(at);
        continue;
      case 3:
        seal->Change(at);
        continue;
      default:
        break;
    }
    const std::uint64_t offset = at % kBytes;
    const std::size_t length = std::to_integer<std::size_t>(head[1]) * 64;
    out.assign(std::min<std::size_t>(length, kBytes - offset), std::byte{0xAA});
    if (const auto read = opened->source->ReadAt(offset, out)) {
      FUZZ_CHECK(std::ranges::equal(out, ByteView(sealed.image).subspan(offset, out.size())));
    } else {
      FUZZ_CHECK(read.error().code == Errc::kUnverified && AllZero(out));
    }
  }
  return 0;
}
