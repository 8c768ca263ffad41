#include "mkfs/directory_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <unordered_map>

#include "format/xattr_filter.h"
#include "mkfs/dir_cursor.h"
#include "mkfs/path_filter.h"

namespace amberfs {
namespace {

constexpr std::size_t kMaxSymlink = 4095;

struct FileIdHash {
  std::size_t operator()(const FileId& id) const {
    return std::hash<std::uint64_t>()(id.inode * 0x9E3779B97F4A7C15 + id.device);
  }
};

class Scanner {
 public:
  Scanner(DirCursor cursor, const BuildOptions& options, PathFilter filter,
          const std::vector<FileId>& not_these, std::string top)
      : cursor_(std::move(cursor)),
        options_(options),
        filter_(std::move(filter)),
        not_these_(not_these),
        top_(std::move(top)) {}

  BuildResult<Tree> Scan();

 private:
  // A directory on the way down to where the cursor is.
  struct Level {
    InodeIndex directory;
    std::vector<std::string> names;  // sorted
    std::size_t next = 0;
  };

  BuildResult<void> Visit(const std::string& name);
  BuildResult<void> Descend(InodeIndex directory);
  BuildResult<std::vector<std::string>> ReadNames() const;
  BuildResult<InodeIndex> AddInode(const std::string& name, const struct stat& st);
  BuildResult<void> ReadXattrs(const std::string& name, TreeInode& inode);
  BuildResult<void> AddXattr(const std::string& proc_path, const char* xattr, TreeInode& inode);

  // Where errors say they happened: entry `name` of the current directory, or itself if empty.
  std::string PathHere(const std::string& name) const {
    std::string path = levels_.empty() || name.empty()
                           ? (levels_.empty() ? "." : tree_.PathOf(levels_.back().directory))
                           : tree_.PathOf(levels_.back().directory, name);
    return path == "." ? top_ : top_ + "/" + path;
  }
  bool Stopped() const { return options_.stop != nullptr && *options_.stop; }

  DirCursor cursor_;
  const BuildOptions& options_;
  const PathFilter filter_;
  const std::vector<FileId>& not_these_;
  const std::string top_;

