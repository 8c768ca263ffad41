// FUSE node ids are a fixed function of the nid: the server keeps no table, forgets nothing, and a
// restarted server gives the same ids.
#ifndef AMBERFS_FUSE_NODE_ID_H_
#define AMBERFS_FUSE_NODE_ID_H_

#include <cstdint>

#include "format/units.h"

namespace amberfs {

inline constexpr std::uint64_t kRootNodeId = 1;  // FUSE_ROOT_ID

// nid 0 is legal and node id 0 is not, so all but the root move up by two. Nids are below 2^59
// (a byte offset by 32), so the sum stays below 2^62, whose upper bits overlayfs wants for itself.
constexpr std::uint64_t ToNodeId(Nid nid, Nid root_nid) {
  return nid == root_nid ? kRootNodeId : nid.v + 2;
}

// `id` is one that ToNodeId() made.
constexpr Nid ToNid(std::uint64_t id, Nid root_nid) {
  return id == kRootNodeId ? root_nid : Nid{id - 2};
}

}  // namespace amberfs

#endif  // AMBERFS_FUSE_NODE_ID_H_
