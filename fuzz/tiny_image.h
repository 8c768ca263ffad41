// Images that mkfs.erofs does not make: tiny blocks, long prefixes, odd but legal corners.
#ifndef AMBERFS_FUZZ_TINY_IMAGE_H_
#define AMBERFS_FUZZ_TINY_IMAGE_H_

#include <cstddef>
#include <string>
#include <vector>

namespace amberfs::fuzz {

struct TinyImage {
  std::string name;
  std::vector<std::byte> primary;
  std::vector<std::byte> extra;  // of one extra device; empty if there is none
};

// A few valid images of 2 to 4 KiB, block size 512, that between them use every structure.
std::vector<TinyImage> MakeTinyImages();

}  // namespace amberfs::fuzz

#endif  // AMBERFS_FUZZ_TINY_IMAGE_H_
