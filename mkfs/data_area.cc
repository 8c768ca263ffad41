#include "mkfs/data_area.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "format/wire.h"

namespace amberfs {

DataArea::DataArea(ImageFile& image, unsigned block_bits, std::uint64_t start_block)
    : image_(image), block_bits_(block_bits), end_block_(start_block) {
  buffer_.reserve(kBufferBytes);
}

BuildResult<void> DataArea::CheckRoom(std::uint64_t blocks) const {
  // Addresses have 32 bits, and the highest one means "no block".
  if (blocks < wire::kNullBlock32 - end_block_) return {};
  return Failure(
      fmt::format("the image would need more than {} blocks of {} bytes: "
                  "use a larger block size (-b)",
                  wire::kNullBlock32, 1U << block_bits_));
}

BuildResult<void> DataArea::Append(ByteView bytes) {
  assert((bytes.size() & ((std::size_t{1} << block_bits_) - 1)) == 0);
  AMBERFS_TRY_VOID(CheckRoom(bytes.size() >> block_bits_));
  end_block_ += bytes.size() >> block_bits_;
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), kBufferBytes - buffer_.size());
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(part));
    bytes = bytes.subspan(part);
    if (buffer_.size() < kBufferBytes) break;
    // What is buffered now ends before the rest of `bytes`.
    end_block_ -= bytes.size() >> block_bits_;
    const auto flushed = Flush();
    end_block_ += bytes.size() >> block_bits_;
    if (!flushed) return flushed;
  }
  return {};
}

BuildResult<void> DataArea::AppendPadded(ByteView bytes) {
  const std::size_t block_size = std::size_t{1} << block_bits_;
  assert(bytes.size() <= block_size);
  if (kBufferBytes - buffer_.size() < block_size) AMBERFS_TRY_VOID(Flush());
  AMBERFS_TRY_VOID(CheckRoom(1));
  ++end_block_;
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  buffer_.resize(buffer_.size() + (block_size - bytes.size()));
  return {};
}

BuildResult<void> DataArea::AppendZeros(std::uint64_t blocks) {
  AMBERFS_TRY_VOID(CheckRoom(blocks));
  const std::uint64_t bytes = blocks << block_bits_;
  if (bytes <= kBufferBytes - buffer_.size()) {
    buffer_.resize(buffer_.size() + static_cast<std::size_t>(bytes));
  } else {
    AMBERFS_TRY_VOID(Flush());
  }
  end_block_ += blocks;
  return {};
}

BuildResult<void> DataArea::Flush() {
  if (buffer_.empty()) return {};
  const std::uint64_t end = end_block_ << block_bits_;
  const auto written = image_.WriteAt(end - buffer_.size(), buffer_);
  buffer_.clear();
  return written;
}

BuildResult<void> DataArea::Arrange(std::span<const BlockRun> from, std::span<const BlockRun> to,
                                    std::uint64_t to_start) {
  AMBERFS_TRY_VOID(Flush());
  const std::uint64_t old_end = end_block_;
  const std::uint64_t new_end = to.empty() ? to_start : to.back().physical + to.back().blocks;
  if (new_end > old_end) AMBERFS_TRY_VOID(CheckRoom(new_end - old_end));

  std::vector<std::uint64_t> destinations;
  destinations.reserve(from.size());
  std::size_t target = 0;
  for (const BlockRun& run : from) {
    while (to[target].logical_end() <= run.logical) ++target;
    destinations.push_back(to[target].physical + (run.logical - to[target].logical));
  }
  // Both lists ascend, so a run that moves down can only overwrite runs before it, which have
  // moved down already, or have yet to move up from entirely below it; and the other way round.
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (destinations[i] < from[i].physical) {
      AMBERFS_TRY_VOID(Move(from[i].physical, destinations[i], from[i].blocks));
    }
  }
  for (std::size_t i = from.size(); i-- > 0;) {
    if (destinations[i] > from[i].physical) {
      AMBERFS_TRY_VOID(Move(from[i].physical, destinations[i], from[i].blocks));
    }
  }

  // Between the runs, old bytes may show; beyond old_end there are none.
  std::uint64_t filled = to_start;
  for (std::size_t i = 0; i < from.size(); ++i) {
    AMBERFS_TRY_VOID(FillWithZeros(filled, std::min(destinations[i], old_end)));
    filled = destinations[i] + from[i].blocks;
  }
  AMBERFS_TRY_VOID(FillWithZeros(filled, std::min(new_end, old_end)));
  if (new_end < old_end) AMBERFS_TRY_VOID(image_.Resize(new_end << block_bits_));
  end_block_ = new_end;
  return {};
}

BuildResult<void> DataArea::Move(std::uint64_t from, std::uint64_t to, std::uint64_t blocks) {
  scratch_.resize(kBufferBytes);
  const std::uint64_t piece = kBufferBytes >> block_bits_;
  for (std::uint64_t done = 0; done < blocks;) {
    const std::uint64_t part = std::min(piece, blocks - done);
    // Like memmove(): from the end that the destination cannot have overwritten yet.
    const std::uint64_t at = to < from ? done : blocks - done - part;
    const ByteSpan bytes = ByteSpan(scratch_).first(static_cast<std::size_t>(part << block_bits_));
    AMBERFS_TRY_VOID(image_.ReadAt((from + at) << block_bits_, bytes));
    AMBERFS_TRY_VOID(image_.WriteAt((to + at) << block_bits_, bytes));
    done += part;
  }
  return {};
}

BuildResult<void> DataArea::FillWithZeros(std::uint64_t begin, std::uint64_t end) {
  if (begin >= end) return {};
  scratch_.assign(kBufferBytes, std::byte{0});
  const std::uint64_t piece = kBufferBytes >> block_bits_;
  while (begin < end) {
    const std::uint64_t part = std::min(piece, end - begin);
    AMBERFS_TRY_VOID(
        image_.WriteAt(begin << block_bits_,
                       ByteSpan(scratch_).first(static_cast<std::size_t>(part << block_bits_))));
    begin += part;
  }
  return {};
}

}  // namespace amberfs
