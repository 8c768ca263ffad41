#include "fuzz/image_walk.h"

#include <algorithm>
#include <cstring>
#include <deque>
#include <set>
#include <string>

#include "format/xattr_filter.h"
#include "fuzz/fuzz_input.h"
#include "image/directory.h"
#include "image/file_reader.h"
#include "image/mapper.h"
#include "image/xattr_set.h"

namespace amberfs::fuzz {
namespace {

// Small enough that a chunk table of the largest size stays cheap.
constexpr Limits kLimits{.max_devices = 16,
                         .max_chunks_per_map = 256,
                         .max_records_per_map = 4096,
                         .max_encoded_bytes_per_read = 16 << 20,
                         .cache_bytes = 1 << 20};

// By memcmp(), which is not instrumented: a loop here would take a third of the fuzzing.
bool SameBytes(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

class Walk {
 public:
  Walk(const Image& image, std::uint64_t primary_size, const std::vector<SourcePtr>& extra)
      : image_(image), primary_size_(primary_size), extra_(extra) {}

  void Run();

 private:
  void CheckDirectory(const Inode& inode);
  void CheckNames(const Directory& directory, const std::vector<std::pair<std::string, Nid>>& names,
                  bool whole);
  void CheckExtent(const Inode& inode, std::uint64_t pos, const Extent& extent) const;
  void CheckExtents(const Inode& inode);
  void CheckInside(const Inode& inode, const Extent& extent) const;
  void CheckReads(const Inode& inode);
  void CheckRead(const Inode& inode, std::uint64_t pos, std::size_t length);
  void CheckSame(const Result<std::size_t>& got, ByteView bytes, ByteView expected) const;
  void CheckSeeks(const Inode& inode, std::uint64_t pos);
  void CheckXattrs(const Inode& inode);
  void CheckSymlink(const Inode& inode);
  void Enqueue(Nid nid) {
    if (seen_.insert(nid).second) queue_.push_back(nid);
  }

  const Image& image_;
  const std::uint64_t primary_size_;
  const std::vector<SourcePtr>& extra_;
  WalkBudget budget_;
  // Of the inode that is looked at: its extents tile it, so that all ways to a byte lead to it.
  bool tiled_ = true;
  std::set<Nid> seen_;
  std::deque<Nid> queue_;
};

void Walk::Run() {
  Enqueue(image_.sb().root_nid());
  for (const auto& nid : {image_.sb().packed_nid(), image_.sb().metabox_nid()})
    if (nid) Enqueue(*nid);
  for (const std::uint64_t nid : {std::uint64_t{1}, Nid::kMetaboxBit, ~std::uint64_t{0}})
    Enqueue(Nid{nid});
  while (!queue_.empty() && budget_.inodes-- > 0) {
    const Nid nid = queue_.front();
    queue_.pop_front();
    const auto inode = image_.ReadInode(nid);
    if (!inode) continue;
    FUZZ_CHECK(inode->nid() == nid && inode->offset() + 32 <= image_.MetadataEnd(inode->offset()));
    CheckXattrs(*inode);
    tiled_ = true;
    if (inode->size() > 0) CheckExtents(*inode);
    CheckReads(*inode);
    if (inode->is_directory()) CheckDirectory(*inode);
    if (inode->type() == FileType::kSymlink) CheckSymlink(*inode);
  }
}

// Decoding a block costs what it holds, so what is asked of single entries is asked of some.
bool IsSampled(std::size_t entry) { return entry < 12 || entry % 16 == 0; }

// From any saved cookie, iteration goes on as if it had never stopped.
void CheckResumed(const Directory& directory, std::uint64_t cookie,
                  const Directory::Iterator& entries,
                  const Result<std::optional<DirEntry>>& expected) {
  Directory::Iterator resumed(directory, cookie);
  const auto next = resumed.Next();
  FUZZ_CHECK(next.has_value() == expected.has_value());
  FUZZ_CHECK(entries.cookie() == resumed.cookie());
  if (!next) {
    FUZZ_CHECK(next.error() == expected.error());
    return;
  }
  FUZZ_CHECK(next->has_value() == expected->has_value());
  if (*next) FUZZ_CHECK((*next)->name == (*expected)->name && (*next)->nid == (*expected)->nid);
}

void Walk::CheckDirectory(const Inode& inode) {
  const Directory directory(image_, inode);
  Directory::Iterator entries(directory);
  std::vector<std::pair<std::string, Nid>> names;
  bool whole = true;
  int broken_blocks = 0;
  while (true) {
    if (budget_.entries-- <= 0) return;
    const std::uint64_t cookie = entries.cookie();
    const auto next = entries.Next();
    if (IsSampled(names.size()) || !next || !*next) CheckResumed(directory, cookie, entries, next);
    if (!next) {
      FUZZ_CHECK(entries.cookie() == cookie);
      entries.SkipBlock();
      FUZZ_CHECK(entries.cookie() > cookie && entries.cookie() <= inode.size());
      whole = false;
      if (++broken_blocks > 20) return;
      continue;
    }
    if (!*next) break;
    const DirEntry& entry = **next;
    FUZZ_CHECK(entries.cookie() > cookie && entries.cookie() <= inode.size() + 1);
    FUZZ_CHECK(!entry.name.empty() && entry.name.size() <= 255);
    FUZZ_CHECK(entry.name.find('/') == entry.name.npos && entry.name.find('\0') == entry.name.npos);
    names.emplace_back(entry.name, entry.nid);
    Enqueue(entry.nid);
  }
  FUZZ_CHECK(entries.cookie() >= inode.size());
  CheckNames(directory, names, whole);
  // A cookie that nobody was given.
  Directory::Iterator odd(directory, 7);
  static_cast<void>(odd.Next());
  Directory::Iterator past(directory, ~std::uint64_t{0});
  const auto end = past.Next();
  FUZZ_CHECK(end.has_value() && !end->has_value());
}

void Walk::CheckNames(const Directory& directory,
                      const std::vector<std::pair<std::string, Nid>>& names, bool whole) {
  const auto stored_end = names.end() - (directory.inode().dot_omitted() && !names.empty() ? 1 : 0);
  const bool ascend =
      whole && std::adjacent_find(names.begin(), stored_end, [](const auto& a, const auto& b) {
                 return a.first >= b.first;
               }) == stored_end;
  for (auto entry = names.begin(); entry != names.end(); ++entry) {
    if (!IsSampled(static_cast<std::size_t>(entry - names.begin()))) continue;
    const auto& [name, nid] = *entry;
    const auto found = directory.Find(name);
    if (ascend) FUZZ_CHECK(found.has_value() && found->has_value());
    if (ascend && !(name == "." && directory.inode().dot_omitted())) FUZZ_CHECK(**found == nid);
    if (whole && found && *found) {
      FUZZ_CHECK(std::ranges::find(names, std::pair(name, **found)) != names.end());
    }
    const auto missing = directory.Find(name + '\0');
    FUZZ_CHECK(!ascend || (missing.has_value() && !missing->has_value()));
    FUZZ_CHECK(!missing || !*missing);
  }
}

void Walk::CheckExtent(const Inode& inode, std::uint64_t pos, const Extent& extent) const {
  FUZZ_CHECK(extent.length > 0 && extent.pos <= pos && pos - extent.pos < extent.length);
  FUZZ_CHECK(extent.pos < inode.size() && extent.length <= inode.size() - extent.pos);
  const std::uint64_t offset = extent.where.offset;
  std::uint64_t stored = extent.length;
  switch (extent.kind) {
    case ExtentKind::kHole:
      return;
    case ExtentKind::kFragment: {
      const std::uint64_t packed = image_.packed().value().size();
      FUZZ_CHECK(offset <= packed && extent.length <= packed - offset);
      FUZZ_CHECK(inode.nid() != image_.sb().packed_nid());
      return;
    }
    case ExtentKind::kEncoded:
      stored = extent.encoded_bytes;
      FUZZ_CHECK(stored > 0 && stored <= 1U << 20 && extent.length <= 12U << 20);
      FUZZ_CHECK(image_.compression().has(static_cast<unsigned>(extent.algorithm)));
      break;
    case ExtentKind::kInline: {
      const std::uint64_t block = image_.sb().block_size();
      FUZZ_CHECK(extent.where.device.v == 0 && offset % block + stored <= block);
      FUZZ_CHECK(offset + stored <= image_.MetadataEnd(offset));
      break;
    }
    case ExtentKind::kMapped:
      break;
  }
  if (InMetabox(offset)) {
    FUZZ_CHECK(inode.nid().in_metabox() && offset + stored <= image_.MetadataEnd(offset));
    return;
  }
  const std::uint16_t device = extent.where.device.v;
  FUZZ_CHECK(device <= extra_.size());
  const std::uint64_t source = device == 0 ? primary_size_ : extra_[device - 1U]->size();
  FUZZ_CHECK(offset <= source && stored <= source - offset);
}

void Walk::CheckExtents(const Inode& inode) {
  Mapper mapper(image_, inode);
  const std::uint64_t size = inode.size();
  std::vector<Extent> extents;
  std::uint64_t pos = 0;
  bool sound = true;
  while (pos < size && budget_.extents-- > 0 && extents.size() < 100) {
    const auto extent = mapper.Map(pos, size - pos);
    if (!extent) {
      FUZZ_CHECK(extent.error().code != Errc::kNotFound && extent.error().code != Errc::kUsage);
      break;
    }
    CheckExtent(inode, pos, *extent);
    sound = sound && extent->pos == pos && mapper.CheckDistances(*extent).has_value();
    extents.push_back(*extent);
    pos = extent->pos + extent->length;
  }
  tiled_ = !inode.is_compressed() || (sound && pos == size);
  for (const Extent& extent : extents) CheckInside(inode, extent);
  // A file that claims to be huge is as cheap at its end as at its start.
  if (const auto last = mapper.Map(size - 1, 1); last) CheckExtent(inode, size - 1, *last);
}

// Whoever asks in the middle, or for one byte, gets the same bytes.
void Walk::CheckInside(const Inode& inode, const Extent& extent) const {
  Mapper mapper(image_, inode);
  const std::uint64_t end = extent.pos + extent.length;
  for (const std::uint64_t inside : {end - 1, extent.pos + extent.length / 2, extent.pos}) {
    const auto other = mapper.Map(inside, 1);
    FUZZ_CHECK(other.has_value() || !tiled_);
    if (!other) continue;
    CheckExtent(inode, inside, *other);
    if (!tiled_) continue;
    FUZZ_CHECK(other->kind == extent.kind);
    if (extent.kind == ExtentKind::kHole) continue;
    FUZZ_CHECK(other->where.device == extent.where.device);
    FUZZ_CHECK(other->OffsetOf(inside) == extent.OffsetOf(inside));
    if (inode.is_compressed())
      FUZZ_CHECK(other->pos == extent.pos && other->length == extent.length);
  }
}

void Walk::CheckReads(const Inode& inode) {
  const std::uint64_t size = inode.size();
  const std::uint64_t block = image_.sb().block_size();
  std::set<std::uint64_t> positions = {0, size / 2, size, size + 1, ~std::uint64_t{0}};
  for (const std::uint64_t back : {std::uint64_t{1}, std::uint64_t{100}, block, 2 * block})
    if (size > back) positions.insert(size - back);
  if (size > block) positions.insert({block - 1, block});
  for (const std::uint64_t pos : positions) {
    CheckRead(inode, pos, 700);
    CheckSeeks(inode, pos);
  }
  CheckRead(inode, 0, std::min<std::size_t>(3 * block, 20000));
  CheckRead(inode, size / 2, 0);
}

void Walk::CheckRead(const Inode& inode, std::uint64_t pos, std::size_t length) {
  budget_.read_bytes -= static_cast<std::int64_t>(length);
  if (budget_.read_bytes < 0) return;
  FileReader reader(image_, inode);
  // A fill that is not zero shows holes and short reads that write nothing.
  std::vector<std::byte> bytes(length, std::byte{0xA5});
  const auto got = reader.Read(pos, bytes);
  if (!got) {
    FUZZ_CHECK(pos < inode.size());
    return;
  }
  const std::uint64_t left = pos < inode.size() ? inode.size() - pos : 0;
  FUZZ_CHECK(*got == std::min<std::uint64_t>(length, left));
  const std::vector<std::byte> untouched(length - *got, std::byte{0xA5});
  FUZZ_CHECK(SameBytes(std::span(bytes).subspan(*got), untouched));
  // Two reads of halves give what one read gives; and so does another reader, later.
  const ByteView whole = std::span(bytes).first(*got);
  const std::size_t half = *got / 2;
  std::vector<std::byte> halves(*got);
  const auto first = reader.Read(pos, std::span(halves).first(half));
  const auto second = reader.Read(pos + half, std::span(halves).subspan(half));
  CheckSame(first && second ? first : !first ? first : second, halves, whole);
  std::vector<std::byte> other(*got);
  CheckSame(FileReader(image_, inode).Read(pos, other), other, whole);
}

// A stream that is broken may decode as far as one read needs, and not as far as the next. Where
// extents overlap anything may be had.
void Walk::CheckSame(const Result<std::size_t>& got, ByteView bytes, ByteView expected) const {
  if (!tiled_) return;
  FUZZ_CHECK(got.has_value() || got.error().rule == Rule::kZ16);
  if (got) FUZZ_CHECK(SameBytes(bytes, expected));
}

void Walk::CheckSeeks(const Inode& inode, std::uint64_t pos) {
  if ((budget_.extents -= 4) < 0) return;
  FileReader reader(image_, inode);
  const auto data = reader.SeekData(pos);
  if (data && *data) {
    FUZZ_CHECK(**data >= pos && **data < inode.size());
    // A seek that met many holes gives up in one of them; the next goes on from there.
    const auto at = Mapper(image_, inode).Map(**data, 1);
    const auto again = reader.SeekData(**data);
    FUZZ_CHECK(!tiled_ || (at.has_value() && again.has_value()));
    if (tiled_ && at->kind == ExtentKind::kHole) FUZZ_CHECK(!*again || **again > **data);
    if (tiled_ && at->kind != ExtentKind::kHole) FUZZ_CHECK(*again == *data);
    std::vector<std::byte> skipped(std::min<std::uint64_t>(**data - pos, 700));
    const auto got = reader.Read(pos, skipped);
    FUZZ_CHECK(!tiled_ || (got.has_value() && *got == skipped.size() && AllZero(skipped)));
  }
  const auto hole = reader.SeekHole(pos);
  if (hole) {
    FUZZ_CHECK(hole->has_value() == (pos < inode.size()));
    FUZZ_CHECK(!*hole || (**hole >= pos && **hole <= inode.size()));
  }
  if (pos >= inode.size()) FUZZ_CHECK(data.has_value() && !*data && hole.has_value());
}

void Walk::CheckXattrs(const Inode& inode) {
  const auto set = XattrSet::Read(image_, inode);
  if (!set) return;
  static_cast<void>(set->Unknown());
  for (const char* name :
       {"user.a", "system.posix_acl_access", "trusted.x", "security.capability"}) {
    const auto found = set->Find(name);
    FUZZ_CHECK(!found || !*found || (*found)->name == name);
  }
  const auto list = set->List();
  if (!list) return;
  std::set<std::string> seen;
  for (const Xattr& xattr : *list) {
    if (budget_.xattrs-- <= 0) return;
    FUZZ_CHECK(!xattr.name.empty() && xattr.name.size() <= 255);
    FUZZ_CHECK(xattr.name.find('\0') == std::string::npos);
    FUZZ_CHECK(xattr.location.end() <= image_.MetadataEnd(xattr.location.offset));
    const auto value = set->Value(xattr);
    FUZZ_CHECK(!value || value->size() == xattr.location.value_bytes);
    if (value) IsWellFormedAcl(AsBytes(*value));

    const auto [index, rest] = SplitAtShortPrefix(xattr.name);
    const bool admitted = !image_.sb().xattr_filter_usable() ||
                          (set->area()->name_filter >> XattrFilterBit(index, rest) & 1) == 0;
    const auto found = set->Find(xattr.name);
    FUZZ_CHECK(found.has_value() && found->has_value() == admitted);
    // Of two with one name the first wins.
    if (admitted && seen.insert(xattr.name).second)
      FUZZ_CHECK((*found)->location.offset == xattr.location.offset);
  }
}

void Walk::CheckSymlink(const Inode& inode) {
  const auto target = ReadSymlink(image_, inode);
  if (!target) return;
  FUZZ_CHECK(target->size() == inode.size() && !target->empty() && target->size() <= 4095);
  FUZZ_CHECK(target->find('\0') == std::string::npos);
}

}  // namespace

void WalkImage(const SourcePtr& primary, const std::vector<SourcePtr>& extra) {
  const auto image = Image::Open(primary, extra, kLimits);
  const auto again = Image::Open(primary, extra, kLimits);
  FUZZ_CHECK(image.has_value() == again.has_value());
  if (!image) {
    FUZZ_CHECK(image.error() == again.error());
    Describe(image.error());
    return;
  }
  FUZZ_CHECK(image->sb().root_nid() == again->sb().root_nid());
  FUZZ_CHECK(image->device_slots().size() == image->sb().extra_devices());
  const auto root = image->ReadInode(image->sb().root_nid());
  FUZZ_CHECK(root.has_value() && root->is_directory());
  Walk(*image, primary->size(), extra).Run();
}

Result<void> SparseSource::ReadAt(std::uint64_t offset, ByteSpan out) const {
  if (offset > size_ || out.size() > size_ - offset) return IoError(EIO, offset);
  const std::size_t given =
      offset < bytes_.size() ? std::min<std::uint64_t>(out.size(), bytes_.size() - offset) : 0;
  if (given > 0) std::memcpy(out.data(), bytes_.data() + offset, given);
  std::ranges::fill(out.subspan(given), std::byte{0});
  return {};
}

}  // namespace amberfs::fuzz
