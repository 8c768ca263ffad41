// Walks a directory tree of the host with one file descriptor, however deep and however long paths
// get.
//
// Going down opens a name in the current directory and never follows a symbolic link; going up
// opens
// ".." and makes sure that it is the directory we came from. So a tree that others change while we
// walk it can make the walk fail, and never leave the tree.
#ifndef AMBERFS_MKFS_DIR_CURSOR_H_
#define AMBERFS_MKFS_DIR_CURSOR_H_

#include <expected>
#include <string>

#include "base/fd.h"
#include "mkfs/tree.h"

namespace amberfs {

class DirCursor {
 public:
  // Failures are errno values. ESTALE: the directory is not the one that it was before.
  using Status = std::expected<void, int>;

  // Opens the tree's top, following symbolic links in `path`.
  static std::expected<DirCursor, int> Open(const std::string& path);

  int fd() const { return fd_.get(); }
  FileId id() const { return id_; }

  // Into directory `name`, which must be `expected`.
  Status Enter(const char* name, FileId expected);
  // Up into the parent, which must be `expected`.
  Status Leave(FileId expected) { return Enter("..", expected); }

 private:
  DirCursor(UniqueFd fd, FileId id) : fd_(std::move(fd)), id_(id) {}

  UniqueFd fd_;
  FileId id_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_DIR_CURSOR_H_
