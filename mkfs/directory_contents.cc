#include "mkfs/directory_contents.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace amberfs {
namespace {

class HostFile final : public FileContent {
 public:
  HostFile(UniqueFd fd, const TreeInode& inode) : fd_(std::move(fd)), inode_(inode) {}

  SourceStatus Read(std::uint64_t pos, ByteSpan out) const override {
    while (!out.empty()) {
      const ssize_t got = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(pos));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return std::unexpected(errno);
      if (got == 0) return std::unexpected(ESTALE);  // it has become shorter
      pos += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  std::optional<Range> NextData(std::uint64_t pos) const override {
    const off_t data = ::lseek(fd_.get(), static_cast<off_t>(pos), SEEK_DATA);
    if (data < 0 && errno == ENXIO) return std::nullopt;
    // A file system that cannot tell has no holes.
    const std::uint64_t start = data < 0 ? pos : static_cast<std::uint64_t>(data);
    if (start >= inode_.size) return std::nullopt;
    const off_t hole = ::lseek(fd_.get(), static_cast<off_t>(start), SEEK_HOLE);
    return Range{start, hole < 0 ? inode_.size : static_cast<std::uint64_t>(hole)};
  }

  bool IsSparse() const override {
    struct stat st;
    return ::fstat(fd_.get(), &st) == 0 &&
           static_cast<std::uint64_t>(st.st_blocks) * 512 < inode_.size;
  }

  bool IsUnchanged() const override {
    struct stat st;
    return ::fstat(fd_.get(), &st) == 0 && FileId{st.st_dev, st.st_ino} == inode_.source &&
           static_cast<std::uint64_t>(st.st_size) == inode_.size &&
           st.st_ctim.tv_sec == inode_.source_ctime.tv_sec &&
           st.st_ctim.tv_nsec == inode_.source_ctime.tv_nsec;
  }

 private:
  const UniqueFd fd_;
  const TreeInode& inode_;
};

}  // namespace

std::expected<std::unique_ptr<ContentSource>, int> DirectoryContents::Open(const std::string& path,
                                                                           const TreeInode& top) {
  auto cursor = DirCursor::Open(path);
  if (!cursor) return std::unexpected(cursor.error());
  if (cursor->id() != top.source) return std::unexpected(ESTALE);
  return std::unique_ptr<ContentSource>(new DirectoryContents(*std::move(cursor)));
}

SourceStatus DirectoryContents::Enter(const char* name, const TreeInode& directory) {
  return cursor_.Enter(name, directory.source);
}

SourceStatus DirectoryContents::Leave(const TreeInode& parent) {
  return cursor_.Leave(parent.source);
}

std::expected<std::unique_ptr<FileContent>, int> DirectoryContents::Open(const char* name,
                                                                         const TreeInode& file) {
  // Should a fifo have taken the file's place, O_NONBLOCK keeps it from stopping us.
  UniqueFd fd(
      ::openat(cursor_.fd(), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return std::unexpected(errno == ELOOP ? ESTALE : errno);
  return std::make_unique<HostFile>(std::move(fd), file);
}

}  // namespace amberfs
