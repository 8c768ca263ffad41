#include "image/xattr_set.h"

#include <array>

#include "format/xattr_filter.h"

namespace amberfs {

Result<XattrSet> XattrSet::Read(const Image& image, const Inode& inode) {
  XattrSet set(image);
  if (inode.xattr_bytes() == 0) return set;
  set.area_offset_ = inode.xattr_offset();
  if (inode.body_end() > image.MetadataEnd(inode.offset()))
    return Broken(Rule::kXa2, set.area_offset_);
  set.area_bytes_.resize(inode.xattr_bytes());  // at most 262148 by its 16-bit count
  AMBERFS_TRY_VOID(image.ReadMetadata(set.area_offset_, set.area_bytes_, Rule::kXa2));
  AMBERFS_TRY(set.area_, XattrArea::Parse(set.area_bytes_, set.area_offset_));
  return set;
}

Result<XattrLocation> XattrSet::SharedLocation(std::uint32_t id) const {
  // Below 2^48 + 2^34: no overflow.
  std::uint64_t offset = image_.sb().shared_xattrs_offset() + std::uint64_t{id} * kXattrAlign;
  if (image_.sb().has_compat(wire::kCompatSharedXattrsInMetabox)) offset |= kMetaboxAddress;
  std::array<std::byte, sizeof(wire::XattrEntry)> bytes;
  AMBERFS_TRY_VOID(image_.ReadMetadata(offset, bytes, Rule::kXa5));
  const auto raw = *CopyWire<wire::XattrEntry>(bytes, 0);
  const XattrLocation location{.name_index = raw.name_index,
                               .name_bytes = raw.name_len,
                               .value_bytes = raw.value_size.get(),
                               .offset = offset};
  if (location.end() > image_.MetadataEnd(offset)) return Broken(Rule::kXa5, offset);
  return location;
}

template <typename Visit>
Result<void> XattrSet::ForEach(Visit visit) const {
  if (!area_) return {};
  for (const XattrLocation& entry : area_->inline_entries) {
    const std::string_view suffix =
        AsText(ByteView(area_bytes_).subspan(entry.name_offset() - area_offset_, entry.name_bytes));
    AMBERFS_TRY(XattrName name,
                FullXattrName(image_.xattr_prefixes(), entry.name_index, suffix, entry.offset));
    if (!visit(entry, std::move(name), false)) return {};
  }
  for (const std::uint32_t id : area_->shared_ids) {
    AMBERFS_TRY(const XattrLocation entry, SharedLocation(id));
    std::array<std::byte, 255> buffer;
    const ByteSpan suffix = std::span(buffer).first(entry.name_bytes);
    AMBERFS_TRY_VOID(image_.ReadMetadata(entry.name_offset(), suffix, Rule::kXa5));
    AMBERFS_TRY(XattrName name, FullXattrName(image_.xattr_prefixes(), entry.name_index,
                                              AsText(suffix), entry.offset));
    if (!visit(entry, std::move(name), true)) return {};
  }
  return {};
}

Result<std::vector<Xattr>> XattrSet::List() const {
  std::vector<Xattr> out;
  AMBERFS_TRY_VOID(ForEach([&](const XattrLocation& entry, XattrName name, bool shared) {
    if (name.visibility == XattrVisibility::kVisible)
      out.push_back({std::move(name.name), entry, shared});
    return true;
  }));
  return out;
}

Result<std::optional<Xattr>> XattrSet::Find(std::string_view wanted) const {
  std::optional<Xattr> found;
  if (!area_) return found;
  const auto [index, rest] = SplitAtShortPrefix(wanted);
  if (index == 0) return found;
  if (image_.sb().xattr_filter_usable() &&
      (area_->name_filter >> XattrFilterBit(index, rest) & 1) != 0)
    return found;
  AMBERFS_TRY_VOID(ForEach([&](const XattrLocation& entry, XattrName name, bool shared) {
    if (name.visibility != XattrVisibility::kVisible || name.name != wanted) return true;
    found = Xattr{std::move(name.name), entry, shared};
    return false;
  }));
  return found;
}

Result<std::string> XattrSet::Value(const Xattr& xattr) const {
  std::string value(xattr.location.value_bytes, '\0');
  AMBERFS_TRY_VOID(image_.ReadMetadata(xattr.location.value_offset(),
                                       std::as_writable_bytes(std::span(value)), Rule::kXa5));
  return value;
}

Result<std::vector<XattrLocation>> XattrSet::Unknown() const {
  std::vector<XattrLocation> out;
  AMBERFS_TRY_VOID(ForEach([&](const XattrLocation& entry, const XattrName& name, bool) {
    if (name.visibility == XattrVisibility::kUnknown) out.push_back(entry);
    return true;
  }));
  return out;
}

}  // namespace amberfs
