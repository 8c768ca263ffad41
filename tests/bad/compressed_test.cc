// Broken compressed files, and the image that they are broken in.
#include <gtest/gtest.h>

#include <algorithm>

#include "image/directory.h"
#include "image/file_reader.h"
#include "tests/bad/bad_image.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kSb = CompressedImage::kSb;
constexpr std::uint64_t kBlock = CompressedImage::kBlock;

Result<Inode> InodeOf(const Image& image, const CompressedImage& good, std::string_view path) {
  return image.ReadInode(Nid{good.NidOf(path)});
}

TEST(CompressedImage, HasNoFindings) {
  const CompressedImage image;
  for (const CheckLevel level : {CheckLevel::kStructure, CheckLevel::kData}) {
    CheckOptions options;
    options.level = level;
    options.jobs = 2;
    const Report report = CheckImage(image.Primary(), {}, options);
    EXPECT_EQ(report.ExitStatus(), 0);
    for (const Finding& finding : report.findings) ADD_FAILURE() << Describe(finding);
    EXPECT_EQ(report.tally.unchecked_inodes, 0U);
    EXPECT_TRUE(report.tally.inode_count_checked);
  }
}

TEST(CompressedImage, ReadsAsItWasMadeWholeAndFromEachByte) {
  const CompressedImage good;
  const auto image = Image::Open(good.Primary());
  ASSERT_TRUE(image) << Describe(image.error());
  EXPECT_FALSE(FirstCorruptRead(*image).has_value());
  for (const auto& [path, data] : good.data()) {
    SCOPED_TRACE(path);
    const auto inode = InodeOf(*image, good, path);
    ASSERT_TRUE(inode) << Describe(inode.error());
    ASSERT_EQ(inode->size(), data.size());
    std::vector<std::byte> bytes(data.size() + 1);
    EXPECT_EQ(*FileReader(*image, *inode).Read(0, bytes), data.size());
    bytes.resize(data.size());
    EXPECT_EQ(bytes, data);
    FileReader reader(*image, *inode);
    for (std::size_t at = 0; at < data.size(); at += 37) {
      const std::size_t length = std::min<std::size_t>(1 + at % 500, data.size() - at);
      ASSERT_EQ(*reader.Read(at, std::span(bytes).first(length)), length);
      ASSERT_TRUE(std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length),
                             data.begin() + static_cast<std::ptrdiff_t>(at)))
          << "byte " << at;
    }
  }
  const auto directory = InodeOf(*image, good, "/zdir");
  ASSERT_TRUE(directory);
  EXPECT_EQ(*Directory(*image, *directory).Find("boxedz"), Nid{good.NidOf("/zdir/boxedz")});
}

// --- superblock and configurations ---

BAD_COMPRESSED_IMAGE(SB16, MetaboxWithoutItsSlot) {
  image.EditSuperblock([](auto& sb) { sb.sb_extslots = 0; });
  return kSb + 13;
}

BAD_COMPRESSED_IMAGE(SB17, MetaboxInItself) {
  image.Edit<wire::FirstExtensionSlot>(kSb + 128,
                                       [](auto& slot) { slot.metabox_nid = Nid::kMetaboxBit | 2; });
  return kSb + 128;
}

BAD_COMPRESSED_IMAGE(SB17, MetaboxIsADirectory) {
  const std::uint64_t nid = image.NidOf("/");
  image.Edit<wire::FirstExtensionSlot>(kSb + 128, [&](auto& slot) { slot.metabox_nid = nid; });
  return kSb + 128;
}

BAD_COMPRESSED_IMAGE(SB17, PackedInodeInTheMetabox) {
  const std::uint64_t nid = image.NidOf("/zdir/boxed");
  image.EditSuperblock([&](auto& sb) { sb.packed_nid = nid; });
  return kSb + 96;
}

BAD_COMPRESSED_IMAGE(SB17, PackedInodeIsADirectory) {
  const std::uint64_t nid = image.NidOf("/zdir");
  image.EditSuperblock([&](auto& sb) { sb.packed_nid = nid; });
  return kSb + 96;
}

BAD_COMPRESSED_IMAGE(CFG1, AlgorithmFromTheFuture) {
  image.EditSuperblock([](auto& sb) { sb.compression = sb.compression.get() | 0x10; });
  return kSb + 84;
}

BAD_COMPRESSED_IMAGE(CFG2, RecordPastTheImagesHead) {
  image.bytes.resize(64 << 10);
  image.EditSuperblock([](auto& sb) { sb.blocks_lo = 16; });
  image.Edit<Le16>(CompressedImage::kZstdConfig, [](auto& length) { length = 0xFFFF; });
  return CompressedImage::kZstdConfig;
}

