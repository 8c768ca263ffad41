// Broken extended attributes.
#include "tests/bad/bad_image.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kFirstId = sizeof(wire::XattrHeader);

BAD_IMAGE(XA1, HeaderWithoutEntries) {
  image.EditCompact("/null", [](auto& inode) { inode.xattr_icount = 1; });
  return image.XattrsAt("/null");
}

BAD_IMAGE(XA2, AreaBehindTheImage) {
  image.EditCompact("/null", [](auto& inode) { inode.xattr_icount = 0xFFFF; });
  return image.XattrsAt("/null");
}

BAD_IMAGE(XA3, SharedIdsBehindTheArea) {
  image.Edit<wire::XattrHeader>(image.XattrsAt("/file"),
                                [](auto& header) { header.shared_count = 255; });
  return image.XattrsAt("/file") + 4;
}

BAD_IMAGE(XA4, ValueBehindTheArea) {
  const std::uint64_t entry = image.InlineXattrAt("/file", "b");
  image.Edit<wire::XattrEntry>(entry, [](auto& raw) { raw.value_size = 0xFFFF; });
  return entry;
}

BAD_IMAGE(XA5, SharedIdBehindTheImage) {
  image.Edit<Le32>(image.XattrsAt("/file") + kFirstId, [](auto& id) { id = 0xFFFFFFFF; });
  return std::uint64_t{0xFFFFFFFF} * 4;
}

BAD_IMAGE(XA5, SharedValueBehindTheImage) {
  image.Edit<wire::XattrEntry>(GoodImage::kSharedXattr,
                               [](auto& entry) { entry.value_size = 0xFFFF; });
  return GoodImage::kSharedXattr;
}

BAD_IMAGE(XA6, NameWithANul) {
  const std::uint64_t entry = image.InlineXattrAt("/file", "label");
  image.SetByte(entry + sizeof(wire::XattrEntry) + 1, 0);
  return entry;
}

BAD_IMAGE(XA6, PrefixAlone) {
  // "user." with the name's byte as part of the value.
  const std::uint64_t entry = image.InlineXattrAt("/file", "a");
  image.Edit<wire::XattrEntry>(entry, [](auto& raw) {
    raw.name_len = 0;
    raw.value_size = 2;
  });
  return entry;
}

BAD_IMAGE(XA6, AclWithASuffix) {
  const std::uint64_t entry = image.InlineXattrAt("/file", "a");
  image.Edit<wire::XattrEntry>(entry, [](auto& raw) { raw.name_index = wire::kXattrAclAccess; });
  return entry;
}

BAD_IMAGE(XA7, PrefixTableBehindTheImage) {
  image.EditSuperblock([](auto& sb) { sb.xattr_prefix_start = 0xFFFFFFFF; });
  return GoodImage::kSb + 92;
}

BAD_IMAGE(XA7, EmptyPrefixItem) {
  image.Edit<Le16>(GoodImage::kPrefixTable, [](auto& length) { length = 0; });
  return GoodImage::kPrefixTable;
}

BAD_IMAGE(XA8, UnknownShortPrefix) {
  const std::uint64_t entry = image.InlineXattrAt("/file", "a");
  image.Edit<wire::XattrEntry>(entry, [](auto& raw) { raw.name_index = 9; });
  return entry;
}

BAD_IMAGE(XA8, LongPrefixThatTheTableLacks) {
  const std::uint64_t entry = image.InlineXattrAt("/file", "opaque");
  image.Edit<wire::XattrEntry>(entry, [](auto& raw) { raw.name_index = 0x81; });
  return entry;
}

BAD_IMAGE(XA9, InlineNameTwice) {
  const std::uint64_t entry = image.InlineXattrAt("/file", "b");
  image.SetByte(entry + sizeof(wire::XattrEntry), 'a');
  return entry;
}

BAD_IMAGE(XA9, SharedNameTwice) {
  // A second id in place of the first inline entry, which takes eight bytes.
  const std::uint64_t area = image.XattrsAt("/file");
  image.Edit<wire::XattrHeader>(area, [](auto& header) { header.shared_count = 3; });
  for (std::uint64_t i = 1; i < 3; ++i)
    image.Edit<Le32>(area + kFirstId + 4 * i, [](auto& id) { id = GoodImage::kSharedXattr / 4; });
  return GoodImage::kSharedXattr;
}

BAD_IMAGE(XA10, FilterDeniesEverything) {
  image.Edit<wire::XattrHeader>(image.XattrsAt("/file"),
                                [](auto& header) { header.name_filter = 0xFFFFFFFF; });
  return image.XattrsAt("/file");
}

BAD_IMAGE(XA11, AclOfAnotherVersion) {
  const std::uint64_t entry = image.InlineXattrAt("/file", "");
  image.Edit<Le32>(entry + sizeof(wire::XattrEntry), [](auto& version) { version = 1; });
  return entry;
}

BAD_IMAGE(XA11, AclOutOfOrder) {
  const std::uint64_t entry = image.InlineXattrAt("/", "");
  image.SetByte(entry + 2 * sizeof(Le32), 0x20);  // "other" comes first
  return entry;
}

BAD_IMAGE(XA12, DigestOfOtherData) {
  image.options.level = CheckLevel::kData;
  image.SetByte(image.BodyAt("/file"), 'X');
  return image.InodeAt("/file");
}

BAD_IMAGE(XA12, DigestInAnotherForm) {
  image.options.level = CheckLevel::kData;
  const std::uint64_t entry = image.InlineXattrAt("/file", "amberfs.fsverity");
  image.SetByte(entry + sizeof(wire::XattrEntry) + 16 + 1, 35);  // the length
  return image.InodeAt("/file");
}

}  // namespace
}  // namespace amberfs
