#include "io/byte_source.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace amberfs {

Result<std::shared_ptr<const FileSource>> FileSource::Open(const std::string& path,
                                                           std::uint64_t start) {
  // O_NONBLOCK: a fifo in place of an image must not make open() wait.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return IoError(errno);
  struct stat st;
  if (::fstat(fd.get(), &st) != 0) return IoError(errno);
  std::uint64_t bytes = 0;
  if (S_ISREG(st.st_mode)) {
    bytes = static_cast<std::uint64_t>(st.st_size);
  } else if (S_ISBLK(st.st_mode)) {
    if (::ioctl(fd.get(), BLKGETSIZE64, &bytes) != 0) return IoError(errno);
  } else {
    return IoError(S_ISDIR(st.st_mode) ? EISDIR : EINVAL);
  }
  if (start > bytes) return IoError(EINVAL);
  return std::make_shared<const FileSource>(std::move(fd), start, bytes - start);
}

std::optional<ByteSource::FileRange> FileSource::FileRangeAt(std::uint64_t offset,
                                                             std::uint64_t bytes) const {
  if (offset > size_ || bytes > size_ - offset) return std::nullopt;
  return FileRange{fd_.get(), start_ + offset};
}

Result<void> FileSource::ReadAt(std::uint64_t offset, ByteSpan out) const {
  if (offset > size_ || out.size() > size_ - offset) return IoError(EIO, offset);
  while (!out.empty()) {
    const ssize_t got =
        ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(start_ + offset));
    if (got < 0) {
      if (errno == EINTR) continue;
      return IoError(errno, offset);
    }
    if (got == 0) return IoError(EIO, offset);  // cut short since it was opened
    out = out.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

Result<void> MemorySource::ReadAt(std::uint64_t offset, ByteSpan out) const {
  if (offset > size() || out.size() > size() - offset) return IoError(EIO, offset);
  if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
  return {};
}

}  // namespace amberfs
