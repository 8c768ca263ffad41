// A file descriptor that walks through the source's directories.
//
// Paths are useless for deep trees (PATH_MAX) and unsafe while others rename, and one descriptor
// per level would hit RLIMIT_NOFILE. So the cursor keeps two: the root's, and the current
// directory's, and goes from one directory to another step by step: up through "..", down by name
// without following symlinks. After each step (device, inode number) must be what the tree has
// recorded; otherwise somebody moved a directory, and the build fails rather than read elsewhere.
#ifndef AMBERFS_MKFS_DIRECTORY_CURSOR_H_
#define AMBERFS_MKFS_DIRECTORY_CURSOR_H_

#include "base/fd.h"
#include "mkfs/build_error.h"
#include "mkfs/tree.h"

namespace amberfs {

// openat() for reading that never follows a symlink in the last step, never blocks on a fifo, and
// leaves the access time alone where the owner may ask for that. Returns -1 and errno on failure.
int OpenForReading(int directory_fd, const char* name, int extra_flags);

class DirectoryCursor {
 public:
  // `root` is an open descriptor of the directory that tree.inodes[0] describes. The tree may grow
  // while the cursor is in use.
  DirectoryCursor(const Tree& tree, UniqueFd root) : tree_(tree), root_(std::move(root)) {}

  // Goes to the directory. Its parent chain must be complete in the tree. On failure the cursor
  // stands somewhere on the way; os_errno is ENOENT if a directory on the way disappeared.
  BuildResult<void> MoveTo(InodeIndex directory);

  // Good for openat() and the like; for reading entries only right after a step down to it.
  int fd() const { return current_ == 0 ? root_.get() : fd_.get(); }
  InodeIndex current() const { return current_; }

 private:
  BuildResult<void> Up();
  BuildResult<void> Down(InodeIndex child);
  BuildResult<void> Step(int fd, InodeIndex directory);

  const Tree& tree_;
  UniqueFd root_;
  UniqueFd fd_;  // of current_, unless that is the root
  InodeIndex current_ = 0;
  std::vector<InodeIndex> way_down_;  // reused by MoveTo()
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_DIRECTORY_CURSOR_H_
