// Notes each file's fs-verity digest in an attribute of it (verity/digest_xattr.h).
//
// An attribute's size counts when inodes get their places, its value is known once the file was
// read; so there is a place for it first.
#ifndef AMBERFS_MKFS_FILE_DIGESTS_H_
#define AMBERFS_MKFS_FILE_DIGESTS_H_

#include "mkfs/image_plan.h"
#include "mkfs/tree.h"

namespace amberfs {

// Gives each regular file that is not empty the attribute, in place of one that the source has.
void ReserveFileDigests(Tree& tree);

// Puts in the digests that PackData() made of the same files.
void FillInFileDigests(const ImagePlan& plan, Tree& tree);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_FILE_DIGESTS_H_
