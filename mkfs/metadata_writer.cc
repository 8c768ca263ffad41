#include "mkfs/metadata_writer.h"

#include <algorithm>
#include <cassert>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "format/wire.h"
#include "mkfs/cluster_index.h"
#include "mkfs/dir_packing.h"

namespace amberfs {
namespace {

class MetadataWriter {
 public:
  MetadataWriter(const Tree& tree, const ImagePlan& plan, ImageFile& image, TailSpool& spool)
      : tree_(tree), plan_(plan), image_(image), spool_(spool) {}

  BuildResult<void> Run() {
    // By block: LayOut() gave them out in the order in which it met the inodes.
    std::vector<InodeIndex> with_blocks;
    for (InodeIndex i = 0; i < tree_.inodes.size(); ++i)
      if (tree_.inodes[i].type() != FileType::kRegular &&
          plan_.inodes[i].data.start_block != wire::kNullBlock32)
        with_blocks.push_back(i);
    std::ranges::sort(with_blocks, {},
                      [&](InodeIndex i) { return plan_.inodes[i].data.start_block; });
    for (const InodeIndex i : with_blocks) AMBERFS_TRY_VOID(WriteBlocks(i));

    const std::uint64_t meta_start = plan_.meta_block << plan_.block_bits;
    for (const InodeIndex i : plan_.order) {
      AMBERFS_TRY_VOID(PadTo(meta_start + plan_.inodes[i].nid * wire::kSlotBytes));
      AMBERFS_TRY_VOID(WriteInode(i));
    }
    AMBERFS_TRY_VOID(PadTo(meta_start + plan_.shared_offset));
    for (XattrId id = 0; id < tree_.xattrs.size(); ++id)
      if (tree_.xattrs[id].shared) AMBERFS_TRY_VOID(image_.Append(tree_.xattrs.Encode(id)));
    return PadTo(plan_.blocks << plan_.block_bits);
  }

 private:
  BuildResult<void> PadTo(std::uint64_t offset) {
    assert(image_.size() <= offset);
    return image_.AppendZeros(offset - image_.size());
  }

  // The whole blocks of a directory or link.
  BuildResult<void> WriteBlocks(InodeIndex i) {
    const InodePlan& plan = plan_.inodes[i];
    AMBERFS_TRY_VOID(PadTo(std::uint64_t{plan.data.start_block} << plan_.block_bits));
    const std::uint64_t bytes = plan.size - plan.data.tail_bytes;
    if (tree_.inodes[i].type() == FileType::kSymlink)
      return image_.Append(AsBytes(tree_.inodes[i].target).first(bytes));
    const DirPacking packing(tree_, i, plan_.block_bytes());
    for (std::uint64_t block = 0; block < CeilShift(bytes, plan_.block_bits); ++block) {
      AMBERFS_TRY_VOID(PadTo((plan.data.start_block + block) << plan_.block_bits));
      AMBERFS_TRY_VOID(image_.Append(packing.Encode(block, plan_)));
    }
    return {};
  }

  // The inode, its xattrs, and its tail or chunk table.
  BuildResult<void> WriteInode(InodeIndex i) {
    const InodePlan& plan = plan_.inodes[i];
    AMBERFS_TRY_VOID(plan.extended ? image_.Append(WireBytes(EncodeExtended(i)))
                                   : image_.Append(WireBytes(EncodeCompact(i))));
    AMBERFS_TRY_VOID(image_.Append(tree_.xattrs.EncodeArea(tree_.inodes[i].xattrs)));
    const std::vector<Le32> chunks(plan.data.chunks.begin(), plan.data.chunks.end());
    AMBERFS_TRY_VOID(image_.Append(std::as_bytes(std::span(chunks))));
    if (plan.data.layout == DataLayout::kCompressedCompact) {
      const std::uint64_t header = RoundUp(image_.size(), sizeof(wire::MapHeader));
      AMBERFS_TRY_VOID(PadTo(header));
      AMBERFS_TRY_VOID(
          image_.Append(EncodeClusterIndex(plan.data, plan.size, plan_.block_bits, header)));
    }
    return plan.data.tail_bytes == 0 ? BuildResult<void>() : WriteTail(i);
  }

