#include "extract/safe_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

namespace amberfs {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
constexpr mode_t kPrivate = 0600;
constexpr mode_t kPrivateDirectory = 0700;

Result<void> CheckName(std::string_view name) {
  if (!IsPlainName(name)) return IoError(EINVAL);
  return {};
}

// Whether the directory holds anything besides "." and ".."; an errno value if nobody can say.
Result<bool> HoldsThings(int fd) {
  // One with an offset of its own, which reading moves.
  UniqueFd again(::openat(fd, ".", kDirectoryFlags));
  if (!again) return IoError(errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(::fdopendir(again.get()), ::closedir);
  if (!listing) return IoError(errno);
  again.release();
  errno = 0;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return true;
  }
  if (errno != 0) return IoError(errno);
  return false;
}

}  // namespace

Result<FileId> IdOf(int fd) {
  struct stat st;
  if (::fstat(fd, &st) != 0) return IoError(errno);
  return FileId{st.st_dev, st.st_ino};
}

bool IsPlainName(std::string_view name) {
  return !name.empty() && name.size() <= NAME_MAX && name != "." && name != ".." &&
         name.find('/') == name.npos && name.find('\0') == name.npos;
}

Result<SafeDir::Top> SafeDir::OpenTop(const std::string& path, bool may_hold_things) {
  const bool made = ::mkdir(path.c_str(), kPrivateDirectory) == 0;
  if (!made && errno != EEXIST) return IoError(errno);
  UniqueFd fd(::open(path.c_str(), kDirectoryFlags));
  if (!fd) return IoError(errno);
  if (!may_hold_things) {
    AMBERFS_TRY(const bool holds_things, HoldsThings(fd.get()));
    if (holds_things) return IoError(ENOTEMPTY);
  }
  return Top{SafeDir(std::move(fd)), made};
}

Result<SafeDir> SafeDir::OpenBelow(const std::string& path) const {
  // Whatever the names were vetted for, the kernel refuses to leave this directory.
  open_how how = {};
  how.flags = kDirectoryFlags | O_NOFOLLOW;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const long fd = ::syscall(SYS_openat2, fd_.get(), path.c_str(), &how, sizeof how);
  if (fd < 0) return IoError(errno);
  return SafeDir(UniqueFd(static_cast<int>(fd)));
}

Result<void> SafeDir::MakeDirectory(const std::string& name) const {
  AMBERFS_TRY_VOID(CheckName(name));
  if (::mkdirat(fd_.get(), name.c_str(), kPrivateDirectory) != 0) return IoError(errno);
  return {};
}

Result<UniqueFd> SafeDir::MakeFile(const std::string& name) const {
  AMBERFS_TRY_VOID(CheckName(name));
  UniqueFd fd(::openat(fd_.get(), name.c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kPrivate));
  if (!fd) return IoError(errno);
  return fd;
}

Result<UniqueFd> SafeDir::MakeSymlink(const std::string& name, const std::string& target) const {
  AMBERFS_TRY_VOID(CheckName(name));
  if (::symlinkat(target.c_str(), fd_.get(), name.c_str()) != 0) return IoError(errno);
  return OpenMade(name, S_IFLNK);
}

Result<UniqueFd> SafeDir::MakeNode(const std::string& name, mode_t type, dev_t device) const {
  AMBERFS_TRY_VOID(CheckName(name));
  if (::mknodat(fd_.get(), name.c_str(), type | kPrivate, device) != 0) return IoError(errno);
  return OpenMade(name, type);
}

Result<UniqueFd> SafeDir::OpenMade(const std::string& name, mode_t type) const {
  UniqueFd fd(::openat(fd_.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return IoError(errno);
  struct stat st;
  if (::fstat(fd.get(), &st) != 0) return IoError(errno);
  // Somebody may have put another file under this name since, one with a name elsewhere: what is
  // then done to the descriptor would be done to that.
  if ((st.st_mode & S_IFMT) != type || st.st_nlink != 1) return IoError(ESTALE);
  return fd;
}

Result<void> SafeDir::MakeLink(const std::string& name, const SafeDir& from,
                               const std::string& from_name, FileId expected) const {
  AMBERFS_TRY_VOID(CheckName(name));
  AMBERFS_TRY_VOID(CheckName(from_name));
  if (::linkat(from.fd(), from_name.c_str(), fd_.get(), name.c_str(), 0) != 0)
    return IoError(errno);
  struct stat st;
  const bool known = ::fstatat(fd_.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
  if (known && FileId{st.st_dev, st.st_ino} == expected) return {};
  Remove(name);
  return IoError(ESTALE);
}

Result<void> SafeDir::Publish(const std::string& temporary, const std::string& name,
                              Existing existing) const {
  AMBERFS_TRY_VOID(CheckName(name));
  const char* from = temporary.c_str();
  const char* to = name.c_str();
  if (existing == Existing::kIsReplaced) {
    if (::renameat(fd_.get(), from, fd_.get(), to) != 0) return IoError(errno);
    // Where both names were one file already, rename() has done nothing.
    Remove(temporary);
    return {};
  }
  if (::renameat2(fd_.get(), from, fd_.get(), to, RENAME_NOREPLACE) == 0) return {};
  // Not every filesystem can; a link fails as well if the name is taken.
  if (errno != EINVAL) return IoError(errno);
  if (::linkat(fd_.get(), from, fd_.get(), to, 0) != 0) return IoError(errno);
  Remove(temporary);
  return {};
}

void SafeDir::Remove(const std::string& name) const { ::unlinkat(fd_.get(), name.c_str(), 0); }

}  // namespace amberfs
