// Gives back the memory of decoded data that nobody reads any more.
#ifndef AMBERFS_FUSE_CACHE_TRIMMER_H_
#define AMBERFS_FUSE_CACHE_TRIMMER_H_

#include <chrono>
#include <thread>

#include "io/block_cache.h"

namespace amberfs {

// A thread that, every `interval`, drops what was not asked for during the last one. Borrows the
// cache. A mount that nobody uses then holds no decoded data, however large its cache may grow.
class CacheTrimmer {
 public:
  CacheTrimmer(BlockCache& cache, std::chrono::milliseconds interval);

 private:
  std::jthread thread_;
};

}  // namespace amberfs

#endif  // AMBERFS_FUSE_CACHE_TRIMMER_H_
