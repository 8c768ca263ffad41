#include "image/compressed_mapper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "image/file_reader.h"
#include "image/mapper.h"
#include "image/test_image.h"

namespace amberfs {
namespace {

struct Form {
  const char* name;
  const char* options;
  DataLayout layout;       // of compressed files
  std::uint32_t incompat;  // the feature that the image must have: old versions ignore new options
};

// What every version of mkfs.erofs makes. Fragments, records and the metabox are in the image of
// tests/bad/compressed_image.h, and what newer versions make in tests/e2e/matrix.sh.
constexpr Form kForms[] = {
    {"compact", "-zlz4", DataLayout::kCompressedCompact, wire::kIncompatZeroPadding},
    {"full", "-zlz4 -Elegacy-compress", DataLayout::kCompressedFull, 0},
    {"big", "-zlz4 -C65536", DataLayout::kCompressedCompact, wire::kIncompatCompressionConfigs},
    {"huge", "-zlz4 -C1048576", DataLayout::kCompressedCompact, wire::kIncompatCompressionConfigs},
    {"tails", "-zlz4hc,9 -Eztailpacking", DataLayout::kCompressedCompact,
     wire::kIncompatTailPacking},
    {"big_tails", "-zlz4 -C65536 -Eztailpacking", DataLayout::kCompressedCompact,
     wire::kIncompatTailPacking},
};

TestFiles Files() {
  const std::string text = SomeText(400'000);
  const std::string noise = SomeNoise(100'000);
  return {{"text", text},
          {"noise", noise},
          {"mixed", text.substr(0, 70'001) + noise + text.substr(90'000, 70'001) +
                        std::string(150'000, '\0') + noise.substr(0, 3)},
          {"again", "moved" + text + noise},
          {"zeros", std::string(3 << 20, '\0')},
          {"block", text.substr(0, 4096)},
          {"more", text.substr(0, 4097)},
          {"short", "a short one"}};
}

class CompressedMapperTest : public testing::TestWithParam<Form> {
 protected:
  void SetUp() override {
    if (!CanMakeImages()) GTEST_SKIP() << "mkfs.erofs is missing";
    source_ = MakeImage(GetParam().options, files_);
    image_.emplace(OpenImage(source_));
    ASSERT_TRUE(GetParam().incompat == 0 || image_->sb().has_incompat(GetParam().incompat));
    ASSERT_EQ(InodeOf(*image_, "text").layout(), GetParam().layout);
  }

  const TestFiles files_ = Files();
  std::shared_ptr<TestSource> source_;
  std::optional<Image> image_;
};
INSTANTIATE_TEST_SUITE_P(Forms, CompressedMapperTest, testing::ValuesIn(kForms),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(CompressedMapperTest, ExtentsTileEachFileAndAreFoundFromEachOfTheirBytes) {
  std::size_t compressed = 0;
  for (const auto& [name, content] : files_) {
    const Inode inode = InodeOf(*image_, name);
    ASSERT_EQ(inode.size(), content.size());
    if (inode.is_compressed()) ++compressed;
    Mapper in_order(*image_, inode);
    std::uint64_t pos = 0;
    while (pos < inode.size()) {
      const auto extent = in_order.Map(pos, inode.size() - pos);
      ASSERT_TRUE(extent.has_value()) << name << ' ' << Describe(extent.error());
      ASSERT_EQ(extent->pos, pos) << name;
      ASSERT_GT(extent->length, 0U) << name;
      ASSERT_LE(extent->length, inode.size() - pos) << name;
      ASSERT_TRUE(in_order.CheckDistances(*extent).has_value()) << name;
      for (const std::uint64_t at :
           {pos, pos + 1, pos + extent->length / 2, pos + extent->length - 1}) {
        if (at >= pos + extent->length) continue;
        const auto found = Mapper(*image_, inode).Map(at, 1);
        ASSERT_TRUE(found.has_value()) << name << ' ' << at;
        ASSERT_EQ(found->kind, extent->kind) << name << ' ' << at;
        ASSERT_EQ(found->pos, extent->pos) << name << ' ' << at;
        ASSERT_EQ(found->length, extent->length) << name << ' ' << at;
        ASSERT_EQ(found->where.offset, extent->where.offset) << name << ' ' << at;
      }
      pos += extent->length;
    }
  }
  EXPECT_GE(compressed, 4U) << "this should be about compressed files";
}

TEST_P(CompressedMapperTest, ReadsWhatWasPutInAtAnyPlace) {
  std::mt19937_64 random(3);
  for (const auto& [name, content] : files_) {
    const Inode inode = InodeOf(*image_, name);
    std::vector<std::byte> out(content.size() + 10);
    const auto all = FileReader(*image_, inode).Read(0, out);
    ASSERT_TRUE(all.has_value()) << name << ' ' << Describe(all.error());
    ASSERT_EQ(*all, content.size());
    ASSERT_TRUE(AsText(out).starts_with(content)) << name;
    FileReader reader(*image_, inode);
    for (int round = 0; round < 200; ++round) {
      const std::uint64_t pos = random() % content.size();
      const std::size_t bytes = 1 + random() % (round % 2 == 0 ? 100 : 100'000);
      const auto got = reader.Read(pos, std::span(out).first(std::min(bytes, out.size())));
      ASSERT_TRUE(got.has_value()) << name << ' ' << Describe(got.error());
      ASSERT_EQ(AsText(out).substr(0, *got), content.substr(pos, *got)) << name << ' ' << pos;
      ASSERT_EQ(*got, std::min({content.size() - pos, bytes, out.size()}));
    }
  }
}

// An entry takes 2 to 8 bytes for each block of the file.
TEST_P(CompressedMapperTest, GoingThroughAFileReadsItsIndexAboutOnce) {
  const Inode inode = InodeOf(*image_, "zeros");
  ASSERT_TRUE(inode.is_compressed());
  Mapper mapper(*image_, inode);
  for (std::uint64_t pos = 0; pos < inode.size();) {
    const auto extent = mapper.Map(pos, inode.size() - pos);
    ASSERT_TRUE(extent.has_value());
    pos += extent->length;
  }
  EXPECT_LE(mapper.index_bytes_read(), 2 * 8 * (inode.size() >> 12) + 4096);
}

TEST_P(CompressedMapperTest, AnUnreadableIndexIsAnIoError) {
  const Inode inode = InodeOf(*image_, "text");
  ASSERT_TRUE(inode.is_compressed());
  source_->broken = true;
  const auto extent = Mapper(*image_, inode).Map(5000, 1);
  ASSERT_FALSE(extent.has_value());
  EXPECT_EQ(extent.error().code, Errc::kIo);
  EXPECT_EQ(extent.error().os_errno, EIO);
}

}  // namespace
}  // namespace amberfs
