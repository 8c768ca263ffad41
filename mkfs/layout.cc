// The image, in blocks:
//
//   | superblock | file data | blocks of directories and links | metadata area |
//                                                              ^ meta_block
//
// and the metadata area, in 32-byte slots, of which a nid is the number:
//
//   slot 0   1                                                         shared_offset
//   | none | root inode | inodes of its entries, then of theirs, ... | shared xattrs |
//
// An inode is followed by its xattrs and by its tail, or its chunk table. Its core must not cross a
// block, and neither must a tail, so inodes leave gaps at the ends of blocks. The last kOpenBlocks
// blocks with a gap stay open, and an inode goes into the smallest gap that holds it. With
// 4096-byte blocks, an inode of 32 bytes and a tail of 3000 takes slots 1 to 95 of block 0; the
// next, with a tail of 2500, does not fit into the 1056 bytes that are left and opens block 1; a
// third, of 900 in all, goes back to block 0.
//
// The inodes of one directory are neighbours, because whoever lists it asks for all of them; the
// directories follow each other depth first, as a walk meets them.
#include "mkfs/layout.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/checked.h"
#include "base/error.h"
#include "format/xattr.h"
#include "mkfs/dir_packing.h"

namespace amberfs {
namespace {

constexpr std::size_t kOpenBlocks = 64;
constexpr std::uint64_t kMaxBlocks =
    0xFFFFFFFE;  // block numbers are of 32 bits, the last is a hole

// Hands out places in the metadata area, in bytes from its start.
class MetadataAllocator {
 public:
  explicit MetadataAllocator(std::uint64_t block_bytes) : block_bytes_(block_bytes) {}

  // A place for an inode that takes `bytes` bytes, of which the first `core_bytes` stay in one
  // block; if `bytes` fits into a block, all of it does.
  std::uint64_t Place(std::uint64_t bytes, std::uint64_t core_bytes) {
    const std::uint64_t need = RoundUp(bytes, wire::kSlotBytes);
    if (need > block_bytes_) return PlaceLong(need, core_bytes);
    Gap* best = nullptr;
    for (Gap& gap : gaps_)
      if (gap.bytes >= need && (best == nullptr || gap.bytes < best->bytes)) best = &gap;
    if (best == nullptr) {
      const std::uint64_t start = RoundUp(end_, block_bytes_);
      end_ = start + block_bytes_;
      best = &AddGap({start, block_bytes_});
    }
    const std::uint64_t place = best->start;
    best->start += need;
    best->bytes -= need;
    used_end_ = std::max(used_end_, place + need);
    if (best->bytes == 0) gaps_.erase(gaps_.begin() + (best - gaps_.data()));
    return place;
  }

  // Where the last thing placed ends.
  std::uint64_t used_end() const { return used_end_; }

 private:
  struct Gap {
    std::uint64_t start;
    std::uint64_t bytes;
  };

  // What is longer than a block begins behind everything else and leaves its last block open.
  std::uint64_t PlaceLong(std::uint64_t need, std::uint64_t core_bytes) {
    std::uint64_t place = end_;
    if (place % block_bytes_ + core_bytes > block_bytes_) place = RoundUp(place, block_bytes_);
    const std::uint64_t end = place + need;
    end_ = RoundUp(end, block_bytes_);
    if (end_ > end) AddGap({end, end_ - end});
    used_end_ = std::max(used_end_, end);
    return place;
  }

  Gap& AddGap(Gap gap) {
    if (gaps_.size() == kOpenBlocks) gaps_.erase(std::ranges::min_element(gaps_, {}, &Gap::bytes));
    return gaps_.emplace_back(gap);
  }

  const std::uint64_t block_bytes_;
  std::uint64_t end_ = 0;  // of the last block that was opened
  std::uint64_t used_end_ = 0;
  std::vector<Gap> gaps_;  // oldest first
};

class Layouter {
 public:
  Layouter(Tree& tree, std::uint64_t data_blocks, ImagePlan& plan)
      : tree_(tree), plan_(plan), next_block_(data_blocks) {}

