// A directory: lookup by binary search, and iteration that can stop and go on anywhere.
//
//   DIR-1 .. DIR-3 as in format/dir_block.h
//
// A cookie is the file offset of an entry's header, so it stays good for as long as the image does,
// whatever happened to the process that made it. An omitted "." is listed last, at the directory's
// size, where Linux lists it.
#ifndef AMBERFS_IMAGE_DIRECTORY_H_
#define AMBERFS_IMAGE_DIRECTORY_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "format/dir_block.h"
#include "image/file_reader.h"

namespace amberfs {

class Directory {
 public:
  // Borrows both, which must outlive it. `inode` is a directory.
  Directory(const Image& image, const Inode& inode) : image_(image), inode_(inode) {}

  // The inode that `name` leads to; nothing if there is no such name. Reads O(log n) blocks. In a
  // directory that breaks DIR-4 it may miss a name that iteration shows.
  Result<std::optional<Nid>> Find(std::string_view name) const;

  class Iterator;

  const Inode& inode() const { return inode_; }
  std::uint64_t block_count() const;

 private:
  friend class Iterator;
  // Reads block `index` into `buffer` and decodes it there.
  Result<DirBlock> ReadBlock(std::uint64_t index, std::vector<std::byte>& buffer) const;

  const Image& image_;
  const Inode& inode_;
};

class Directory::Iterator {
 public:
  // Borrows the directory. Starts at `cookie`, untrusted; 0 is the first entry.
  explicit Iterator(const Directory& directory, std::uint64_t cookie = 0)
      : directory_(directory), cookie_(cookie) {}

  // The entry at cookie(), which then moves on; nothing at the end. The name is valid until the
  // next call. On failure cookie() stays, and SkipBlock() is the way past.
  Result<std::optional<DirEntry>> Next();

  std::uint64_t cookie() const { return cookie_; }
  void SkipBlock();

  // The block that the last entry came from; nothing before the first.
  const std::optional<DirBlock>& block() const { return block_; }

 private:
  const Directory& directory_;
  std::uint64_t cookie_;
  std::uint64_t block_index_ = 0;  // of block_
  std::optional<DirBlock> block_;
  std::vector<std::byte> buffer_;
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_DIRECTORY_H_
