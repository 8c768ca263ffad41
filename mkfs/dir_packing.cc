#include "mkfs/dir_packing.h"

#include <algorithm>

#include "format/wire.h"

namespace amberfs {

DirPacking::DirPacking(const Tree& tree, InodeIndex directory, std::uint64_t block_bytes)
    : tree_(tree), block_bytes_(block_bytes) {
  const TreeInode& inode = tree.inodes[directory];
  entries_.reserve(inode.entries.size() + 2);
  entries_.push_back({".", directory});
  entries_.push_back({"..", inode.parent});
  for (const TreeEntry& entry : inode.entries) entries_.push_back({entry.name, entry.inode});
  // Names below "." in the order of bytes exist: "!x", for one.
  std::ranges::sort(entries_, {}, &Entry::name);

  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::uint64_t need = sizeof(wire::Dirent) + entries_[i].name.size();
    if (blocks_.empty() || blocks_.back().used_bytes + need > block_bytes)
      blocks_.push_back({i, 0, 0});
    ++blocks_.back().count;
    blocks_.back().used_bytes += need;
  }
}

std::uint64_t DirPacking::bytes() const {
  return (blocks_.size() - 1) * block_bytes_ + blocks_.back().used_bytes;
}

std::vector<std::byte> DirPacking::Encode(std::uint64_t index, const ImagePlan& plan) const {
  const Block& block = blocks_[index];
  std::vector<std::byte> out(block.used_bytes);
  std::size_t name_at = block.count * sizeof(wire::Dirent);
  for (std::size_t i = 0; i < block.count; ++i) {
    const Entry& entry = entries_[block.first + i];
    wire::Dirent raw{};
    raw.nid = plan.inodes[entry.inode].nid;
    raw.nameoff = static_cast<std::uint16_t>(name_at);
    raw.file_type = static_cast<std::uint8_t>(tree_.inodes[entry.inode].type());
    PutWire(out, i * sizeof raw, raw);
    std::ranges::copy(AsBytes(entry.name), out.begin() + static_cast<std::ptrdiff_t>(name_at));
    name_at += entry.name.size();
  }
  return out;
}

}  // namespace amberfs
