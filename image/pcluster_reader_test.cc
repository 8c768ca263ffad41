#include "image/pcluster_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <latch>
#include <random>
#include <thread>

#include "image/file_reader.h"
#include "image/test_image.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

class PclusterReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!CanMakeImages()) GTEST_SKIP() << "mkfs.erofs is missing";
  }

  // An image of one file, opened, and the file's extents.
  void Make(const std::string& options, std::string content, const Limits& limits = {}) {
    content_ = std::move(content);
    source_ = MakeImage(options, {{"file", content_}});
    image_.emplace(OpenImage(source_, limits));
    inode_.emplace(InodeOf(*image_, "file"));
    extents_ = ExtentsOf(*image_, *inode_);
    ASSERT_TRUE(std::ranges::any_of(extents_, IsEncoded));
  }
  static bool IsEncoded(const Extent& extent) { return extent.kind == ExtentKind::kEncoded; }
  const Extent& Longest() const {
    return *std::ranges::max_element(extents_, {},
                                     [](const Extent& e) { return IsEncoded(e) ? e.length : 0; });
  }

  // Reads bytes of an extent with a reader of its own; they must be the file's.
  void Read(const Extent& extent, std::uint64_t skip, std::uint64_t bytes) {
    std::vector<std::byte> out(bytes);
    PclusterReader reader(*image_);
    reader.Start(extent.encoded_bytes);
    const auto result = reader.Read(extent, skip, out);
    ASSERT_TRUE(result.has_value()) << Describe(result.error());
    ASSERT_TRUE(AsText(out) == std::string_view(content_).substr(extent.pos + skip, bytes))
        << extent.pos << '+' << skip << ", " << bytes << " bytes";
  }
  Error ErrorOf(const Extent& extent, std::uint64_t skip, std::uint64_t bytes) {
    std::vector<std::byte> out(bytes);
    PclusterReader reader(*image_);
    const auto result = reader.Read(extent, skip, out);
    EXPECT_FALSE(result.has_value());
    return result ? Error{} : result.error();
  }
  std::uint64_t Decoded() const { return image_->decoded_bytes(); }

  std::string content_;
  std::shared_ptr<TestSource> source_;
  std::optional<Image> image_;
  std::optional<Inode> inode_;
  std::vector<Extent> extents_;
};

