// File bytes, through Mapper.
#ifndef AMBERFS_IMAGE_FILE_READER_H_
#define AMBERFS_IMAGE_FILE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "image/image.h"
#include "image/mapper.h"

namespace amberfs {

class FileReader {
 public:
  // Borrows both, which must outlive it.
  FileReader(const Image& image, const Inode& inode)
      : image_(image), inode_(inode), mapper_(image, inode) {}

  // Copies bytes from `pos` on; holes are zeros. Returns how many: less than asked only at the end
  // of the file, 0 at or past it. Fails with what Map() fails with, or kIo; then nothing of `out`
  // may be used.
  Result<std::size_t> Read(std::uint64_t pos, ByteSpan out) const;

  // lseek(2)'s SEEK_DATA and SEEK_HOLE from `pos`; nothing where that is ENXIO. Looks at a bounded
  // number of extents; past that it calls everything data, which lseek allows.
  Result<std::optional<std::uint64_t>> SeekData(std::uint64_t pos) const;
  Result<std::optional<std::uint64_t>> SeekHole(std::uint64_t pos) const;

 private:
  const Image& image_;
  const Inode& inode_;
  Mapper mapper_;
};

// A symbolic link's target. Fails with LNK-1, LNK-2, or as Read() does.
Result<std::string> ReadSymlink(const Image& image, const Inode& inode);

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_FILE_READER_H_
