// Images of compressed files for tests, made by mkfs.erofs.
#ifndef AMBERFS_IMAGE_TEST_IMAGE_H_
#define AMBERFS_IMAGE_TEST_IMAGE_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "image/image.h"
#include "io/byte_source.h"

namespace amberfs {

// An image in memory that counts who reads it, and can be damaged.
class TestSource final : public ByteSource {
 public:
  explicit TestSource(std::vector<std::byte> image) : bytes(std::move(image)) {}
  std::uint64_t size() const override { return bytes.size(); }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override;

  std::vector<std::byte> bytes;      // nobody may be reading when it changes
  std::atomic<bool> broken = false;  // every read fails with EIO
  mutable std::atomic<std::uint64_t> reads = 0;
  mutable std::atomic<std::uint64_t> read_bytes = 0;
};

// The files that a test puts into its image, by name.
using TestFiles = std::map<std::string, std::string>;

// Whether mkfs.erofs is here; tests that need it are skipped without it.
bool CanMakeImages();

// `mkfs.erofs OPTIONS` of a directory with these files. Ends the program if that fails.
std::shared_ptr<TestSource> MakeImage(const std::string& options, const TestFiles& files);

// The same bytes in a file, which has no name.
std::shared_ptr<const FileSource> InFile(const TestSource& source);

// Opens an image that has just been made.
Image OpenImage(std::shared_ptr<const ByteSource> source, const Limits& limits = {});

// The inode of a file in the root directory.
Inode InodeOf(const Image& image, const std::string& name);

// All extents of a file, from front to back, as one mapper gives them.
std::vector<Extent> ExtentsOf(const Image& image, const Inode& inode);

// Text that compresses well, and bytes that do not.
std::string SomeText(std::size_t bytes);
std::string SomeNoise(std::size_t bytes);

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_TEST_IMAGE_H_
