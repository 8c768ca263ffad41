#include "fsck/checker.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <thread>
#include <tuple>
#include <utility>

#include "base/checked.h"
#include "base/text.h"
#include "format/content_uuid.h"
#include "image/mapper.h"
#include "io/buffered_source.h"

// Byte offset in the image of a superblock field.
#define FIELD_AT(field) (wire::kSuperblockOffset + offsetof(wire::Superblock, field))

namespace amberfs {
namespace {

// A finding's path has at most so many names; a hostile tree may be millions deep.
constexpr std::size_t kMaxPathNames = 256;
constexpr unsigned kMaxJobs = 64;
constexpr std::size_t kPaddingPiece = 65536;
constexpr std::uint64_t kReadPiece = std::uint64_t{1} << 20;
constexpr std::uint32_t kMaxCompactNlink = 0xFFFF;

}  // namespace

struct Checker::Listing {
  const Inode& directory;
  std::uint32_t seen;         // of the directory
  std::uint64_t cookie = 0;   // of the current entry
  std::uint64_t offset = 0;   // where that lies in the image
  std::string previous = {};  // the name before; empty at first
  bool has_dot = false;
  bool has_dotdot = false;
  bool whole = true;  // every block could be decoded
};

std::optional<CheckLevel> CheckLevelFromName(std::string_view name) {
  if (name == "quick") return CheckLevel::kQuick;
  if (name == "structure") return CheckLevel::kStructure;
  if (name == "data") return CheckLevel::kData;
  if (name == "strict") return CheckLevel::kStrict;
  return std::nullopt;
}

Report CheckImage(SourcePtr primary, std::vector<SourcePtr> extra, const CheckOptions& options) {
  const auto image = Image::Open(std::make_shared<BufferedSource>(std::move(primary)),
                                 std::move(extra), options.limits);
  if (image) return Checker(*image, options).Run();
  Report report;
  report.CountUpTo(image.error(), 1);
  report.findings.push_back({image.error(), {}, {}, {}});
  return report;
}

Checker::Checker(const Image& image, const CheckOptions& options)
    : image_(image),
      options_(options),
      meter_(options.budget, image.primary_size(), options.stop, &image.decoded_bytes()),
      primary_end_(image.sb().blocks_end()) {
  if (options_.policy != nullptr) auditor_.emplace(image_, *options_.policy, meter_);
}

Report Checker::Run() && {
  CheckSuperblock();
  CheckDevices();
  if (options_.level >= CheckLevel::kStructure) CheckTree();
  report_.strict = options_.level >= CheckLevel::kStrict;
  report_.Sort();
  return std::move(report_);
}

void Checker::CheckTree() {
  ClaimOwnParts();

  // The root inode is its own parent. Every other inode is added by the entry that leads to it, so
  // the table is the queue of this breadth-first walk.
  Discover({.nid = image_.sb().root_nid(), .parent = 0}, wire::kSuperblockOffset);
  for (std::uint32_t seen = 0; seen < seen_.size() && meter_.running(); ++seen) {
    if (seen_[seen].type != FileType::kDirectory) continue;
    CheckDirectory(seen);
    if (options_.progress)
      options_.progress(CheckOptions::Phase::kInodes, report_.tally.inodes, image_.sb().inodes());
  }
  CheckOwnInodes();
  if (meter_.running()) CheckSpace();
  if (options_.level >= CheckLevel::kData && meter_.running()) CheckData();
  if (options_.level >= CheckLevel::kStrict && meter_.running()) CheckContentUuid();
  if (auditor_)
    auditor_->CheckTotals(report_.tally, [&](const Error& error, std::string detail) {
      Add(error, {}, std::move(detail));
    });

  if (meter_.state() == Meter::State::kStopped) {
    report_.cancelled = true;
  } else if (!meter_.running()) {
    Add(Rule::kLim1, Error::kNowhere, {}, meter_.Explain());
  } else if (whole_tree_) {
    CheckLinkCounts();
    CheckInodeCount();
  }
}

void Checker::Add(const Error& error, const Subject& subject, std::string detail) {
  if (!report_.CountUpTo(error, options_.max_findings)) return;
  Finding finding{error, subject.nid, {}, std::move(detail)};
  if (subject.nid) {
    finding.path = subject.seen != SeenTable::kNone          ? PathOf(subject.seen)
                   : subject.nid == image_.sb().packed_nid() ? "(packed inode)"
                                                             : "(metabox inode)";
    if (!subject.name.empty()) {
      if (!finding.path.ends_with('/')) finding.path += '/';
      finding.path += Printable(subject.name);
    }
  }
  report_.findings.push_back(std::move(finding));
}

void Checker::Add(Rule rule, std::uint64_t offset, const Subject& subject, std::string detail) {
  Add(Broken(rule, offset).error(), subject, std::move(detail));
}

// Names are not kept: the entries that led to an inode are read once more, and paid for.
std::string Checker::PathOf(std::uint32_t seen) {
  std::vector<std::string> names;
  while (seen_[seen].parent != seen && names.size() < kMaxPathNames &&
         meter_.PayRead(image_.sb().block_size())) {
    names.push_back(NameOf(seen));
    seen = seen_[seen].parent;
  }
  std::string path = seen_[seen].parent == seen ? "" : "...";
  for (auto name = names.rbegin(); name != names.rend(); ++name) path.append("/").append(*name);
  return path.empty() ? "/" : path;
}

std::string Checker::NameOf(std::uint32_t seen) const {
  const auto parent = image_.ReadInode(seen_[seen_[seen].parent].nid);
  if (!parent || !parent->is_directory()) return "?";
  const Directory directory(image_, *parent);
  Directory::Iterator entries(directory, seen_[seen].cookie);
  const auto entry = entries.Next();
  return entry && *entry ? Printable((*entry)->name) : "?";
}

void Checker::CheckSuperblock() {
  const Superblock& sb = image_.sb();
  if (!sb.has_compat(wire::kCompatChecksum)) Add(Rule::kSb10, FIELD_AT(feature_compat), {});
  if (const std::uint32_t unknown = sb.compat() & ~wire::kCompatKnown; unknown != 0)
    Add(Rule::kSb13, FIELD_AT(feature_compat), {}, fmt::format("bits {:#x}", unknown));
  else if (!sb.reserved_is_zero())
    Add(Rule::kSb13, wire::kSuperblockOffset, {});
}

void Checker::CheckDevices() {
  const std::vector<DeviceSlot>& slots = image_.device_slots();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    // Below 2^48 blocks of at most 2^16 bytes.
    const std::uint64_t bytes = slots[i].blocks << image_.sb().block_bits();
    const auto where = image_.FindData(DeviceId{static_cast<std::uint16_t>(i + 1)}, 0, bytes);
    if (!where) {
      // As readers say it. Once is enough: the inode checker is told.
      devices_missing_ = true;
      Add(IoError(ENODEV, image_.sb().device_table_offset() + i * sizeof(wire::DeviceSlot)).error(),
          {}, fmt::format("device {} was not given", i + 1));
    } else if (where->device == DeviceId{0}) {
      primary_end_ = std::max(primary_end_, where->offset + bytes);
    }
  }
  if (image_.primary_size() > primary_end_)
    Add(Rule::kSb15, primary_end_, {},
        fmt::format("{} bytes", image_.primary_size() - primary_end_));
}

