#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "format/crc32c.h"
#include "format/device_table.h"
#include "format/dir_block.h"
#include "format/inode.h"
#include "format/superblock.h"
#include "format/xattr.h"
#include "format/xattr_filter.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kSb = wire::kSuperblockOffset;

template <typename T>
::testing::AssertionResult Breaks(const Result<T>& result, Rule rule, std::uint64_t offset) {
  if (result) return ::testing::AssertionFailure() << "accepted";
  if (result.error().rule == rule && result.error().offset == offset)
    return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << Describe(result.error());
}

// An image head that obeys every rule: 16 blocks of 4096 bytes, root nid 36, metadata at block 1.
wire::Superblock GoodSuperblock() {
  wire::Superblock raw{};
  raw.magic = wire::kMagic;
  raw.blkszbits = 12;
  raw.rootnid_2b = 36;
  raw.blocks_lo = 16;
  raw.meta_blkaddr = 1;
  raw.inos = 1;
  return raw;
}

std::vector<std::byte> HeadOf(const wire::Superblock& raw) {
  std::vector<std::byte> head(65536);
  PutWire(head, kSb, raw);
  return head;
}

Result<Superblock> ParseSb(const wire::Superblock& raw, std::uint64_t image_size = 65536) {
  return Superblock::Parse(HeadOf(raw), image_size);
}

TEST(Superblock, DecodesItsFields) {
  wire::Superblock raw = GoodSuperblock();
  raw.epoch = static_cast<std::uint64_t>(-5);
  raw.fixed_nsec = 7;
  raw.xattr_blkaddr = 3;
  const auto sb = ParseSb(raw);
  ASSERT_TRUE(sb) << Describe(sb.error());
  EXPECT_EQ(sb->block_size(), 4096U);
  EXPECT_EQ(sb->blocks_end(), 65536U);
  EXPECT_EQ(sb->root_nid(), Nid{36});
  EXPECT_EQ(sb->epoch(), -5);
  EXPECT_EQ(sb->fixed_nsec(), 7U);
  EXPECT_EQ(sb->shared_xattrs_offset(), 3U * 4096);
  EXPECT_EQ(*sb->InodeOffset(Nid{36}), 4096U + 36 * 32);
}

TEST(Superblock, SB1_WantsAllOfItsBytes) {
  const auto head = HeadOf(GoodSuperblock());
  EXPECT_TRUE(Breaks(Superblock::Parse(ByteView(head).first(1151), 65536), Rule::kSb1, kSb));
  EXPECT_TRUE(Breaks(Superblock::Parse({}, 0), Rule::kSb1, kSb));
}

TEST(Superblock, SB2_WantsTheMagicNumber) {
  wire::Superblock raw = GoodSuperblock();
  raw.magic = 0xE0F5E1E3;
  EXPECT_TRUE(Breaks(ParseSb(raw), Rule::kSb2, kSb));
}

TEST(Superblock, SB3_RejectsShiftsThatWouldOverflow) {
  for (const int bits : {0, 8, 17, 63, 64, 255}) {
    wire::Superblock raw = GoodSuperblock();
    raw.blkszbits = static_cast<std::uint8_t>(bits);
    EXPECT_TRUE(Breaks(ParseSb(raw), Rule::kSb3, kSb + 12)) << bits;
  }
  for (int bits = 9; bits <= 16; ++bits) {
    wire::Superblock raw = GoodSuperblock();
    raw.blkszbits = static_cast<std::uint8_t>(bits);
    raw.blocks_lo = 1;
    raw.meta_blkaddr = 0;
    EXPECT_TRUE(ParseSb(raw)) << bits;
  }
}

TEST(Superblock, SB4_EndsByByte4096) {
  wire::Superblock raw = GoodSuperblock();
  raw.sb_extslots = 184;  // 1024 + 128 + 184 * 16 = 4096
  EXPECT_TRUE(ParseSb(raw));
  raw.sb_extslots = 185;
  EXPECT_TRUE(Breaks(ParseSb(raw), Rule::kSb4, kSb + 13));
}

