// The compact index of a compressed file: docs/format.md, section 12.5.
#ifndef AMBERFS_MKFS_CLUSTER_INDEX_H_
#define AMBERFS_MKFS_CLUSTER_INDEX_H_

#include <cstdint>
#include <vector>

#include "base/algorithm.h"
#include "mkfs/image_plan.h"

namespace amberfs {

// The bytes of map header and index of a file of `size` bytes, if the header starts at byte
// `header`: what counts of that is its place in 32 bytes.
std::uint64_t ClusterIndexBytes(std::uint64_t size, unsigned block_bits, std::uint64_t header);

// Header and index of a file with the extents of `data`. The last one's pcluster is inline if
// `data` has a tail.
std::vector<std::byte> EncodeClusterIndex(const StoredData& data, std::uint64_t size,
                                          unsigned block_bits, std::uint64_t header);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_CLUSTER_INDEX_H_