BAD_COMPRESSED_IMAGE(CFG2, RecordTooShort) {
  image.Edit<Le16>(CompressedImage::kZstdConfig, [](auto& length) { length = 5; });
  return CompressedImage::kZstdConfig;
}

BAD_COMPRESSED_IMAGE(CFG2, PclustersOfMoreThanAMegabyte) {
  image.Edit<wire::Lz4Config>(CompressedImage::kLz4Config + 2,
                              [](auto& config) { config.max_pclusterblks = 257; });
  return CompressedImage::kLz4Config;
}

BAD_COMPRESSED_IMAGE(CFG2, WindowOfDeflateTooLarge) {
  image.Edit<wire::DeflateConfig>(CompressedImage::kDeflateConfig + 2,
                                  [](auto& config) { config.windowbits = 16; });
  return CompressedImage::kDeflateConfig;
}

BAD_COMPRESSED_IMAGE(CFG2, WindowOfZstdTooLarge) {
  image.Edit<wire::ZstdConfig>(CompressedImage::kZstdConfig + 2,
                               [](auto& config) { config.windowlog = 11; });
  return CompressedImage::kZstdConfig;
}

BAD_COMPRESSED_IMAGE(INO12, InodeInAMetaboxThatIsNotThere) {
  image.EditSuperblock(
      [](auto& sb) { sb.feature_incompat = sb.feature_incompat.get() & ~wire::kIncompatMetabox; });
  // Bytes of compressed data are counted from their pcluster on.
  return image.PclusterAt("/zdir", 0) + 2 * sizeof(wire::Dirent);
}

// --- headers ---

BAD_COMPRESSED_IMAGE(Z1, IndexBehindTheImage) {
  image.EditInode("/full", [](auto& inode) { inode.size = 0xFFFFFFFF; });
  return image.HeaderAt("/full");
}

BAD_COMPRESSED_IMAGE(Z1, IndexBehindTheMetabox) {
  image.Edit<wire::InodeCompact>(image.MetaboxByte(64), [](auto& inode) { inode.size = 9000; });
  return image.HeaderAt("/zdir/boxedz");
}

BAD_COMPRESSED_IMAGE(Z1, RecordsBehindTheImage) {
  image.EditHeader("/r16", [](auto& header) { header.low = 0xFFFFFFFF; });
  return image.HeaderAt("/r16");
}

BAD_COMPRESSED_IMAGE(Z1, RecordsThatOverflow) {
  image.EditHeader("/r32", [](auto& header) {
    header.algorithms = 0xFF;
    header.cluster_bits = 0x7F;
  });
  return image.HeaderAt("/r32");
}

BAD_COMPRESSED_IMAGE(Z2, ReservedBitOfAdvise) {
  image.EditHeader("/full", [](auto& header) { header.advise = 0x40; });
  return image.HeaderAt("/full") + 4;
}

BAD_COMPRESSED_IMAGE(Z2, AlgorithmWithAThirdBit) {
  image.EditHeader("/full", [](auto& header) { header.algorithms = 0x04; });
  return image.HeaderAt("/full") + 6;
}

BAD_COMPRESSED_IMAGE(Z2, ReservedBitOfClusterBits) {
  image.EditHeader("/r8", [](auto& header) { header.cluster_bits = 0x11; });
  return image.HeaderAt("/r8") + 7;
}

BAD_COMPRESSED_IMAGE(Z2, ReservedBitOfAnEntry) {
  image.EditEntry("/full", 2, [](auto& entry) { entry.advise = entry.advise.get() | 4; });
  return image.IndexAt("/full") + 16;
}

BAD_COMPRESSED_IMAGE(Z2, ReservedBitOfARecord) {
  image.Edit<Le32>(image.IndexAt("/r8"), [](auto& plen) { plen = plen.get() | 1U << 21; });
  return image.IndexAt("/r8");
}

BAD_COMPRESSED_IMAGE(Z3, IndexNamesLzma) {
  image.EditHeader("/two", [](auto& header) { header.algorithms = 1; });
  return image.IndexAt("/two");
}

BAD_COMPRESSED_IMAGE(Z3, InlinePclusterOfLzma) {
  // Of all extents: what is inline is looked at first.
  image.EditInode("/inline", [](auto& inode) { inode.size = 4000; });
  image.EditHeader("/inline", [](auto& header) { header.algorithms = 1; });
  return image.IndexAt("/inline");
}