void Checker::CheckDirectory(std::uint32_t seen) {
  const Subject subject{seen_[seen].nid, seen};
  if (!seen_[seen].readable) {
    whole_tree_ = false;  // what is wrong with its data has been said
    return;
  }
  const auto inode = image_.ReadInode(seen_[seen].nid);
  if (!inode || !inode->is_directory()) {
    // It was one when it was discovered: somebody changes the image.
    const Error stale = IoError(ESTALE, seen_[seen].nid.v * wire::kSlotBytes).error();
    Add(inode ? stale : inode.error(), subject);
    whole_tree_ = false;
    return;
  }
  if (inode->size() == 0)
    return Add(Rule::kDir8, inode->offset() + offsetof(wire::InodeCompact, size), subject);

  Listing listing{.directory = *inode, .seen = seen};
  CheckEntries(listing);
  if (!meter_.running() || !listing.whole) return;
  if (!listing.has_dot) Add(Rule::kDir5, inode->offset(), subject, "there is no '.'");
  if (!listing.has_dotdot) Add(Rule::kDir5, inode->offset(), subject, "there is no '..'");
}

void Checker::CheckEntries(Listing& listing) {
  const Inode& inode = listing.directory;
  const Subject subject{inode.nid(), listing.seen};
  const std::uint64_t block_bytes = image_.sb().block_size();
  const Directory directory(image_, inode);
  Directory::Iterator entries(directory);
  std::optional<std::uint64_t> block;  // the number of the current one
  std::uint64_t block_offset = 0;      // and where it lies in the image
  while (meter_.PayEntry()) {
    listing.cookie = entries.cookie();
    const bool stored = listing.cookie < inode.size();  // an omitted "." comes behind the data
    const bool new_block = stored && block != listing.cookie / block_bytes;
    if (new_block) {
      if (!meter_.PayRead(block_bytes)) return;
      block = listing.cookie / block_bytes;
      if (const auto extent = Mapper(image_, inode).Map(listing.cookie, 1))
        block_offset = extent->OffsetOf(*block * block_bytes);
    }
    listing.offset = stored ? block_offset + listing.cookie % block_bytes : inode.offset();

    const auto entry = entries.Next();
    if (!entry) {
      Add(entry.error(), subject);
      listing.whole = whole_tree_ = false;
      entries.SkipBlock();
      continue;
    }
    if (!*entry) return;
    if (new_block && !entries.block()->padding_is_zero()) Add(Rule::kDir9, block_offset, subject);
    if (stored) CheckOrder(listing, (*entry)->name);
    if ((*entry)->name == "." || (*entry)->name == "..")
      CheckDot(listing, **entry);
    else
      CheckChild(listing, **entry);
  }
}

