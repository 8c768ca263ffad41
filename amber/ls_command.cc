// amber ls: lists directories of an image as ls(1) would.
#include <fmt/format.h>

#include <optional>
#include <vector>

#include "amber/command.h"
#include "amber/image_arguments.h"
#include "amber/inode_text.h"
#include "amber/output.h"
#include "base/text.h"
#include "image/directory.h"
#include "image/file_reader.h"
#include "image/path.h"
#include "image/tree_walk.h"

namespace amberfs {
namespace {

struct LsOptions {
  bool details = false;
  bool all = false;
  bool recursive = false;
  bool nids = false;
  bool directory_itself = false;
  bool json = false;
};

bool IsHidden(std::string_view name) { return name.starts_with('.'); }

// "/usr" and "bin" are "/usr/bin".
std::string Join(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.ends_with('/')) path += '/';
  return path.append(name);
}

class Ls {
 public:
  Ls(const Image& image, const ImageArguments& args, const LsOptions& options,
     const std::string& name)
      : image_(image), args_(args), options_(options), name_(name), out_(name) {}

  int Run(const std::vector<std::string>& paths);

 private:
  // An operand that is a directory and is to be listed.
  struct Operand {
    std::string path;
    Inode inode;
  };

  std::optional<ResolvedPath> Resolve(const std::string& path);
  void ListTree(const Operand& top);
  void ListDirectory(const std::string& path, const Inode& inode);
  // One line for inode `nid`, whose path from the image's top is `path`, and which people know as
  // `shown`.
  void PrintEntry(std::string_view shown, const std::string& path, Nid nid,
                  const Result<Inode>& inode);
  void PrintJson(const std::string& path, Nid nid, const Result<Inode>& inode);
  void PrintLine(Nid nid, std::string_view details, std::string_view shown,
                 std::string_view target);
  std::string Details(const Result<Inode>& inode) const;
  // A link's target; empty, and a complaint, if there is none.
  std::string Target(const std::string& path, const Inode& inode);
  void PrintHeading(const std::string& path);
  void Complain(std::string_view path, const Error& error) {
    PrintPathError(args_, name_, path, error);
    status_ = kPartFailed;
  }

