// One read that goes on while its thread does something else.
//
// By io_uring where the kernel lets us and the source is a plain file; elsewhere the read happens
// when it is waited for. One thread, one read at a time.
#ifndef AMBERFS_IO_ASYNC_READ_H_
#define AMBERFS_IO_ASYNC_READ_H_

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/error.h"
#include "io/byte_source.h"

struct io_uring;

namespace amberfs {

class AsyncRead {
 public:
  AsyncRead();
  ~AsyncRead();  // waits for a read that nobody waited for

  // Whether reads of files really go on by themselves.
  bool is_async() const { return ring_ != nullptr; }

  // Begins to fill `out` from `offset` of `source`. Both are borrowed, and `out` is the kernel's,
  // until Wait().
  void Begin(const ByteSource& source, std::uint64_t offset, ByteSpan out);

  // Ends what Begin() began, with the result of ReadAt().
  Result<void> Wait();

 private:
  struct RingDeleter {
    void operator()(io_uring* ring) const;
  };
  std::unique_ptr<io_uring, RingDeleter> ring_;  // null: io_uring is refused
  const ByteSource* source_ = nullptr;           // of the read that was begun
  std::uint64_t offset_ = 0;
  ByteSpan out_;
  bool submitted_ = false;
};

}  // namespace amberfs

#endif  // AMBERFS_IO_ASYNC_READ_H_
