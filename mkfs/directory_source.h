// First pass: reads a directory tree of the host into a Tree. Contents of files are not read.
#ifndef AMBERFS_MKFS_DIRECTORY_SOURCE_H_
#define AMBERFS_MKFS_DIRECTORY_SOURCE_H_

#include <string>
#include <vector>

#include "mkfs/build.h"
#include "mkfs/build_error.h"
#include "mkfs/tree.h"

namespace amberfs {

// Reads the tree below `path`. Leaves out what the options exclude and the files in `not_these`
// (the image itself). Fails, naming the path, on what cannot be read or has no place in the format.
BuildResult<Tree> ScanDirectory(const std::string& path, const BuildOptions& options,
                                const std::vector<FileId>& not_these);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_DIRECTORY_SOURCE_H_
