// Fourth pass: a place for everything that is not file data. Pure: no I/O, no clock, no chance.
#ifndef AMBERFS_MKFS_LAYOUT_H_
#define AMBERFS_MKFS_LAYOUT_H_

#include <cstdint>

#include "mkfs/build_error.h"
#include "mkfs/image_plan.h"
#include "mkfs/tree.h"

namespace amberfs {

// Decides sizes and places of directories and links, every nid, and the places of shared xattrs.
// The first `data_blocks` blocks of the image are taken. Fails if the image outgrows 32-bit block
// numbers.
BuildResult<void> LayOut(Tree& tree, std::uint64_t data_blocks, ImagePlan& plan);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_LAYOUT_H_
