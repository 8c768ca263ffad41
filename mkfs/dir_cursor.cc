#include "mkfs/dir_cursor.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace amberfs {
namespace {

std::expected<FileId, int> IdOf(const UniqueFd& fd) {
  struct stat st;
  if (::fstat(fd.get(), &st) != 0) return std::unexpected(errno);
  return FileId{st.st_dev, st.st_ino};
}

}  // namespace

std::expected<DirCursor, int> DirCursor::Open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return std::unexpected(errno);
  const auto id = IdOf(fd);
  if (!id) return std::unexpected(id.error());
  return DirCursor(std::move(fd), *id);
}

DirCursor::Status DirCursor::Enter(const char* name, FileId expected) {
  UniqueFd fd(::openat(fd_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return std::unexpected(errno == ENOTDIR || errno == ELOOP ? ESTALE : errno);
  const auto id = IdOf(fd);
  if (!id) return std::unexpected(id.error());
  if (*id != expected) return std::unexpected(ESTALE);
  fd_ = std::move(fd);
  id_ = *id;
  return {};
}

}  // namespace amberfs
