#include "fsck/inode_checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/checked.h"
#include "base/text.h"
#include "format/xattr_filter.h"
#include "image/file_reader.h"
#include "image/mapper.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kSizeField = offsetof(wire::InodeExtended, size);
static_assert(kSizeField == offsetof(wire::InodeCompact, size));

bool IsSpecial(FileType type) {
  return type == FileType::kCharDevice || type == FileType::kBlockDevice ||
         type == FileType::kFifo || type == FileType::kSocket;
}

// Files may share data, so their lengths can add up to anything.
void AddSaturated(std::uint64_t& sum, std::uint64_t value) {
  if (__builtin_add_overflow(sum, value, &sum)) sum = ~std::uint64_t{0};
}

// Where the chunk table of `inode` starts, and how much of it `extent` takes.
std::uint64_t ChunkTable(const Inode& inode) {
  return RoundUp(inode.body_end(), inode.chunk_format().entry_bytes());
}
std::uint64_t TableBytes(const Inode& inode, const Extent& extent) {
  if (inode.layout() != DataLayout::kChunkBased) return 0;
  const ChunkFormat format = inode.chunk_format();
  return CeilShift(extent.length, format.chunk_bits) * format.entry_bytes();
}

}  // namespace

InodeChecker::Outcome InodeChecker::Check(const Inode& inode, std::uint32_t owner,
                                          const Found& found) {
  owner_ = owner;
  CountInode(inode);
  if (!Claim(inode, {DeviceId{0}, inode.offset()}, inode.xattr_offset() - inode.offset(),
             Part::kInode))
    return {false, false};
  const bool located = CheckXattrs(inode, found);
  if (!inode.reserved_is_zero()) found(Broken(Rule::kIno10, inode.offset()).error(), {});

  bool mapped = true;
  if (!IsSpecial(inode.type()))
    mapped = CheckExtents(inode, found);
  else if (inode.size() != 0)
    found(Broken(Rule::kIno11, inode.offset() + kSizeField).error(),
          fmt::format("size {}", inode.size()));
  else if (inode.layout() != DataLayout::kFlatPlain)
    found(Broken(Rule::kIno11, inode.offset()).error(),
          fmt::format("layout {}", static_cast<unsigned>(inode.layout())));
  if (mapped && inode.type() == FileType::kSymlink && meter_.PayRead(inode.size())) {
    if (const auto target = ReadSymlink(image_, inode); !target) found(target.error(), {});
  }
  return {mapped, mapped && located};
}

void InodeChecker::CountInode(const Inode& inode) {
  ++tally_.inodes;
  switch (inode.type()) {
    case FileType::kRegular:
      ++tally_.files;
      break;
    case FileType::kDirectory:
      ++tally_.directories;
      break;
    case FileType::kSymlink:
      ++tally_.symlinks;
      break;
    default:
      ++tally_.specials;
  }
}

bool InodeChecker::CheckExtents(const Inode& inode, const Found& found) {
  Mapper mapper(image_, inode);
  std::uint64_t paid_bytes = 0;  // of the index of a compressed file
  bool mapped = true;
  for (std::uint64_t pos = 0; pos < inode.size();) {
    const auto extent = mapper.Map(pos, inode.size() - pos);
    if (!extent) {
      const Error& error = extent.error();
      const bool chunk = error.rule == Rule::kChk3 || error.rule == Rule::kChk4;
      const bool unproven =
          devices_missing_ && (chunk || error.rule == Rule::kFlat1 || error.rule == Rule::kZ10 ||
                               error.os_errno == ENODEV);
      if (unproven || SeverityOf(error) == Severity::kUnchecked) {
        ++tally_.unchecked_inodes;
        if (!unproven) found(error, {});
        return false;
      }
      mapped = false;
      if (!chunk) {
        found(error, {});
        return false;
      }
      // The chunks before this one are good; go on behind it.
      const ChunkFormat format = inode.chunk_format();
      const std::uint64_t index = (error.offset - ChunkTable(inode)) / format.entry_bytes();
      found(error, fmt::format("chunk {}", index));
      pos = (index + 1) << format.chunk_bits;
      if (!meter_.PayRead(Meter::kMinBytes)) return false;
      continue;
    }
    if (pos == 0 && !ClaimIndex(inode, mapper)) return false;
    if (!ClaimExtent(inode, *extent)) return false;
    ++tally_.extents;
    AddSaturated(extent->kind == ExtentKind::kHole ? tally_.hole_bytes : tally_.data_bytes,
                 extent->length);
    pos = extent->pos + extent->length;
    if (const auto whole = mapper.CheckDistances(*extent); !whole) {
      found(whole.error(), {});
      mapped = false;
    }
    const std::uint64_t index_bytes = mapper.index_bytes_read() - paid_bytes;
    paid_bytes += index_bytes;
    if (!meter_.PayRead(TableBytes(inode, *extent) + index_bytes)) return false;
  }
  return mapped;
}

bool InodeChecker::Claim(const Inode& inode, Location where, std::uint64_t bytes, Part part,
                         Sharing sharing) {
  if (inode.nid() == image_.sb().packed_nid()) part = Part::kPacked;
  if (inode.nid() == image_.sb().metabox_nid()) part = Part::kMetabox;
  space_.Add(where, bytes, part, owner_, sharing);
  return meter_.PayMemory(Meter::Memory::kSpace, space_.bytes());
}

