#include "mkfs/image_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <utility>

namespace amberfs {
namespace {

constexpr mode_t kMode = 0644;  // less the umask
constexpr int kMaxNameTries = 100;
// The disk starts early on what will have to be durable in the end.
constexpr std::uint64_t kWritebackBytes = 16 * 1024 * 1024;

std::string RandomName(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz012345";
  std::array<unsigned char, 6> random{};
  // Never fails for so few bytes; the names are tried for uniqueness anyway.
  [[maybe_unused]] const ssize_t got = ::getrandom(random.data(), random.size(), 0);
  // Cut, so that the longest legal name still leaves room.
  std::string result = fmt::format(".{}.", name.substr(0, 240));
  for (const unsigned char byte : random) result += kLetters[byte % kLetters.size()];
  return result;
}

std::string ProcPath(int fd) { return fmt::format("/proc/self/fd/{}", fd); }

}  // namespace

ImageFile::ImageFile(ImageFile&& other) noexcept
    : path_(std::move(other.path_)),
      name_(std::move(other.name_)),
      directory_(std::move(other.directory_)),
      file_(std::move(other.file_)),
      temporary_name_(std::exchange(other.temporary_name_, {})),
      replaced_(other.replaced_),
      id_(other.id_),
      unflushed_bytes_(other.unflushed_bytes_) {}

ImageFile::~ImageFile() {
  if (!temporary_name_.empty()) ::unlinkat(directory_.get(), temporary_name_.c_str(), 0);
}

BuildResult<ImageFile> ImageFile::Create(const std::string& path) {
  ImageFile image;
  image.path_ = path;
  std::string real_path = path;
  struct stat status;
  if (::lstat(path.c_str(), &status) == 0) {
    if (S_ISLNK(status.st_mode)) {
      const std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr),
                                                          &::free);
      if (!real || ::stat(path.c_str(), &status) != 0) return OsFailure("create", path, errno);
      real_path = real.get();
    }
    if (S_ISDIR(status.st_mode)) return PathFailure("create", path, "it is a directory");
    if (!S_ISREG(status.st_mode)) {
      return PathFailure("create", path, "it exists and is not a regular file");
    }
    image.replaced_ = SourceId{status.st_dev, status.st_ino};
  } else if (errno != ENOENT) {
    return OsFailure("create", path, errno);
  }

  const std::size_t slash = real_path.rfind('/');
  const std::string directory =
      slash == std::string::npos ? "." : real_path.substr(0, std::max<std::size_t>(slash, 1));
  image.name_ = slash == std::string::npos ? real_path : real_path.substr(slash + 1);
  if (image.name_.empty()) return PathFailure("create", path, "it names no file");
  image.directory_.reset(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!image.directory_) return OsFailure("create", path, errno);
  AMBERFS_TRY_VOID(image.CreateFile());
  return image;
}

BuildResult<void> ImageFile::CreateFile() {
  file_.reset(::openat(directory_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, kMode));
  // Without /proc a nameless file could never get its name.
  if (file_ && ::access(ProcPath(file_.get()).c_str(), F_OK) != 0) file_.reset();
  for (int tries = 0; !file_; ++tries) {
    const std::string name = RandomName(name_);
    file_.reset(::openat(directory_.get(), name.c_str(),
                         O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kMode));
    if (file_) temporary_name_ = name;
    if (!file_ && (errno != EEXIST || tries == kMaxNameTries)) {
      return OsFailure("create", path_, errno);
    }
  }
  struct stat status;
  if (::fstat(file_.get(), &status) != 0) return OsFailure("create", path_, errno);
  id_ = {status.st_dev, status.st_ino};
  return {};
}

BuildResult<UniqueFd> ImageFile::CreateScratch() {
  UniqueFd scratch(::openat(directory_.get(), ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  for (int tries = 0; !scratch; ++tries) {
    const std::string name = RandomName(name_);
    scratch.reset(::openat(directory_.get(), name.c_str(),
                           O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (scratch) ::unlinkat(directory_.get(), name.c_str(), 0);
    if (!scratch && (errno != EEXIST || tries == kMaxNameTries)) {
      return OsFailure("create a temporary file beside", path_, errno);
    }
  }
  return scratch;
}

BuildResult<void> ImageFile::WriteAt(std::uint64_t offset, ByteView bytes) {
  unflushed_bytes_ += bytes.size();
  while (!bytes.empty()) {
    const ssize_t written =
        ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return OsFailure("write", path_, written < 0 ? errno : ENOSPC);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  if (unflushed_bytes_ >= kWritebackBytes) {
    unflushed_bytes_ = 0;
    // Only a hint, and unknown to some filesystems: Commit() sees real errors.
    ::sync_file_range(file_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  }
  return {};
}

BuildResult<void> ImageFile::ReadAt(std::uint64_t offset, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t got =
        ::pread(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return OsFailure("read back", path_, got < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
  return {};
}

BuildResult<void> ImageFile::Resize(std::uint64_t bytes) {
  if (::ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0) {
    return OsFailure("write", path_, errno);
  }
  return {};
}

BuildResult<void> ImageFile::LinkUnderTemporaryName() {
  for (int tries = 0;; ++tries) {
    const std::string name = RandomName(name_);
    if (::linkat(AT_FDCWD, ProcPath(file_.get()).c_str(), directory_.get(), name.c_str(),
                 AT_SYMLINK_FOLLOW) == 0) {
      temporary_name_ = name;
      return {};
    }
    if (errno != EEXIST || tries == kMaxNameTries) return OsFailure("create", path_, errno);
  }
}

BuildResult<void> ImageFile::Commit() {
  if (::fsync(file_.get()) != 0) return OsFailure("write", path_, errno);
  if (temporary_name_.empty()) AMBERFS_TRY_VOID(LinkUnderTemporaryName());
  if (::renameat(directory_.get(), temporary_name_.c_str(), directory_.get(), name_.c_str()) != 0) {
    return OsFailure("create", path_, errno);
  }
  temporary_name_.clear();
  if (::fsync(directory_.get()) != 0 && errno != EINVAL) return OsFailure("write", path_, errno);
  return {};
}

}  // namespace amberfs
