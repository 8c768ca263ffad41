// How a directory's entries fill its blocks: a block is as full as it can be before the next
// begins.
#ifndef AMBERFS_MKFS_DIR_PACKING_H_
#define AMBERFS_MKFS_DIR_PACKING_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "mkfs/image_plan.h"
#include "mkfs/tree.h"

namespace amberfs {

class DirPacking {
 public:
  // Of directory `directory`, with its dots, in the format's order. Borrows the tree.
  DirPacking(const Tree& tree, InodeIndex directory, std::uint64_t block_bytes);

  std::uint64_t block_count() const { return blocks_.size(); }
  // The directory's size: whole blocks, but only the used part of the last.
  std::uint64_t bytes() const;

  // The used part of block `index`, with the nids of `plan`.
  std::vector<std::byte> Encode(std::uint64_t index, const ImagePlan& plan) const;

 private:
  struct Entry {
    std::string_view name;
    InodeIndex inode;
  };
  struct Block {
    std::size_t first;  // of its entries
    std::size_t count;
    std::uint64_t used_bytes;
  };

  const Tree& tree_;
  std::uint64_t block_bytes_;
  std::vector<Entry> entries_;
  std::vector<Block> blocks_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_DIR_PACKING_H_
