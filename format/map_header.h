// What opens the index of a compressed file: which form the index has, and what holds for all of
// it.
//
//   Z-2  reserved bits are zero (kUnsupported)
//   Z-4  pclusters of more than a block are declared in the superblock, for both heads alike in
//        compact indexes
//   Z-5  logical clusters are one block, and not too large for compact indexes (kUnsupported)
#ifndef AMBERFS_FORMAT_MAP_HEADER_H_
#define AMBERFS_FORMAT_MAP_HEADER_H_

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"
#include "format/inode.h"
#include "format/superblock.h"

namespace amberfs {

struct MapHeader {
  enum class Form : std::uint8_t {
    kWholeFragment,  // no index: all of the file lies in the packed inode
    kFull,           // an index entry of 8 bytes for each logical cluster
    kCompact,        // one of 4 or 2 bytes
    kExtents,        // a record for each extent
  };

  // Where the header of `inode`, which is compressed, lies: a metadata address.
  static std::uint64_t OffsetOf(const Inode& inode);
  // Decodes the header of `inode`, untrusted, which lies at `offset`.
  static Result<MapHeader> Parse(const Superblock& sb, const Inode& inode, ByteView bytes,
                                 std::uint64_t offset);

  Form form = Form::kWholeFragment;
  // The file's last extent lies in the packed inode. Its offset there: all of it for
  // kWholeFragment, else the low 32 bits; the high ones are where the form puts them.
  bool has_fragment = false;
  std::uint64_t fragment_offset = 0;
  // Length of the last extent's pcluster, which lies behind the index; 0: it lies with the others.
  std::uint32_t inline_bytes = 0;
  bool interlaced = false;  // blocks that are not compressed keep their bytes' places in a block

  // kFull and kCompact.
  bool big_head1 = false;       // pclusters of HEAD1 may be larger than a block
  bool big_head2 = false;       // those of HEAD2 and PLAIN
  bool two_byte = false;        // kCompact: most entries have 2 bytes
  std::uint8_t algorithm1 = 0;  // ids, which the image may lack
  std::uint8_t algorithm2 = 0;

  // kExtents. Extents are equally long, 2^extent_bits bytes, if their records have 4 or 8 bytes.
  std::uint32_t record_bytes = 0;  // 4, 8, 16 or 32
  unsigned extent_bits = 0;
  std::uint64_t extent_count = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_MAP_HEADER_H_