TEST(Superblock, SB5_RefusesUnknownIncompatibleFeatures) {
  for (int bit = 0; bit < 32; ++bit) {
    wire::Superblock raw = GoodSuperblock();
    raw.feature_incompat = 1U << bit;
    raw.sb_extslots = 1;  // which the metabox wants
    if (bit < 9) {
      EXPECT_TRUE(ParseSb(raw)) << bit;
    } else {
      const auto sb = ParseSb(raw);
      ASSERT_TRUE(Breaks(sb, Rule::kSb5, kSb + 80)) << bit;
      EXPECT_EQ(sb.error().code, Errc::kUnsupported);
    }
  }
}

TEST(Superblock, SB6_WantsDirectoryBlocksOfBlockSize) {
  wire::Superblock raw = GoodSuperblock();
  raw.dirblkbits = 1;
  EXPECT_TRUE(Breaks(ParseSb(raw), Rule::kSb6, kSb + 90));
}

TEST(Superblock, SB7_KeepsBlocksInsideTheImage) {
  wire::Superblock raw = GoodSuperblock();
  EXPECT_TRUE(Breaks(ParseSb(raw, 65535), Rule::kSb7, kSb + 36));
  raw.blocks_lo = 0;
  EXPECT_TRUE(Breaks(ParseSb(raw), Rule::kSb7, kSb + 36));
  // The most that the fields can say: 2^48 - 1 blocks of 64 KiB.
  raw = GoodSuperblock();
  raw.blkszbits = 16;
  raw.feature_incompat = wire::kIncompat48Bit;
  raw.rootnid_8b = 36;
  raw.rootnid_2b = 0xFFFF;
  raw.blocks_lo = 0xFFFFFFFF;
  EXPECT_TRUE(Breaks(ParseSb(raw, std::uint64_t{1} << 63), Rule::kSb7, kSb + 36));
}

TEST(Superblock, SB8_StartsMetadataInsideTheBlocks) {
  wire::Superblock raw = GoodSuperblock();
  raw.meta_blkaddr = 16;
  EXPECT_TRUE(Breaks(ParseSb(raw), Rule::kSb8, kSb + 40));
}

TEST(Superblock, SB12_BoundsNanoseconds) {
  wire::Superblock raw = GoodSuperblock();
  raw.fixed_nsec = 1'000'000'000;
  EXPECT_TRUE(Breaks(ParseSb(raw), Rule::kSb12, kSb + 32));
}

TEST(Superblock, WideRootNidMakesRoomForBlockBits) {
  wire::Superblock raw = GoodSuperblock();
  raw.feature_incompat = wire::kIncompat48Bit;
  raw.rootnid_8b = 1ULL << 40;
  raw.rootnid_2b = 1;
  raw.blocks_lo = 2;
  const std::uint64_t blocks = (1ULL << 32) + 2;
  const auto sb = ParseSb(raw, blocks << 12);
  ASSERT_TRUE(sb) << Describe(sb.error());
  EXPECT_EQ(sb->blocks(), blocks);
  EXPECT_EQ(sb->root_nid(), Nid{1ULL << 40});
}

TEST(Superblock, SB9_ChecksumCoversTheFirstBlockFromByte1024) {
  for (const int bits : {9, 10, 11, 12, 16}) {
    wire::Superblock raw = GoodSuperblock();
    raw.blkszbits = static_cast<std::uint8_t>(bits);
    raw.blocks_lo = 1;
    raw.meta_blkaddr = 0;
    raw.feature_compat = wire::kCompatChecksum;
    std::vector<std::byte> head = HeadOf(raw);
    raw.checksum = SuperblockChecksum(head, static_cast<unsigned>(bits));
    PutWire(head, kSb, raw);
    const auto sb = Superblock::Parse(head, 65536);
    ASSERT_TRUE(sb);
    EXPECT_TRUE(sb->ChecksumMatches(head));
    head[0] ^= std::byte{1};  // before the range
    EXPECT_TRUE(sb->ChecksumMatches(head));
    const std::uint64_t end = SuperblockChecksumEnd(static_cast<unsigned>(bits));
    head[end - 1] ^= std::byte{1};
    EXPECT_FALSE(sb->ChecksumMatches(head));
    head[end - 1] ^= std::byte{1};
    if (end < head.size()) {
      head[end] ^= std::byte{1};
      EXPECT_TRUE(sb->ChecksumMatches(head));
    }
  }
}

