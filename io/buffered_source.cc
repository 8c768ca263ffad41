#include "io/buffered_source.h"

#include <algorithm>

namespace amberfs {

Result<void> BufferedSource::ReadAt(std::uint64_t offset, ByteSpan out) const {
  if (out.size() > kBlockBytes || offset > size() || out.size() > size() - offset)
    return source_->ReadAt(offset, out);
  while (!out.empty()) {
    const std::uint64_t room = kLineBytes - offset % kLineBytes;
    const ByteSpan piece = out.first(std::min<std::uint64_t>(room, out.size()));
    AMBERFS_TRY_VOID(ReadFromLine(offset, piece));
    offset += piece.size();
    out = out.subspan(piece.size());
  }
  return {};
}

Result<void> BufferedSource::ReadFromLine(std::uint64_t offset, ByteSpan out) const {
  const std::uint64_t number = offset / kLineBytes;
  const std::uint64_t line_at = number * kLineBytes;
  const std::uint64_t first = offset - line_at;
  const std::uint64_t last = first + out.size();
  Line& line = lines_[number % kLines];
  const MutexLock lock(line.mutex);
  if (line.number.load(std::memory_order_relaxed) != number || first < line.start ||
      last > line.end) {
    const bool goes_on = number > 0 && lines_[(number - 1) % kLines].number.load(
                                           std::memory_order_relaxed) == number - 1;
    const bool more =
        line.number.load(std::memory_order_relaxed) == number;  // a second block of it
    std::uint64_t start = 0;
    std::uint64_t end = kLineBytes;
    if (!goes_on && !more) {
      start = first / kBlockBytes * kBlockBytes;
      end = (last + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
    }
    end = std::min(end, size() - line_at);
    line.bytes.resize(kLineBytes);
    line.number.store(kNoLine, std::memory_order_relaxed);
    if (const auto read =
            source_->ReadAt(line_at + start, ByteSpan(line.bytes).subspan(start, end - start));
        !read)
      return source_->ReadAt(offset, out);  // perhaps it is not this what cannot be read
    line.number.store(number, std::memory_order_relaxed);
    line.start = start;
    line.end = end;
  }
  std::ranges::copy(ByteView(line.bytes).subspan(first, out.size()), out.begin());
  return {};
}

}  // namespace amberfs
