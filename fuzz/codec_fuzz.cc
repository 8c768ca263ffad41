// Decode(), with each of its decoders. Input: a CodecHead, then the stream.
//
// A decode fills all of what it was asked for with bytes that the stream alone decides, whatever
// memory held before; it reads no byte behind the stream, and writes none outside of the output.
// What it gives in part is the start of what it gives whole.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "codec/decompressor.h"
#include "fuzz/codec_input.h"
#include "fuzz/fuzz_input.h"

namespace amberfs::fuzz {
namespace {

constexpr std::size_t kMostStream = std::size_t{64} << 10;
// As much of what lies before the output is looked at.
constexpr std::size_t kBefore = 4096;

// Memory whose end cannot be crossed. The libraries are not built with sanitizers, so it is the
// processor that has to notice.
class GuardedMemory {
 public:
  explicit GuardedMemory(std::size_t bytes) {
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    void* const start = ::mmap(nullptr, bytes + page, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, /*offset=*/0);
    FUZZ_CHECK(start != MAP_FAILED && bytes % page == 0);
    memory_ = {static_cast<std::byte*>(start), bytes};
    FUZZ_CHECK(::mprotect(memory_.data() + bytes, page, PROT_NONE) == 0);
  }
  ByteSpan Last(std::size_t bytes) const { return memory_.last(bytes); }

 private:
  ByteSpan memory_;  // kept until the program ends
};

struct Decoded {
  DecodeStatus status;
  std::vector<std::byte> bytes;  // empty if it failed
};

// Decodes over memory full of `fill`.
Decoded DecodeOver(std::byte fill, const EncodedStream& stream, std::size_t size) {
  static const GuardedMemory memory(kMostDecoded + kBefore);
  const ByteSpan all = memory.Last(size + kBefore);
  std::ranges::fill(all, fill);
  const ByteSpan out = all.subspan(kBefore);
  const DecodeStatus status = Decode(stream, out);
  FUZZ_CHECK(std::ranges::all_of(all.first(kBefore), [&](std::byte b) { return b == fill; }));
  FUZZ_CHECK(status != DecodeStatus::kNoMemory);
  if (status != DecodeStatus::kOk) return {status, {}};
  return {status, {out.begin(), out.end()}};
}

Decoded DecodeTwice(const EncodedStream& stream, std::size_t size) {
  Decoded over_zeros = DecodeOver(std::byte{0x00}, stream, size);
  const Decoded over_ones = DecodeOver(std::byte{0xFF}, stream, size);
  FUZZ_CHECK(over_zeros.status == over_ones.status && over_zeros.bytes == over_ones.bytes);
  return over_zeros;
}

void CheckPart(EncodedStream stream, const Decoded& longer, std::size_t size) {
  const bool was_whole = stream.whole;
  stream.whole = false;
  const Decoded part = DecodeTwice(stream, size);
  // DEFLATE has two decoders, of which that for parts takes less.
  if (part.status != DecodeStatus::kOk) {
    FUZZ_CHECK(was_whole && stream.algorithm == Algorithm::kDeflate);
    return;
  }
  if (stream.algorithm == Algorithm::kLz4 && !stream.strict) return;
  FUZZ_CHECK(std::ranges::equal(part.bytes, std::span(longer.bytes).first(size)));
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Input input(data, size);
  const auto head = input.Take<CodecHead>();
  if (input.rest().size() > kMostStream) return 0;
  static const GuardedMemory memory(kMostStream);
  const ByteSpan bytes = memory.Last(input.rest().size());
  std::ranges::copy(input.rest(), bytes.begin());
  const EncodedStream stream{.algorithm = head.algorithm(),
                             .bytes = bytes,
                             .whole = head.whole(),
                             .window = head.window(),
                             .strict = head.strict()};
  const Decoded decoded = DecodeTwice(stream, head.size_bytes());
  if (decoded.status != DecodeStatus::kOk) return 0;
  FUZZ_CHECK(head.size_bytes() > 0 && !bytes.empty());
  CheckPart(stream, decoded, head.size_bytes());
  CheckPart(stream, decoded, head.part_bytes());
  return 0;
}
