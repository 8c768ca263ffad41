#include "image/file_reader.h"

#include <algorithm>
#include <cstring>

namespace amberfs {
namespace {

// Extents that one seek looks at; each may be max_chunks_per_map chunks long.
constexpr int kMaxSeekSteps = 64;
constexpr std::uint64_t kMaxSymlink = 4095;  // PATH_MAX without its NUL

// About how many encoded bytes `bytes` bytes of the file take: as many as on the average.
std::uint64_t EncodedBytesOf(const Inode& inode, std::uint64_t bytes) {
  const std::uint64_t stored = inode.blocks_512() * 512;
  if (!inode.is_compressed() || stored >= inode.size()) return bytes;
  return static_cast<std::uint64_t>(static_cast<double>(bytes) * static_cast<double>(stored) /
                                    static_cast<double>(inode.size()));
}

}  // namespace

Result<std::size_t> FileReader::Read(std::uint64_t pos, ByteSpan out) {
  const std::uint64_t size = inode_.size();
  if (pos >= size) return std::size_t{0};
  const std::size_t total = std::min<std::uint64_t>(out.size(), size - pos);
  out = out.first(total);
  pclusters_.Start(EncodedBytesOf(inode_, total));
  while (!out.empty()) {
    AMBERFS_TRY(const Extent extent, mapper_.Map(pos, out.size()));
    const std::size_t count = std::min<std::uint64_t>(out.size(), extent.pos + extent.length - pos);
    AMBERFS_TRY_VOID(ReadExtent(extent, pos, out.first(count)));
    out = out.subspan(count);
    pos += count;
  }
  return total;
}

Result<void> FileReader::ReadExtent(const Extent& extent, std::uint64_t pos, ByteSpan out) {
  const std::uint64_t skip = pos - extent.pos;
  switch (extent.kind) {
    case ExtentKind::kHole:
      std::memset(out.data(), 0, out.size());
      return {};
    case ExtentKind::kMapped:
    case ExtentKind::kInline:
      return image_.ReadData({extent.where.device, extent.where.offset + skip}, out);
    case ExtentKind::kEncoded:
      return pclusters_.Read(extent, skip, out);
    case ExtentKind::kFragment:
      break;
  }
  // The packed inode holds no fragments (Z-15), so this goes one deep.
  AMBERFS_TRY(const std::size_t got,
              FileReader(image_, *image_.packed()).Read(extent.where.offset + skip, out));
  if (got != out.size()) return Broken(Rule::kZ14, inode_.offset());
  return {};
}

Result<std::optional<std::uint64_t>> FileReader::SeekData(std::uint64_t pos) {
  for (int step = 0; pos < inode_.size(); ++step) {
    if (step == kMaxSeekSteps) return pos;
    AMBERFS_TRY(const Extent extent, mapper_.Map(pos, inode_.size() - pos));
    if (extent.kind != ExtentKind::kHole) return pos;
    pos = extent.pos + extent.length;
  }
  return std::nullopt;
}

Result<std::optional<std::uint64_t>> FileReader::SeekHole(std::uint64_t pos) {
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
