#include "fuse/cache_trimmer.h"

#include <malloc.h>

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <stop_token>

namespace amberfs {

CacheTrimmer::CacheTrimmer(BlockCache& cache, std::chrono::milliseconds interval)
    : thread_([&cache, interval](const std::stop_token& stop) {
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock(mutex);
        while (!stop.stop_requested()) {
          never.wait_for(lock, stop, interval, [] { return false; });
          if (stop.stop_requested()) break;
          const std::uint64_t used = cache.used_bytes();
          cache.DropUnused();
          if (cache.used_bytes() < used) ::malloc_trim(0);  // back to the system, not to the heap
        }
      }) {}

}  // namespace amberfs
