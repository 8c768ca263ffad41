#include "mkfs/archive_contents.h"

#include <algorithm>
#include <cerrno>
#include <span>

#include "mkfs/image_file.h"

namespace amberfs {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

}  // namespace

class ArchiveContents::Content final : public FileContent {
 public:
  Content(int fd, std::span<const Stretch> stretches, std::uint64_t size)
      : fd_(fd), stretches_(stretches), size_(size) {}

  SourceStatus Read(std::uint64_t pos, ByteSpan out) const override {
    for (auto stretch = Behind(pos); !out.empty(); ++stretch) {
      const std::uint64_t start = stretch == stretches_.end() ? size_ : stretch->pos;
      if (start > pos) {
        const auto zeros = std::min<std::uint64_t>(start - pos, out.size());
        std::ranges::fill(out.first(zeros), std::byte{0});
        out = out.subspan(zeros);
        pos += zeros;
      }
      if (stretch == stretches_.end()) break;
      const std::uint64_t skip = pos - std::min(pos, start);
      const ByteSpan piece = out.first(std::min(stretch->length - skip, std::uint64_t{out.size()}));
      if (const auto read = ReadSpool(stretch->place + skip, piece); !read) return read;
      out = out.subspan(piece.size());
      pos += piece.size();
    }
    return {};
  }

  std::optional<Range> NextData(std::uint64_t pos) const override {
    const auto stretch = Behind(pos);
    if (stretch == stretches_.end()) return std::nullopt;
    return Range{std::max(pos, stretch->pos), stretch->pos + stretch->length};
  }

  bool IsSparse() const override {
    return stretches_.size() != 1 || stretches_[0].pos != 0 || stretches_[0].length != size_;
  }

  bool IsUnchanged() const override { return true; }

 private:
  using Iterator = std::span<const Stretch>::iterator;

  // The first stretch that ends behind `pos`.
  Iterator Behind(std::uint64_t pos) const {
    return std::ranges::upper_bound(stretches_, pos, {},
                                    [](const Stretch& s) { return s.pos + s.length; });
  }

  SourceStatus ReadSpool(std::uint64_t place, ByteSpan out) const {
    while (!out.empty()) {
      const ssize_t got = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(place));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return std::unexpected(got < 0 ? errno : EIO);
      place += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  const int fd_;
  const std::span<const Stretch> stretches_;
  const std::uint64_t size_;
};

BuildResult<std::unique_ptr<ArchiveContents>> ArchiveContents::Create(
    const std::string& directory) {
  AMBERFS_TRY(UniqueFd fd, OpenUnnamed(directory, nullptr));
  return std::unique_ptr<ArchiveContents>(new ArchiveContents(std::move(fd)));
}

std::uint32_t ArchiveContents::Begin() {
  first_.push_back(stretches_.size());
  return static_cast<std::uint32_t>(first_.size() - 1);
}

SourceStatus ArchiveContents::Add(std::uint64_t pos, ByteView bytes) {
  if (bytes.empty()) return {};
  const std::uint64_t place = flushed_ + buffer_.size();
  const bool is_first = stretches_.size() == first_.back();
  if (!is_first && stretches_.back().pos + stretches_.back().length == pos)
    stretches_.back().length += bytes.size();
  else
    stretches_.push_back({pos, place, bytes.size()});
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  return buffer_.size() < kBufferBytes ? SourceStatus() : Flush();
}

SourceStatus ArchiveContents::Flush() {
  ByteView rest = buffer_;
  while (!rest.empty()) {
    const ssize_t put = ::pwrite(fd_.get(), rest.data(), rest.size(), static_cast<off_t>(flushed_));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return std::unexpected(put < 0 ? errno : EIO);
    flushed_ += static_cast<std::uint64_t>(put);
    rest = rest.subspan(static_cast<std::size_t>(put));
  }
  buffer_.clear();
  return {};
}

std::expected<std::unique_ptr<FileContent>, int> ArchiveContents::Open(const char* /*name*/,
                                                                       const TreeInode& file) {
  if (const auto flushed = Flush(); !flushed) return std::unexpected(flushed.error());
  const std::uint64_t first = first_[file.content];
  const std::uint64_t end =
      file.content + 1 < first_.size() ? first_[file.content + 1] : stretches_.size();
  return std::make_unique<Content>(
      fd_.get(), std::span<const Stretch>(stretches_).subspan(first, end - first), file.size);
}

}  // namespace amberfs
