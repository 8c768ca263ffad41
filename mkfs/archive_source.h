// First pass, of an archive instead of a directory: tar in all its forms, perhaps compressed with
// gzip, Zstandard, xz or bzip2.
#ifndef AMBERFS_MKFS_ARCHIVE_SOURCE_H_
#define AMBERFS_MKFS_ARCHIVE_SOURCE_H_

#include <string>
#include <vector>

#include "mkfs/archive_contents.h"
#include "mkfs/build.h"
#include "mkfs/build_error.h"
#include "mkfs/tree.h"
#include "verity/digest.h"

namespace amberfs {

// An archive that is one of several, and has to be these bytes.
struct Layer {
  std::string path;
  Digest sha256;
  std::uint64_t size = 0;
};

// The tree that the layers become, each upon those before it. See ReadArchive().
BuildResult<Tree> ReadLayers(const std::vector<Layer>& layers, const BuildOptions& options,
                             ArchiveContents& contents);

// Reads the archive at `path`, "-" for standard input, whose files' contents go to `contents`. The
// tree is the one that the archive would become if it was extracted into an empty directory. Fails,
// naming the member, on what cannot be read, leads out of the tree, or has no place in the format.
BuildResult<Tree> ReadArchive(const std::string& path, const BuildOptions& options,
                              ArchiveContents& contents);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_ARCHIVE_SOURCE_H_
