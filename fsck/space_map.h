// Who owns which bytes of an image: an interval for each thing that lies somewhere, and the two
// questions that such a map answers. Which things lie on the same bytes, and which bytes belong to
// nothing?
//
// 24 bytes for each interval; neighbours of one owner are one. Whatever the caller adds, an answer
// costs O(n log n) once and O(n) from then on.
#ifndef AMBERFS_FSCK_SPACE_MAP_H_
#define AMBERFS_FSCK_SPACE_MAP_H_

#include <cstdint>
#include <deque>
#include <functional>

#include "image/extent.h"

namespace amberfs {

// What lies there. All but the last three belong to the image as a whole.
enum class Part : std::uint8_t {
  kSuperblock,
  kCompression,  // its configurations
  kDeviceTable,
  kXattrPrefixes,
  kPacked,   // the packed inode and its data
  kMetabox,  // the metabox inode and its data
  kInode,    // with its attributes, its index and its tail
  kData,
  kSharedXattr,
};

// With whom it may lie on the same bytes.
enum class Sharing : std::uint8_t {
  kNone,
  kChunks,     // chunks of files, with others of them
  kPclusters,  // pclusters, with others of them
  kSame,       // parts of one kind with the same start and end
};

struct Claim {
  std::uint64_t start;  // in bytes, on its device; on device 0 it may be in the metabox
  std::uint64_t end;
  std::uint32_t owner;  // whatever the caller knows it by
  DeviceId device;
  Part part;
  Sharing sharing;
};
static_assert(sizeof(Claim) == 24);

class SpaceMap {
 public:
  // `bytes` may be 0, then nothing is added. The range must not overflow.
  void Add(Location where, std::uint64_t bytes, Part part, std::uint32_t owner,
           Sharing sharing = Sharing::kNone);

  std::uint64_t bytes() const { return claims_.size() * (sizeof(Claim) + 1); }

  // Ends the adding.
  void Sort();

  // Calls `visit` with each claim that lies on bytes of an earlier one with which it shares none by
  // right, and with one such.
  using Clash = std::function<void(const Claim& first, const Claim& second)>;
  void ForEachClash(const Clash& visit) const;

  // Calls `visit` with each range between `start` and `end` on `device` that nobody claims, in
  // order, until it returns false.
  using Gap = std::function<bool(std::uint64_t start, std::uint64_t end)>;
  void ForEachGap(DeviceId device, std::uint64_t start, std::uint64_t end, const Gap& visit) const;

 private:
  std::deque<Claim> claims_;  // grows without moving, so it never needs twice its memory
};

}  // namespace amberfs

#endif  // AMBERFS_FSCK_SPACE_MAP_H_
