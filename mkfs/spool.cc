#include "mkfs/spool.h"

#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

namespace amberfs {

BuildResult<std::uint64_t> Spool::Append(ByteView bytes) {
  assert(!reading_);
  const std::uint64_t offset = file_bytes_ + buffer_.size();
  while (!bytes.empty()) {
    if (buffer_.size() == buffer_bytes_) AMBERFS_TRY_VOID(Flush());
    const std::size_t part = std::min(bytes.size(), buffer_bytes_ - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
    bytes = bytes.subspan(part);
  }
  return offset;
}

BuildResult<void> Spool::Flush() {
  if (!file_) {
    AMBERFS_TRY(file_, image_.CreateScratch());
  }
  for (ByteView rest = buffer_; !rest.empty();) {
    const ssize_t written =
        ::pwrite(file_.get(), rest.data(), rest.size(), static_cast<off_t>(file_bytes_));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      return OsFailure("write a temporary file beside", image_.path(),
                       written < 0 ? errno : ENOSPC);
    }
    rest = rest.subspan(static_cast<std::size_t>(written));
    file_bytes_ += static_cast<std::uint64_t>(written);
  }
  buffer_.clear();
  return {};
}

BuildResult<void> Spool::Read(std::uint64_t offset, ByteSpan bytes) {
  if (!reading_) {
    if (file_) AMBERFS_TRY_VOID(Flush());
    reading_ = true;
  }
  while (!bytes.empty()) {
    if (offset < window_start_ || offset >= window_start_ + buffer_.size()) {
      AMBERFS_TRY_VOID(Fill(offset));
    }
    const auto at = static_cast<std::size_t>(offset - window_start_);
    const std::size_t part = std::min(bytes.size(), buffer_.size() - at);
    std::ranges::copy(ByteView(buffer_).subspan(at, part), bytes.begin());
    bytes = bytes.subspan(part);
    offset += part;
  }
  return {};
}

BuildResult<void> Spool::Fill(std::uint64_t offset) {
  assert(file_ && offset < file_bytes_);
  buffer_.resize(
      static_cast<std::size_t>(std::min<std::uint64_t>(buffer_bytes_, file_bytes_ - offset)));
  window_start_ = offset;
  for (ByteSpan rest = buffer_; !rest.empty();) {
    const ssize_t got = ::pread(file_.get(), rest.data(), rest.size(),
                                static_cast<off_t>(window_start_ + buffer_.size() - rest.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      return OsFailure("read back a temporary file beside", image_.path(), got < 0 ? errno : EIO);
    }
    rest = rest.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace amberfs
