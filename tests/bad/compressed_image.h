// A second small image made by hand in which nothing is wrong: what GoodImage lacks, compression.
//
// As there, every byte comes from the wire structs and from what docs/format.md says; the streams
// are made without the libraries that decode them. Blocks of 4096 bytes hold one of each:
//
//   /full    full index: HEAD1 of LZ4, HEAD2 of DEFLATE that is partial, PLAIN that is interlaced,
//            and a last one that is empty
//   /big     compact index: pclusters of one and of three blocks
//   /two     compact index with 2-byte entries: ten extents and an empty one
//   /inline  compact index: two extents, the second one's pcluster behind the index
//   /tail    full index: two extents, the second a fragment
//   /whole   a fragment
//   /r4 /r8 /r16 /r32
//            encoded extents, with records of so many bytes: LZ4 and Zstandard, side by side and in
//            whole blocks; plain ones; holes; a fragment
//   /zdir    a compressed directory, of /zdir/boxed and /zdir/boxedz: inodes in the metabox, one
//            with its data and one compressed
//
// The packed inode and the metabox are compressed as well.
#ifndef AMBERFS_TESTS_BAD_COMPRESSED_IMAGE_H_
#define AMBERFS_TESTS_BAD_COMPRESSED_IMAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bad/test_image.h"

namespace amberfs {

class CompressedImage : public TestImage {
 public:
  static constexpr std::uint64_t kLz4Config = 1168;
  static constexpr std::uint64_t kDeflateConfig = 1184;
  static constexpr std::uint64_t kZstdConfig = 1192;

  CompressedImage();

  // Where things lie, in bytes; for those in the metabox, as errors say it. `path` is one of those
  // above, or "packed" or "metabox".
  std::uint64_t InodeAt(std::string_view path) const { return Place(path).inode; }
  std::uint64_t HeaderAt(std::string_view path) const { return Place(path).inode + 32; }
  // The first index entry or record.
  std::uint64_t IndexAt(std::string_view path) const { return Place(path).index; }
  // The pcluster of an extent, and the first byte of its stream.
  std::uint64_t PclusterAt(std::string_view path, std::size_t extent) const {
    return Place(path).pclusters.at(extent);
  }
  std::uint64_t StreamAt(std::string_view path, std::size_t extent) const {
    return Place(path).streams.at(extent);
  }
  // The byte of the image that holds the metabox's byte `offset`.
  std::uint64_t MetaboxByte(std::uint64_t offset) const;

  std::uint64_t NidOf(std::string_view path) const;

  // The files' data.
  const std::map<std::string, std::vector<std::byte>, std::less<>>& data() const { return data_; }

  template <typename Change>
  void EditInode(std::string_view path, Change change) {
    Edit<wire::InodeCompact>(InodeAt(path), change);
  }
  template <typename Change>
  void EditHeader(std::string_view path, Change change) {
    Edit<wire::MapHeader>(HeaderAt(path), change);
  }
  // An entry of a full index.
  template <typename Change>
  void EditEntry(std::string_view path, std::uint64_t cluster, Change change) {
    Edit<wire::ClusterIndex>(IndexAt(path) + cluster * sizeof(wire::ClusterIndex), change);
  }

 private:
  struct Places {
    std::uint64_t inode = 0;
    std::uint64_t index = 0;
    std::vector<std::uint64_t> pclusters = {};
    std::vector<std::uint64_t> streams = {};
  };
  struct Part;
  struct Entry;

  const Places& Place(std::string_view path) const { return places_.find(path)->second; }
  // An inode of 32 bytes and `behind` bytes behind it; its place.
  Places& AddInode(std::string_view path, std::uint16_t mode, unsigned layout, std::uint64_t size,
                   std::uint64_t behind);
  void AddFull(std::string_view path, std::uint16_t advise, const std::vector<Part>& parts);
  void AddCompact(std::string_view path, std::uint16_t mode, std::uint16_t advise,
                  const std::vector<Part>& parts);
  void AddPacked();
  void AddRecords();
  void AddBoxed();
  void AddRoot();
  void WriteSuperblock();

  // Reserves blocks for the pclusters of `parts` and writes those.
  void PlaceParts(Places& places, const std::vector<Part>& parts);
  std::uint64_t PlaceBytes(Places& places, const std::vector<std::byte>& stream);
  void AlignData();
  static std::vector<Entry> Entries(const Places& places, const std::vector<Part>& parts,
                                    bool counts);
  void WriteFull(std::uint64_t at, const std::vector<Entry>& entries);
  void WriteCompact(std::uint64_t at, const std::vector<Entry>& entries, bool two_byte,
                    bool counts);
  void WritePack(std::uint64_t at, const std::vector<Entry>& entries, std::size_t first,
                 std::size_t count, unsigned bits, bool counts);
  void Remember(std::string_view path, const std::vector<Part>& parts);

  std::uint64_t inode_cursor_;
  std::uint64_t data_cursor_;
  std::map<std::string, Places, std::less<>> places_;
  std::map<std::string, std::vector<std::byte>, std::less<>> data_;
};

}  // namespace amberfs

#endif  // AMBERFS_TESTS_BAD_COMPRESSED_IMAGE_H_
