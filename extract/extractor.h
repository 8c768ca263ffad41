// Copies what an image holds into a directory of the host.
//
// The image may be hostile, and so may whoever can write to the directory meanwhile. Nothing
// outside the directory is made, changed or read (safe_dir.h, target_tree.h), nobody may do more
// with a copy than with the original (attributes.h), and a small image that claims to be large ends
// at a budget.
//
//   * One thing that fails is reported, and the rest goes on; a full disk ends it all.
//   * What is no directory appears under its name when it is complete, with everything it gets.
//   * Directories get their owners, modes and times at the end, the deepest first, and are closed
//     to everybody else until then. They stay so if the extraction ends early.
//   * Names of one inode become names of one file. Holes stay holes.
//
// One thread walks the image and makes what it finds; others help it with large files.
#ifndef AMBERFS_EXTRACT_EXTRACTOR_H_
#define AMBERFS_EXTRACT_EXTRACTOR_H_

#include "extract/ledger.h"
#include "extract/safe_dir.h"
#include "image/image.h"

namespace amberfs {

// Fills `target`. Its own directory becomes a copy of the image's top if all of the image is
// extracted or it was made for this.
ExtractSummary Extract(const Image& image, SafeDir::Top target, const ExtractOptions& options);

}  // namespace amberfs

#endif  // AMBERFS_EXTRACT_EXTRACTOR_H_
