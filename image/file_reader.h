// File bytes, through Mapper, and through the decoders where they are compressed.
//
//   Z-14   a fragment lies inside the packed inode's data
//   Z-16   a pcluster decodes to exactly the bytes that its extent promises
//   LIM-2  one read decodes at most Limits::max_encoded_bytes_per_read
#ifndef AMBERFS_IMAGE_FILE_READER_H_
#define AMBERFS_IMAGE_FILE_READER_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "image/image.h"
#include "image/mapper.h"
#include "image/pcluster_reader.h"

namespace amberfs {

class FileReader {
 public:
  // Borrows both, which must outlive it. For one thread at a time, and for reads of one place after
  // the other: it keeps what it has read of the file's index.
  FileReader(const Image& image, const Inode& inode)
      : image_(image), inode_(inode), mapper_(image, inode), pclusters_(image) {}

  // Copies bytes from `pos` on; holes are zeros. Returns how many: less than asked only at the end
  // of the file, 0 at or past it. Fails with what Map() fails with, Z-16, LIM-2 or kIo; then
  // nothing of `out` may be used.
  Result<std::size_t> Read(std::uint64_t pos, ByteSpan out);

  // As Mapper::Map().
  Result<Extent> Map(std::uint64_t pos, std::uint64_t len) { return mapper_.Map(pos, len); }

  // lseek(2)'s SEEK_DATA and SEEK_HOLE from `pos`; nothing where that is ENXIO. Looks at a bounded
  // number of extents; past that it calls everything data, which lseek allows.
  Result<std::optional<std::uint64_t>> SeekData(std::uint64_t pos);
  Result<std::optional<std::uint64_t>> SeekHole(std::uint64_t pos);

 private:
  Result<void> ReadExtent(const Extent& extent, std::uint64_t pos, ByteSpan out);

  const Image& image_;
  const Inode& inode_;
  Mapper mapper_;
  PclusterReader pclusters_;
};

// A symbolic link's target. Fails with LNK-1, LNK-2, or as Read() does.
Result<std::string> ReadSymlink(const Image& image, const Inode& inode);

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_FILE_READER_H_
