#include "image/file_reader.h"

#include <algorithm>
#include <cstring>

namespace amberfs {
namespace {

// Extents that one seek looks at; each may be max_chunks_per_map chunks long.
constexpr int kMaxSeekSteps = 64;
constexpr std::uint64_t kMaxSymlink = 4095;  // PATH_MAX without its NUL

}  // namespace

Result<std::size_t> FileReader::Read(std::uint64_t pos, ByteSpan out) const {
  const std::uint64_t size = inode_.size();
  if (pos >= size) return std::size_t{0};
  const std::size_t total = std::min<std::uint64_t>(out.size(), size - pos);
  out = out.first(total);
  while (!out.empty()) {
    AMBERFS_TRY(const Extent extent, mapper_.Map(pos, out.size()));
    const std::uint64_t skip = pos - extent.pos;
    const std::size_t count = std::min<std::uint64_t>(out.size(), extent.length - skip);
    const ByteSpan piece = out.first(count);
    if (extent.kind == ExtentKind::kHole) {
      std::memset(piece.data(), 0, piece.size());
    } else {
      const Location from{extent.where.device, extent.where.offset + skip};
      AMBERFS_TRY_VOID(image_.ReadData(from, piece));
    }
    out = out.subspan(count);
    pos += count;
  }
  return total;
}

Result<std::optional<std::uint64_t>> FileReader::SeekData(std::uint64_t pos) const {
  for (int step = 0; pos < inode_.size(); ++step) {
    if (step == kMaxSeekSteps) return pos;
    AMBERFS_TRY(const Extent extent, mapper_.Map(pos, inode_.size() - pos));
    if (extent.kind != ExtentKind::kHole) return pos;
    pos = extent.pos + extent.length;
  }
  return std::nullopt;
}

Result<std::optional<std::uint64_t>> FileReader::SeekHole(std::uint64_t pos) const {
  if (pos >= inode_.size()) return std::nullopt;
  for (int step = 0; pos < inode_.size() && step < kMaxSeekSteps; ++step) {
    AMBERFS_TRY(const Extent extent, mapper_.Map(pos, inode_.size() - pos));
    if (extent.kind == ExtentKind::kHole) return pos;
    pos = extent.pos + extent.length;
  }
  return inode_.size();  // every file ends in a hole
}

Result<std::string> ReadSymlink(const Image& image, const Inode& inode) {
  if (inode.size() < 1 || inode.size() > kMaxSymlink) return Broken(Rule::kLnk1, inode.offset());
  std::string target(inode.size(), '\0');
  AMBERFS_TRY(const std::size_t got,
              FileReader(image, inode).Read(0, std::as_writable_bytes(std::span(target))));
  if (got != target.size() || target.find('\0') != target.npos)
    return Broken(Rule::kLnk2, inode.offset());
  return target;
}

}  // namespace amberfs
