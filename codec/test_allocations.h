// Counts what the thread that asks allocates, in whatever way: by new, by malloc(), in libraries.
#ifndef AMBERFS_CODEC_TEST_ALLOCATIONS_H_
#define AMBERFS_CODEC_TEST_ALLOCATIONS_H_

#include <cstddef>

namespace amberfs {

struct Allocations {
  std::size_t count = 0;
  std::size_t bytes = 0;  // in all, also of those freed since
};

// What this thread has allocated so far.
Allocations AllocationsSoFar();

}  // namespace amberfs

#endif  // AMBERFS_CODEC_TEST_ALLOCATIONS_H_
