// One directory block, decoded in place.
//
//   DIR-1  the first name offset is a positive multiple of 12 inside the block
//   DIR-2  name offsets ascend inside the block, names are 1 to 255 bytes long
//   DIR-3  names contain neither '/' nor NUL
//
// A DirBlock borrows the bytes that it was parsed from: they must outlive it and not change. That
// names ascend (DIR-4) is a promise between blocks too, so fsck checks it; on a block that breaks
// it Find() may miss a name but always ends.
#ifndef AMBERFS_FORMAT_DIR_BLOCK_H_
#define AMBERFS_FORMAT_DIR_BLOCK_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"
#include "format/inode.h"
#include "format/units.h"
#include "format/wire.h"

namespace amberfs {

struct DirEntry {
  Nid nid;                // untrusted: may name no inode
  std::uint8_t raw_type;  // untrusted: 0 .. 255, see FileType
  std::uint8_t reserved;
  std::string_view name;
};

class DirBlock {
 public:
  // Decodes `block`, the valid part of one directory block (untrusted); `offset` is where it lies
  // in the image, for errors.
  static Result<DirBlock> Parse(ByteView block, std::uint64_t offset);

  std::uint32_t size() const { return count_; }  // at least 1
  DirEntry operator[](std::uint32_t index) const;

  // The entry with this name, by binary search.
  std::optional<DirEntry> Find(std::string_view name) const;

  // Bytes behind the last name and reserved entry bytes are zero (DIR-9).
  bool padding_is_zero() const;

 private:
  DirBlock(ByteView block, std::uint32_t count) : block_(block), count_(count) {}
  std::uint32_t NameStart(std::uint32_t index) const;
  // Of the name that starts at `start`, which lies in the block.
  std::uint32_t NameEnd(std::uint32_t index, std::uint32_t start) const;

  ByteView block_;
  std::uint32_t count_;
};

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_DIR_BLOCK_H_
