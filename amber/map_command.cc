// amber map: where the bytes of files lie.
#include <fmt/format.h>

#include <optional>
#include <set>
#include <vector>

#include "amber/command.h"
#include "amber/image_arguments.h"
#include "amber/inode_text.h"
#include "amber/output.h"
#include "base/text.h"
#include "image/mapper.h"
#include "image/path.h"
#include "image/tree_walk.h"

namespace amberfs {
namespace {

std::string_view KindName(ExtentKind kind) {
  switch (kind) {
    case ExtentKind::kHole:
      return "hole";
    case ExtentKind::kMapped:
      return "mapped";
    case ExtentKind::kInline:
      return "inline";
    case ExtentKind::kEncoded:
      return "encoded";
    case ExtentKind::kFragment:
      return "fragment";
  }
  return "unknown";
}

// What an extent's offset counts in: the bytes of a device, or those of an inode that has no name.
struct Place {
  std::string_view inode_name;  // empty: `where` is on a device
  Location where;
};

Place PlaceOf(const Extent& extent) {
  const Location& where = extent.where;
  if (extent.kind == ExtentKind::kFragment) return {"packed", where};
  if (where.device.v == 0 && InMetabox(where.offset))
    return {"metabox", {where.device, where.offset & ~kMetaboxAddress}};
  return {"", where};
}

bool IsStored(const Extent& extent) { return extent.kind != ExtentKind::kHole; }

// Whether `next`, which starts where `extent` ends, is more of the same. Map() bounds what it looks
// at, so one stretch may come in pieces.
bool Continues(const Extent& extent, const Extent& next) {
  if (extent.kind != next.kind || extent.kind == ExtentKind::kEncoded) return false;
  return !IsStored(extent) || (extent.where.device == next.where.device &&
                               extent.where.offset + extent.length == next.where.offset);
}

class MapPrinter {
 public:
  MapPrinter(const Image& image, const ImageArguments& args, bool json, const std::string& name)
      : image_(image), args_(args), json_(json), name_(name), out_(name) {}

  void PrintPath(const std::string& path) {
    const auto found = ResolvePath(image_, path, LastLink::kFollow);
    if (!found) return Complain(path, found.error());
    PrintInode(found->Text(), found->inode);
  }

  void PrintAll() {
    const auto top = image_.ReadInode(image_.sb().root_nid());
    if (!top) return Complain("/", top.error());
    std::set<Nid> seen;  // of inodes with several names
    TreeWalk walk(image_, *top, "/");
    while (!out_.failed()) {
      const auto step = walk.Next();
      if (!step) return;
      if (step->kind == TreeStep::Kind::kBroken) Complain(walk.path(), step->error);
      if (step->kind != TreeStep::Kind::kInode) continue;
      const bool has_names = step->inode->nlink() > 1 && !step->inode->is_directory();
      if (has_names && !seen.insert(step->inode->nid()).second) continue;
      PrintInode(walk.path(), *step->inode);
    }
  }

  int Finish() { return out_.Flush() ? status_ : kPartFailed; }

 private:
  static bool HasData(const Inode& inode) {
    return inode.is_directory() || inode.type() == FileType::kRegular ||
           inode.type() == FileType::kSymlink;
  }

  void PrintInode(const std::string& path, const Inode& inode) {
    if (!HasData(inode)) return;
    if (!json_)
      out_.Add(fmt::format("{}: nid {}, {} bytes, {}\n", Printable(path), inode.nid().v,
                           inode.size(), LayoutName(inode.layout())));
    if (const auto mapped = PrintExtents(path, inode); !mapped) Complain(path, mapped.error());
  }

  Result<void> PrintExtents(const std::string& path, const Inode& inode) {
    Mapper mapper(image_, inode);
    std::optional<Extent> last;  // not printed yet
    const auto print_last = [&] {
      if (last) PrintExtent(path, inode, *last, last->pos == 0);
    };
    for (std::uint64_t pos = 0; pos < inode.size() && !out_.failed();) {
      const auto extent = mapper.Map(pos, inode.size() - pos);
      if (!extent) {
        print_last();
        return std::unexpected(extent.error());
      }
      pos = extent->pos + extent->length;
      if (last && Continues(*last, *extent)) {
        last->length += extent->length;
        continue;
      }
      print_last();
      last = *extent;
    }
    print_last();
    return {};
  }

  void PrintExtent(const std::string& path, const Inode& inode, const Extent& extent, bool first) {
    if (json_) return PrintJson(path, inode, extent);
    constexpr const char* kColumns = "{:>16} {:>16} {:<8} {:>7} {:>16}{}\n";
    if (first)
      out_.Add(fmt::format(kColumns, "pos", "length", "kind", "device", "offset",
                           inode.is_compressed() ? "  encoded" : ""));
    const std::string_view kind = KindName(extent.kind);
    if (!IsStored(extent))
      return out_.Add(fmt::format("{:>16} {:>16} {}\n", extent.pos, extent.length, kind));
    const auto [inode_name, where] = PlaceOf(extent);
    const std::string device =
        inode_name.empty() ? fmt::format("{}", where.device.v) : std::string(inode_name);
    const std::string encoded =
        extent.kind == ExtentKind::kEncoded
            ? fmt::format(" {:>8} {}", extent.encoded_bytes, AlgorithmName(extent.algorithm))
            : "";
    out_.Add(fmt::format(kColumns, extent.pos, extent.length, kind, device, where.offset, encoded));
  }

  void PrintJson(const std::string& path, const Inode& inode, const Extent& extent) {
    nlohmann::ordered_json json = {{"path", JsonBytes(path)},
                                   {"nid", inode.nid().v},
                                   {"pos", extent.pos},
                                   {"length", extent.length},
                                   {"kind", KindName(extent.kind)}};
    if (IsStored(extent)) {
      const auto [inode_name, where] = PlaceOf(extent);
      if (inode_name.empty())
        json["device"] = where.device.v;
      else
        json["device"] = inode_name;
      json["offset"] = where.offset;
    }
    if (extent.kind == ExtentKind::kEncoded) {
      json["encoded_bytes"] = extent.encoded_bytes;
      json["algorithm"] = AlgorithmName(extent.algorithm);
    }
    out_.Add(JsonLine(json));
  }

  void Complain(std::string_view path, const Error& error) {
    PrintPathError(args_, name_, path, error);
    status_ = kPartFailed;
  }

  const Image& image_;
  const ImageArguments& args_;
  const bool json_;
  const std::string& name_;
  Output out_;
  int status_ = 0;
};

}  // namespace

int RunMap(const Arguments& arguments, const std::string& name) {
  ImageArguments args;
  std::vector<std::string> paths;
  bool json = false;
  CLI::App app("Show where the bytes of files lie.");
  AddImageOptions(app, args);
  app.add_option("PATH", paths, "A file in the image (default: all of them)");
  app.add_flag("--json", json, "One JSON object a line, for each extent");
  if (const auto status = ParseArguments(app, arguments, name, kBadUsage)) return *status;

  const auto image = OpenImage(args, name);
  if (!image) return kPartFailed;
  MapPrinter printer(*image, args, json, name);
  for (const std::string& path : paths) printer.PrintPath(path);
  if (paths.empty()) printer.PrintAll();
  return printer.Finish();
}

}  // namespace amberfs
