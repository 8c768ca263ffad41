#include "image/mapper.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cerrno>

#include "base/checked.h"

namespace amberfs {
namespace {

// One entry of a chunk table, either form.
struct Chunk {
  bool hole;
  DeviceId device;
  BlockAddr block;
};

Chunk DecodeChunk(ByteView entry, const ChunkFormat& format, unsigned device_mask) {
  if (!format.indexes) {
    const std::uint32_t block = CopyWire<Le32>(entry, 0)->get();
    return {block == wire::kNullBlock32, DeviceId{0}, BlockAddr{block}};
  }
  const auto raw = *CopyWire<wire::ChunkIndex>(entry, 0);
  std::uint64_t block = raw.startblk_lo.get();
  if (format.wide) block |= std::uint64_t{raw.startblk_hi.get()} << 32;
  const bool hole = block == (format.wide ? wire::kNullBlock48 : wire::kNullBlock32);
  return {hole, DeviceId{static_cast<std::uint16_t>(raw.device_id.get() & device_mask)},
          BlockAddr{block}};
}

}  // namespace

Result<Extent> Mapper::Map(std::uint64_t pos, std::uint64_t len) {
  assert(pos < inode_.size());
  if (inode_.is_compressed()) {
    if (!compressed_) compressed_.emplace(image_, inode_);
    return compressed_->Map(pos);
  }
  return inode_.layout() == DataLayout::kChunkBased ? MapChunks(pos, len) : MapFlat(pos);
}

Result<Extent> Mapper::MapFlat(std::uint64_t pos) const {
  const Superblock& sb = image_.sb();
  const std::uint64_t size = inode_.size();
  const bool has_tail = inode_.layout() == DataLayout::kFlatInline;
  // size < 2^63 and block_bits <= 16: this cannot overflow.
  const std::uint64_t block_count = CeilShift(size, sb.block_bits()) - (has_tail ? 1 : 0);
  const std::uint64_t block_bytes = block_count << sb.block_bits();

  if (has_tail && pos >= block_bytes) {
    const std::uint64_t start = inode_.body_end();
    const std::uint64_t length = size - block_bytes;
    const std::uint64_t in_block = start & (sb.block_size() - 1);
    if (in_block + length > sb.block_size() ||
        !(Checked(start) + length).AtMost(image_.MetadataEnd(start)))
      return Broken(Rule::kFlat2, start);
    return Extent{.kind = ExtentKind::kInline,
                  .pos = block_bytes,
                  .length = length,
                  .where = {DeviceId{0}, start}};
  }
  const std::uint64_t length = std::min(block_bytes, size);
  if (!inode_.start_block() && !has_tail) return Extent{.length = length};
  const auto block = inode_.start_block().value_or(BlockAddr{wire::kNullBlock48});
  const Checked address = Checked(block.v) << sb.block_bits();
  const auto where = address.AtMost(~std::uint64_t{0})
                         ? image_.FindData(DeviceId{0}, address.get(), block_bytes)
                         : std::nullopt;
  if (!where) return Broken(Rule::kFlat1, inode_.offset() + 16);
  return Extent{.kind = ExtentKind::kMapped, .length = length, .where = *where};
}

Result<Extent> Mapper::MapChunk(std::uint64_t index, ByteView entry,
                                std::uint64_t entry_offset) const {
  const Superblock& sb = image_.sb();
  const ChunkFormat format = inode_.chunk_format();
  const std::uint64_t pos = index << format.chunk_bits;
  const std::uint64_t length = std::min(std::uint64_t{1} << format.chunk_bits, inode_.size() - pos);
  const unsigned device_mask = std::bit_ceil(sb.extra_devices() + 1U) - 1;
  const Chunk chunk = DecodeChunk(entry, format, device_mask);
  if (chunk.hole) return Extent{.pos = pos, .length = length};
  if (chunk.device.v > sb.extra_devices()) return Broken(Rule::kChk4, entry_offset);
  if (!image_.has_device(chunk.device)) return IoError(ENODEV, entry_offset);
  const auto where = image_.FindData(chunk.device, chunk.block.v << sb.block_bits(),
                                     CeilShift(length, sb.block_bits()) << sb.block_bits());
  if (!where) return Broken(Rule::kChk3, entry_offset);
  return Extent{.kind = ExtentKind::kMapped, .pos = pos, .length = length, .where = *where};
}

Result<Extent> Mapper::MapChunks(std::uint64_t pos, std::uint64_t len) const {
  const ChunkFormat format = inode_.chunk_format();
  const std::uint64_t size = inode_.size();
  const std::uint64_t unit = format.entry_bytes();
  const std::uint64_t table = RoundUp(inode_.body_end(), unit);
  const std::uint64_t count = CeilShift(size, format.chunk_bits);
  if (!(Checked(count) * unit + table).AtMost(image_.MetadataEnd(table)))
    return Broken(Rule::kChk2, table);

  // Merge chunks that follow one another on the device, or holes, as far as the caller asked.
  const std::uint64_t first = pos >> format.chunk_bits;
  const std::uint64_t last =
      (len == 0 ? pos : pos + std::min(len, size - pos) - 1) >> format.chunk_bits;
  const std::uint64_t wanted =
      std::min<std::uint64_t>(last - first + 1, image_.limits().max_chunks_per_map);
  std::array<std::byte, 4096> buffer;
  // A fragmented file ends the merging soon, so the first look at the table is short.
  std::uint64_t batch_limit = 16;
  Extent extent;
  for (std::uint64_t done = 0; done < wanted;) {
    const std::uint64_t batch = std::min({wanted - done, batch_limit, buffer.size() / unit});
    batch_limit = buffer.size() / unit;
    const ByteSpan entries = std::span(buffer).first(batch * unit);
    const std::uint64_t batch_offset = table + (first + done) * unit;
    AMBERFS_TRY_VOID(image_.ReadMetadata(batch_offset, entries, Rule::kChk2));
    for (std::uint64_t i = 0; i < batch; ++i, ++done) {
      const auto next =
          MapChunk(first + done, entries.subspan(i * unit, unit), batch_offset + i * unit);
      if (done == 0) {
        AMBERFS_TRY(extent, next);
        continue;
      }
      // What is wrong with a later chunk is no fault of those before it.
      const bool follows = next && next->kind == extent.kind &&
                           (next->kind == ExtentKind::kHole ||
                            (next->where.device == extent.where.device &&
                             next->where.offset == extent.where.offset + extent.length));
      if (!follows) return extent;
      extent.length += next->length;
    }
  }
  return extent;
}

}  // namespace amberfs
