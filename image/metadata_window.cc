#include "image/metadata_window.h"

#include <algorithm>
#include <cassert>

#include "image/image.h"

namespace amberfs {
namespace {

// Most tables are small or looked at in one place: the first look is short.
constexpr std::uint64_t kFirstLook = 512;

}  // namespace

Result<ByteView> MetadataWindow::View(std::uint64_t offset, std::uint64_t bytes) {
  assert(bytes <= kMaxView && offset >= table_start_ && offset + bytes <= table_end_);
  if (offset < start_ || offset + bytes > start_ + held_) {
    const std::uint64_t reach = filled_ ? buffer_.size() : kFirstLook;
    // Who comes from behind goes on backwards.
    std::uint64_t start = offset;
    if (filled_ && offset < start_) {
      const std::uint64_t back = std::min(offset - table_start_, reach - bytes);
      start = offset - back;
    }
    const std::uint64_t count = std::min(reach, table_end_ - start);
    held_ = 0;
    AMBERFS_TRY_VOID(image_.ReadMetadata(start, std::span(buffer_).first(count), rule_));
    start_ = start;
    held_ = count;
    filled_ = true;
    bytes_read_ += count;
  }
  return ByteView(buffer_).subspan(offset - start_, bytes);
}

}  // namespace amberfs
