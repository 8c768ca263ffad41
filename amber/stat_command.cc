// amber stat: everything that an image says about an inode.
#include <fmt/format.h>

#include <vector>

#include "amber/command.h"
#include "amber/image_arguments.h"
#include "amber/inode_text.h"
#include "amber/output.h"
#include "base/text.h"
#include "image/file_reader.h"
#include "image/path.h"
#include "image/xattr_set.h"

namespace amberfs {
namespace {

// What is known about one inode besides the inode itself.
struct Extras {
  struct Attribute {
    std::string name;
    std::string value;
    bool shared;
  };
  std::string target;  // of a symbolic link
  std::vector<Attribute> xattrs;
};

std::string ToText(const std::string& title, const Inode& inode, const Extras& extras) {
  std::string text = title + ":\n";
  const auto add = [&](std::string_view key, const std::string& value) {
    text += fmt::format("  {:<7} {}\n", key, value);
  };
  add("type", std::string(TypeName(inode.type())));
  add("mode", fmt::format("{:04o} ({})", inode.mode() & 07777, ModeText(inode.mode())));
  add("owner", fmt::format("{}:{}", inode.uid(), inode.gid()));
  add("size", fmt::format("{} bytes, {} blocks of 512 bytes", inode.size(), inode.blocks_512()));
  add("links", fmt::format("{}", inode.nlink()));
  const std::string nanoseconds = fmt::format(".{:09}", inode.mtime_nsec());
  add("mtime", TimeText(inode.mtime(), ("%Y-%m-%d %H:%M:%S" + nanoseconds + " %z").c_str()));
  if (inode.is_device())
    add("device", fmt::format("{}, {}", inode.device_major(), inode.device_minor()));
  if (!extras.target.empty()) add("target", Printable(extras.target));
  add("nid", fmt::format("{}", inode.nid().v));
  add("inode",
      fmt::format("{}, at byte {}", inode.is_extended() ? "extended" : "compact", inode.offset()));
  add("layout", std::string(LayoutName(inode.layout())));
  if (inode.layout() == DataLayout::kChunkBased)
    add("chunks", fmt::format("of {} bytes", std::uint64_t{1} << inode.chunk_format().chunk_bits));
  for (const Extras::Attribute& xattr : extras.xattrs)
    add("xattr", fmt::format("{}={}{}", Printable(xattr.name), Printable(xattr.value),
                             xattr.shared ? " (shared)" : ""));
  return text;
}

nlohmann::ordered_json ToJson(const Inode& inode, const Extras& extras) {
  nlohmann::ordered_json json = InodeJson(inode);
  if (!extras.target.empty()) json["target"] = JsonBytes(extras.target);
  json["blocks"] = inode.blocks_512();
  json["form"] = inode.is_extended() ? "extended" : "compact";
  json["offset"] = inode.offset();
  json["layout"] = LayoutName(inode.layout());
  if (inode.layout() == DataLayout::kChunkBased)
    json["chunk_bytes"] = std::uint64_t{1} << inode.chunk_format().chunk_bits;
  auto xattrs = nlohmann::ordered_json::array();
  for (const Extras::Attribute& xattr : extras.xattrs)
    xattrs.push_back({{"name", JsonBytes(xattr.name)},
                      {"value", JsonBytes(xattr.value)},
                      {"shared", xattr.shared}});
  json["xattrs"] = std::move(xattrs);
  return json;
}

class Stat {
 public:
  Stat(const Image& image, const ImageArguments& args, bool json, const std::string& name)
      : image_(image), args_(args), json_(json), name_(name), out_(name) {}

  void PrintPath(const std::string& path, LastLink last) {
    const auto found = ResolvePath(image_, path, last);
    if (!found) return Complain(path, found.error());
    const Extras extras = ReadExtras(path, found->inode);
    if (!json_) return out_.Add(ToText(Printable(path), found->inode, extras));
    nlohmann::ordered_json json = {{"path", JsonBytes(found->Text())}};
    json.update(ToJson(found->inode, extras));
    out_.Add(JsonLine(json));
  }

  void PrintNid(Nid nid) {
    const std::string title = fmt::format("nid {}", nid.v);
    const auto inode = image_.ReadInode(nid);
    if (!inode) return Complain(title, inode.error());
    const Extras extras = ReadExtras(title, *inode);
    out_.Add(json_ ? JsonLine(ToJson(*inode, extras)) : ToText(title, *inode, extras));
  }

  int Finish() { return out_.Flush() ? status_ : kPartFailed; }

 private:
  // What can be read of it; complains about the rest.
  Extras ReadExtras(std::string_view subject, const Inode& inode) {
    Extras extras;
    if (inode.type() == FileType::kSymlink) {
      auto target = ReadSymlink(image_, inode);
      if (target)
        extras.target = *std::move(target);
      else
        Complain(subject, target.error());
    }
    if (const auto read = ReadXattrs(inode, extras); !read) Complain(subject, read.error());
    return extras;
  }

  Result<void> ReadXattrs(const Inode& inode, Extras& extras) const {
    AMBERFS_TRY(const XattrSet set, XattrSet::Read(image_, inode));
    AMBERFS_TRY(const std::vector<Xattr> list, set.List());
    for (const Xattr& xattr : list) {
      AMBERFS_TRY(std::string value, set.Value(xattr));
      extras.xattrs.push_back({xattr.name, std::move(value), xattr.shared});
    }
    return {};
  }

  void Complain(std::string_view subject, const Error& error) {
    PrintPathError(args_, name_, subject, error);
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

int RunStat(const Arguments& arguments, const std::string& name) {
  ImageArguments args;
  std::vector<std::string> paths;
  std::vector<std::uint64_t> nids;
  bool follow = false;
  bool json = false;
  CLI::App app("Show everything about files of an image.");
  AddImageOptions(app, args);
  app.add_option("PATH", paths, "A file in the image");
  app.add_flag("-L,--dereference", follow, "Follow a PATH that is a symbolic link");
  app.add_option("--nid", nids, "An inode number instead of a PATH (repeatable)")
      ->type_name("N")
      ->allow_extra_args(false);
  app.add_flag("--json", json, "One JSON object a line");
  if (const auto status = ParseArguments(app, arguments, name, kBadUsage)) return *status;
  if (paths.empty() && nids.empty()) {
    PrintError("{}: PATH or --nid is required\nTry '{} --help'.\n", name, name);
    return kBadUsage;
  }

  const auto image = OpenImage(args, name);
  if (!image) return kPartFailed;
  Stat stat(*image, args, json, name);
  for (const std::string& path : paths)
    stat.PrintPath(path, follow ? LastLink::kFollow : LastLink::kKeep);
  for (const std::uint64_t nid : nids) stat.PrintNid(Nid{nid});
  return stat.Finish();
}

}  // namespace amberfs
