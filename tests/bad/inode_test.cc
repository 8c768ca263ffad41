// Broken inodes, file data and symbolic links.
#include "tests/bad/bad_image.h"

namespace amberfs {
namespace {

// A nid whose inode lies behind the image's last block.
constexpr std::uint64_t kNowhereNid = GoodImage::kBlocks * GoodImage::kBlock / wire::kSlotBytes;

BAD_IMAGE(INO1, EntryNamesAnInodeBehindTheImage) {
  image.EditEntry("/", "null", [](auto& entry) { entry.nid = kNowhereNid; });
  return image.EntryAt("/", "null");
}

BAD_IMAGE(INO1, EntryNamesAnInodeThatOverflows) {
  image.EditEntry("/", "null", [](auto& entry) { entry.nid = ~std::uint64_t{0} >> 1; });
  return image.EntryAt("/", "null");
}

BAD_IMAGE(INO1, ExtendedInodeCutByTheImagesEnd) {
  image.EditEntry("/", "null", [](auto& entry) { entry.nid = kNowhereNid - 1; });
  const std::uint64_t last = (kNowhereNid - 1) * wire::kSlotBytes;
  image.Edit<wire::InodeCompact>(last, [](auto& inode) {
    inode.format = wire::kFormatExtended;
    inode.mode = 0100644;
  });
  return last;
}

BAD_IMAGE(INO2, ReservedFormatBit) {
  image.EditCompact("/null", [](auto& inode) { inode.format = 0x20; });
  return image.InodeAt("/null");
}

BAD_IMAGE(INO3, SixthDataLayout) {
  image.EditCompact("/null", [](auto& inode) { inode.format = 5 << wire::kFormatLayoutShift; });
  return image.InodeAt("/null");
}

BAD_IMAGE(INO4, ModeWithoutAType) {
  image.EditCompact("/null", [](auto& inode) { inode.mode = 0666; });
  return image.InodeAt("/null") + 4;
}

BAD_IMAGE(INO5, NegativeSize) {
  image.EditExtended("/plain", [](auto& inode) { inode.size = std::uint64_t{1} << 63; });
  return image.InodeAt("/plain") + 8;
}

BAD_IMAGE(INO6, OneSecondOfNanoseconds) {
  image.EditExtended("/plain", [](auto& inode) { inode.mtime_nsec = 1'000'000'000; });
  return image.InodeAt("/plain") + 40;
}

BAD_IMAGE(INO12, EntryNamesAnInodeInTheMetabox) {
  image.EditEntry("/", "null", [](auto& entry) { entry.nid = Nid::kMetaboxBit | 1; });
  return image.EntryAt("/", "null");
}

BAD_IMAGE(INO9, FileWithALinkTooFew) {
  image.EditCompact("/file", [](auto& inode) { inode.nb = 1; });
  return image.InodeAt("/file") + 6;
}

BAD_IMAGE(INO9, FileWithoutLinks) {
  image.EditExtended("/plain", [](auto& inode) { inode.nlink = 0; });
  return image.InodeAt("/plain") + 44;
}

BAD_IMAGE(INO9, DirectoryWithALinkTooMany) {
  image.EditCompact("/dir", [](auto& inode) { inode.nb = 4; });
  return image.InodeAt("/dir") + 6;
}

BAD_IMAGE(INO9, DirectoryThatDoesNotCount) {
  image.EditCompact("/dir", [](auto& inode) { inode.nb = 1; });
  return image.InodeAt("/dir") + 6;
}

BAD_IMAGE(INO10, ReservedBytesOfACompactInode) {
  image.EditCompact("/null", [](auto& inode) { inode.reserved = 1; });
  return image.InodeAt("/null");
}

BAD_IMAGE(INO10, ReservedBytesOfAnExtendedInode) {
  image.EditExtended("/plain", [](auto& inode) { inode.reserved[15] = std::byte{1}; });
  return image.InodeAt("/plain");
}

BAD_IMAGE(INO10, ReservedBytesOfAnXattrHeader) {
  image.Edit<wire::XattrHeader>(image.XattrsAt("/file"),
                                [](auto& header) { header.reserved[0] = std::byte{1}; });
  return image.XattrsAt("/file");
}

BAD_IMAGE(INO11, FifoWithASize) {
  image.EditCompact("/fifo", [](auto& inode) { inode.size = 1; });
  return image.InodeAt("/fifo") + 8;
}

BAD_IMAGE(INO11, FifoWithInlineData) {
  image.EditCompact("/fifo", [](auto& inode) { inode.format = 2 << wire::kFormatLayoutShift; });
  return image.InodeAt("/fifo");
}

BAD_IMAGE(FLAT1, BlocksBehindTheDevice) {
  image.EditExtended("/plain", [](auto& inode) { inode.u = GoodImage::kBlocks - 1; });
  return image.InodeAt("/plain") + 16;
}

BAD_IMAGE(FLAT1, AddressThatOverflows) {
  image.EditExtended("/plain", [](auto& inode) {
    inode.u = 0xFFFFFFFE;
    inode.nb = 0xFFFF;
  });
  return image.InodeAt("/plain") + 16;
}

BAD_IMAGE(FLAT1, SizeOf2To62Bytes) {
  image.EditExtended("/plain", [](auto& inode) { inode.size = std::uint64_t{1} << 62; });
  return image.InodeAt("/plain") + 16;
}

BAD_IMAGE(FLAT1, DirectoryBehindTheDevice) {
  image.EditCompact("/dir", [](auto& inode) { inode.u = 100; });
  return image.InodeAt("/dir") + 16;
}

BAD_IMAGE(FLAT2, TailOverABlocksEnd) {
  image.EditCompact("/file", [](auto& inode) { inode.size = GoodImage::kBlock; });
  return image.BodyAt("/file");
}

BAD_IMAGE(CHK1, ReservedChunkFormatBit) {
  image.EditExtended("/chunks", [](auto& inode) { inode.u = wire::kChunkIndexes | 0x80; });
  return image.InodeAt("/chunks") + 16;
}

BAD_IMAGE(CHK2, TableBehindTheImage) {
  image.EditExtended("/chunks", [](auto& inode) { inode.size = std::uint64_t{1} << 40; });
  return image.BodyAt("/chunks");
}

BAD_IMAGE(CHK2, TableOfNearlyAllThereIs) {
  image.EditExtended("/chunks", [](auto& inode) { inode.size = ~std::uint64_t{0} >> 1; });
  return image.BodyAt("/chunks");
}

BAD_IMAGE(CHK3, ChunkBehindThePrimary) {
  image.Edit<Le32>(image.BodyAt("/blockmap") + 4, [](auto& block) { block = 1000; });
  return image.BodyAt("/blockmap") + 4;
}

BAD_IMAGE(CHK3, FirstOfTwoBadChunks) {
  image.Edit<Le32>(image.BodyAt("/blockmap"), [](auto& block) { block = 1000; });
  image.Edit<Le32>(image.BodyAt("/blockmap") + 4, [](auto& block) { block = 1000; });
  return image.BodyAt("/blockmap");
}

BAD_IMAGE(CHK3, LastOfTwoBadChunks) {
  image.Edit<Le32>(image.BodyAt("/blockmap"), [](auto& block) { block = 1000; });
  image.Edit<Le32>(image.BodyAt("/blockmap") + 4, [](auto& block) { block = 1000; });
  return image.BodyAt("/blockmap") + 4;
}

BAD_IMAGE(CHK3, ChunkBehindItsDevice) {
  image.Edit<wire::ChunkIndex>(image.BodyAt("/chunks") + 16,
                               [](auto& index) { index.startblk_lo = 2; });
  return image.BodyAt("/chunks") + 16;
}

BAD_IMAGE(CHK4, ThirdOfTwoDevices) {
  image.Edit<wire::ChunkIndex>(image.BodyAt("/chunks"), [](auto& index) { index.device_id = 3; });
  return image.BodyAt("/chunks");
}

BAD_IMAGE(LNK1, EmptyTarget) {
  image.EditCompact("/link", [](auto& inode) { inode.size = 0; });
  image.also = {Rule::kSpc2};  // nobody owns the target that is still there
  return image.InodeAt("/link");
}

BAD_IMAGE(LNK1, TargetLongerThanAPath) {
  image.EditCompact("/link", [](auto& inode) {
    inode.format = 0;  // flat
    inode.u = 4;
    inode.size = GoodImage::kBlock;
  });
  image.also = {Rule::kSpc1,
                Rule::kSpc2};  // the block is not its own, and its target is still there
  return image.InodeAt("/link");
}

BAD_IMAGE(LNK2, TargetWithANul) {
  image.SetByte(image.BodyAt("/link") + 3, 0);
  return image.InodeAt("/link");
}

}  // namespace
}  // namespace amberfs
