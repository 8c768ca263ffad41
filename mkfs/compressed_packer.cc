#include "mkfs/compressed_packer.h"

#include <utility>

#include "base/checked.h"
#include "base/error.h"
#include "mkfs/cluster_index.h"

namespace amberfs {
namespace {

// What waits to be encoded or appended: full segments for each thread, and files, which are open.
constexpr std::size_t kPendingPerWorker = 3;
constexpr std::size_t kMaxPending = 256;
// A file is compressed if that takes 31 parts in 32 of its bytes at most.
constexpr std::uint64_t kWorthParts = 32;

}  // namespace

CompressedPacker::CompressedPacker(const Compression& compression, ImagePlan& plan,
                                   ImageFile& image, TailSpool& spool, BuildSummary& summary)
    : compression_(compression),
      plan_(plan),
      image_(image),
      spool_(spool),
      summary_(summary),
      encoders_(compression, plan.block_bits) {}

void CompressedPacker::Begin(InodeIndex index, PackFlat pack_flat) {
  current_ = std::make_shared<File>(index, std::move(pack_flat));
}

BuildResult<void> CompressedPacker::Add(std::vector<std::byte> segment, bool last) {
  segments_.push_back({current_, current_->added++ == 0, last, segment.size()});
  pending_bytes_ += segment.size();
  encoders_.Submit(std::move(segment), last);
  return MakeRoom();
}

BuildResult<void> CompressedPacker::AddFlat(PackFlat pack_flat) {
  if (segments_.empty()) return pack_flat();
  segments_.push_back({std::make_shared<File>(0, std::move(pack_flat)), true, true, 0});
  return MakeRoom();
}

BuildResult<void> CompressedPacker::MakeRoom() {
  const std::size_t max_bytes =
      kPendingPerWorker * compression_.workers * compression_.SegmentBytes();
  while (segments_.size() > kMaxPending || pending_bytes_ > max_bytes) AMBERFS_TRY_VOID(TakeOne());
  return {};
}

BuildResult<void> CompressedPacker::Finish() {
  while (!segments_.empty()) AMBERFS_TRY_VOID(TakeOne());
  return {};
}

std::uint64_t CompressedPacker::FlatBytes(const InodePlan& inode) const {
  const std::uint64_t tail = inode.size % plan_.block_bytes();
  if (tail > 0 && plan_.inline_data && inode.HasRoomFor(tail, plan_.block_bytes()))
    return inode.size;
  return RoundUp(inode.size, plan_.block_bytes());
}

std::uint64_t CompressedPacker::IndexBytes(const InodePlan& inode) const {
  const std::uint64_t body = inode.inode_bytes() + inode.xattr_bytes;
  const std::uint64_t header = RoundUp(body, sizeof(wire::MapHeader));
  return header - body + ClusterIndexBytes(inode.size, plan_.block_bits, header);
}

BuildResult<void> CompressedPacker::TakeOne() {
  const Segment segment = std::move(segments_.front());
  segments_.pop_front();
  File& file = *segment.file;
  if (segment.bytes == 0) return file.pack_flat();
  pending_bytes_ -= segment.bytes;
  const InodePlan& inode = plan_.inodes[file.index];
  const auto encoded = encoders_.Take();
  if (!encoded) return std::unexpected(BuildError{"not enough memory to compress"});

  if (segment.first) {
    file.start = image_.size();
    // What one segment shows decides for the whole file, lest it is read twice for nothing.
    std::uint64_t plain = 0;
    std::uint64_t stored = 0;
    for (const EncodedExtent& extent : encoded->extents) {
      plain += extent.plain_bytes;
      const bool inline_tail =
          segment.last && &extent == &encoded->extents.back() && CanBeInline(file, extent);
      stored +=
          inline_tail ? extent.stream_bytes : RoundUp(extent.stream_bytes, plan_.block_bytes());
    }
    if (segment.last) {
      stored += IndexBytes(inode);
      plain = FlatBytes(inode);
    }
    file.is_flat = stored >= plain - plain / kWorthParts;
  }
  if (!file.is_flat) return AppendSegment(file, *encoded, segment.last);
  return segment.last ? file.pack_flat() : BuildResult<void>();
}

bool CompressedPacker::CanBeInline(const File& file, const EncodedExtent& extent) const {
  const InodePlan& inode = plan_.inodes[file.index];
  return compression_.inline_tails && !extent.is_plain &&
         inode.HasRoomFor(IndexBytes(inode) + extent.stream_bytes, plan_.block_bytes());
}

BuildResult<void> CompressedPacker::AppendSegment(File& file, const EncodedSegment& encoded,
                                                  bool last) {
  InodePlan& inode = plan_.inodes[file.index];
  ByteView streams = encoded.streams;
  for (const EncodedExtent& extent : encoded.extents) {
    const ByteView stream = streams.first(extent.stream_bytes);
    streams = streams.subspan(extent.stream_bytes);
    if (last && &extent == &encoded.extents.back() && CanBeInline(file, extent)) {
      file.extents.push_back({extent.plain_bytes, 0, extent.is_plain});
      inode.data.tail_bytes = extent.stream_bytes;
      AMBERFS_TRY(inode.data.tail_offset, spool_.Append(stream));
      continue;
    }
    const auto blocks = CeilShift(extent.stream_bytes, plan_.block_bits);
    const std::uint64_t padding = (blocks << plan_.block_bits) - extent.stream_bytes;
    // A stream ends where its pcluster ends; plain data starts where it starts.
    if (!extent.is_plain) AMBERFS_TRY_VOID(image_.AppendZeros(padding));
    AMBERFS_TRY_VOID(image_.Append(stream));
    if (extent.is_plain) AMBERFS_TRY_VOID(image_.AppendZeros(padding));
    file.extents.push_back(
        {extent.plain_bytes, static_cast<std::uint32_t>(blocks), extent.is_plain});
  }
  if (!last) return {};
  inode.data.layout = DataLayout::kCompressedCompact;
  inode.data.algorithm = compression_.encoder.algorithm;
  inode.data.start_block = static_cast<std::uint32_t>(file.start >> plan_.block_bits);
  inode.data.index_bytes = IndexBytes(inode);
  file.extents.shrink_to_fit();
  inode.data.extents = std::move(file.extents);
  ++summary_.compressed_files;
  summary_.data_bytes += image_.size() - file.start;
  summary_.inline_bytes += inode.data.tail_bytes;
  return {};
}

}  // namespace amberfs