void Checker::CheckOrder(Listing& listing, std::string_view name) {
  // char_traits<char> compares as unsigned bytes, which is the format's order.
  if (!listing.previous.empty() && name.compare(listing.previous) <= 0)
    Add(Rule::kDir4, listing.offset, {listing.directory.nid(), listing.seen},
        fmt::format("'{}' follows '{}'", Printable(name), Printable(listing.previous)));
  listing.previous = name;
}

void Checker::CheckDot(Listing& listing, const DirEntry& entry) {
  const bool dot = entry.name == ".";
  const Subject subject{listing.directory.nid(), listing.seen};
  if (std::exchange(dot ? listing.has_dot : listing.has_dotdot, true))
    Add(Rule::kDir5, listing.offset, subject, fmt::format("a second '{}'", entry.name));
  const Nid wanted = dot ? listing.directory.nid() : seen_[seen_[listing.seen].parent].nid;
  if (entry.nid != wanted)
    Add(Rule::kDir5, listing.offset, subject,
        fmt::format("'{}' names nid {}, not {}", entry.name, entry.nid.v, wanted.v));
  CheckType(listing, entry, FileType::kDirectory, subject);
}

void Checker::CheckChild(Listing& listing, const DirEntry& entry) {
  const Subject subject{entry.nid, listing.seen, entry.name};
  std::uint32_t child = seen_.Find(entry.nid);
  if (child == SeenTable::kNone) {
    child = Discover({.nid = entry.nid, .cookie = listing.cookie, .parent = listing.seen},
                     listing.offset);
    if (child == SeenTable::kNone) return;
  } else if (seen_[child].type == FileType::kDirectory) {
    Add(Rule::kDir7, listing.offset, subject,
        Keeps(Rule::kDir7) ? "it is " + PathOf(child) + " as well" : "");
  }
  ++report_.tally.names;
  const FileType type = seen_[child].type;
  if (type == FileType::kUnknown) return;
  if (auditor_ && type == FileType::kSymlink && seen_[child].readable)
    AuditLink(entry.nid, subject, listing.seen);
  // A directory's ".." is a name of its parent.
  ++seen_[type == FileType::kDirectory ? listing.seen : child].links;
  CheckType(listing, entry, type, subject);
}

