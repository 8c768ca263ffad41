#include "mkfs/directory_source.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/text.h"
#include "mkfs/directory_cursor.h"
#include "mkfs/excludes.h"
#include "mkfs/xattr_reader.h"

namespace amberfs {
namespace {

constexpr std::size_t kListingBytes = 256 * 1024;
constexpr std::size_t kMaxNameBytes = 255;

struct HashSourceId {
  std::size_t operator()(const SourceId& id) const {
    return static_cast<std::size_t>(id.ino * 0x9E3779B97F4A7C15U ^ id.dev);
  }
};

class Scanner {
 public:
  Scanner(const BuildOptions& options, const std::vector<SourceId>& leave_out, Excludes excludes,
          UniqueFd root, Tree& tree, std::uint64_t& vanished)
      : options_(options),
        leave_out_(leave_out),
        excludes_(std::move(excludes)),
        tree_(tree),
        vanished_(vanished),
        cursor_(tree, std::move(root)),
        listing_(kListingBytes) {}

  BuildResult<void> Run();

 private:
  BuildResult<void> AddRoot();
  BuildResult<void> ReadDirectory(InodeIndex directory);
  BuildResult<void> ListNames(InodeIndex directory);
  BuildResult<void> AddEntry(InodeIndex directory, std::string_view name);
  BuildResult<TreeInode> Describe(const struct stat& status, InodeIndex directory,
                                  std::string_view name);
  std::string PathIn(InodeIndex directory, std::string_view name) const;

  const BuildOptions& options_;
  const std::vector<SourceId>& leave_out_;
  Excludes excludes_;
  Tree& tree_;
  std::uint64_t& vanished_;
  DirectoryCursor cursor_;
  XattrReader xattr_reader_;
  std::unordered_map<SourceId, InodeIndex, HashSourceId> several_names_;
  std::vector<InodeIndex> to_read_;  // a stack

