// Second pass: owners, times, the form of each inode, and which xattrs are shared.
#ifndef AMBERFS_MKFS_ATTRIBUTES_H_
#define AMBERFS_MKFS_ATTRIBUTES_H_

#include "mkfs/build.h"
#include "mkfs/build_error.h"
#include "mkfs/image_plan.h"
#include "mkfs/tree.h"

namespace amberfs {

// Makes the tree's attributes what the image will say, and starts the plan. Fails, naming the path,
// on what the format or the options do not allow.
BuildResult<ImagePlan> PlanAttributes(Tree& tree, const BuildOptions& options);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_ATTRIBUTES_H_
