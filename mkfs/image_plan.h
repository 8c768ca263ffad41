// What the passes after the scan decide about an image: one ImagePlan, filled from pass to pass.
#ifndef AMBERFS_MKFS_IMAGE_PLAN_H_
#define AMBERFS_MKFS_IMAGE_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/algorithm.h"
#include "format/inode.h"
#include "format/wire.h"

namespace amberfs {

// Of a compressed file, in its order.
struct StoredExtent {
  std::uint32_t bytes = 0;
  std::uint32_t blocks = 0;  // of its pcluster, which follows the one before it; 0: it is inline
  bool is_plain = false;
};

// Where the bytes of one inode lie. Block numbers are of 32 bits: the writer makes no larger image.
struct StoredData {
  DataLayout layout = DataLayout::kFlatPlain;
  std::uint32_t start_block = wire::kNullBlock32;  // of a flat inode that has whole blocks
  std::uint32_t tail_bytes = 0;                    // kFlatInline, and of an inline pcluster
  std::uint64_t tail_offset = 0;                   // of a file's tail in the TailSpool
  unsigned chunk_shift = 0;                        // log2 of the blocks in a chunk
  std::vector<std::uint32_t> chunks;               // kChunkBased: block, or kNullBlock32 for a hole

  std::vector<StoredExtent> extents;  // kCompressedCompact; the first pcluster is at start_block
  Algorithm algorithm = Algorithm::kLz4;
  std::uint64_t index_bytes = 0;  // and of what fills up to its start

  // Bytes that follow the inode and its xattrs.
  std::uint64_t body_bytes() const {
    return tail_bytes + chunks.size() * sizeof(Le32) + index_bytes;
  }
  std::uint32_t compressed_blocks() const {
    std::uint32_t sum = 0;
    for (const StoredExtent& extent : extents) sum += extent.blocks;
    return sum;
  }
};

struct InodePlan {
  // By PlanAttributes().
  bool extended = false;
  std::uint32_t xattr_bytes = 0;
  // By PackData() for regular files, by LayOut() for directories and links.
  std::uint64_t size = 0;
  StoredData data;
  std::string digest;  // of a file's content: the value of its attribute, if options ask for it
  // By LayOut().
  std::uint64_t nid = 0;

  std::uint64_t inode_bytes() const {
    return extended ? sizeof(wire::InodeExtended) : sizeof(wire::InodeCompact);
  }
  // Of all that lies at the inode's place.
  std::uint64_t bytes() const { return inode_bytes() + xattr_bytes + data.body_bytes(); }
  // Whether a tail of so many bytes may go behind the inode: all of it must fit into one block.
  bool HasRoomFor(std::uint64_t tail_bytes, std::uint64_t block_bytes) const {
    return inode_bytes() + xattr_bytes + tail_bytes <= block_bytes;
  }
};

struct ImagePlan {
  unsigned block_bits = 12;
  bool inline_data = true;  // of regular files
  std::int64_t epoch = 0;
  std::uint32_t epoch_nsec = 0;
  std::vector<InodePlan> inodes;  // one for each of the tree's

  // By LayOut().
  std::uint64_t meta_block = 0;      // the metadata area's first; nids count from there
  std::uint64_t shared_offset = 0;   // of the shared xattrs in the metadata area, bytes
  std::uint64_t blocks = 0;          // of the whole image
  std::vector<std::uint32_t> order;  // inodes by nid

  std::uint64_t block_bytes() const { return std::uint64_t{1} << block_bits; }
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_IMAGE_PLAN_H_