  // Of the directory being read; reused. names_ point into name_bytes_, each followed by NUL.
  std::vector<char> listing_;
  std::string name_bytes_;
  std::vector<std::pair<std::size_t, std::size_t>> name_ranges_;
  std::vector<std::string_view> names_;
  std::vector<Xattr> attributes_;
};

BuildResult<void> Scanner::Run() {
  if (options_.xattrs && !XattrReader::Works()) {
    return Failure("cannot read extended attributes: /proc is not mounted (-x -1 leaves them out)");
  }
  AMBERFS_TRY_VOID(AddRoot());
  to_read_ = {0};
  while (!to_read_.empty()) {
    if (options_.stop != nullptr && *options_.stop) return Interrupted();
    const InodeIndex directory = to_read_.back();
    to_read_.pop_back();
    auto read = cursor_.MoveTo(directory);
    if (read) read = ReadDirectory(directory);
    if (read) continue;
    const std::string path = tree_.PathOfDirectory(directory);
    if (directory == 0 || tree_.inodes[directory].entry_count > 0 ||
        !TolerateVanished(options_, read.error(), path, vanished_)) {
      return read;
    }
    tree_.Drop(tree_.inodes[directory].own_entry);
  }
  if (!xattr_reader_.skipped_name().empty() && options_.warn) {
    options_.warn(fmt::format("extended attributes like '{}' have no place in the format: left out",
                              Printable(xattr_reader_.skipped_name())));
  }
  tree_.Prune();
  return {};
}

BuildResult<void> Scanner::AddRoot() {
  struct stat status;
  if (::fstat(cursor_.fd(), &status) != 0) return OsFailure("read attributes of", ".", errno);
  AMBERFS_TRY(TreeInode inode, Describe(status, 0, "."));
  inode.nlink = 2;
  tree_.inodes.push_back(inode);
  return {};
}

BuildResult<void> Scanner::ReadDirectory(InodeIndex directory) {
  AMBERFS_TRY_VOID(ListNames(directory));
  const auto first = static_cast<EntryIndex>(tree_.entries.size());
  const auto first_inode = static_cast<InodeIndex>(tree_.inodes.size());
  tree_.inodes[directory].first_entry = first;
  for (const std::string_view name : names_) {
    if (options_.stop != nullptr && *options_.stop) return Interrupted();
    AMBERFS_TRY_VOID(AddEntry(directory, name));
    tree_.inodes[directory].entry_count = static_cast<EntryIndex>(tree_.entries.size()) - first;
  }
  // Onto the stack backwards: the first subdirectory is read next.
  for (auto i = static_cast<InodeIndex>(tree_.inodes.size()); i-- > first_inode;) {
    if (tree_.inodes[i].is_directory()) to_read_.push_back(i);
  }
  return {};
}

BuildResult<void> Scanner::ListNames(InodeIndex directory) {
  name_bytes_.clear();
  name_ranges_.clear();
  names_.clear();
  while (true) {
    const ssize_t got = ::getdents64(cursor_.fd(), listing_.data(), listing_.size());
    if (got < 0) return OsFailure("list directory", tree_.PathOfDirectory(directory), errno);
    if (got == 0) break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      std::uint16_t record_bytes = 0;
      std::memcpy(&record_bytes, &listing_[at + offsetof(dirent64, d_reclen)], sizeof record_bytes);
      const std::string_view name(&listing_[at + offsetof(dirent64, d_name)]);
      at += record_bytes;
      if (name == "." || name == "..") continue;
      name_ranges_.emplace_back(name_bytes_.size(), name.size());
      name_bytes_.append(name.data(), name.size() + 1);  // with its NUL
    }
  }
  for (const auto& [start, bytes] : name_ranges_) {
    names_.push_back(std::string_view(name_bytes_).substr(start, bytes));
  }
  std::ranges::sort(names_);  // char_traits<char> compares as unsigned bytes
  // A directory that changes under readdir may show a name twice.
  names_.erase(std::ranges::unique(names_).begin(), names_.end());
  return {};
}

BuildResult<void> Scanner::AddEntry(InodeIndex directory, std::string_view name) {
  if (!excludes_.empty() && excludes_.Match(PathIn(directory, name))) return {};
  if (name.size() > kMaxNameBytes) {
    return PathFailure("store", PathIn(directory, name), "its name is longer than 255 bytes");
  }
  struct stat status;
  if (::fstatat(cursor_.fd(), name.data(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    const std::string path = PathIn(directory, name);
    const auto failure = OsFailure("read attributes of", path, errno);
    if (TolerateVanished(options_, failure.error(), path, vanished_)) return {};
    return failure;
  }
  const SourceId id{status.st_dev, status.st_ino};
  if (std::ranges::find(leave_out_, id) != leave_out_.end()) return {};
  if (tree_.inodes.size() >= kNoInode || tree_.entries.size() >= kNoEntry) {
    return Failure("the source has more than 4294967294 files");
  }

  const auto entry = static_cast<EntryIndex>(tree_.entries.size());
  auto index = static_cast<InodeIndex>(tree_.inodes.size());
  const bool is_directory = S_ISDIR(status.st_mode);
  if (!is_directory && status.st_nlink > 1 && !options_.hard_dereference) {
    const auto [first_seen, added] = several_names_.try_emplace(id, index);
    if (!added) {
      index = first_seen->second;
      ++tree_.inodes[index].nlink;
      tree_.entries.push_back({tree_.Keep(name), index, directory});
      return {};
    }
  }

  auto described = Describe(status, directory, name);
  if (!described) {
    several_names_.erase(id);
    if (TolerateVanished(options_, described.error(), PathIn(directory, name), vanished_)) {
      return {};
    }
    return std::unexpected(described.error());
  }
  TreeInode& inode = *described;
  if (is_directory) {
    inode.nlink = 2;
    inode.own_entry = entry;
    inode.parent = directory;
    inode.depth = tree_.inodes[directory].depth + 1;
    ++tree_.inodes[directory].nlink;
  } else {
    inode.nlink = 1;
  }
  tree_.inodes.push_back(inode);
  tree_.entries.push_back({tree_.Keep(name), index, directory});
  return {};
}

// A device number as the image stores it: 12 bits of major, 20 of minor.
std::optional<std::uint32_t> EncodeRdev(dev_t rdev) {
  const std::uint32_t major = ::gnu_dev_major(rdev);
  const std::uint32_t minor = ::gnu_dev_minor(rdev);
  if (major > 0xFFF || minor > 0xFFFFF) return std::nullopt;
  return (minor & 0xFF) | (major << 8) | ((minor & 0xFFF00) << 12);
}

// `name` is followed by NUL.
BuildResult<TreeInode> Scanner::Describe(const struct stat& status, InodeIndex directory,
                                         std::string_view name) {
  const auto path = [&] { return PathIn(directory, name); };
  TreeInode inode;
  inode.source = {status.st_dev, status.st_ino};
  inode.mode = status.st_mode & 0xFFFF;
  inode.uid = status.st_uid;
  inode.gid = status.st_gid;
  inode.mtime = status.st_mtim.tv_sec;
  inode.mtime_nsec = static_cast<std::uint32_t>(status.st_mtim.tv_nsec);
  switch (inode.type()) {
    case FileType::kUnknown:
      return PathFailure("store", path(), "it is of a type that the format does not know");
    case FileType::kRegular:
      inode.size = static_cast<std::uint64_t>(status.st_size);
      break;
    case FileType::kCharDevice:
    case FileType::kBlockDevice: {
      const auto rdev = EncodeRdev(status.st_rdev);
      if (!rdev) {
        return PathFailure("store", path(), "its device number is above 4095:1048575");
      }
      inode.rdev = *rdev;
      break;
    }
    case FileType::kSymlink: {
      std::array<char, PATH_MAX> target;
      const ssize_t bytes = ::readlinkat(cursor_.fd(), name.data(), target.data(), target.size());
      if (bytes < 0) return OsFailure("read symlink", path(), errno);
      if (bytes == 0 || static_cast<std::size_t>(bytes) >= target.size()) {
        return PathFailure("store", path(), "its target is empty or longer than 4095 bytes");
      }
      inode.symlink_target = tree_.Keep({target.data(), static_cast<std::size_t>(bytes)});
      inode.size = inode.symlink_target.size();
      break;
    }
    case FileType::kDirectory:
    case FileType::kFifo:
    case FileType::kSocket:
      break;
  }
  if (!options_.xattrs) return inode;
  if (const int error = xattr_reader_.Read(cursor_.fd(), name, attributes_); error != 0) {
    return OsFailure("read extended attributes of", path(), error);
  }
  inode.xattrs = tree_.xattrs.Intern(attributes_);
  return inode;
}

std::string Scanner::PathIn(InodeIndex directory, std::string_view name) const {
  std::string path = tree_.PathOfDirectory(directory);
  if (!path.empty()) path += '/';
  path += name;
  return path;
}

}  // namespace

BuildResult<UniqueFd> OpenSource(const std::string& path) {
  const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  UniqueFd root(::open(path.c_str(), flags));
  if (!root) return OsFailure("open directory", path, errno);
  return root;
}

BuildResult<void> ScanDirectory(const BuildOptions& options, const std::vector<SourceId>& leave_out,
                                UniqueFd root, Tree& tree, std::uint64_t& vanished) {
  AMBERFS_TRY(Excludes excludes, Excludes::Create(options.exclude_paths, options.exclude_regexes));
  Scanner scanner(options, leave_out, std::move(excludes), std::move(root), tree, vanished);
  return scanner.Run();
}

bool TolerateVanished(const BuildOptions& options, const BuildError& error, const std::string& path,
                      std::uint64_t& vanished) {
  if (!options.ignore_vanished || error.os_errno != ENOENT) return false;
  ++vanished;
  if (options.warn) {
    options.warn(fmt::format("left out '{}': it disappeared while the source was being read",
                             Printable(path)));
  }
  return true;
}

}  // namespace amberfs