TEST(Superblock, INO1_KeepsInodesInsideTheBlocks) {
  const auto sb = ParseSb(GoodSuperblock());
  ASSERT_TRUE(sb);
  const std::uint64_t last = (65536 - 4096) / 32 - 1;
  EXPECT_TRUE(sb->InodeOffset(Nid{last}));
  EXPECT_TRUE(Breaks(sb->InodeOffset(Nid{last + 1}), Rule::kIno1, 4096));
  // nid * 32 wraps around to an offset inside the image.
  EXPECT_TRUE(Breaks(sb->InodeOffset(Nid{(1ULL << 59) + 1}), Rule::kIno1, 4096));
  EXPECT_TRUE(Breaks(sb->InodeOffset(Nid{Nid::kMetaboxBit | 1}), Rule::kIno1, 4096));
}

class InodeTest : public ::testing::Test {
 protected:
  static Superblock MakeSb(std::uint32_t incompat = 0) {
    wire::Superblock raw = GoodSuperblock();
    raw.epoch = 1000;
    raw.fixed_nsec = 5;
    raw.feature_incompat = incompat;
    return *ParseSb(raw);
  }
  template <typename Raw>
  Result<Inode> Parse(const Raw& raw) const {
    std::vector<std::byte> bytes(sizeof raw);
    PutWire(bytes, 0, raw);
    return Inode::Parse(sb_, Nid{40}, 5376, bytes);
  }
  static wire::InodeCompact Compact() {
    wire::InodeCompact raw{};
    raw.mode = 0100644;
    raw.nb = 1;
    raw.size = 4097;
    raw.mtime = 9;
    raw.u = 3;
    raw.uid = 11;
    raw.gid = 12;
    return raw;
  }
  static wire::InodeExtended Extended() {
    wire::InodeExtended raw{};
    raw.format = wire::kFormatExtended;
    raw.mode = 0100644;
    raw.size = 1ULL << 40;
    raw.u = 3;
    raw.uid = 70000;
    raw.nlink = 100000;
    raw.mtime = static_cast<std::uint64_t>(-7);
    raw.mtime_nsec = 999'999'999;
    return raw;
  }
  const Superblock sb_ = MakeSb();
};

TEST_F(InodeTest, DecodesTheCompactForm) {
  const auto inode = Parse(Compact());
  ASSERT_TRUE(inode) << Describe(inode.error());
  EXPECT_EQ(inode->size(), 4097U);
  EXPECT_EQ(inode->mtime(), 1009);
  EXPECT_EQ(inode->mtime_nsec(), 5U);
  EXPECT_EQ(inode->nlink(), 1U);
  EXPECT_EQ(inode->start_block(), BlockAddr{3});
  EXPECT_EQ(inode->blocks_512(), 16U);
  EXPECT_EQ(inode->body_end(), 5376U + 32);
}

TEST_F(InodeTest, DecodesTheExtendedForm) {
  wire::InodeExtended raw = Extended();
  raw.nb = 2;  // high address bits
  raw.xattr_icount = 3;
  const auto inode = Parse(raw);
  ASSERT_TRUE(inode) << Describe(inode.error());
  EXPECT_EQ(inode->size(), 1ULL << 40);
  EXPECT_EQ(inode->mtime(), -7);
  EXPECT_EQ(inode->mtime_nsec(), 999'999'999U);
  EXPECT_EQ(inode->nlink(), 100000U);
  EXPECT_EQ(inode->start_block(), BlockAddr{(2ULL << 32) | 3});
  EXPECT_EQ(inode->xattr_bytes(), 20U);
  EXPECT_EQ(inode->body_end(), 5376U + 64 + 20);
}