  Tree tree_;
  std::vector<Level> levels_;
  std::unordered_map<FileId, InodeIndex, FileIdHash> linked_;  // files with several names
  std::set<std::string> unknown_xattrs_;                       // warned of already
  std::string xattr_buffer_;
};

BuildResult<Tree> Scanner::Scan() {
  struct stat st;
  if (::fstat(cursor_.fd(), &st) != 0) return SystemFailure(top_, "cannot stat", errno);
  AMBERFS_TRY_VOID(AddInode("", st));
  AMBERFS_TRY_VOID(Descend(Tree::kRootInode));
  while (!levels_.empty()) {
    if (Stopped()) return std::unexpected(BuildError{"interrupted", true});
    Level& level = levels_.back();
    if (level.next < level.names.size()) {
      const std::string name = std::move(level.names[level.next++]);
      AMBERFS_TRY_VOID(Visit(name));
      continue;
    }
    levels_.pop_back();
    if (levels_.empty()) break;
    if (const auto up = cursor_.Leave(tree_.inodes[levels_.back().directory].source); !up)
      return SystemFailure(PathHere(""), "directory changed while being read", up.error());
  }
  return std::move(tree_);
}

BuildResult<void> Scanner::Visit(const std::string& name) {
  const InodeIndex directory = levels_.back().directory;
  if (!filter_.empty() && filter_.Excludes(tree_.PathOf(directory, name))) return {};
  struct stat st;
  if (::fstatat(cursor_.fd(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT && options_.ignore_vanished) return {};
    return SystemFailure(PathHere(name), "cannot stat", errno);
  }
  const FileId id{st.st_dev, st.st_ino};
  if (std::ranges::find(not_these_, id) != not_these_.end()) return {};

  const bool is_directory = S_ISDIR(st.st_mode);
  const bool may_have_names = !is_directory && st.st_nlink > 1 && !options_.hard_dereference;
  if (may_have_names) {
    if (const auto known = linked_.find(id); known != linked_.end()) {
      ++tree_.inodes[known->second].nlink;
      tree_.inodes[directory].entries.push_back({name, known->second});
      return {};
    }
  }
  if (is_directory) {
    if (const auto down = cursor_.Enter(name.c_str(), id); !down) {
      if (down.error() == ENOENT && options_.ignore_vanished) return {};
      if (down.error() == ESTALE) return BuildFailure(PathHere(name), "changed while being read");
      return SystemFailure(PathHere(name), "cannot open directory", down.error());
    }
  }

  const auto added = AddInode(name, st);
  if (!added) return std::unexpected(added.error());
  TreeInode& inode = tree_.inodes[*added];
  inode.parent = directory;
  inode.place = static_cast<std::uint32_t>(tree_.inodes[directory].entries.size());
  tree_.inodes[directory].entries.push_back({name, *added});
  if (may_have_names) linked_.emplace(id, *added);
  if (!is_directory) return {};
  ++tree_.inodes[directory].nlink;
  return Descend(*added);
}

// The cursor stands in `directory` already.
BuildResult<void> Scanner::Descend(InodeIndex directory) {
  levels_.push_back({directory, {}});
  auto names = ReadNames();
  if (!names) return std::unexpected(names.error());
  levels_.back().names = *std::move(names);
  return {};
}

BuildResult<std::vector<std::string>> Scanner::ReadNames() const {
  const int fd = ::openat(cursor_.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(fd >= 0 ? ::fdopendir(fd) : nullptr, ::closedir);
  if (!stream) return SystemFailure(PathHere(""), "cannot open directory", errno);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return SystemFailure(PathHere(""), "cannot read directory", errno);
  std::ranges::sort(names);  // char_traits<char> compares as unsigned bytes
  return names;
}

BuildResult<InodeIndex> Scanner::AddInode(const std::string& name, const struct stat& st) {
  if (tree_.inodes.size() >= kMaxInodes) return BuildFailure(PathHere(name), "too many files");
  TreeInode inode;
  inode.mode = st.st_mode;
  inode.uid = st.st_uid;
  inode.gid = st.st_gid;
  inode.nlink = S_ISDIR(st.st_mode) ? 2 : 1;
  inode.mtime = st.st_mtim.tv_sec;
  inode.mtime_nsec = static_cast<std::uint32_t>(st.st_mtim.tv_nsec);
  inode.source = {st.st_dev, st.st_ino};
  inode.source_ctime = st.st_ctim;
  switch (inode.type()) {
    case FileType::kRegular:
      inode.size = static_cast<std::uint64_t>(st.st_size);
      break;
    case FileType::kSymlink: {
      inode.target.resize(kMaxSymlink + 1);
      const ssize_t got =
          ::readlinkat(cursor_.fd(), name.c_str(), inode.target.data(), inode.target.size());
      if (got < 0) return SystemFailure(PathHere(name), "cannot read link", errno);
      inode.target.resize(static_cast<std::size_t>(got));
      break;
    }
    case FileType::kCharDevice:
    case FileType::kBlockDevice:
      inode.device_major = major(st.st_rdev);
      inode.device_minor = minor(st.st_rdev);
      break;
    default:
      break;
  }
  if (const auto why = WhyNotStorable(inode)) return BuildFailure(PathHere(name), *why);
  if (auto read = ReadXattrs(name, inode); !read) return std::unexpected(read.error());
  tree_.inodes.push_back(std::move(inode));
  return static_cast<InodeIndex>(tree_.inodes.size() - 1);
}

BuildResult<void> Scanner::ReadXattrs(const std::string& name, TreeInode& inode) {
  if (!options_.xattr_tolerance) return {};
  // There is no *xattrat(2) everywhere yet; through /proc the path stays short, and what the last
  // component names is not followed. The cursor already stands in a directory that is being added.
  const bool here = name.empty() || inode.type() == FileType::kDirectory;
  const std::string path = fmt::format("/proc/self/fd/{}/{}", cursor_.fd(), here ? "." : name);
  std::string list;
  ssize_t got = -1;
  for (std::size_t size = 4096; got < 0; size *= 2) {
    list.resize(size);
    got = ::llistxattr(path.c_str(), list.data(), list.size());
    if (got >= 0) break;
    if (errno == ENOTSUP) return {};
    if (errno != ERANGE || size > 65536)
      return SystemFailure(PathHere(name), "cannot list extended attributes", errno);
  }
  list.resize(static_cast<std::size_t>(got));
  // In order of names, not in the file system's: the pool numbers attributes as they come.
  std::vector<const char*> names;
  for (std::size_t at = 0; at < list.size(); at += std::char_traits<char>::length(&list[at]) + 1)
    names.push_back(&list[at]);
  std::ranges::sort(names, std::less<std::string_view>());
  for (const char* xattr : names) {
    auto added = AddXattr(path, xattr, inode);
    if (!added) return BuildFailure(PathHere(name), added.error().message);
  }
  std::ranges::sort(inode.xattrs, [&](XattrId a, XattrId b) { return tree_.xattrs.Less(a, b); });
  return {};
}

BuildResult<void> Scanner::AddXattr(const std::string& proc_path, const char* xattr,
                                    TreeInode& inode) {
  const auto [index, suffix] = SplitAtShortPrefix(xattr);
  if (index == 0) {
    if (unknown_xattrs_.emplace(xattr).second && options_.warn)
      options_.warn(
          fmt::format("extended attribute {} has no place in the format and is left out", xattr));
    return {};
  }
  xattr_buffer_.resize(XattrPool::kMaxValue + 1);
  const ssize_t got =
      ::lgetxattr(proc_path.c_str(), xattr, xattr_buffer_.data(), xattr_buffer_.size());
  if (got < 0) {
    if (errno == ENODATA) return {};  // removed since it was listed
    return std::unexpected(BuildError{
        fmt::format("cannot read extended attribute {}: {}", xattr, std::strerror(errno))});
  }
  if (static_cast<std::size_t>(got) > XattrPool::kMaxValue)
    return std::unexpected(
        BuildError{fmt::format("extended attribute {} is larger than 65535 bytes", xattr)});
  const std::string_view value(xattr_buffer_.data(), static_cast<std::size_t>(got));
  inode.xattrs.push_back(tree_.xattrs.Add(index, suffix, value));
  return {};
}

}  // namespace

BuildResult<Tree> ScanDirectory(const std::string& path, const BuildOptions& options,
                                const std::vector<FileId>& not_these) {
  auto filter = PathFilter::Make(options.exclude_paths, options.exclude_regexes);
  if (!filter) return std::unexpected(filter.error());
  auto cursor = DirCursor::Open(path);
  if (!cursor) return SystemFailure(path, "cannot open directory", cursor.error());
  std::string top = path;
  while (top.size() > 1 && top.ends_with('/')) top.pop_back();
  return Scanner(*std::move(cursor), options, *std::move(filter), not_these, top).Scan();
}

}  // namespace amberfs
