// Paths inside an image, walked as the kernel walks them, except that none leads out of the image.
//
//   * Every path starts at the image's top: "usr" and "/usr" are the same.
//   * Symbolic links are followed beneath the top, where an absolute target starts again. At most
//     40 of them, as in Linux.
//   * ".." is the directory by which the path came, whatever the image's own ".." entries say. At
//     the top it stays there.
#ifndef AMBERFS_IMAGE_PATH_H_
#define AMBERFS_IMAGE_PATH_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "format/inode.h"
#include "format/units.h"
#include "image/image.h"

namespace amberfs {

// What becomes of a symbolic link that a path ends with. A slash behind it always follows it.
enum class LastLink : std::uint8_t { kFollow, kKeep };

struct PathStep {
  std::string name;
  Nid nid;
};

struct ResolvedPath {
  Inode inode;
  // The way to the inode without ".", ".." and links: from the top, whose own path has no step.
  std::vector<PathStep> steps;

  std::string Text() const;  // "/usr/bin"; "/" for the top
};

// Fails with kNotFound where a name is missing, also for an empty path; with kIo and ENOTDIR or
// ELOOP where the kernel would say so; or as reading the inodes, directories and links does.
Result<ResolvedPath> ResolvePath(const Image& image, std::string_view path, LastLink last);

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_PATH_H_