TEST_F(InodeTest, DecodesDeviceNumbersAsTheKernelPacksThem) {
  wire::InodeCompact raw = Compact();
  raw.mode = 0020600;
  raw.u = (0xABCDEU & 0xFF) | (0x123U << 8) | ((0xABCDEU & 0xFFF00) << 12);
  const auto inode = Parse(raw);
  ASSERT_TRUE(inode);
  EXPECT_EQ(inode->device_major(), 0x123U);
  EXPECT_EQ(inode->device_minor(), 0xABCDEU);
}

TEST_F(InodeTest, INO1_WantsAllOfItsBytes) {
  std::vector<std::byte> bytes(63);
  EXPECT_TRUE(Breaks(Inode::Parse(sb_, Nid{1}, 8, ByteView(bytes).first(31)), Rule::kIno1, 8));
  wire::InodeExtended raw = Extended();
  std::ranges::copy(WireBytes(raw).first(63), bytes.begin());
  EXPECT_TRUE(Breaks(Inode::Parse(sb_, Nid{1}, 8, bytes), Rule::kIno1, 8));
}

TEST_F(InodeTest, INO2_RefusesReservedFormatBits) {
  wire::InodeCompact raw = Compact();
  raw.format = 0x20;
  EXPECT_TRUE(Breaks(Parse(raw), Rule::kIno2, 5376));
}

TEST_F(InodeTest, INO3_RefusesUnknownLayouts) {
  for (const unsigned layout : {5U, 6U, 7U}) {
    wire::InodeCompact raw = Compact();
    raw.format = static_cast<std::uint16_t>(layout << 1);
    EXPECT_TRUE(Breaks(Parse(raw), Rule::kIno3, 5376));
  }
}

TEST_F(InodeTest, INO4_WantsAFileType) {
  for (const unsigned mode : {0U, 0030000U, 0110000U, 0160000U, 0170000U}) {
    wire::InodeCompact raw = Compact();
    raw.mode = static_cast<std::uint16_t>(mode);
    EXPECT_TRUE(Breaks(Parse(raw), Rule::kIno4, 5376 + 4));
  }
}

TEST_F(InodeTest, INO5_BoundsTheSize) {
  wire::InodeExtended raw = Extended();
  raw.size = 1ULL << 63;
  EXPECT_TRUE(Breaks(Parse(raw), Rule::kIno5, 5376 + 8));
}

TEST_F(InodeTest, INO6_BoundsNanoseconds) {
  wire::InodeExtended raw = Extended();
  raw.mtime_nsec = 1'000'000'000;
  EXPECT_TRUE(Breaks(Parse(raw), Rule::kIno6, 5376 + 40));
}

TEST_F(InodeTest, CHK1_RefusesReservedChunkBits) {
  wire::InodeCompact raw = Compact();
  raw.format = 4 << 1;
  raw.u = 0x80;
  EXPECT_TRUE(Breaks(Parse(raw), Rule::kChk1, 5376 + 16));
  raw.u = 0x7F;
  const auto inode = Parse(raw);
  ASSERT_TRUE(inode);
  EXPECT_EQ(inode->chunk_format().chunk_bits, 12U + 31);
  EXPECT_EQ(inode->chunk_format().entry_bytes(), 8U);
}

// A directory block of 512 bytes with these names; nids count from 100.
std::vector<std::byte> BlockOf(const std::vector<std::string>& names) {
  std::vector<std::byte> block(512);
  std::size_t at = names.size() * sizeof(wire::Dirent);
  for (std::size_t i = 0; i < names.size(); ++i) {
    wire::Dirent entry{};
    entry.nid = 100 + i;
    entry.nameoff = static_cast<std::uint16_t>(at);
    entry.file_type = 1;
    PutWire(block, i * sizeof entry, entry);
    std::ranges::copy(AsBytes(names[i]), block.begin() + static_cast<std::ptrdiff_t>(at));
    at += names[i].size();
  }
  return block;
}

void PatchNameOffset(std::vector<std::byte>& block, std::size_t index, unsigned value) {
  PutWire(block, index * sizeof(wire::Dirent) + 8, Le16(static_cast<std::uint16_t>(value)));
}

