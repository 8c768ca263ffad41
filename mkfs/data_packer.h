// Third pass: the contents of regular files, in the order of their names, each read once and
// appended.
#ifndef AMBERFS_MKFS_DATA_PACKER_H_
#define AMBERFS_MKFS_DATA_PACKER_H_

#include <string>
#include <vector>

#include "mkfs/build.h"
#include "mkfs/build_error.h"
#include "mkfs/content_source.h"
#include "mkfs/image_file.h"
#include "mkfs/image_plan.h"
#include "mkfs/tree.h"

namespace amberfs {

// Appends the data of every regular file of `tree`, which is in `contents`, to `image`, whole
// blocks in ascending order; tails that go behind their inodes to `spool`. Sets size and data of
// the files in `plan`, and the sums of `summary`. Returns, for each inode, whether it is gone from
// the source, which is an error unless the options ignore it. So is a file that changed. Errors
// name the source.
BuildResult<std::vector<bool>> PackData(const std::string& source_name, ContentSource& contents,
                                        const Tree& tree, const BuildOptions& options,
                                        ImagePlan& plan, ImageFile& image, TailSpool& spool,
                                        BuildSummary& summary);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_DATA_PACKER_H_