BAD_COMPRESSED_IMAGE(Z3, RecordNamesAnAlgorithmBeyondAll) {
  image.Edit<Le32>(image.IndexAt("/r4"), [](auto& plen) { plen = plen.get() | 0xFU << 28; });
  return image.IndexAt("/r4");
}

BAD_COMPRESSED_IMAGE(Z4, HeadsOfACompactIndexDiffer) {
  image.EditHeader("/big", [](auto& header) { header.advise = wire::kMapBigHead1; });
  return image.HeaderAt("/big") + 4;
}

BAD_COMPRESSED_IMAGE(Z5, ClustersOfTwoBlocks) {
  image.EditHeader("/full", [](auto& header) { header.cluster_bits = 1; });
  return image.HeaderAt("/full") + 7;
}

// --- entries ---

BAD_COMPRESSED_IMAGE(Z6, FirstExtentStartsLate) {
  image.EditEntry("/full", 0, [](auto& entry) { entry.cluster_offset = 1; });
  return image.IndexAt("/full");
}

BAD_COMPRESSED_IMAGE(Z6, FileStartsWithoutAHead) {
  image.EditEntry("/full", 0, [](auto& entry) { entry.advise = 2; });
  return image.IndexAt("/full");
}

BAD_COMPRESSED_IMAGE(Z6, ExtentStartsBehindItsCluster) {
  image.EditEntry("/full", 2, [](auto& entry) { entry.cluster_offset = kBlock; });
  return image.IndexAt("/full") + 16;
}

BAD_COMPRESSED_IMAGE(Z7, DistanceOfZero) {
  image.EditEntry("/full", 1, [](auto& entry) { entry.u = 1U << 16; });
  return image.IndexAt("/full") + 8;
}

BAD_COMPRESSED_IMAGE(Z7, DistanceBeforeTheFile) {
  image.EditEntry("/full", 1, [](auto& entry) { entry.u = 1U << 16 | 2; });
  return image.IndexAt("/full") + 8;
}

BAD_COMPRESSED_IMAGE(Z7, DistanceInTheMiddleOfAPack) {
  // Entry 1 of the second pack, which is a NONHEAD, one behind the head of entry 0.
  image.SetByte(image.IndexAt("/two") + 24 + 3, 0xFF);
  return image.IndexAt("/two") + 24;
}

BAD_COMPRESSED_IMAGE(Z8, ExtentStartsBehindTheFile) {
  image.Edit<Le16>(image.IndexAt("/two") + 56 + 2, [](auto& entry) { entry = 793; });
  return image.IndexAt("/two") + 56;
}

BAD_COMPRESSED_IMAGE(Z8, ExtentOf13MiB) {
  image.EditInode("/r8", [](auto& inode) { inode.size = 13 << 20; });
  image.EditHeader("/r8", [](auto& header) { header.cluster_bits = 15; });
  return image.IndexAt("/r8");
}

BAD_COMPRESSED_IMAGE(Z9, CountOfZeroBlocks) {
  // Entry 1 of the first pack is the count of entry 0's pcluster.
  image.Edit<Le16>(image.IndexAt("/big") + 2, [](auto& entry) { entry = 2U << 12 | 0x800; });
  return image.IndexAt("/big");
}

BAD_COMPRESSED_IMAGE(Z9, NoCountBehindAHead) {
  image.Edit<Le16>(image.IndexAt("/big") + 2, [](auto& entry) { entry = 2U << 12 | 1; });
  return image.IndexAt("/big");
}

BAD_COMPRESSED_IMAGE(Z9, RecordOfMoreThanAMegabyte) {
  image.Edit<Le32>(image.IndexAt("/r16"), [](auto& plen) { plen = 1U << 28 | ((1U << 20) + 1); });
  return image.IndexAt("/r16");
}

BAD_COMPRESSED_IMAGE(Z10, PclusterBehindTheImage) {
  image.EditEntry("/full", 0, [](auto& entry) { entry.u = 40; });
  return image.IndexAt("/full");
}

BAD_COMPRESSED_IMAGE(Z10, PlainPclusterBehindTheImage) {
  image.EditEntry("/full", 3, [](auto& entry) { entry.u = 0xFFFFFFFF; });
  return image.IndexAt("/full") + 24;
}

BAD_COMPRESSED_IMAGE(Z10, RecordsWhoseAddressesOverflow) {
  image.Edit<Le64>(image.IndexAt("/r4") - 8, [](auto& first) { first = ~std::uint64_t{0}; });
  return image.IndexAt("/r4");
}