TEST_F(PclusterReaderTest, GivesAnyPartOfAnyExtent) {
  for (const char* options :
       {"-zlz4", "-zlz4 -Elegacy-compress", "-zlz4 -C65536", "-zlz4hc,9 -C1048576"}) {
    Make(options, SomeText(2 * kMiB) + SomeNoise(50'000));
    std::mt19937_64 random(9);
    for (const Extent& extent : extents_) {
      if (!IsEncoded(extent)) continue;
      Read(extent, 0, extent.length);
      Read(extent, extent.length - 1, 1);
      Read(extent, 0, 1);
      for (int round = 0; round < 5; ++round) {
        const std::uint64_t skip = random() % extent.length;
        Read(extent, skip, 1 + random() % (extent.length - skip));
      }
    }
  }
}

TEST_F(PclusterReaderTest, OneSmallReadOfALargeExtentDecodesOnlyThatFar) {
  Make("-zlz4 -C1048576", SomeText(4 * kMiB));
  const Extent& extent = Longest();
  ASSERT_GT(extent.length, kMiB);
  Read(extent, 8192, 4096);
  EXPECT_LT(Decoded(), extent.length / 2);
}

TEST_F(PclusterReaderTest, ManySmallReadsOfAnExtentDecodeItNotMuchMoreThanOnce) {
  Make("-zlz4 -C1048576", SomeText(4 * kMiB));
  const Extent& extent = Longest();
  std::mt19937_64 random(1);
  for (int round = 0; round < 500; ++round) {
    const std::uint64_t skip = random() % (extent.length - 4096);
    Read(extent, skip, 4096);
  }
  EXPECT_LE(Decoded(), 2 * extent.length);
}

TEST_F(PclusterReaderTest, ReadersOfOneExtentDecodeItOnce) {
  Make("-zlz4 -C1048576", SomeText(4 * kMiB));
  const Extent& extent = Longest();
  std::latch together(4);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      together.arrive_and_wait();
      Read(extent, extent.length - 5000 - 100 * i, 5000);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Decoded(), extent.length);
}

TEST_F(PclusterReaderTest, PclustersThatFollowOneAnotherAreFetchedTogether) {
  Make("-zlz4", SomeText(4 * kMiB));
  ASSERT_GT(extents_.size(), 300U);
  const std::uint64_t before = source_->reads;
  std::vector<std::byte> out(content_.size());
  ASSERT_TRUE(FileReader(*image_, *inode_).Read(0, out).has_value());
  EXPECT_TRUE(AsText(out) == content_);
  EXPECT_LT(source_->reads - before, extents_.size() / 8);
  EXPECT_LT(source_->read_bytes, source_->size() * 3 / 2) << "and little of it twice";
}

TEST_F(PclusterReaderTest, Z16_DamageIsFoundWhereItIsAndNowhereElse) {
  Make("-zlz4", SomeText(kMiB));
  const Extent& damaged = extents_[extents_.size() / 2];
  ASSERT_TRUE(IsEncoded(damaged));
  const Extent& other = extents_[extents_.size() / 2 + 1];
  // Nothing but zeros: there is no stream.
  const auto pcluster =
      std::span(source_->bytes).subspan(damaged.where.offset, damaged.encoded_bytes);
  const std::vector<std::byte> good(pcluster.begin(), pcluster.end());
  std::ranges::fill(pcluster, std::byte{});
  for (const auto& [skip, bytes] : {std::pair(std::uint64_t{0}, damaged.length),
                                    {0, std::uint64_t{1}},
                                    {damaged.length - 1, 1}}) {
    const Error error = ErrorOf(damaged, skip, bytes);
    EXPECT_EQ(error.code, Errc::kCorrupt);
    EXPECT_EQ(error.rule, Rule::kZ16);
    EXPECT_EQ(error.offset, damaged.where.offset);
  }
  Read(other, 0, other.length);
  // A failure is not remembered: the file may have been repaired.
  std::ranges::copy(good, pcluster.begin());
  Read(damaged, 1, 10);
  Read(damaged, 0, damaged.length);
}

TEST_F(PclusterReaderTest, Z16_AStreamThatIsTooShortOrTooLongForItsExtent) {
  Make("-zlz4", SomeText(kMiB));
  for (const std::int64_t off_by : {-1, 1}) {
    Extent extent = extents_[3];
    ASSERT_TRUE(IsEncoded(extent) && !extent.partial);
    extent.length += static_cast<std::uint64_t>(off_by);
    EXPECT_EQ(ErrorOf(extent, 0, extent.length).rule, Rule::kZ16) << off_by;
  }
  // The first part of a longer one is another thing.
  Extent part = extents_[3];
  part.partial = true;
  part.length -= 1;
  Read(part, 0, part.length);
}

TEST_F(PclusterReaderTest, WhatTheSystemCannotReadIsAnIoError) {
  Make("-zlz4", SomeText(kMiB));
  const Extent& extent = Longest();
  source_->broken = true;
  EXPECT_EQ(ErrorOf(extent, 0, extent.length).os_errno, EIO);
  EXPECT_EQ(ErrorOf(extent, 1, 1).os_errno, EIO);
  source_->broken = false;
  Read(extent, 1, 1);
}

TEST_F(PclusterReaderTest, LIM2_OneReadDecodesABoundedNumberOfEncodedBytes) {
  Make("-zlz4", SomeText(kMiB), {.max_encoded_bytes_per_read = 10 * 4096});
  std::vector<std::byte> out(content_.size());
  FileReader reader(*image_, *inode_);
  const auto all = reader.Read(0, out);
  ASSERT_FALSE(all.has_value());
  EXPECT_EQ(all.error().code, Errc::kLimit);
  EXPECT_EQ(all.error().rule, Rule::kLim2);
  EXPECT_EQ(all.error().offset, extents_[10].where.offset) << "the eleventh pcluster";
  // The next read has a limit of its own.
  for (std::uint64_t pos = 0; pos < content_.size(); pos += 10'000) {
    const auto got = reader.Read(pos, std::span(out).first(10'000));
    ASSERT_TRUE(got.has_value()) << pos;
    ASSERT_EQ(AsText(out).substr(0, *got), content_.substr(pos, *got)) << pos;
  }
}

// Two extents may share a block of the cache only if one's bytes are the start of the other's.
TEST_F(PclusterReaderTest, CacheKeysAreAsDifferentAsBytesAre) {
  Make("-zlz4", SomeText(kMiB));
  const Extent extent = extents_[3];
  ASSERT_TRUE(IsEncoded(extent) && !extent.partial);
  const auto differs = [&](auto change) {
    Extent other = extent;
    change(other);
    return CacheKeyOf(other) != CacheKeyOf(extent);
  };
  EXPECT_FALSE(differs([](Extent& e) { e.pos += 4096; })) << "another file's, of the same bytes";
  EXPECT_TRUE(differs([](Extent& e) { e.where.offset += 4096; }));
  EXPECT_TRUE(differs([](Extent& e) { e.where.device = DeviceId{1}; }));
  EXPECT_TRUE(differs([](Extent& e) { e.encoded_bytes += 4096; }));
  EXPECT_TRUE(differs([](Extent& e) { e.algorithm = Algorithm::kZstd; }));
  EXPECT_TRUE(differs([](Extent& e) { e.padded = !e.padded; }));
  EXPECT_TRUE(differs([](Extent& e) { e.length -= 1; })) << "of which only one decodes";
  EXPECT_TRUE(differs([](Extent& e) { e.partial = true; }));
}

TEST_F(PclusterReaderTest, ReadersWithoutACacheReadTheSame) {
  Make("-zlz4 -C65536", SomeText(kMiB), {.cache_bytes = 0});
  for (const Extent& extent : extents_) {
    if (!IsEncoded(extent)) continue;
    Read(extent, extent.length / 2, extent.length / 4 + 1);
    Read(extent, 0, extent.length);
  }
  EXPECT_EQ(image_->cache().used_bytes(), 0U);
}

}  // namespace
}  // namespace amberfs
