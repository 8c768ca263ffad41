// Extended attributes of source files.
#ifndef AMBERFS_MKFS_XATTR_READER_H_
#define AMBERFS_MKFS_XATTR_READER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mkfs/xattr_pool.h"

namespace amberfs {

// Reads attributes through /proc/self/fd, the way that works for symlinks and devices without
// following or opening them, and for paths of any depth. Buffers are reused between files.
class XattrReader {
 public:
  // /proc must be there.
  static bool Works();

  // All attributes of `name` ("." for the directory itself) that the image format can hold, in any
  // order, into `attributes`. Returns 0 or an errno. Those that it cannot hold are left out, and
  // skipped_name() names the first of them.
  int Read(int directory_fd, std::string_view name, std::vector<Xattr>& attributes);

  const std::string& skipped_name() const { return skipped_name_; }

 private:
  int List();
  int ReadValue(const char* name, std::string& value);

  std::string path_;
  std::string names_;
  std::string skipped_name_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_XATTR_READER_H_
