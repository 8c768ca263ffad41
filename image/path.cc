#include "image/path.h"

#include <cerrno>

#include "image/directory.h"
#include "image/file_reader.h"

namespace amberfs {
namespace {

constexpr int kMaxLinks = 40;  // as Linux's MAXSYMLINKS

// Where a path has come to.
class Walk {
 public:
  Walk(const Image& image, const Inode& top) : image_(image), top_(top), here_{top, {}} {}

  const Inode& inode() const { return here_.inode; }
  ResolvedPath Take() && { return std::move(here_); }

  void ToTop() { here_ = {top_, {}}; }

  Result<void> Up() {
    if (!here_.steps.empty()) here_.steps.pop_back();
    const Nid parent = here_.steps.empty() ? top_.nid() : here_.steps.back().nid;
    AMBERFS_TRY(here_.inode, image_.ReadInode(parent));
    return {};
  }

  Result<Inode> Child(std::string_view name) const {
    AMBERFS_TRY(const auto nid, Directory(image_, here_.inode).Find(name));
    if (!nid) return Fail(Errc::kNotFound);
    return image_.ReadInode(*nid);
  }

  void Enter(std::string_view name, const Inode& child) {
    here_.steps.push_back({std::string(name), child.nid()});
    here_.inode = child;
  }

 private:
  const Image& image_;
  const Inode top_;
  ResolvedPath here_;
};

}  // namespace

std::string ResolvedPath::Text() const {
  std::string text;
  for (const PathStep& step : steps) text.append("/").append(step.name);
  return text.empty() ? "/" : text;
}

Result<ResolvedPath> ResolvePath(const Image& image, std::string_view path, LastLink last) {
  if (path.empty()) return Fail(Errc::kNotFound);
  AMBERFS_TRY(const Inode top, image.ReadInode(image.sb().root_nid()));
  Walk walk(image, top);
  // Grows by a link's target at most kMaxLinks times.
  std::string rest(path);
  int links = 0;
  for (std::size_t at = 0; at < rest.size();) {
    // A slash asks for a directory, also where no name follows.
    if (!walk.inode().is_directory()) return IoError(ENOTDIR);
    const std::size_t start = rest.find_first_not_of('/', at);
    if (start == rest.npos) break;
    const std::size_t end = std::min(rest.find('/', start), rest.size());
    const std::string_view name = std::string_view(rest).substr(start, end - start);
    at = end;
    if (name == ".") continue;
    if (name == "..") {
      AMBERFS_TRY_VOID(walk.Up());
      continue;
    }
    AMBERFS_TRY(const Inode child, walk.Child(name));
    const bool kept = end == rest.size() && last == LastLink::kKeep;
    if (child.type() != FileType::kSymlink || kept) {
      walk.Enter(name, child);
      continue;
    }
    if (++links > kMaxLinks) return IoError(ELOOP);
    AMBERFS_TRY(const std::string target, ReadSymlink(image, child));
    if (target.front() == '/') walk.ToTop();
    rest = target + rest.substr(end);
    at = 0;
  }
  return std::move(walk).Take();
}

}  // namespace amberfs