// Type 0 claims nothing.
void Checker::CheckType(const Listing& listing, const DirEntry& entry, FileType type,
                        const Subject& subject) {
  if (entry.raw_type == 0 || entry.raw_type == static_cast<std::uint8_t>(type)) return;
  Add(Rule::kDir6, listing.offset + offsetof(wire::Dirent, file_type), subject,
      fmt::format("'{}' has type {}, its inode {}", Printable(entry.name), entry.raw_type,
                  static_cast<unsigned>(type)));
}

std::uint32_t Checker::Discover(const SeenInode& place, std::uint64_t entry_offset) {
  const bool room = seen_.size() < SeenTable::kNone;
  if (!meter_.PayMemory(Meter::Memory::kInodes, room ? seen_.bytes_to_add() : ~std::uint64_t{0}) ||
      !meter_.PayRead(Inode::kMaxBytes))
    return SeenTable::kNone;
  const auto inode = image_.ReadInode(place.nid);
  const std::uint32_t index = seen_.Add(place);
  if (!inode) {
    // What is wrong with a nid that leads nowhere is the entry that names it.
    Error error = inode.error();
    if (!image_.InodeOffset(place.nid)) error.offset = entry_offset;
    Add(error, {place.nid, index});
    whole_tree_ = false;
    return index;
  }
  SeenInode& seen = seen_[index];
  seen.type = inode->type();
  seen.nlink = inode->nlink();
  seen.links = inode->is_directory() ? 2 : 0;  // its "." and its name, which is ".." for the root
  seen.extended = inode->is_extended();
  CheckInode(index, *inode);
  return index;
}

void Checker::CheckInode(std::uint32_t seen, const Inode& inode) {
  InodeChecker checker(image_, meter_, report_.tally, space_, devices_missing_);
  const auto outcome = checker.Check(inode, seen, [&](const Error& error, std::string detail) {
    Add(error, {inode.nid(), seen}, std::move(detail));
  });
  seen_[seen].readable = outcome.readable;
  whole_map_ = whole_map_ && outcome.located;
  if (auditor_)
    auditor_->CheckInode(inode, [&](const Error& error, std::string detail) {
      Add(error, {inode.nid(), seen}, std::move(detail));
    });
}

void Checker::AuditLink(Nid nid, const Subject& subject, std::uint32_t directory) {
  if (!meter_.PayRead(Inode::kMaxBytes)) return;
  const auto inode = image_.ReadInode(nid);
  if (!inode) return;
  // Whoever asks has paid for a target of as many bytes.
  const auto depth = [&](std::uint64_t max) {
    std::uint64_t below = 0;
    for (; below < max && seen_[directory].parent != directory; ++below)
      directory = seen_[directory].parent;
    return below;
  };
  auditor_->CheckLink(*inode, depth, [&](const Error& error, std::string detail) {
    Add(error, subject, std::move(detail));
  });
}

// The packed and metabox inodes have no names: only the superblock leads to them.
void Checker::CheckOwnInodes() {
  for (const auto& nid : {image_.sb().packed_nid(), image_.sb().metabox_nid()})
    if (nid && seen_.Find(*nid) == SeenTable::kNone) CheckOwnInode(*nid);
}

void Checker::CheckOwnInode(Nid nid) {
  if (!meter_.PayRead(Inode::kMaxBytes)) return;
  const auto inode = image_.ReadInode(nid);
  if (!inode) {
    Add(inode.error(), {nid});
    whole_tree_ = false;
    return;
  }
  InodeChecker checker(image_, meter_, report_.tally, space_, devices_missing_);
  const auto outcome = checker.Check(
      *inode, SeenTable::kNone,
      [&](const Error& error, std::string detail) { Add(error, {nid}, std::move(detail)); });
  if (outcome.readable) own_files_.push_back(nid);
  whole_map_ = whole_map_ && outcome.located;
}

