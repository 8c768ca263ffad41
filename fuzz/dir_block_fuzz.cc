// DirBlock::Parse() and Find(). Input: the block.
#include "format/dir_block.h"

#include <string>

#include "fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  const ByteView bytes = std::as_bytes(std::span(data, std::min<std::size_t>(size, 65536)));
  constexpr std::uint64_t kOffset = 4096;
  const auto block = DirBlock::Parse(bytes, kOffset);
  if (!block) {
    FUZZ_CHECK(block.error().code == Errc::kCorrupt);
    FUZZ_CHECK(block.error().offset >= kOffset &&
               block.error().offset <= kOffset + bytes.size() + 12);
    return 0;
  }

  FUZZ_CHECK(block->size() >= 1 && block->size() * 13ULL <= bytes.size());
  bool ascends = true;
  std::string previous;
  const std::byte* end = bytes.data();
  for (std::uint32_t i = 0; i < block->size(); ++i) {
    const DirEntry entry = (*block)[i];
    FUZZ_CHECK(!entry.name.empty() && entry.name.size() <= 255);
    FUZZ_CHECK(entry.name.find('/') == entry.name.npos);
    FUZZ_CHECK(entry.name.find('\0') == entry.name.npos);
    // Inside the block, each behind the one before, all behind the headers.
    const ByteView name = AsBytes(entry.name);
    FUZZ_CHECK(name.data() >= bytes.data() + block->size() * 12);
    FUZZ_CHECK(i == 0 || name.data() == end);
    end = name.data() + name.size();
    FUZZ_CHECK(end <= bytes.data() + bytes.size());
    if (i > 0 && previous >= entry.name) ascends = false;
    previous = entry.name;
  }

  for (std::uint32_t i = 0; i < block->size(); ++i) {
    const DirEntry entry = (*block)[i];
    const auto found = block->Find(entry.name);
    FUZZ_CHECK(!ascends || found.has_value());
    FUZZ_CHECK(!found || found->name == entry.name);
    FUZZ_CHECK(!ascends || found->nid == entry.nid);
    // A name that no entry has: longer by a byte that sorts first.
    const auto longer = block->Find(std::string(entry.name) + '\0');
    FUZZ_CHECK(!longer);
  }
  FUZZ_CHECK(!block->Find(""));
  block->padding_is_zero();
  return 0;
}
