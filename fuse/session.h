// A mount from beginning to end: mount, go to the background, serve, unmount.
#ifndef AMBERFS_FUSE_SESSION_H_
#define AMBERFS_FUSE_SESSION_H_

#include <string>
#include <vector>

#include "image/image.h"

namespace amberfs {

struct MountOptions {
  std::string image_path;   // what mount tables show as the source
  std::string mount_point;  // an existing directory; absolute, for a daemon leaves the current one
  // Options for libfuse and the kernel, each as behind -o ("allow_other", "suid").
  std::vector<std::string> fuse_options;
  bool foreground = false;
  bool debug = false;  // prints every request; implies foreground
  // Ends the mount when something is not what it was vouched to be, instead of an error for it.
  bool stop_when_unverified = false;
};

enum class MountOutcome {
  kDone,         // served until it was unmounted or told to stop
  kBadOption,    // libfuse does not know an option; it said which on standard error
  kMountFailed,  // libfuse or fusermount3 said why on standard error
  kServeFailed,  // the connection to the kernel broke
  kUnverified,   // stop_when_unverified, and it was so
};

// Mounts `image` and serves it. Without `foreground` the calling process forks: the parent exits
// with status 0 once the mount stands, and this returns in the child when the mount has ended.
MountOutcome MountAndServe(const Image& image, const MountOptions& options);

}  // namespace amberfs

#endif  // AMBERFS_FUSE_SESSION_H_
