// Pass 1: a directory of the host becomes a Tree.
//
// Works relative to open directories and without recursion, so that neither PATH_MAX nor
// RLIMIT_NOFILE nor the stack limits the depth. Mount points below the source are crossed.
// Symlinks are never followed, except that the source's own path may be one.
#ifndef AMBERFS_MKFS_DIRECTORY_SOURCE_H_
#define AMBERFS_MKFS_DIRECTORY_SOURCE_H_

#include <string>
#include <vector>

#include "base/fd.h"
#include "mkfs/build_error.h"
#include "mkfs/options.h"
#include "mkfs/tree.h"

namespace amberfs {

// Opens the source for ScanDirectory() and for a DirectoryCursor.
BuildResult<UniqueFd> OpenSource(const std::string& path);

// Fills the empty `tree` from the directory `root`, opened by OpenSource(): names, attributes as
// they are on the host, symlink targets, xattrs. Files in `leave_out` (the image itself) and
// excluded ones are skipped. With options.ignore_vanished counts in `vanished` what disappeared
// between being listed and being looked at; otherwise that is a failure. Memory: about 200 bytes
// for each inode.
BuildResult<void> ScanDirectory(const BuildOptions& options, const std::vector<SourceId>& leave_out,
                                UniqueFd root, Tree& tree, std::uint64_t& vanished);

// True if the build may go on without `path`, which could not be found; then it has been warned
// about and counted.
bool TolerateVanished(const BuildOptions& options, const BuildError& error, const std::string& path,
                      std::uint64_t& vanished);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_DIRECTORY_SOURCE_H_
