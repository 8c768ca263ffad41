#include "amber/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace amberfs {
namespace {

std::string SystemError(const std::string& path) {
  return fmt::format("{}: {}", Printable(path), std::strerror(errno));
}

bool WriteFully(int fd, std::uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
    offset += static_cast<std::uint64_t>(put);
  }
  return true;
}

}  // namespace

std::expected<OutputFile, std::string> OutputFile::Create(const std::string& path,
                                                          std::uint64_t bytes) {
  auto file = ImageFile::Create(path);
  if (!file) return std::unexpected(file.error().message);
  if (const auto done = file->AppendZeros(bytes); !done)
    return std::unexpected(done.error().message);
  OutputFile output(path);
  output.state_->file.emplace<ImageFile>(*std::move(file));
  return output;
}

std::expected<OutputFile, std::string> OutputFile::Extend(const std::string& path,
                                                          std::uint64_t size, std::uint64_t bytes) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  struct stat st;
  if (!fd || ::fstat(fd.get(), &st) != 0) return std::unexpected(SystemError(path));
  if (!S_ISREG(st.st_mode) || static_cast<std::uint64_t>(st.st_size) != size)
    return std::unexpected(fmt::format("{}: not a regular file, or it changes", Printable(path)));
  if (::ftruncate(fd.get(), static_cast<off_t>(size + bytes)) != 0)
    return std::unexpected(SystemError(path));
  OutputFile output(path);
  output.state_->file.emplace<Extension>(std::move(fd), size, size + bytes);
  return output;
}

OutputFile::~OutputFile() {
  if (state_ == nullptr) return;
  if (const auto* extension = std::get_if<Extension>(&state_->file))
    if (::ftruncate(extension->fd.get(), static_cast<off_t>(extension->start)) != 0)
      state_->failure = SystemError(state_->path);  // nobody is left to be told
}

Result<void> OutputFile::Failed(std::string why) {
  state_->failure = std::move(why);
  return IoError(EIO);
}

Result<void> OutputFile::Write(std::uint64_t offset, ByteView bytes) {
  const std::scoped_lock lock(state_->mutex);
  if (auto* file = std::get_if<ImageFile>(&state_->file)) {
    const auto done = file->Overwrite(offset, bytes);
    return done ? Result<void>() : Failed(done.error().message);
  }
  const auto& extension = std::get<Extension>(state_->file);
  if (!WriteFully(extension.fd.get(), extension.start + offset, bytes))
    return Failed(SystemError(state_->path));
  return {};
}

Result<void> OutputFile::Append(ByteView bytes) {
  const std::scoped_lock lock(state_->mutex);
  if (auto* file = std::get_if<ImageFile>(&state_->file)) {
    const auto done = file->Append(bytes);
    return done ? Result<void>() : Failed(done.error().message);
  }
  auto& extension = std::get<Extension>(state_->file);
  if (!WriteFully(extension.fd.get(), extension.end, bytes))
    return Failed(SystemError(state_->path));
  extension.end += bytes.size();
  return {};
}

std::expected<void, std::string> OutputFile::Finish() {
  const std::scoped_lock lock(state_->mutex);
  if (auto* file = std::get_if<ImageFile>(&state_->file)) {
    if (const auto done = file->Publish(); !done) return std::unexpected(done.error().message);
  } else if (::fsync(std::get<Extension>(state_->file).fd.get()) != 0) {
    return std::unexpected(SystemError(state_->path));
  }
  state_->file.emplace<std::monostate>();
  return {};
}

}  // namespace amberfs
