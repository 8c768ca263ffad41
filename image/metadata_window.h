// A table among the metadata, read in pieces: each entry is seen once it was copied, and neighbours
// of an entry cost nothing.
#ifndef AMBERFS_IMAGE_METADATA_WINDOW_H_
#define AMBERFS_IMAGE_METADATA_WINDOW_H_

#include <array>
#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"

namespace amberfs {

class Image;

// [start, end), metadata addresses.
struct MetadataRange {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
};

class MetadataWindow {
 public:
  // The table takes [start, end), metadata addresses with start a multiple of 4; all of it must lie
  // in the image. Reads fail with `rule`. Borrows the image.
  MetadataWindow(const Image& image, std::uint64_t start, std::uint64_t end, Rule rule)
      : image_(image), table_start_(start), table_end_(end), rule_(rule), start_(start) {}

  // The `bytes` bytes at `offset`, which lie in the table; at most kMaxView of them, good until the
  // next call.
  static constexpr std::uint64_t kMaxView = 64;
  Result<ByteView> View(std::uint64_t offset, std::uint64_t bytes);

  MetadataRange table() const { return {table_start_, table_end_}; }

  // How much was read so far.
  std::uint64_t bytes_read() const { return bytes_read_; }

 private:
  const Image& image_;
  std::uint64_t table_start_;
  std::uint64_t table_end_;
  Rule rule_;
  // What the buffer holds: [start_, start_ + held_).
  std::uint64_t start_;
  std::uint64_t held_ = 0;
  bool filled_ = false;
  std::uint64_t bytes_read_ = 0;
  std::array<std::byte, 4096> buffer_;
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_METADATA_WINDOW_H_
