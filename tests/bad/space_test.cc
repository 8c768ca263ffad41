// Things that lie on each other's bytes, and bytes that belong to nothing.
#include "tests/bad/bad_image.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kBlock = GoodImage::kBlock;

BAD_IMAGE(SPC1, FileLiesOnChunksOfOthers) {
  image.EditExtended("/plain", [](auto& inode) { inode.u = 4; });
  std::ranges::fill_n(image.bytes.begin() + 6 * kBlock, 2 * kBlock, std::byte{0});
  return 4 * kBlock;
}

// What a file system that can be written to would not survive.
BAD_IMAGE(SPC1, FileLiesOnADirectory) {
  image.EditExtended("/plain", [](auto& inode) {
    inode.u = 3;
    inode.size = kBlock;
  });
  std::ranges::fill_n(image.bytes.begin() + 6 * kBlock, 2 * kBlock, std::byte{0});
  return 3 * kBlock;
}

BAD_IMAGE(SPC1, FileLiesOnTheSuperblock) {
  image.EditExtended("/plain", [](auto& inode) {
    inode.u = 0;
    inode.size = 1100;
  });
  std::ranges::fill_n(image.bytes.begin() + 6 * kBlock, 2 * kBlock, std::byte{0});
  return GoodImage::kSb;
}

BAD_IMAGE(SPC1, ChunkLiesOnAFile) {
  image.Edit<wire::ChunkIndex>(image.BodyAt("/chunks"), [](auto& index) { index.startblk_lo = 6; });
  return 6 * kBlock;
}

BAD_IMAGE(SPC1, FileLiesOnABlockOfADevice) {
  image.EditExtended("/plain", [](auto& inode) {
    inode.u = GoodImage::kBlocks;
    inode.size = 2 * kBlock;
  });
  std::ranges::fill_n(image.bytes.begin() + 6 * kBlock, 2 * kBlock, std::byte{0});
  return kBlock;
}

BAD_IMAGE(SPC2, BytesBeforeTheSuperblock) {
  image.bytes[GoodImage::kSb - 1] = std::byte{1};
  return GoodImage::kSb - 1;
}

BAD_IMAGE(SPC2, BytesBehindAFilesEnd) {
  image.bytes[6 * kBlock + 5000] = std::byte{'x'};
  return 6 * kBlock + 5000;
}

BAD_IMAGE(SPC2, LastByteOfTheImage) {
  image.bytes.back() = std::byte{1};
  return GoodImage::kBlocks * kBlock - 1;
}

}  // namespace
}  // namespace amberfs
