#include "mkfs/directory_cursor.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <string>
#include <utility>

namespace amberfs {

int OpenForReading(int directory_fd, const char* name, int extra_flags) {
  const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY | extra_flags;
  const int fd = ::openat(directory_fd, name, flags | O_NOATIME);
  if (fd >= 0 || errno != EPERM) return fd;  // EPERM: only the owner may ask for O_NOATIME
  return ::openat(directory_fd, name, flags);
}

BuildResult<void> DirectoryCursor::MoveTo(InodeIndex directory) {
  if (directory == current_) return {};
  const auto depth = [this](InodeIndex index) { return tree_.inodes[index].depth; };
  const auto parent = [this](InodeIndex index) { return tree_.inodes[index].parent; };

  // Find where the ways from the root to here and to there part.
  way_down_.clear();
  InodeIndex meet = current_;
  InodeIndex below = directory;
  while (meet != below) {
    if (depth(below) >= depth(meet)) {
      way_down_.push_back(below);
      below = parent(below);
    } else {
      meet = parent(meet);
    }
  }

  if (meet == 0) {
    current_ = 0;
    fd_.reset();
  }
  while (current_ != meet) {
    const auto up = Up();
    if (up) continue;
    if (up.error().os_errno != ENOENT) return up;
    // The directory here was removed, which cuts its "..": start again from the root.
    current_ = 0;
    fd_.reset();
    return MoveTo(directory);
  }
  while (!way_down_.empty()) {
    AMBERFS_TRY_VOID(Down(way_down_.back()));
    way_down_.pop_back();
  }
  return {};
}

BuildResult<void> DirectoryCursor::Up() {
  // O_PATH: going up must not need permission to list.
  return Step(::openat(fd(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC),
              tree_.inodes[current_].parent);
}

BuildResult<void> DirectoryCursor::Down(InodeIndex child) {
  // A copy, because names in the tree end without NUL.
  const std::string name(tree_.entries[tree_.inodes[child].own_entry].name);
  return Step(OpenForReading(fd(), name.c_str(), O_DIRECTORY), child);
}

BuildResult<void> DirectoryCursor::Step(int fd, InodeIndex directory) {
  const int open_errno = errno;
  if (fd < 0) {
    const std::string path = tree_.PathOfDirectory(directory);
    // What was a directory a moment ago has been replaced.
    if (open_errno == ENOTDIR || open_errno == ELOOP) return ChangedFailure(path);
    return OsFailure("open directory", path, open_errno);
  }
  UniqueFd opened(fd);
  struct stat status;
  if (::fstat(fd, &status) != 0) {
    return OsFailure("read attributes of", tree_.PathOfDirectory(directory), errno);
  }
  if (SourceId{status.st_dev, status.st_ino} != tree_.inodes[directory].source) {
    return ChangedFailure(tree_.PathOfDirectory(directory));
  }
  fd_ = std::move(opened);
  current_ = directory;
  return {};
}

}  // namespace amberfs
