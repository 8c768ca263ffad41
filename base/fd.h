// A file descriptor that is closed when its owner goes, and what a descriptor is of.
#ifndef AMBERFS_BASE_FD_H_
#define AMBERFS_BASE_FD_H_

#include <sys/types.h>
#include <unistd.h>

#include <utility>

namespace amberfs {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

// Which file of the host this is, whatever it is called.
struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  friend bool operator==(const FileId&, const FileId&) = default;
};

}  // namespace amberfs

#endif  // AMBERFS_BASE_FD_H_