TEST(DirBlock, FindsEveryNameAndNoOther) {
  const std::vector<std::string> names = {".", "..", "a", "ab", "b", "\x7f", "\x80", "\xff"};
  const auto bytes = BlockOf(names);
  const auto block = DirBlock::Parse(bytes, 0);
  ASSERT_TRUE(block) << Describe(block.error());
  ASSERT_EQ(block->size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ((*block)[static_cast<std::uint32_t>(i)].name, names[i]);
    ASSERT_TRUE(block->Find(names[i])) << names[i];
    EXPECT_EQ(block->Find(names[i])->nid, Nid{100 + i});
  }
  for (const char* missing : {"", "aa", "abc", "\x7f\x7f", "\xff\xff"})
    EXPECT_FALSE(block->Find(missing));
}

TEST(DirBlock, DIR1_WantsANameOffsetThatCountsEntries) {
  for (const unsigned value : {0U, 11U, 13U, 512U, 516U, 65532U}) {
    auto block = BlockOf({"a", "b"});
    PatchNameOffset(block, 0, value);
    EXPECT_TRUE(Breaks(DirBlock::Parse(block, 4096), Rule::kDir1, 4096 + 8)) << value;
  }
  EXPECT_TRUE(Breaks(DirBlock::Parse({}, 4096), Rule::kDir1, 4096));
}

TEST(DirBlock, DIR2_KeepsNamesInOrderInsideTheBlock) {
  for (const unsigned value : {0U, 24U, 513U, 65535U}) {
    auto block = BlockOf({"a", "b"});
    PatchNameOffset(block, 1, value);
    EXPECT_TRUE(Breaks(DirBlock::Parse(block, 4096), Rule::kDir2,
                       4096 + (value == 0 || value == 24 || value > 512 ? 8 : 20)))
        << value;
  }
  auto empty_last = BlockOf({"a", ""});
  EXPECT_TRUE(Breaks(DirBlock::Parse(empty_last, 0), Rule::kDir2, 20));
  auto long_name = BlockOf({"a", std::string(256, 'n')});
  EXPECT_TRUE(Breaks(DirBlock::Parse(long_name, 0), Rule::kDir2, 20));
}

TEST(DirBlock, DIR3_RefusesSlashAndNul) {
  EXPECT_TRUE(Breaks(DirBlock::Parse(BlockOf({"a/b"}), 0), Rule::kDir3, 12));
  EXPECT_TRUE(Breaks(DirBlock::Parse(BlockOf({std::string("a\0b", 3), "c"}), 0), Rule::kDir3, 24));
}

TEST(DirBlock, DIR9_SeesBytesBehindTheLastName) {
  auto block = BlockOf({"a"});
  EXPECT_TRUE(DirBlock::Parse(block, 0)->padding_is_zero());
  block[511] = std::byte{1};
  EXPECT_FALSE(DirBlock::Parse(block, 0)->padding_is_zero());
}

std::vector<std::byte> XattrAreaOf(unsigned shared_count, std::size_t bytes) {
  std::vector<std::byte> area(bytes);
  area[4] = std::byte{static_cast<unsigned char>(shared_count)};
  return area;
}

TEST(XattrArea, XA1_IsLargerThanItsHeader) {
  EXPECT_TRUE(Breaks(XattrArea::Parse(XattrAreaOf(0, 12), 64), Rule::kXa1, 64));
}

TEST(XattrArea, XA3_HoldsItsSharedIds) {
  EXPECT_TRUE(XattrArea::Parse(XattrAreaOf(1, 16), 64));
  EXPECT_TRUE(Breaks(XattrArea::Parse(XattrAreaOf(2, 16), 64), Rule::kXa3, 68));
}

TEST(XattrArea, XA4_HoldsItsInlineEntries) {
  auto area = XattrAreaOf(0, 24);
  PutWire(area, 12, wire::XattrEntry{.name_len = 3, .name_index = 1, .value_size = 5});
  const auto good = XattrArea::Parse(area, 64);
  ASSERT_TRUE(good);
  ASSERT_EQ(good->inline_entries.size(), 1U);
  EXPECT_EQ(good->inline_entries[0].value_offset(), 64U + 12 + 4 + 3);
  PutWire(area, 12, wire::XattrEntry{.name_len = 3, .name_index = 1, .value_size = 6});
  EXPECT_TRUE(Breaks(XattrArea::Parse(area, 64), Rule::kXa4, 76));
}

