// Broken superblocks and device tables.
#include "tests/bad/bad_image.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kSb = GoodImage::kSb;
constexpr std::uint64_t kTable = GoodImage::kDeviceTable;

BAD_IMAGE(SB1, ImageCutInsideTheSuperblock) {
  image.bytes.resize(1151);
  return kSb;
}

BAD_IMAGE(SB2, MagicOfAnotherFilesystem) {
  image.EditSuperblock([](auto& sb) { sb.magic = 0x73717368; });
  return kSb;
}

BAD_IMAGE(SB3, BlocksOf256Bytes) {
  image.EditSuperblock([](auto& sb) { sb.blkszbits = 8; });
  return kSb + 12;
}

BAD_IMAGE(SB3, BlocksOf2To200Bytes) {
  image.EditSuperblock([](auto& sb) { sb.blkszbits = 200; });
  return kSb + 12;
}

BAD_IMAGE(SB4, ExtensionSlotsPastByte4096) {
  image.EditSuperblock([](auto& sb) { sb.sb_extslots = 185; });
  return kSb + 13;
}

BAD_IMAGE(SB5, FeatureFromTheFuture) {
  image.EditSuperblock([](auto& sb) { sb.feature_incompat = sb.feature_incompat.get() | 0x200; });
  return kSb + 80;
}

BAD_IMAGE(SB6, LargerDirectoryBlocks) {
  image.EditSuperblock([](auto& sb) { sb.dirblkbits = 1; });
  return kSb + 90;
}

BAD_IMAGE(SB7, NoBlocks) {
  image.EditSuperblock([](auto& sb) { sb.blocks_lo = 0; });
  return kSb + 36;
}

BAD_IMAGE(SB7, MoreBlocksThanTheImageHolds) {
  image.EditSuperblock([](auto& sb) { sb.blocks_lo = GoodImage::kBlocks + 1; });
  return kSb + 36;
}

BAD_IMAGE(SB8, MetadataAreaBehindTheBlocks) {
  image.EditSuperblock([](auto& sb) { sb.meta_blkaddr = GoodImage::kBlocks; });
  return kSb + 40;
}

BAD_IMAGE(SB9, OneBitFlippedUnderTheChecksum) {
  image.SetByte(kSb + 48, 1);  // in the uuid
  image.seal = false;
  return kSb + 4;
}

BAD_IMAGE(SB10, NoChecksum) {
  image.EditSuperblock([](auto& sb) { sb.feature_compat = wire::kCompatXattrFilter; });
  return kSb + 8;
}

BAD_IMAGE(SB11, RootInodeIsAFile) {
  const auto nid = static_cast<std::uint16_t>(image.NidOf("/file"));
  image.EditSuperblock([&](auto& sb) { sb.rootnid_2b = nid; });
  return image.InodeAt("/file") + 4;
}

BAD_IMAGE(SB12, OneSecondOfNanoseconds) {
  image.EditSuperblock([](auto& sb) { sb.fixed_nsec = 1'000'000'000; });
  return kSb + 32;
}

BAD_IMAGE(SB13, UnknownCompatibleFeature) {
  image.EditSuperblock([](auto& sb) { sb.feature_compat = sb.feature_compat.get() | 0x80000000; });
  return kSb + 8;
}

BAD_IMAGE(SB13, ReservedBytes) {
  image.EditSuperblock([](auto& sb) { sb.reserved2[7] = std::byte{1}; });
  return kSb;
}

BAD_IMAGE(SB14, OneInodeTooMany) {
  image.EditSuperblock([](auto& sb) { sb.inos = sb.inos.get() + 1; });
  return kSb + 16;
}

BAD_IMAGE(SB15, BytesBehindTheLastBlock) {
  image.bytes.resize(image.bytes.size() + 1);
  return GoodImage::kBlocks * GoodImage::kBlock;
}

BAD_IMAGE(DEV1, TableBehindTheImage) {
  image.EditSuperblock([](auto& sb) { sb.devt_slotoff = 0xFFFF; });
  return std::uint64_t{0xFFFF} * 128;
}

BAD_IMAGE(DEV2, OneDeviceOfTwo) {
  image.extra.pop_back();
  return kSb + 86;
}

BAD_IMAGE(DEV3, DeviceCutShort) {
  image.devices[1].pop_back();
  image.extra = image.Devices();
  return kTable + 128 + 64;
}

BAD_IMAGE(DEV4, DeviceOverThePrimary) {
  image.Edit<wire::DeviceSlot>(kTable, [](auto& slot) { slot.uniaddr_lo = 1; });
  return kTable;
}

BAD_IMAGE(DEV4, DeviceOverAnother) {
  image.Edit<wire::DeviceSlot>(kTable + 128, [](auto& slot) { slot.uniaddr_lo = 7; });
  return kTable + 128;
}

BAD_IMAGE(DEV5, MoreDevicesThanAllowed) {
  image.options.limits.max_devices = 1;
  return kSb + 86;
}

BAD_IMAGE(LIM1, MoreEntriesThanAllowed) {
  image.options.budget.max_entries = 10;
  return Error::kNowhere;
}

BAD_IMAGE(LIM1, MoreMemoryThanAllowed) {
  image.options.budget.max_memory_bytes = 4096 + 5 * 40;
  return Error::kNowhere;
}

BAD_IMAGE(LIM1, MoreToReadThanAllowed) {
  image.options.budget.max_read_bytes = 4096;
  return Error::kNowhere;
}

}  // namespace
}  // namespace amberfs
