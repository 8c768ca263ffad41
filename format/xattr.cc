#include "format/xattr.h"

#include "base/checked.h"
#include "format/xattr_filter.h"

namespace amberfs {
namespace {

constexpr std::uint8_t kMaxShortPrefix = 6;
constexpr std::size_t kMaxName = 255;

}  // namespace

Result<XattrPrefixTable> XattrPrefixTable::Parse(ByteView bytes, unsigned count,
                                                 std::uint64_t offset) {
  XattrPrefixTable table;
  if (count > wire::kXattrLongPrefix) return Broken(Rule::kXa7, offset);
  std::uint64_t at = 0;
  for (unsigned i = 0; i < count; ++i) {
    at = RoundUp(at, kXattrAlign);
    const auto length = CopyWire<Le16>(bytes, at);
    if (!length || length->get() < 1 || length->get() > 256 ||
        bytes.size() - at - sizeof *length < length->get())
      return Broken(Rule::kXa7, offset + at);
    const ByteView item = bytes.subspan(at + sizeof *length, length->get());
    const auto base = std::to_integer<std::uint8_t>(item[0]);
    if (base > kMaxShortPrefix) return Broken(Rule::kXa7, offset + at + sizeof *length);
    table.items_.push_back({base, std::string(AsText(item.subspan(1)))});
    at += sizeof *length + length->get();
  }
  table.bytes_ = at;
  return table;
}

Result<XattrArea> XattrArea::Parse(ByteView area, std::uint64_t offset) {
  const auto header = CopyWire<wire::XattrHeader>(area, 0);
  if (!header || area.size() == sizeof *header) return Broken(Rule::kXa1, offset);

  XattrArea out;
  out.name_filter = header->name_filter.get();
  out.reserved_is_zero = AllZero(header->reserved);
  std::uint64_t at = sizeof *header;
  if (area.size() - at < header->shared_count * sizeof(Le32)) return Broken(Rule::kXa3, offset + 4);
  for (unsigned i = 0; i < header->shared_count; ++i, at += sizeof(Le32))
    out.shared_ids.push_back(CopyWire<Le32>(area, at)->get());

  while (at < area.size()) {
    const auto raw = CopyWire<wire::XattrEntry>(area, at);
    if (!raw) return Broken(Rule::kXa4, offset + at);
    const XattrLocation entry{.name_index = raw->name_index,
                              .name_bytes = raw->name_len,
                              .value_bytes = raw->value_size.get(),
                              .offset = offset + at};
    const std::uint64_t end = RoundUp(entry.end() - offset, kXattrAlign);
    if (end > area.size()) return Broken(Rule::kXa4, offset + at);
    // Index 0 without a name is a filler.
    if (entry.name_index != 0 || entry.name_bytes != 0) out.inline_entries.push_back(entry);
    at = end;
  }
  return out;
}

Result<XattrName> FullXattrName(const XattrPrefixTable& prefixes, std::uint8_t name_index,
                                std::string_view suffix, std::uint64_t offset) {
  std::uint8_t base = name_index;
  std::string_view infix;
  if ((name_index & wire::kXattrLongPrefix) != 0) {
    const auto* item =
        prefixes.Find(static_cast<std::uint8_t>(name_index & ~wire::kXattrLongPrefix));
    if (item == nullptr) return XattrName{XattrVisibility::kUnknown, {}};
    base = item->base_index;
    infix = item->infix;
  }
  if (base == 0) return XattrName{XattrVisibility::kHidden, {}};
  const std::string_view prefix = ShortXattrPrefix(base);
  if (prefix.empty()) return XattrName{XattrVisibility::kUnknown, {}};

  std::string name(prefix);
  name.append(infix).append(suffix);
  const bool whole = base == wire::kXattrAclAccess || base == wire::kXattrAclDefault;
  if ((name.size() == prefix.size()) != whole || name.size() > kMaxName ||
      name.find('\0') != name.npos)
    return Broken(Rule::kXa6, offset);
  return XattrName{XattrVisibility::kVisible, std::move(name)};
}

bool IsWellFormedAcl(ByteView value) {
  const auto version = CopyWire<Le32>(value, 0);
  if (!version || version->get() != wire::kAclVersion) return false;
  if ((value.size() - sizeof *version) % sizeof(wire::AclEntry) != 0) return false;

  std::uint16_t previous = 0;
  unsigned seen = 0;
  for (std::uint64_t at = sizeof *version; at < value.size(); at += sizeof(wire::AclEntry)) {
    const wire::AclEntry entry = *CopyWire<wire::AclEntry>(value, at);
    const std::uint16_t tag = entry.tag.get();
    const std::uint32_t id = entry.id.get();
    const bool named = tag == wire::kAclUser || tag == wire::kAclGroup;
    const bool known = named || tag == wire::kAclUserObj || tag == wire::kAclGroupObj ||
                       tag == wire::kAclMask || tag == wire::kAclOther;
    if (!known || entry.perm.get() > 7 || tag < previous) return false;
    if (named ? id == wire::kAclNoId : tag == previous) return false;
    previous = tag;
    seen |= tag;
  }
  // Nothing at all, or the three base entries, and a mask if anybody is named.
  if (seen == 0) return true;
  const unsigned base = wire::kAclUserObj | wire::kAclGroupObj | wire::kAclOther;
  const bool named = (seen & (wire::kAclUser | wire::kAclGroup)) != 0;
  return (seen & base) == base && (!named || (seen & wire::kAclMask) != 0);
}

AclCeiling CeilingWithoutAcl(ByteView value) {
  if (!IsWellFormedAcl(value)) return {0, 0};
  std::uint32_t mask = 7;
  std::uint32_t group = 7;
  std::uint32_t other = 7;
  std::uint32_t named = 7;  // what everybody who is named may do
  bool names_anybody = false;
  for (std::uint64_t at = sizeof(Le32); at < value.size(); at += sizeof(wire::AclEntry)) {
    const wire::AclEntry entry = *CopyWire<wire::AclEntry>(value, at);
    const std::uint32_t perm = entry.perm.get();
    switch (entry.tag.get()) {
      case wire::kAclUser:
      case wire::kAclGroup:
        named &= perm;
        names_anybody = true;
        break;
      case wire::kAclGroupObj:
        group = perm;
        break;
      case wire::kAclMask:
        mask = perm;
        break;
      case wire::kAclOther:
        other = perm;
        break;
      default:
        break;
    }
  }
  // The mask binds the group and who is named, nobody else.
  const std::uint32_t granted = names_anybody ? named & mask : 7;
  return {group & mask & granted, other & granted};
}

}  // namespace amberfs
