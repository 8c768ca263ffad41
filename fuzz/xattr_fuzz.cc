// The xattr area, the long prefix table, full names, and ACLs.
//
// Input: number of prefixes (1 byte), bytes of their table (2), the table, then the area.
#include "format/xattr.h"

#include <string>

#include "base/checked.h"
#include "format/xattr_filter.h"
#include "fuzz/fuzz_input.h"

namespace amberfs::fuzz {
namespace {

constexpr std::uint64_t kOffset = 8192;

// What posix_acl(5) says of an ACL, in another order than the code under test: one entry each for
// owner, group and others, each named user and group once, a mask if there are any.
bool AclBySets(ByteView value) {
  if (value.size() < 4 || CopyWire<Le32>(value, 0)->get() != 2 || value.size() % 8 != 4)
    return false;
  int owners = 0, groups = 0, others = 0, masks = 0, named = 0;
  unsigned last_rank = 0;
  std::uint32_t last_id = 0;
  for (std::size_t at = 4; at < value.size(); at += 8) {
    const unsigned tag = CopyWire<Le16>(value, at)->get();
    const unsigned perm = CopyWire<Le16>(value, at + 2)->get();
    const std::uint32_t id = CopyWire<Le32>(value, at + 4)->get();
    if (perm > 7) return false;
    unsigned rank = 0;
    switch (tag) {
      case 1:
        ++owners, rank = 1;
        break;
      case 2:
        ++named, rank = 2;
        break;
      case 4:
        ++groups, rank = 3;
        break;
      case 8:
        ++named, rank = 4;
        break;
      case 16:
        ++masks, rank = 5;
        break;
      case 32:
        ++others, rank = 6;
        break;
      default:
        return false;
    }
    if (rank < last_rank) return false;
    if (rank == 2 || rank == 4) {
      if (id == ~0U || (rank == last_rank && id <= last_id)) return false;
    }
    last_rank = rank;
    last_id = id;
  }
  if (value.size() == 4) return true;
  return owners == 1 && groups == 1 && others == 1 && masks <= 1 && (named == 0 || masks == 1);
}

void CheckName(const XattrPrefixTable& prefixes, std::uint8_t index, std::string_view suffix) {
  const auto name = FullXattrName(prefixes, index, suffix, kOffset);
  if (!name) {
    FUZZ_CHECK(name.error().rule == Rule::kXa6 && name.error().offset == kOffset);
    return;
  }
  if (name->visibility != XattrVisibility::kVisible) return;
  FUZZ_CHECK(!name->name.empty() && name->name.size() <= 255);
  FUZZ_CHECK(name->name.find('\0') == std::string::npos);
  FUZZ_CHECK(name->name.ends_with(suffix));
  // Splitting at the short prefix is the inverse, or the filter would look at the wrong bit.
  const auto [short_index, rest] = SplitAtShortPrefix(name->name);
  const auto* item = prefixes.Find(static_cast<std::uint8_t>(index & 0x7F));
  FUZZ_CHECK(short_index == ((index & 0x80) != 0 ? item->base_index : index));
  FUZZ_CHECK(std::string(ShortXattrPrefix(short_index)).append(rest) == name->name);
  FUZZ_CHECK(XattrFilterBit(short_index, rest) < 32);
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Input input(data, size);
  const unsigned count = input.Take<std::uint8_t>();
  const ByteView table_bytes = input.TakeBytes(input.Take<Le16>().get());
  auto parsed = XattrPrefixTable::Parse(table_bytes, count, kOffset);
  if (parsed) {
    FUZZ_CHECK(count <= 128);
    for (unsigned i = 0; i < 256; ++i) {
      const auto* item = parsed->Find(static_cast<std::uint8_t>(i));
      FUZZ_CHECK((item != nullptr) == (i < count));
      FUZZ_CHECK(item == nullptr || (item->base_index <= 6 && item->infix.size() <= 255));
    }
  } else {
    FUZZ_CHECK(parsed.error().rule == Rule::kXa7);
  }
  const XattrPrefixTable prefixes = parsed ? *parsed : XattrPrefixTable();

  FUZZ_CHECK(IsWellFormedAcl(input.rest()) == AclBySets(input.rest()));
  const ByteView area_bytes =
      input.rest().first(std::min<std::size_t>(input.rest().size(), 262148));
  const auto area = XattrArea::Parse(area_bytes, kOffset);
  if (!area) {
    const Rule rule = area.error().rule;
    FUZZ_CHECK(rule == Rule::kXa1 || rule == Rule::kXa3 || rule == Rule::kXa4);
    FUZZ_CHECK(area.error().offset >= kOffset &&
               area.error().offset <= kOffset + area_bytes.size());
    return 0;
  }
  FUZZ_CHECK(area->shared_ids.size() <= 255);
  std::uint64_t end = kOffset + 12 + area->shared_ids.size() * 4;
  for (const XattrLocation& entry : area->inline_entries) {
    FUZZ_CHECK(entry.offset >= end && entry.offset % 4 == 0);
    end = RoundUp(entry.end(), kXattrAlign);
    FUZZ_CHECK(end <= kOffset + area_bytes.size());
    CheckName(prefixes, entry.name_index,
              AsText(area_bytes.subspan(entry.name_offset() - kOffset, entry.name_bytes)));
    const ByteView value = area_bytes.subspan(entry.value_offset() - kOffset, entry.value_bytes);
    FUZZ_CHECK(IsWellFormedAcl(value) == AclBySets(value));
  }
  return 0;
}