  BuildResult<void> WriteTail(InodeIndex i) {
    const TreeInode& inode = tree_.inodes[i];
    const StoredData& data = plan_.inodes[i].data;
    if (inode.type() == FileType::kSymlink)
      return image_.Append(AsBytes(inode.target).last(data.tail_bytes));
    if (inode.type() == FileType::kDirectory) {
      const DirPacking packing(tree_, i, plan_.block_bytes());
      return image_.Append(packing.Encode(packing.block_count() - 1, plan_));
    }
    std::vector<std::byte> tail(data.tail_bytes);
    AMBERFS_TRY_VOID(spool_.Read(data.tail_offset, tail));
    return image_.Append(tail);
  }

  // What both forms have at the same place or only at another width.
  std::uint16_t Format(const InodePlan& plan) const {
    const auto layout = static_cast<unsigned>(plan.data.layout);
    return static_cast<std::uint16_t>((plan.extended ? wire::kFormatExtended : 0U) |
                                      layout << wire::kFormatLayoutShift);
  }
  static std::uint16_t XattrCount(const InodePlan& plan) {
    if (plan.xattr_bytes == 0) return 0;
    return static_cast<std::uint16_t>((plan.xattr_bytes - sizeof(wire::XattrHeader)) / 4 + 1);
  }
  // i_u: a device number, a chunk format, or the first block.
  std::uint32_t Union(InodeIndex i) const {
    const TreeInode& inode = tree_.inodes[i];
    const StoredData& data = plan_.inodes[i].data;
    switch (inode.type()) {
      case FileType::kCharDevice:
      case FileType::kBlockDevice:
        return (inode.device_minor & 0xFF) | inode.device_major << 8 |
               (inode.device_minor & ~0xFFU) << 12;
      case FileType::kFifo:
      case FileType::kSocket:
        return 0;
      default:
        if (data.layout == DataLayout::kChunkBased) return data.chunk_shift;
        if (data.layout == DataLayout::kCompressedCompact) return data.compressed_blocks();
        return data.start_block;
    }
  }
  // i_ino: a number for 32-bit callers, which nothing else uses.
  static std::uint32_t Serial(InodeIndex i) { return i + 1; }

  wire::InodeCompact EncodeCompact(InodeIndex i) const {
    const TreeInode& inode = tree_.inodes[i];
    const InodePlan& plan = plan_.inodes[i];
    wire::InodeCompact raw{};
    raw.format = Format(plan);
    raw.xattr_icount = XattrCount(plan);
    raw.mode = static_cast<std::uint16_t>(inode.mode);
    raw.nb = static_cast<std::uint16_t>(inode.nlink);
    raw.size = static_cast<std::uint32_t>(plan.size);
    raw.u = Union(i);
    raw.ino = Serial(i);
    raw.uid = static_cast<std::uint16_t>(inode.uid);
    raw.gid = static_cast<std::uint16_t>(inode.gid);
    return raw;
  }

  wire::InodeExtended EncodeExtended(InodeIndex i) const {
    const TreeInode& inode = tree_.inodes[i];
    const InodePlan& plan = plan_.inodes[i];
    wire::InodeExtended raw{};
    raw.format = Format(plan);
    raw.xattr_icount = XattrCount(plan);
    raw.mode = static_cast<std::uint16_t>(inode.mode);
    raw.size = plan.size;
    raw.u = Union(i);
    raw.ino = Serial(i);
    raw.uid = inode.uid;
    raw.gid = inode.gid;
    raw.mtime = static_cast<std::uint64_t>(inode.mtime);
    raw.mtime_nsec = inode.mtime_nsec;
    raw.nlink = inode.nlink;
    return raw;
  }

  const Tree& tree_;
  const ImagePlan& plan_;
  ImageFile& image_;
  TailSpool& spool_;
};

}  // namespace

BuildResult<void> WriteMetadata(const Tree& tree, const ImagePlan& plan, ImageFile& image,
                                TailSpool& spool) {
  return MetadataWriter(tree, plan, image, spool).Run();
}

}  // namespace amberfs
