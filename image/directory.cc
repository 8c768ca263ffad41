#include "image/directory.h"

#include <algorithm>

#include "base/checked.h"

namespace amberfs {

std::uint64_t Directory::block_count() const {
  return CeilShift(inode_.size(), image_.sb().block_bits());
}

Result<DirBlock> Directory::ReadBlock(std::uint64_t index, std::vector<std::byte>& buffer) const {
  const std::uint64_t pos = index << image_.sb().block_bits();
  buffer.resize(std::min(image_.sb().block_size(), inode_.size() - pos));
  FileReader reader(image_, inode_);
  AMBERFS_TRY(const Extent extent, reader.Map(pos, buffer.size()));
  if (extent.kind == ExtentKind::kHole) return Broken(Rule::kDir1, inode_.offset());
  AMBERFS_TRY_VOID(reader.Read(pos, buffer));
  return DirBlock::Parse(buffer, extent.OffsetOf(pos));
}

Result<std::optional<Nid>> Directory::Find(std::string_view name) const {
  if (name == "." && inode_.dot_omitted()) return inode_.nid();
  std::vector<std::byte> buffer;
  std::uint64_t low = 0;
  std::uint64_t high = block_count();
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    AMBERFS_TRY(const DirBlock block, ReadBlock(middle, buffer));
    if (block[0].name.compare(name) > 0) {
      high = middle;
      continue;
    }
    if (const auto entry = block.Find(name)) return entry->nid;
    // Not here: only a later block may hold it, and only if this block's names all come before.
    if (block[block.size() - 1].name.compare(name) > 0) return std::nullopt;
    low = middle + 1;
  }
  return std::nullopt;
}

Result<std::optional<DirEntry>> Directory::Iterator::Next() {
  const unsigned block_bits = directory_.image_.sb().block_bits();
  const std::uint64_t size = directory_.inode_.size();
  while (cookie_ < size) {
    const std::uint64_t index = cookie_ >> block_bits;
    if (!block_ || block_index_ != index) {
      block_.reset();
      AMBERFS_TRY(block_, directory_.ReadBlock(index, buffer_));
      block_index_ = index;
    }
    const std::uint64_t start = index << block_bits;
    // A cookie inside an entry means the next one.
    const std::uint64_t entry = (cookie_ - start + sizeof(wire::Dirent) - 1) / sizeof(wire::Dirent);
    if (entry >= block_->size()) {
      SkipBlock();
      continue;
    }
    cookie_ = start + (entry + 1) * sizeof(wire::Dirent);
    if (entry + 1 == block_->size()) SkipBlock();
    return (*block_)[static_cast<std::uint32_t>(entry)];
  }
  if (cookie_ == size && directory_.inode_.dot_omitted()) {
    ++cookie_;
    return DirEntry{.nid = directory_.inode_.nid(),
                    .raw_type = static_cast<std::uint8_t>(FileType::kDirectory),
                    .reserved = 0,
                    .name = "."};
  }
  return std::nullopt;
}

void Directory::Iterator::SkipBlock() {
  const unsigned block_bits = directory_.image_.sb().block_bits();
  // Of the entry that was just taken or the one that failed; a cookie at a block's start after
  // SkipBlock() belongs to the next block already.
  const std::uint64_t next = ((cookie_ >> block_bits) + 1) << block_bits;
  cookie_ = std::min(next, directory_.inode_.size());
}

}  // namespace amberfs
