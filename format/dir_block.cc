#include "format/dir_block.h"

#include <algorithm>
#include <cstring>

namespace amberfs {
namespace {

constexpr std::uint32_t kDirentBytes = sizeof(wire::Dirent);
constexpr std::uint32_t kMaxName = 255;

// Where the name that starts at `start` and is the block's last ends: at a NUL or the block's end.
std::uint32_t LastNameEnd(ByteView block, std::uint32_t start) {
  const ByteView rest = block.subspan(start);
  const void* nul = rest.empty() ? nullptr : std::memchr(rest.data(), 0, rest.size());
  if (nul == nullptr) return static_cast<std::uint32_t>(block.size());
  return start + static_cast<std::uint32_t>(static_cast<const std::byte*>(nul) - rest.data());
}

}  // namespace

Result<DirBlock> DirBlock::Parse(ByteView block, std::uint64_t offset) {
  const auto first = CopyWire<wire::Dirent>(block, 0);
  if (!first) return Broken(Rule::kDir1, offset);
  const std::uint32_t names_start = first->nameoff.get();
  if (names_start < kDirentBytes || names_start % kDirentBytes != 0 || names_start >= block.size())
    return Broken(Rule::kDir1, offset + offsetof(wire::Dirent, nameoff));

  const DirBlock parsed(block, names_start / kDirentBytes);
  std::uint32_t start = names_start;
  for (std::uint32_t i = 0; i < parsed.count_; ++i) {
    // Entry i's name ends where the next one starts, which must be inside the block before it may
    // be used as an end.
    const std::uint32_t end = parsed.NameEnd(i, start);
    if (end > block.size() || end <= start || end - start > kMaxName)
      return Broken(Rule::kDir2, offset + i * kDirentBytes + offsetof(wire::Dirent, nameoff));
    start = end;
  }
  // All names at once, as they leave no gaps.
  const std::string_view names = AsText(block.subspan(names_start, start - names_start));
  const std::size_t bad = std::min(names.find('/'), names.find('\0'));
  if (bad != names.npos) {
    std::uint32_t i = 0;
    while (i + 1 < parsed.count_ && parsed.NameStart(i + 1) <= names_start + bad) ++i;
    return Broken(Rule::kDir3, offset + parsed.NameStart(i));
  }
  return parsed;
}

DirEntry DirBlock::operator[](std::uint32_t index) const {
  const wire::Dirent raw = *CopyWire<wire::Dirent>(block_, std::uint64_t{index} * kDirentBytes);
  const std::uint32_t start = raw.nameoff.get();
  return {.nid = Nid{raw.nid.get()},
          .raw_type = raw.file_type,
          .reserved = raw.reserved,
          .name = AsText(block_.subspan(start, NameEnd(index, start) - start))};
}

std::optional<DirEntry> DirBlock::Find(std::string_view name) const {
  std::uint32_t low = 0;
  std::uint32_t high = count_;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    const DirEntry entry = (*this)[middle];
    // char_traits<char> compares as unsigned bytes, which is the format's order.
    const int order = entry.name.compare(name);
    if (order == 0) return entry;
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return std::nullopt;
}

bool DirBlock::padding_is_zero() const {
  for (std::uint32_t i = 0; i < count_; ++i)
    if ((*this)[i].reserved != 0) return false;
  return AllZero(block_.subspan(NameEnd(count_ - 1, NameStart(count_ - 1))));
}

std::uint32_t DirBlock::NameStart(std::uint32_t index) const {
  return CopyWire<Le16>(block_,
                        std::uint64_t{index} * kDirentBytes + offsetof(wire::Dirent, nameoff))
      ->get();
}

std::uint32_t DirBlock::NameEnd(std::uint32_t index, std::uint32_t start) const {
  return index + 1 < count_ ? NameStart(index + 1) : LastNameEnd(block_, start);
}

}  // namespace amberfs
