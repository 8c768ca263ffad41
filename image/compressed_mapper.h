// Map() for compressed files: finds the extent that holds an offset in whichever index the file
// has.
//
//   Z-1, Z-3, Z-6 .. Z-15 as in base/rules.def; Z-2, Z-4, Z-5 as in format/map_header.h
//
// The work for one answer is bounded: an extent is at most 12 MiB long, so its head is at most so
// many clusters back and its end so many ahead; records are found by binary search, or added up to
// Limits::max_records_per_map.
#ifndef AMBERFS_IMAGE_COMPRESSED_MAPPER_H_
#define AMBERFS_IMAGE_COMPRESSED_MAPPER_H_

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "format/cluster_index.h"
#include "format/inode.h"
#include "format/map_header.h"
#include "image/extent.h"
#include "image/metadata_window.h"

namespace amberfs {

class Image;

class CompressedMapper {
 public:
  // `inode` is compressed and not empty. Borrows both. For one thread at a time: it keeps what it
  // read of the index.
  CompressedMapper(const Image& image, const Inode& inode) : image_(image), inode_(inode) {}

  // As Mapper::Map().
  Result<Extent> Map(std::uint64_t pos);

  // Whether Map() leads to `extent`, which it gave, from each of its bytes: it can be had from one
  // and not from another, as each cluster has a distance of its own. Fails with Z-2, Z-6 or Z-7.
  Result<void> CheckDistances(const Extent& extent);

  // Where the index lies, header and entries; known once Map() has given an extent.
  struct Index {
    MetadataRange header;
    MetadataRange entries;
  };
  Index index() const;

  // How much of the index was read so far.
  std::uint64_t index_bytes_read() const { return window_ ? window_->bytes_read() : 0; }

 private:
  Result<void> ReadHeader();
  Result<Extent> MapFragment(std::uint64_t pos, std::uint64_t length, std::uint64_t offset) const;
  // A pcluster at `where`, or one block of it, as what its type makes of it.
  Result<Extent> MapPlain(Extent extent, std::uint64_t pos, std::uint64_t address,
                          std::uint64_t bytes, bool interlaced, std::uint64_t index_offset) const;
  Result<Extent> MapEncoded(Extent extent, unsigned algorithm, std::uint64_t address,
                            std::uint64_t bytes, std::uint64_t index_offset) const;

  // Full and compact indexes.
  struct Head {
    std::uint64_t cluster;
    ClusterIndex entry;
    std::uint64_t block;
    std::uint64_t offset;  // of its index entry, for errors
  };
  Result<ClusterIndex> Load(std::uint64_t cluster);
  Result<Head> FindHead(std::uint64_t pos);
  Result<std::uint64_t> FindEnd(const Head& head, std::uint64_t start);
  Result<std::uint64_t> PclusterBlocks(const Head& head);
  Result<Extent> MapClusters(std::uint64_t pos);
  Result<Extent> MapInline(Extent extent, const Head& head) const;
  std::uint64_t ClusterStart(std::uint64_t cluster) const;

  // Encoded extents.
  struct Record {
    std::uint64_t index = 0;
    std::uint64_t start = 0;  // file offset
    std::uint64_t end = 0;
    std::uint64_t address = 0;
    std::uint32_t plen = 0;    // length and flags
    std::uint64_t offset = 0;  // of the record, for errors
  };
  std::uint64_t RecordOffset(std::uint64_t index) const;
  Result<std::uint64_t> RecordStart(std::uint64_t index);
  Result<Record> FindRecord(std::uint64_t pos);
  Result<std::uint64_t> SumOfLengths(std::uint64_t count);
  Result<Extent> MapRecords(std::uint64_t pos);

  const Image& image_;
  const Inode& inode_;
  std::optional<MapHeader> header_;           // once it was read
  std::optional<ClusterIndexLayout> layout_;  // kFull, kCompact
  std::uint64_t records_ = 0;                 // kExtents: where the first record lies
  std::optional<MetadataWindow> window_;
  std::uint64_t next_record_ = 0;  // behind the one that was found last
  // Records of 4 bytes: the lengths of the first summed_ ones are summed_bytes_.
  std::uint64_t summed_ = 0;
  std::uint64_t summed_bytes_ = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_COMPRESSED_MAPPER_H_
