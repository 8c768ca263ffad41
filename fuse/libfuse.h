// The one place that chooses libfuse's API version.
#ifndef AMBERFS_FUSE_LIBFUSE_H_
#define AMBERFS_FUSE_LIBFUSE_H_

#define FUSE_USE_VERSION 314

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <fuse_lowlevel.h>
#pragma GCC diagnostic pop

#endif  // AMBERFS_FUSE_LIBFUSE_H_