  const Image& image_;
  const ImageArguments& args_;
  const LsOptions options_;
  const std::string& name_;
  Output out_;
  bool headings_ = false;
  bool printed_ = false;  // something that a heading must stand off from
  int status_ = 0;
};

int Ls::Run(const std::vector<std::string>& paths) {
  std::vector<Operand> directories;
  for (const std::string& path : paths) {
    const auto found = Resolve(path);
    if (!found) continue;
    // JSON has one name for each object; people see what they typed.
    const std::string shown = options_.json ? found->Text() : path;
    if (found->inode.is_directory() && !options_.directory_itself)
      directories.push_back({shown, found->inode});
    else
      PrintEntry(shown, found->Text(), found->inode.nid(), found->inode);
  }
  headings_ = !options_.json && (paths.size() > 1 || options_.recursive);
  for (const Operand& directory : directories) {
    if (options_.recursive) {
      ListTree(directory);
    } else {
      PrintHeading(directory.path);
      ListDirectory(directory.path, directory.inode);
    }
  }
  return out_.Flush() ? status_ : kPartFailed;
}

std::optional<ResolvedPath> Ls::Resolve(const std::string& path) {
  auto found = ResolvePath(image_, path, LastLink::kKeep);
  // As ls(1): a link to a directory is that directory, unless something is to be said about it.
  if (found && found->inode.type() == FileType::kSymlink && !options_.details &&
      !options_.directory_itself) {
    auto target = ResolvePath(image_, path, LastLink::kFollow);
    if (target && target->inode.is_directory()) return *std::move(target);
  }
  if (found) return *std::move(found);
  Complain(path, found.error());
  return std::nullopt;
}

void Ls::ListTree(const Operand& top) {
  std::string start = top.path;
  while (start.size() > 1 && start.ends_with('/')) start.pop_back();
  TreeWalk walk(image_, top.inode, start);
  bool first = true;
  while (!out_.failed()) {
    const auto step = walk.Next();
    if (!step) return;
    if (step->kind == TreeStep::Kind::kBroken) Complain(walk.path(), step->error);
    if (step->kind != TreeStep::Kind::kInode || !step->inode->is_directory()) continue;
    if (!first && !options_.all && IsHidden(walk.name())) {
      walk.SkipDirectory();
      continue;
    }
    first = false;
    PrintHeading(walk.path());
    ListDirectory(walk.path(), *step->inode);
  }
}

void Ls::ListDirectory(const std::string& path, const Inode& inode) {
  const Directory directory(image_, inode);
  Directory::Iterator entries(directory);
  while (!out_.failed()) {
    const auto entry = entries.Next();
    if (!entry && !options_.recursive) Complain(path, entry.error());  // else the walk does
    if (!entry || !*entry) return;
    const std::string name((*entry)->name);
    if (!options_.all && IsHidden(name)) continue;
    const std::string entry_path = Join(path, name);
    const Nid nid = (*entry)->nid;
    if (!options_.details && !options_.json) {
      PrintLine(nid, {}, name, {});
      continue;
    }
    const auto child = image_.ReadInode(nid);
    if (!child && !options_.recursive) Complain(entry_path, child.error());
    PrintEntry(name, entry_path, nid, child);
  }
}

void Ls::PrintEntry(std::string_view shown, const std::string& path, Nid nid,
                    const Result<Inode>& inode) {
  if (options_.json) return PrintJson(path, nid, inode);
  if (!options_.details) return PrintLine(nid, {}, shown, {});
  const bool is_link = inode && inode->type() == FileType::kSymlink;
  PrintLine(nid, Details(inode), shown, is_link ? Target(path, *inode) : "");
}

void Ls::PrintLine(Nid nid, std::string_view details, std::string_view shown,
                   std::string_view target) {
  std::string line;
  if (options_.nids) line += fmt::format("{:>8} ", nid.v);
  line.append(details).append(Printable(shown));
  if (!target.empty()) line += " -> " + Printable(target);
  out_.Add(line + "\n");
  printed_ = true;
}

void Ls::PrintJson(const std::string& path, Nid nid, const Result<Inode>& inode) {
  nlohmann::ordered_json json = {{"path", JsonBytes(path)}};
  if (inode) {
    json.update(InodeJson(*inode));
    if (inode->type() == FileType::kSymlink)
      if (const std::string target = Target(path, *inode); !target.empty())
        json["target"] = JsonBytes(target);
  } else {
    json["nid"] = nid.v;
    json["error"] = Describe(inode.error());
  }
  out_.Add(JsonLine(json));
}

std::string Ls::Details(const Result<Inode>& inode) const {
  constexpr const char* kColumns = "{} {:>3} {:>5} {:>5} {:>10} {:>16} ";
  if (!inode) return fmt::format(kColumns, "??????????", "?", "?", "?", "?", "?");
  const std::string size = inode->is_device()
                               ? fmt::format("{}, {}", inode->device_major(), inode->device_minor())
                               : fmt::format("{}", inode->size());
  return fmt::format(kColumns, ModeText(inode->mode()), inode->nlink(), inode->uid(), inode->gid(),
                     size, TimeText(inode->mtime(), "%Y-%m-%d %H:%M"));
}

std::string Ls::Target(const std::string& path, const Inode& inode) {
  auto target = ReadSymlink(image_, inode);
  if (target) return *std::move(target);
  Complain(path, target.error());
  return {};
}

void Ls::PrintHeading(const std::string& path) {
  if (!headings_) return;
  out_.Add((printed_ ? "\n" : "") + Printable(path) + ":\n");
  printed_ = true;
}

}  // namespace

int RunLs(const Arguments& arguments, const std::string& name) {
  ImageArguments args;
  LsOptions options;
  std::vector<std::string> paths;
  CLI::App app("List what an image holds.");
  AddImageOptions(app, args);
  app.add_option("PATH", paths, "What to list (default /)");
  app.add_flag("-l,-n", options.details, "Mode, links, owner, group, size, time, link's target");
  app.add_flag("-a", options.all, "Also names that start with a dot");
  app.add_flag("-R", options.recursive, "Directories below, too");
  app.add_flag("-i", options.nids, "Inode numbers (nids)");
  app.add_flag("-d", options.directory_itself, "Directories themselves, not what is in them");
  app.add_flag("--json", options.json, "One JSON object a line, with all details");
  if (const auto status = ParseArguments(app, arguments, name, kBadUsage)) return *status;

  const auto image = OpenImage(args, name);
  if (!image) return kPartFailed;
  if (paths.empty()) paths.push_back("/");
  return Ls(*image, args, options, name).Run(paths);
}

}  // namespace amberfs
