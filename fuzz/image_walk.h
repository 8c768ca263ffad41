// Reads everything that an image holds, within a budget, and checks what the headers promise.
#ifndef AMBERFS_FUZZ_IMAGE_WALK_H_
#define AMBERFS_FUZZ_IMAGE_WALK_H_

#include <cstdint>
#include <vector>

#include "image/image.h"

namespace amberfs::fuzz {

// What one input may cost, counted in work and not in time, so that a run can be repeated.
struct WalkBudget {
  int inodes = 100;
  int entries = 600;
  int extents = 800;
  int xattrs = 400;
  std::int64_t read_bytes = 1 << 18;
};

// Opens the image, twice, and walks it from its root on. Ends the program where a promise of
// image/*.h is broken; an image that cannot be opened or read is no such thing.
void WalkImage(const SourcePtr& primary, const std::vector<SourcePtr>& extra);

// A source as large as it says it is: `bytes`, then zeros.
class SparseSource final : public ByteSource {
 public:
  SparseSource(std::vector<std::byte> bytes, std::uint64_t size)
      : bytes_(std::move(bytes)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override;

 private:
  std::vector<std::byte> bytes_;
  std::uint64_t size_;
};

}  // namespace amberfs::fuzz

#endif  // AMBERFS_FUZZ_IMAGE_WALK_H_
