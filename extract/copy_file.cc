#include "extract/copy_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "image/file_reader.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kPieceBytes = std::uint64_t{1} << 20;

Result<void> WriteFully(int fd, std::uint64_t offset, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return IoError(errno);
    offset += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

// Bytes that lie together in a file: one hole, or data without any.
struct Run {
  bool is_hole;
  std::uint64_t end;
};

bool IsEncoded(const Extent& extent) { return extent.kind == ExtentKind::kEncoded; }

// The run that starts at `pos`, where an extent does or goes on: of data about kPieceBytes, so that
// small extents are read and written in one go, and whole encoded extents, so that each is decoded
// once and needs no cache.
Result<Run> RunAt(FileReader& reader, const Inode& inode, std::uint64_t pos) {
  const std::uint64_t limit = pos + std::min(kPieceBytes, inode.size() - pos);
  AMBERFS_TRY(const Extent first, reader.Map(pos, inode.size() - pos));
  std::uint64_t end = first.pos + first.length;
  if (first.kind == ExtentKind::kHole) return Run{true, end};
  if (!IsEncoded(first)) end = std::min(end, limit);
  while (end < limit) {
    const auto next = reader.Map(end, limit - end);
    // A broken one is met when it is its turn.
    if (!next || next->kind == ExtentKind::kHole) break;
    const std::uint64_t next_end = next->pos + next->length;
    if (IsEncoded(*next) && next_end > limit) break;
    end = std::min(next_end, limit);
  }
  return Run{false, end};
}

}  // namespace

std::expected<std::uint64_t, CopyError> CopyFile(
    const Image& image, const Inode& inode, int fd, CopyBuffer& buffer,
    const std::function<bool(std::uint64_t bytes)>& may_write) {
  FileReader reader(image, inode);
  const auto failed = [](CopyStep step, const Error& error = {}) {
    return std::unexpected(CopyError{step, error});
  };
  std::uint64_t hole_bytes = 0;
  bool ends_in_hole = false;
  for (std::uint64_t pos = 0; pos < inode.size();) {
    const auto run = RunAt(reader, inode, pos);
    if (!run) return failed(CopyStep::kReading, run.error());
    ends_in_hole = run->is_hole;
    if (run->is_hole) {
      if (!may_write(0)) return failed(CopyStep::kStopped);
      hole_bytes += run->end - pos;
      pos = run->end;
      continue;
    }
    const std::size_t bytes = run->end - pos;
    if (!may_write(bytes)) return failed(CopyStep::kStopped);
    if (buffer.size() < bytes) buffer.resize(std::max<std::size_t>(bytes, kPieceBytes));
    const ByteSpan piece = std::span(buffer).first(bytes);
    const auto read = reader.Read(pos, piece);
    if (!read) return failed(CopyStep::kReading, read.error());
    if (const auto put = WriteFully(fd, pos, piece); !put)
      return failed(CopyStep::kWriting, put.error());
    pos = run->end;
  }
  if (ends_in_hole && ::ftruncate(fd, static_cast<off_t>(inode.size())) != 0)
    return failed(CopyStep::kWriting, IoError(errno).error());
  return hole_bytes;
}

}  // namespace amberfs
