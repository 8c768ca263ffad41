// Fifth pass: everything but file data and the superblock, in ascending order.
#ifndef AMBERFS_MKFS_METADATA_WRITER_H_
#define AMBERFS_MKFS_METADATA_WRITER_H_

#include "mkfs/build_error.h"
#include "mkfs/image_file.h"
#include "mkfs/image_plan.h"
#include "mkfs/tree.h"

namespace amberfs {

// Appends what LayOut() has placed; `image` ends where the data does, `spool` holds the files'
// tails.
BuildResult<void> WriteMetadata(const Tree& tree, const ImagePlan& plan, ImageFile& image,
                                TailSpool& spool);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_METADATA_WRITER_H_
