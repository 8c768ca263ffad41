#include "mkfs/image_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/error.h"

namespace amberfs {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
constexpr mode_t kMode = 0666;  // less the umask, as for any file that a tool makes

// Writes all of `bytes`; an errno value if that fails.
int WriteFully(int fd, std::uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return errno;
    offset += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return 0;
}

// Fills `out`; an errno value if that fails, EIO past the end.
int ReadFully(int fd, std::uint64_t offset, ByteSpan out) {
  while (!out.empty()) {
    const ssize_t got = ::pread(fd, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0 ? EIO : errno;
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return 0;
}

std::string DirectoryOf(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == path.npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// What a symbolic link at `path` leads to, so that the link stays; else `path`.
std::string ResolveLink(const std::string& path) {
  struct stat st;
  if (::lstat(path.c_str(), &st) != 0 || !S_ISLNK(st.st_mode)) return path;
  const std::unique_ptr<char, decltype(&std::free)> target(::realpath(path.c_str(), nullptr),
                                                           std::free);
  return target ? std::string(target.get()) : path;
}

}  // namespace

BuildResult<UniqueFd> OpenUnnamed(const std::string& directory, std::string* temporary_name) {
  UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, kMode));
  if (fd) return fd;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
    return SystemFailure(directory, "cannot create a file here", errno);
  std::string name = directory + "/.amber-mkfs.XXXXXX";
  fd.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (!fd) return SystemFailure(directory, "cannot create a file here", errno);
  if (temporary_name == nullptr) {
    ::unlink(name.c_str());
    return fd;
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(fd.get(), kMode & ~mask);
  *temporary_name = std::move(name);
  return fd;
}

BuildResult<ImageFile> ImageFile::Create(const std::string& path) {
  const std::string resolved = ResolveLink(path);
  struct stat st;
  const bool exists = ::stat(resolved.c_str(), &st) == 0;
  if (exists && !S_ISREG(st.st_mode)) return BuildFailure(path, "exists and is not a regular file");
  std::string temporary_name;
  AMBERFS_TRY(UniqueFd fd, OpenUnnamed(DirectoryOf(resolved), &temporary_name));
  ImageFile file(resolved, std::move(fd));
  file.directory_ = DirectoryOf(resolved);
  file.temporary_name_ = std::move(temporary_name);
  if (exists) file.ids_.push_back({st.st_dev, st.st_ino});
  if (::fstat(file.fd_.get(), &st) == 0) file.ids_.push_back({st.st_dev, st.st_ino});
  file.buffer_.reserve(kBufferBytes);
  return file;
}

ImageFile::~ImageFile() {
  if (fd_ && !temporary_name_.empty()) ::unlink(temporary_name_.c_str());
}

BuildResult<void> ImageFile::WriteAll(std::uint64_t offset, ByteView bytes) {
  if (const int error = WriteFully(fd_.get(), offset, bytes))
    return SystemFailure(path_, "cannot write", error);
  if (watcher_ != nullptr) watcher_->Written(offset, bytes);
  return {};
}

BuildResult<void> ImageFile::Flush() {
  AMBERFS_TRY_VOID(WriteAll(flushed_, buffer_));
  flushed_ += buffer_.size();
  buffer_.clear();
  return {};
}

BuildResult<void> ImageFile::Append(ByteView bytes) {
  hash_.Update(bytes);
  if (buffer_.size() + bytes.size() > kBufferBytes) AMBERFS_TRY_VOID(Flush());
  if (bytes.size() >= kBufferBytes) {
    AMBERFS_TRY_VOID(WriteAll(flushed_, bytes));
    flushed_ += bytes.size();
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
  return {};
}

BuildResult<void> ImageFile::AppendZeros(std::uint64_t count) {
  static constexpr std::array<std::byte, 4096> kZeros{};
  while (count > 0) {
    const std::uint64_t piece = std::min<std::uint64_t>(count, kZeros.size());
    AMBERFS_TRY_VOID(Append(ByteView(kZeros).first(piece)));
    count -= piece;
  }
  return {};
}

BuildResult<void> ImageFile::Rewind(const Mark& mark) {
  hash_ = mark.hash;
  if (mark.size >= flushed_) {
    buffer_.resize(mark.size - flushed_);
  } else {
    buffer_.clear();
    flushed_ = mark.size;
  }
  return {};
}

BuildResult<void> ImageFile::Overwrite(std::uint64_t offset, ByteView bytes) {
  assert(offset + bytes.size() <= size());
  AMBERFS_TRY_VOID(Flush());
  return WriteAll(offset, bytes);
}

BuildResult<void> ImageFile::Read(std::uint64_t offset, ByteSpan out) {
  assert(offset + out.size() <= size());
  AMBERFS_TRY_VOID(Flush());
  if (const int error = ReadFully(fd_.get(), offset, out))
    return SystemFailure(path_, "cannot read", error);
  return {};
}

BuildResult<void> ImageFile::Complete() {
  AMBERFS_TRY_VOID(Flush());
  ImageWatcher* const watcher = std::exchange(watcher_, nullptr);
  return watcher != nullptr ? watcher->Complete(*this) : BuildResult<void>();
}

BuildResult<void> ImageFile::Publish() {
  AMBERFS_TRY_VOID(Flush());
  if (::ftruncate(fd_.get(), static_cast<off_t>(flushed_)) != 0 || ::fsync(fd_.get()) != 0)
    return SystemFailure(path_, "cannot write", errno);
  if (temporary_name_.empty()) {
    // A nameless file can be linked under a free name only, and only rename(2) replaces at once.
    const std::string proc = fmt::format("/proc/self/fd/{}", fd_.get());
    if (::linkat(AT_FDCWD, proc.c_str(), AT_FDCWD, path_.c_str(), AT_SYMLINK_FOLLOW) == 0)
      return SyncDirectory();
    if (errno != EEXIST) return SystemFailure(path_, "cannot create", errno);
    for (int attempt = 0; temporary_name_.empty(); ++attempt) {
      std::string name = fmt::format("{}/.amber-mkfs.{}.{}", directory_, ::getpid(), attempt);
      if (::linkat(AT_FDCWD, proc.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0)
        temporary_name_ = std::move(name);
      else if (errno != EEXIST)
        return SystemFailure(path_, "cannot create", errno);
    }
  }
  if (::rename(temporary_name_.c_str(), path_.c_str()) != 0)
    return SystemFailure(path_, "cannot create", errno);
  temporary_name_.clear();
  return SyncDirectory();
}

BuildResult<void> ImageFile::SyncDirectory() const {
  const UniqueFd fd(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return SystemFailure(directory_, "cannot sync", errno);
  return {};
}

BuildResult<TailSpool> TailSpool::Create(const std::string& directory) {
  AMBERFS_TRY(UniqueFd fd, OpenUnnamed(directory, nullptr));
  return TailSpool(directory, std::move(fd));
}

BuildResult<void> TailSpool::Flush() {
  if (const int error = WriteFully(fd_.get(), flushed_, buffer_))
    return SystemFailure(directory_, "cannot write a temporary file here", error);
  flushed_ += buffer_.size();
  buffer_.clear();
  return {};
}

BuildResult<std::uint64_t> TailSpool::Append(ByteView tail) {
  const std::uint64_t offset = flushed_ + buffer_.size();
  buffer_.insert(buffer_.end(), tail.begin(), tail.end());
  if (buffer_.size() >= kBufferBytes) AMBERFS_TRY_VOID(Flush());
  return offset;
}

BuildResult<void> TailSpool::Read(std::uint64_t offset, ByteSpan out) {
  AMBERFS_TRY_VOID(Flush());
  if (const int error = ReadFully(fd_.get(), offset, out))
    return SystemFailure(directory_, "cannot read a temporary file", error);
  return {};
}

}  // namespace amberfs