void Checker::CheckData() {
  // Directories and symbolic links were read already.
  std::uint32_t seen = 0;
  std::size_t own = 0;
  const DataChecker::Next next = [&]() -> std::optional<DataChecker::File> {
    for (; seen < seen_.size(); ++seen) {
      if (seen_[seen].type != FileType::kRegular || !seen_[seen].readable) continue;
      const std::uint32_t index = seen++;
      return DataChecker::File{seen_[index].nid, index};
    }
    if (own == own_files_.size()) return std::nullopt;
    return DataChecker::File{own_files_[own++], SeenTable::kNone};
  };
  const DataChecker::Found found = [&](const DataChecker::File& file, const Error& error,
                                       std::string detail) {
    Add(error, {file.nid, file.seen}, std::move(detail));
  };
  DataChecker::Progress progress;
  if (options_.progress)
    progress = [&](std::uint64_t bytes) {
      options_.progress(CheckOptions::Phase::kBytes, bytes, report_.tally.data_bytes);
    };

  const std::size_t before = report_.findings.size();
  const unsigned jobs =
      options_.jobs != 0 ? options_.jobs : std::max(std::thread::hardware_concurrency(), 1U);
  report_.tally.read_bytes =
      DataChecker(image_, meter_, next, found, progress).Run(std::min(jobs, kMaxJobs));
  // The threads' order is none that anybody wants to see.
  std::sort(report_.findings.begin() + static_cast<std::ptrdiff_t>(before), report_.findings.end(),
            [](const Finding& a, const Finding& b) {
              return std::tie(a.path, a.error.offset) < std::tie(b.path, b.error.offset);
            });
}

void Checker::CheckLinkCounts() {
  report_.tally.link_counts_checked = true;
  for (std::uint32_t i = 0; i < seen_.size(); ++i) {
    const SeenInode& seen = seen_[i];
    // A compact inode cannot count so far; writers store 1 then.
    const bool uncountable = seen.type == FileType::kDirectory && !seen.extended &&
                             seen.links > kMaxCompactNlink && seen.nlink == 1;
    if (seen.nlink == seen.links || uncountable) continue;
    const auto offset = image_.InodeOffset(seen.nid);
    const std::uint64_t field =
        seen.extended ? offsetof(wire::InodeExtended, nlink) : offsetof(wire::InodeCompact, nb);
    Add(Rule::kIno9, offset ? *offset + field : Error::kNowhere, {seen.nid, i},
        fmt::format("it claims {} and has {}", seen.nlink, seen.links));
  }
}

void Checker::CheckInodeCount() {
  report_.tally.inode_count_checked = true;
  const std::uint64_t claimed = image_.sb().inodes();
  const std::uint64_t found = report_.tally.inodes;
  if (claimed != found)
    Add(Rule::kSb14, FIELD_AT(inos), {}, fmt::format("it claims {}, there are {}", claimed, found));
}

// Whether the image is as its writer left it, if that was mkfs and nobody chose another UUID. All
// is read once more, in order.
void Checker::CheckContentUuid() {
  const std::uint64_t end = image_.sb().blocks_end();
  std::uint64_t at = HeadBytes(image_.sb().block_bits());
  ContentHash content;
  const std::vector<std::byte> zeros(at);
  content.Update(zeros);
  std::vector<std::byte> buffer(kReadPiece);
  while (at < end) {
    const ByteSpan piece = std::span(buffer).first(std::min<std::uint64_t>(kReadPiece, end - at));
    if (!meter_.PayData(piece.size())) return;
    if (const auto read = image_.ReadData({DeviceId{0}, at}, piece); !read)
      return Add(read.error(), {});
    content.Update(piece);
    at += piece.size();
  }
  std::vector<std::byte> configurations(image_.compression().bytes());
  if (const auto read = image_.ReadData(
          {DeviceId{0}, wire::kSuperblockOffset + image_.sb().size_bytes()}, configurations);
      !read)
    return Add(read.error(), {});
  if (ContentUuid(std::move(content), image_.sb().raw(), configurations) != image_.sb().uuid())
    Add(Rule::kCan1, FIELD_AT(uuid), {});
}

