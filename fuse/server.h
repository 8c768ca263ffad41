// The file system's answers: one reply for each request, from the image alone.
//
// The server holds no state but the image: node ids, generations and directory cookies are
// functions of the image, so forget has nothing to do and a restarted server goes on where the old
// one was. The image never changes, so every answer is given to the kernel for ever: entries
// (negative ones too), attributes, links and pages. Replies per operation:
//
//   lookup       entry (node id 0 for a missing name) or error
//   getattr      attr | readlink: target | read: bytes, short only at the end of file
//   open/opendir ENOSYS once, by which the kernel stops asking (FUSE_NO_OPEN_SUPPORT); an old
//                kernel gets a handle without state that keeps its caches
//   readdir(plus)  entries from a cookie on; what follows a broken block is the next call's error
//   getxattr/listxattr  value or list, their size, ENODATA, ERANGE
//   statfs, lseek (SEEK_DATA, SEEK_HOLE), ioctl (GETFLAGS and FSGETXATTR: no flags; else ENOTTY)
//   whatever would write  EROFS
//
// One question comes again and again from users who do not own the top directory: its ACL, for the
// kernel makes that one inode before it learns that ACLs are served, and never caches its ACL.
//
// A broken object fails with EUCLEAN, an unreadable one with its errno, both for that object only;
// each is reported to the EventLog. All operations run on any of libfuse's threads.
#ifndef AMBERFS_FUSE_SERVER_H_
#define AMBERFS_FUSE_SERVER_H_

#include "fuse/event_log.h"
#include "image/image.h"
#include "image/read_ahead.h"

struct fuse_lowlevel_ops;

namespace amberfs {

class FuseServer {
 public:
  struct Options {
    // Whether trusted.* attributes are shown (to root): only for a mount made with CAP_SYS_ADMIN in
    // the initial user namespace. Elsewhere a listed name that cannot be read breaks copy-up.
    bool show_trusted_xattrs = false;
    // Prints what was negotiated with the kernel to standard error.
    bool debug = false;
  };

  // Borrows the image and the log, which must outlive it.
  FuseServer(const Image& image, EventLog& log, const Options& options)
      : image_(image), log_(log), options_(options), read_ahead_(image) {}

  // Operations whose userdata is a FuseServer.
  static const fuse_lowlevel_ops& Operations();

 private:
  friend struct Handlers;  // the operations, in server.cc

  const Image& image_;
  EventLog& log_;
  const Options options_;
  ReadAhead read_ahead_;
  // Set by init, before any other request.
  bool no_open_ = false;
  bool no_opendir_ = false;
};

// The errno that a failed operation answers with.
int ErrnoOf(const Error& error);

}  // namespace amberfs

#endif  // AMBERFS_FUSE_SERVER_H_
