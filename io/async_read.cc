#include "io/async_read.h"

#include <liburing.h>

#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace amberfs {

void AsyncRead::RingDeleter::operator()(io_uring* ring) const {
  io_uring_queue_exit(ring);
  delete ring;
}

AsyncRead::AsyncRead() {
  auto ring = std::make_unique<io_uring>();
  if (io_uring_queue_init(2, ring.get(), 0) == 0) ring_.reset(ring.release());
}

AsyncRead::~AsyncRead() {
  if (submitted_) static_cast<void>(Wait());
}

void AsyncRead::Begin(const ByteSource& source, std::uint64_t offset, ByteSpan out) {
  assert(source_ == nullptr);
  source_ = &source;
  offset_ = offset;
  out_ = out;
  const auto range = ring_ ? source.FileRangeAt(offset, out.size()) : std::nullopt;
  io_uring_sqe* const entry = range ? io_uring_get_sqe(ring_.get()) : nullptr;
  if (entry == nullptr) return;
  io_uring_prep_read(entry, range->fd, out.data(), static_cast<unsigned>(out.size()),
                     range->offset);
  submitted_ = io_uring_submit(ring_.get()) == 1;
}

Result<void> AsyncRead::Wait() {
  assert(source_ != nullptr);
  const ByteSource& source = *std::exchange(source_, nullptr);
  std::size_t got = 0;
  if (std::exchange(submitted_, false)) {
    io_uring_cqe* done = nullptr;
    int failed = 0;
    do failed = io_uring_wait_cqe(ring_.get(), &done);
    while (failed == -EINTR);
    // Only our own mistake could make waiting fail, and then the kernel may still write to `out_`.
    if (failed != 0) std::abort();
    if (done->res > 0) got = static_cast<std::size_t>(done->res);
    io_uring_cqe_seen(ring_.get(), done);
  }
  // The rest of a short or failed read, or all of it: this says what is wrong, too.
  if (got == out_.size()) return {};
  return source.ReadAt(offset_ + got, out_.subspan(got));
}

}  // namespace amberfs