  BuildResult<void> Run() {
    OrderInodes();
    for (const InodeIndex i : plan_.order) PlaceContents(i);
    plan_.meta_block = next_block_;
    PlaceInodes();
    PlaceSharedXattrs();
    plan_.blocks = plan_.meta_block + CeilShift(meta_bytes_, plan_.block_bits);
    if (plan_.blocks > kMaxBlocks)
      return std::unexpected(BuildError{"the image would have more than 2^32 - 2 blocks"});
    return {};
  }

 private:
  // A directory, then its entries' inodes, then the same for each of its directories.
  void OrderInodes() {
    std::vector<bool> seen(tree_.inodes.size());
    std::vector<InodeIndex> stack = {Tree::kRootInode};
    plan_.order = {Tree::kRootInode};
    while (!stack.empty()) {
      const TreeInode& directory = tree_.inodes[stack.back()];
      stack.pop_back();
      for (const TreeEntry& entry : directory.entries) {
        if (seen[entry.inode]) continue;
        seen[entry.inode] = true;
        plan_.order.push_back(entry.inode);
      }
      for (auto entry = directory.entries.rbegin(); entry != directory.entries.rend(); ++entry)
        if (tree_.inodes[entry->inode].type() == FileType::kDirectory)
          stack.push_back(entry->inode);
    }
  }

  // Blocks and tails of directories and links.
  void PlaceContents(InodeIndex i) {
    const TreeInode& inode = tree_.inodes[i];
    InodePlan& plan = plan_.inodes[i];
    if (inode.type() == FileType::kDirectory)
      plan.size = DirPacking(tree_, i, plan_.block_bytes()).bytes();
    else if (inode.type() == FileType::kSymlink)
      plan.size = inode.target.size();
    else
      return;
    if (plan.size > 0xFFFFFFFF) plan.extended = true;
    const std::uint64_t tail = plan.size & (plan_.block_bytes() - 1);
    std::uint64_t blocks = CeilShift(plan.size, plan_.block_bits);
    if (tail > 0 && plan.HasRoomFor(tail, plan_.block_bytes())) {
      plan.data.layout = DataLayout::kFlatInline;
      plan.data.tail_bytes = static_cast<std::uint32_t>(tail);
      --blocks;
    }
    if (blocks > 0) plan.data.start_block = static_cast<std::uint32_t>(next_block_);
    next_block_ += blocks;
  }

  void PlaceInodes() {
    MetadataAllocator allocator(plan_.block_bytes());
    // Nid 0 means "none" to some readers.
    allocator.Place(wire::kSlotBytes, wire::kSlotBytes);
    for (const InodeIndex i : plan_.order) {
      InodePlan& plan = plan_.inodes[i];
      plan.nid = allocator.Place(plan.bytes(), plan.inode_bytes()) / wire::kSlotBytes;
    }
    meta_bytes_ = allocator.used_end();
    std::ranges::sort(plan_.order, {}, [&](InodeIndex i) { return plan_.inodes[i].nid; });
  }

  void PlaceSharedXattrs() {
    plan_.shared_offset = meta_bytes_;
    for (XattrId id = 0; id < tree_.xattrs.size(); ++id) {
      PooledXattr& xattr = tree_.xattrs[id];
      if (!xattr.shared) continue;
      xattr.shared_id = static_cast<std::uint32_t>(meta_bytes_ / kXattrAlign);
      meta_bytes_ += xattr.bytes();
    }
  }

  Tree& tree_;
  ImagePlan& plan_;
  std::uint64_t next_block_;
  std::uint64_t meta_bytes_ = 0;
};

}  // namespace

BuildResult<void> LayOut(Tree& tree, std::uint64_t data_blocks, ImagePlan& plan) {
  return Layouter(tree, data_blocks, plan).Run();
}

}  // namespace amberfs