bool InodeChecker::ClaimExtent(const Inode& inode, const Extent& extent) {
  // Files share data where the image says that its writer looked for equal data.
  Sharing sharing = Sharing::kNone;
  if (inode.is_compressed() && image_.sb().has_incompat(wire::kIncompatFragments))
    sharing = Sharing::kPclusters;
  else if (inode.layout() == DataLayout::kChunkBased && inode.type() == FileType::kRegular)
    sharing = Sharing::kChunks;
  switch (extent.kind) {
    case ExtentKind::kHole:
    case ExtentKind::kFragment:
      return true;
    case ExtentKind::kMapped:
      return Claim(inode, extent.where, extent.length, Part::kData, sharing);
    case ExtentKind::kInline:
      return Claim(inode, extent.where, extent.length, Part::kInode);
    case ExtentKind::kEncoded:
      break;
  }
  return Claim(inode, extent.where, extent.encoded_bytes, Part::kData, sharing);
}

bool InodeChecker::ClaimIndex(const Inode& inode, const Mapper& mapper) {
  const auto claim = [&](const MetadataRange& range) {
    return Claim(inode, {DeviceId{0}, range.start}, range.end - range.start, Part::kInode);
  };
  if (inode.layout() == DataLayout::kChunkBased) {
    const ChunkFormat format = inode.chunk_format();
    const std::uint64_t table = ChunkTable(inode);
    // Mapped once, so it lies in the image.
    return claim(
        {table, table + CeilShift(inode.size(), format.chunk_bits) * format.entry_bytes()});
  }
  const CompressedMapper::Index index = mapper.index();
  return claim(index.header) && claim(index.entries);
}

bool InodeChecker::ClaimSharedXattr(const XattrLocation& entry) {
  space_.Add({DeviceId{0}, entry.offset}, entry.end() - entry.offset, Part::kSharedXattr, owner_,
             Sharing::kSame);
  return meter_.PayMemory(Meter::Memory::kSpace, space_.bytes());
}

bool InodeChecker::CheckXattrs(const Inode& inode, const Found& found) {
  if (inode.xattr_bytes() == 0) return true;
  if (!meter_.PayRead(inode.xattr_bytes())) return false;
  const auto fail = [&](const Error& error) {
    found(error, {});
    return false;
  };
  const auto set = XattrSet::Read(image_, inode);
  if (!set) return fail(set.error());
  const XattrArea& area = *set->area();
  if (!area.reserved_is_zero) found(Broken(Rule::kIno10, inode.xattr_offset()).error(), {});
  if (!Claim(inode, {DeviceId{0}, inode.xattr_offset()}, inode.xattr_bytes(), Part::kInode))
    return false;

  const std::uint64_t entries = area.inline_entries.size() + area.shared_ids.size();
  if (!meter_.PayRead(entries * Meter::kMinBytes)) return false;
  const auto xattrs = set->List();
  if (!xattrs) return fail(xattrs.error());
  tally_.xattrs += xattrs->size();
  for (const Xattr& xattr : *xattrs)
    if (xattr.shared && !ClaimSharedXattr(xattr.location)) return false;
  CheckXattrNames(inode, area, *xattrs, found);
  CheckAcls(*set, *xattrs, found);
  if (xattrs->size() == entries) return true;  // none hidden, none unknown
  const auto unknown = set->Unknown();
  if (!unknown) return fail(unknown.error());
  for (const XattrLocation& entry : *unknown) {
    found(Broken(Rule::kXa8, entry.offset).error(), fmt::format("prefix {}", entry.name_index));
    const bool is_inline = entry.offset >= inode.xattr_offset() && entry.offset < inode.body_end();
    if (!is_inline && !ClaimSharedXattr(entry)) return false;
  }
  return true;
}

void InodeChecker::CheckXattrNames(const Inode& inode, const XattrArea& area,
                                   const std::vector<Xattr>& xattrs, const Found& found) {
  // Of two with one name, the second in the inode's order is the one too many.
  std::vector<std::pair<std::string_view, std::size_t>> by_name;
  by_name.reserve(xattrs.size());
  for (std::size_t i = 0; i < xattrs.size(); ++i) by_name.emplace_back(xattrs[i].name, i);
  std::ranges::sort(by_name);
  for (std::size_t i = 1; i < by_name.size(); ++i)
    if (const auto& [name, index] = by_name[i]; name == by_name[i - 1].first)
      found(Broken(Rule::kXa9, xattrs[index].location.offset).error(), Printable(name));

  if (!image_.sb().xattr_filter_usable()) return;
  const auto is_denied = [&](const Xattr& xattr) {
    const auto [index, rest] = SplitAtShortPrefix(xattr.name);
    return (area.name_filter >> XattrFilterBit(index, rest) & 1) != 0;
  };
  if (const auto denied = std::ranges::find_if(xattrs, is_denied); denied != xattrs.end())
    found(Broken(Rule::kXa10, inode.xattr_offset()).error(), Printable(denied->name));
}

void InodeChecker::CheckAcls(const XattrSet& set, const std::vector<Xattr>& xattrs,
                             const Found& found) {
  for (const Xattr& xattr : xattrs) {
    const std::uint8_t index = SplitAtShortPrefix(xattr.name).index;
    if (index != wire::kXattrAclAccess && index != wire::kXattrAclDefault) continue;
    if (!meter_.PayRead(xattr.location.value_bytes)) return;
    const auto value = set.Value(xattr);
    if (!value)
      found(value.error(), xattr.name);
    else if (!IsWellFormedAcl(AsBytes(*value)))
      found(Broken(Rule::kXa11, xattr.location.offset).error(), xattr.name);
  }
}

}  // namespace amberfs
