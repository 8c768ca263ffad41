// The per-cluster index of a compressed file: where each entry lies, and what it says.
//
// A file is a sequence of extents; an index entry for each logical cluster (one block of the file)
// says whether an extent starts in it (a head), and if not, how far back its head is. In the full
// form an entry has 8 bytes of its own. In the compact form entries of 16 or 14 bits lie in packs
// that share one base address, and a head's address follows from counting the heads before it:
//
//   pack of 8 bytes                 pack of 32 bytes
//   | e0 | e1 |  base  |            | e0 e1 .. e15, 14 bits each |  base  |
//
//   base + | 4-byte entries up to a multiple of 32 | 2-byte entries, 16 a pack | 4-byte entries |
//
// Everything here is pure arithmetic on bytes that were copied; a wrong entry gives a wrong answer,
// never a read outside of the pack.
#ifndef AMBERFS_FORMAT_CLUSTER_INDEX_H_
#define AMBERFS_FORMAT_CLUSTER_INDEX_H_

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "format/inode.h"
#include "format/map_header.h"

namespace amberfs {

enum class ClusterType : std::uint8_t {
  kPlain = 0,    // an extent starts here and is not compressed
  kHead1 = 1,    // one compressed with the first algorithm
  kNonHead = 2,  // none does
  kHead2 = 3,    // one compressed with the second algorithm
};

struct ClusterIndex {
  ClusterType type = ClusterType::kPlain;
  // Heads: where in its cluster the extent starts, untrusted; whether its pcluster holds more than
  // the extent.
  std::uint32_t cluster_offset = 0;
  bool partial = false;
  // Others: the distance back to the head or to an entry that knows more, in clusters, untrusted:
  // may be 0.
  std::uint32_t back = 0;
  // The cluster behind a head: blocks of the head's pcluster, untrusted; nothing if it does not
  // say.
  std::optional<std::uint32_t> block_count = {};
  // Bits that mean nothing are zero.
  bool reserved_is_zero = true;

  bool is_head() const { return type != ClusterType::kNonHead; }
};

// Where the entries of one file lie. Built from numbers that are checked nowhere yet: end() is what
// the caller compares with the image.
class ClusterIndexLayout {
 public:
  // For a file of `header.form` kFull or kCompact.
  ClusterIndexLayout(const Superblock& sb, const Inode& inode, const MapHeader& header);

  // Metadata addresses. An inline pcluster follows at end().
  std::uint64_t start() const { return start_; }
  std::uint64_t end() const { return end_; }
  std::uint64_t cluster_count() const { return cluster_count_; }

  // The smallest piece that can be decoded: one full entry, or a pack of compact ones.
  struct Pack {
    std::uint64_t offset;  // a metadata address
    unsigned bytes;        // 8 or 32
    unsigned entries;      // 1, 2 or 16
    unsigned index;        // of the wanted entry
  };
  static constexpr unsigned kMaxPackBytes = 32;
  Pack PackOf(std::uint64_t cluster) const;

  // The entry at `pack.index`; `bytes` are the pack's, untrusted.
  ClusterIndex Decode(const Pack& pack, ByteView bytes) const;
  // Where in the pack the first head at or behind `pack.index` is; pack.entries if there is none.
  unsigned FindHead(const Pack& pack, ByteView bytes) const;
  // The block of the head at `pack.index`. Nothing if the entries before it in a compact pack make
  // no sense.
  std::optional<std::uint64_t> BlockOf(const Pack& pack, ByteView bytes) const;

 private:
  struct Packed {
    ClusterType type;
    std::uint32_t low;
  };
  Packed Unpack(const Pack& pack, ByteView bytes, unsigned index) const;
  ClusterIndex DecodeFull(ByteView bytes) const;
  void TakeBlockCount(std::uint32_t field, ClusterIndex& entry) const;

  std::uint64_t start_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t cluster_count_ = 0;
  std::uint64_t first_4byte_ = 0;  // how many entries have 4 bytes before those of 2
  std::uint64_t two_byte_ = 0;     // and how many have 2
  unsigned low_bits_ = 0;          // of a compact entry, below its type
  bool compact_ = false;
  bool big_ = false;  // block counts occur
};

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_CLUSTER_INDEX_H_