TEST(XattrName, XA6_WantsASuffixWhereItsPrefixDoes) {
  const XattrPrefixTable none;
  EXPECT_EQ(FullXattrName(none, 1, "mime", 0)->name, "user.mime");
  EXPECT_EQ(FullXattrName(none, 2, "", 0)->name, "system.posix_acl_access");
  EXPECT_TRUE(Breaks(FullXattrName(none, 1, "", 9), Rule::kXa6, 9));
  EXPECT_TRUE(Breaks(FullXattrName(none, 2, "x", 9), Rule::kXa6, 9));
  EXPECT_TRUE(Breaks(FullXattrName(none, 1, std::string(251, 'x'), 9), Rule::kXa6, 9));
  EXPECT_TRUE(Breaks(FullXattrName(none, 1, std::string_view("a\0b", 3), 9), Rule::kXa6, 9));
}

TEST(XattrName, XA8_UnknownPrefixesAreSkippedNotRefused) {
  const XattrPrefixTable none;
  EXPECT_EQ(FullXattrName(none, 0, "x", 0)->visibility, XattrVisibility::kHidden);
  EXPECT_EQ(FullXattrName(none, 7, "x", 0)->visibility, XattrVisibility::kUnknown);
  EXPECT_EQ(FullXattrName(none, 0x80, "x", 0)->visibility, XattrVisibility::kUnknown);
}

TEST(XattrPrefixTable, XA7_WantsWholeItems) {
  std::vector<std::byte> bytes(32);
  PutWire(bytes, 0, Le16(5));
  bytes[2] = std::byte{1};
  std::ranges::copy(AsBytes("abc."), bytes.begin() + 3);
  PutWire(bytes, 8, Le16(1));
  bytes[10] = std::byte{4};
  const auto table = XattrPrefixTable::Parse(bytes, 2, 0);
  ASSERT_TRUE(table) << Describe(table.error());
  EXPECT_EQ(FullXattrName(*table, 0x80, "x", 0)->name, "user.abc.x");
  EXPECT_EQ(FullXattrName(*table, 0x81, "x", 0)->name, "trusted.x");
  EXPECT_TRUE(Breaks(XattrPrefixTable::Parse(bytes, 3, 100), Rule::kXa7, 112));  // length 0
  PutWire(bytes, 8, Le16(23));
  EXPECT_TRUE(Breaks(XattrPrefixTable::Parse(bytes, 2, 100), Rule::kXa7, 108));
  PutWire(bytes, 0, Le16(257));
  EXPECT_TRUE(Breaks(XattrPrefixTable::Parse(bytes, 2, 100), Rule::kXa7, 100));
}

TEST(XattrFilter, XA10_SplitsNamesAtShortPrefixes) {
  EXPECT_EQ(SplitAtShortPrefix("user.x").index, 1);
  EXPECT_EQ(SplitAtShortPrefix("user.x").rest, "x");
  EXPECT_EQ(SplitAtShortPrefix("system.posix_acl_access").index, 2);
  EXPECT_EQ(SplitAtShortPrefix("security.capability").index, 6);
  EXPECT_EQ(SplitAtShortPrefix("system.other").index, 0);
  EXPECT_EQ(SplitAtShortPrefix("user.").index, 0);
}

std::string AclOf(std::vector<std::array<unsigned, 3>> entries) {
  std::string out("\2\0\0\0", 4);
  for (const auto& [tag, perm, id] : entries) {
    for (const unsigned value : {tag, perm})
      out.append({static_cast<char>(value), static_cast<char>(value >> 8)});
    for (int shift = 0; shift < 32; shift += 8) out.push_back(static_cast<char>(id >> shift));
  }
  return out;
}