BAD_COMPRESSED_IMAGE(Z11, PlainExtentLongerThanItsPcluster) {
  image.EditEntry("/full", 0, [](auto& entry) { entry.advise = 0; });
  return image.IndexAt("/full");
}

BAD_COMPRESSED_IMAGE(Z11, PlainRecordShorterThanItsExtent) {
  image.Edit<Le32>(image.IndexAt("/r4") + 8, [](auto& plen) { plen = 3615; });
  return image.IndexAt("/r4") + 8;
}

BAD_COMPRESSED_IMAGE(Z12, InlinePclusterAcrossBlocks) {
  image.EditHeader("/inline", [](auto& header) { header.low = 4096U << 16; });
  return image.PclusterAt("/inline", 1);
}

// --- records ---

BAD_COMPRESSED_IMAGE(Z13, NoRecords) {
  image.EditHeader("/r16", [](auto& header) { header.low = 0; });
  return image.HeaderAt("/r16");
}

BAD_COMPRESSED_IMAGE(Z13, FirstRecordStartsLate) {
  image.Edit<Le32>(image.IndexAt("/r32") + 12, [](auto& start) { start = 1; });
  return image.IndexAt("/r32");
}

BAD_COMPRESSED_IMAGE(Z13, RecordsOutOfOrder) {
  image.Edit<Le32>(image.IndexAt("/r16") + 32 + 12, [](auto& start) { start = 6000; });
  return image.IndexAt("/r16") + 16;
}

BAD_COMPRESSED_IMAGE(Z13, RecordBehindTheFile) {
  image.Edit<Le32>(image.IndexAt("/r32") + 32 + 12, [](auto& start) { start = 10001; });
  return image.IndexAt("/r32");
}

// --- fragments ---

BAD_COMPRESSED_IMAGE(Z14, FragmentPastThePackedInode) {
  image.EditHeader("/tail", [](auto& header) { header.low = 2001; });
  return image.HeaderAt("/tail");
}

BAD_COMPRESSED_IMAGE(Z14, FragmentWhoseOffsetHasHighBits) {
  image.EditEntry("/tail", 1, [](auto& entry) { entry.u = 1; });
  return image.HeaderAt("/tail");
}

BAD_COMPRESSED_IMAGE(Z14, WholeFileFarAway) {
  image.Edit<Le64>(image.HeaderAt("/whole"), [](auto& header) { header = ~std::uint64_t{0}; });
  return image.HeaderAt("/whole");
}

BAD_COMPRESSED_IMAGE(Z15, PackedInodeIsAFragment) {
  image.Edit<Le64>(image.HeaderAt("packed"), [](auto& header) { header = std::uint64_t{1} << 63; });
  return image.HeaderAt("packed");
}

BAD_COMPRESSED_IMAGE(Z15, LastExtentOfTheMetaboxIsAFragment) {
  image.EditHeader("metabox", [](auto& header) { header.advise = wire::kMapFragment; });
  return image.HeaderAt("metabox");
}

// --- streams ---

BAD_COMPRESSED_IMAGE(Z16, MatchBeforeTheStartOfTheData) {
  image.SetByte(image.StreamAt("/full", 0) + 9, 9);
  return image.PclusterAt("/full", 0);
}

BAD_COMPRESSED_IMAGE(Z16, StreamOfAnotherLength) {
  image.EditInode("/inline", [](auto& inode) { inode.size = inode.size.get() - 1; });
  return image.PclusterAt("/inline", 1);
}

BAD_COMPRESSED_IMAGE(Z16, NothingButPadding) {
  const std::uint64_t start = image.PclusterAt("/two", 3);
  std::fill_n(image.bytes.begin() + static_cast<std::ptrdiff_t>(start), kBlock, std::byte{0});
  return start;
}

BAD_COMPRESSED_IMAGE(Z16, DeflateBlockOfAWrongLength) {
  image.SetByte(image.StreamAt("/full", 1) + 1, 0);
  return image.PclusterAt("/full", 1);
}

BAD_COMPRESSED_IMAGE(Z16, ZstdFrameShorterThanItsExtent) {
  image.SetByte(image.StreamAt("/r8", 0) + 6, 0);
  return image.PclusterAt("/r8", 0);
}

BAD_COMPRESSED_IMAGE(LIM2, MoreRecordsToAddThanAllowed) {
  image.options.limits.max_records_per_map = 0;
  return image.IndexAt("/r4");
}

}  // namespace
}  // namespace amberfs
