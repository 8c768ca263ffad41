// Decodes ahead of readers that go through a large compressed file from front to back.
//
// Each reader that goes on where it was is a stream; what comes behind it is decoded into the
// image's cache by a few threads, each of which fetches the next pcluster while it decodes the
// last. Only extents that take longer than one request are worth it: for shorter ones the kernel's
// own reading ahead keeps all threads busy. Any thread; it costs a glance if there is nothing to
// do.
#ifndef AMBERFS_IMAGE_READ_AHEAD_H_
#define AMBERFS_IMAGE_READ_AHEAD_H_

#include <array>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "image/image.h"

namespace amberfs {

class ReadAhead {
 public:
  // Borrows the image. Starts threads when there is work for the first time, so that it may be made
  // before a fork.
  explicit ReadAhead(const Image& image);
  ~ReadAhead();  // ends what is being decoded

  // `inode` is being read at [pos, pos + bytes).
  void Note(const Inode& inode, std::uint64_t pos, std::uint64_t bytes);

 private:
  // A file that is being read in order.
  struct Stream {
    Nid nid;
    std::uint64_t next = 0;   // where the reader goes on
    std::uint64_t ahead = 0;  // what lies before this was queued, or read
    std::uint64_t used = 0;   // when, to find the oldest
  };
  // Finds out whether this is a stream that wants more; then [from, to) of it is to be queued.
  struct Range {
    std::uint64_t from = 0;
    std::uint64_t to = 0;
  };
  Range Follow(const Inode& inode, std::uint64_t pos, std::uint64_t bytes) REQUIRES(mutex_);
  void Work();

  const Image& image_;
  const std::uint64_t window_bytes_;  // how far ahead

  Mutex mutex_;
  CondVar wake_;
  std::array<Stream, 16> streams_ GUARDED_BY(mutex_);
  std::uint64_t clock_ GUARDED_BY(mutex_) = 0;
  std::deque<Extent> queue_ GUARDED_BY(mutex_);
  bool stop_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_READ_AHEAD_H_