TEST(Acl, XA11_WantsCanonicalEntries) {
  constexpr unsigned kNoId = 0xFFFFFFFF;
  const auto good =
      AclOf({{1, 6, kNoId}, {2, 7, 5}, {4, 4, kNoId}, {16, 7, kNoId}, {32, 0, kNoId}});
  EXPECT_TRUE(IsWellFormedAcl(AsBytes(good)));
  EXPECT_TRUE(IsWellFormedAcl(AsBytes(std::string_view("\2\0\0\0", 4))));
  EXPECT_FALSE(IsWellFormedAcl({}));
  EXPECT_FALSE(IsWellFormedAcl(AsBytes(std::string_view("\1\0\0\0", 4))));
  EXPECT_FALSE(IsWellFormedAcl(AsBytes(std::string_view(good).substr(0, good.size() - 1))));
  // No mask though a user is named; wrong order; permission bits beyond rwx.
  EXPECT_FALSE(
      IsWellFormedAcl(AsBytes(AclOf({{1, 6, kNoId}, {2, 7, 5}, {4, 4, kNoId}, {32, 0, kNoId}}))));
  EXPECT_FALSE(IsWellFormedAcl(AsBytes(AclOf({{4, 6, kNoId}, {1, 4, kNoId}, {32, 0, kNoId}}))));
  EXPECT_FALSE(IsWellFormedAcl(AsBytes(AclOf({{1, 8, kNoId}, {4, 4, kNoId}, {32, 0, kNoId}}))));
}

TEST(Xattr, WithoutAnAclNobodyGainsWhatItDenies) {
  constexpr unsigned kNoId = 0xFFFFFFFF;
  const auto ceiling = [](const std::string& acl) {
    const AclCeiling out = CeilingWithoutAcl(AsBytes(acl));
    return out.group << 3 | out.other;
  };
  EXPECT_EQ(ceiling(AclOf({{1, 7, kNoId}, {4, 5, kNoId}, {32, 1, kNoId}})), 051U);
  // The mask binds the group, not others.
  EXPECT_EQ(ceiling(AclOf({{1, 7, kNoId}, {4, 7, kNoId}, {16, 4, kNoId}, {32, 7, kNoId}})), 047U);
  // Who is named and gets more changes nothing; who gets less would be of the group or others.
  EXPECT_EQ(
      ceiling(AclOf({{1, 7, kNoId}, {2, 7, 5}, {4, 5, kNoId}, {16, 7, kNoId}, {32, 4, kNoId}})),
      054U);
  EXPECT_EQ(
      ceiling(AclOf({{1, 7, kNoId}, {4, 7, kNoId}, {8, 1, 5}, {16, 7, kNoId}, {32, 5, kNoId}})),
      011U);
  EXPECT_EQ(
      ceiling(AclOf({{1, 7, kNoId}, {2, 7, 5}, {4, 7, kNoId}, {16, 4, kNoId}, {32, 7, kNoId}})),
      044U);
  EXPECT_EQ(ceiling(std::string("\2\0\0\0", 4)), 077U) << "no entries are no ACL";
  EXPECT_EQ(ceiling("rubbish"), 0U);
}

TEST(DeviceTable, DEV4_KeepsDevicesApart) {
  wire::Superblock raw = GoodSuperblock();
  raw.feature_incompat = wire::kIncompatDeviceTable;
  raw.extra_devices = 2;
  raw.devt_slotoff = 9;
  const auto sb = ParseSb(raw);
  ASSERT_TRUE(sb);
  std::vector<std::byte> table(2 * sizeof(wire::DeviceSlot));
  wire::DeviceSlot slot{};
  slot.blocks_lo = 10;
  slot.uniaddr_lo = 16;
  PutWire(table, 0, slot);
  slot.uniaddr_lo = 26;
  PutWire(table, sizeof slot, slot);
  const auto good = ParseDeviceTable(*sb, table);
  ASSERT_TRUE(good) << Describe(good.error());
  EXPECT_EQ((*good)[1].first_block, 26U);
  slot.uniaddr_lo = 25;
  PutWire(table, sizeof slot, slot);
  EXPECT_TRUE(Breaks(ParseDeviceTable(*sb, table), Rule::kDev4, 9 * 128 + 128));
  slot.uniaddr_lo = 15;  // into the primary device
  PutWire(table, sizeof slot, slot);
  EXPECT_FALSE(ParseDeviceTable(*sb, table));
}

}  // namespace
}  // namespace amberfs
