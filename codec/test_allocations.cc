// Built with a sanitizer, its allocator tells us; otherwise we stand before the C library's.
#include "codec/test_allocations.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define AMBERFS_SANITIZERS_ALLOCATOR 1
#endif
#endif

namespace {

// Of a trivial kind, so that a thread's first look at it allocates nothing.
thread_local amberfs::Allocations so_far;

void Count(std::size_t bytes) {
  ++so_far.count;
  so_far.bytes += bytes;
}

}  // namespace

#ifdef AMBERFS_SANITIZERS_ALLOCATOR

#include <sanitizer/allocator_interface.h>

namespace {

[[maybe_unused]] const int installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void*, std::size_t bytes) { Count(bytes); }, [](const volatile void*) {});

}  // namespace

#else

// free() needs no counting, and takes what these return.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* old, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  Count(bytes);
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  Count(count * bytes);
  return __libc_calloc(count, bytes);
}
void* realloc(void* old, std::size_t bytes) {
  Count(bytes);
  return __libc_realloc(old, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  Count(bytes);
  return __libc_memalign(alignment, bytes);
}
}

#endif

namespace amberfs {

Allocations AllocationsSoFar() { return so_far; }

}  // namespace amberfs