// --- what lies where ---

void Checker::ClaimOwnParts() {
  const Superblock& sb = image_.sb();
  const auto claim = [&](std::uint64_t start, std::uint64_t bytes, Part part) {
    space_.Add({DeviceId{0}, start}, bytes, part, SeenTable::kNone);
  };
  claim(wire::kSuperblockOffset, sb.size_bytes(), Part::kSuperblock);
  claim(wire::kSuperblockOffset + sb.size_bytes(), image_.compression().bytes(),
        Part::kCompression);
  claim(sb.device_table_offset(), image_.device_slots().size() * sizeof(wire::DeviceSlot),
        Part::kDeviceTable);
  if (const auto address = image_.xattr_prefixes_address())
    claim(*address, image_.xattr_prefixes().bytes(), Part::kXattrPrefixes);
}

void Checker::CheckSpace() {
  space_.Sort();
  space_.ForEachClash([&](const Claim& first, const Claim& second) {
    if (!Keeps(Rule::kSpc1)) return Add(Rule::kSpc1, second.start, {});
    const std::uint64_t bytes = std::min(first.end, second.end) - second.start;
    const std::string device =
        second.device.v == 0 ? "" : fmt::format(" of device {}", second.device.v);
    Add(Rule::kSpc1, second.start, {},
        fmt::format("{} bytes{} belong to {} and to {}", bytes, device, NameOf(first),
                    NameOf(second)));
  });
  // What could not be located may lie anywhere.
  if (!whole_tree_ || !whole_map_ || !meter_.running()) return;
  CheckPadding(DeviceId{0}, 0, image_.sb().blocks_end());
  if (image_.sb().metabox_nid())
    CheckPadding(DeviceId{0}, kMetaboxAddress, image_.MetadataEnd(kMetaboxAddress));
  report_.tally.padding_checked = meter_.running();
}

void Checker::CheckPadding(DeviceId device, std::uint64_t start, std::uint64_t end) {
  std::vector<std::byte> buffer(kPaddingPiece);
  space_.ForEachGap(device, start, end, [&](std::uint64_t at, std::uint64_t gap_end) {
    report_.tally.padding_bytes += gap_end - at;
    while (at < gap_end) {
      const ByteSpan piece =
          std::span(buffer).first(std::min<std::uint64_t>(buffer.size(), gap_end - at));
      if (!meter_.PayData(std::max<std::uint64_t>(piece.size(), Meter::kMinBytes))) return false;
      if (const auto read = image_.ReadData({device, at}, piece); !read) {
        Add(read.error(), {});
        return true;
      }
      const auto used = std::ranges::find_if(piece, [](std::byte b) { return b != std::byte{0}; });
      if (used != piece.end()) {
        at += static_cast<std::uint64_t>(used - piece.begin());
        Add(Rule::kSpc2, at, {}, fmt::format("one of {} bytes", gap_end - at));
        return true;
      }
      at += piece.size();
    }
    return true;
  });
}

std::string Checker::NameOf(const Claim& claim) {
  switch (claim.part) {
    case Part::kSuperblock:
      return "the superblock";
    case Part::kCompression:
      return "the compression configurations";
    case Part::kDeviceTable:
      return "the device table";
    case Part::kXattrPrefixes:
      return "the table of xattr prefixes";
    case Part::kPacked:
      return "the packed inode";
    case Part::kMetabox:
      return "the metabox inode";
    case Part::kInode:
      return "the inode of " + PathOf(claim.owner);
    case Part::kData:
      return "data of " + PathOf(claim.owner);
    case Part::kSharedXattr:
      return "a shared attribute" +
             (claim.owner == SeenTable::kNone ? "" : " of " + PathOf(claim.owner));
  }
  return {};
}

}  // namespace amberfs
