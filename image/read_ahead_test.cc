#include "image/read_ahead.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iterator>
#include <random>
#include <thread>

#include "image/file_reader.h"
#include "image/pcluster_reader.h"
#include "image/test_image.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kRequest = 128 << 10;

class ReadAheadTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!CanMakeImages()) GTEST_SKIP() << "mkfs.erofs is missing";
  }
  // An image of one large file, in which each extent takes several requests.
  void Make(const std::string& options = "-zlz4 -C1048576") {
    content_ = SomeText(24 << 20);
    source_ = MakeImage(options, {{"file", content_}});
    image_.emplace(OpenImage(source_));
    inode_.emplace(InodeOf(*image_, "file"));
    extents_ = ExtentsOf(*image_, *inode_);
  }
  bool IsDecoded(const Extent& extent) const {
    return image_->cache().Contains(CacheKeyOf(extent), extent.length);
  }
  std::uint64_t Decoded() const { return image_->decoded_bytes(); }
  static void WaitFor(const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << "still not so";
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  std::string content_;
  std::shared_ptr<TestSource> source_;
  std::optional<Image> image_;
  std::optional<Inode> inode_;
  std::vector<Extent> extents_;
};

TEST_F(ReadAheadTest, DecodesWhatComesNextForWhoGoesThroughAFile) {
  Make();
  ASSERT_GT(extents_.size(), 3U);
  ReadAhead ahead(*image_);
  // Nobody reads but it.
  for (std::uint64_t pos = 0; pos < 4 * kRequest; pos += kRequest)
    ahead.Note(*inode_, pos, kRequest);
  const auto next = std::ranges::find_if(
      extents_, [](const Extent& extent) { return extent.pos >= 4 * kRequest; });
  WaitFor([&] { return IsDecoded(*next); });
  EXPECT_FALSE(IsDecoded(extents_.back())) << "it is not that far ahead";
}

TEST_F(ReadAheadTest, WhoGoesThroughAFileGetsItsBytesAndDecodesThemAboutOnce) {
  Make();
  // Once from memory, once from a file, where reads may go on by themselves.
  for (const bool from_file : {false, true}) {
    if (from_file) image_.emplace(OpenImage(InFile(*source_)));
    {
      ReadAhead ahead(*image_);
      std::vector<std::byte> out(kRequest);
      for (std::uint64_t pos = 0; pos < content_.size(); pos += kRequest) {
        ahead.Note(*inode_, pos, kRequest);
        const auto got = FileReader(*image_, *inode_).Read(pos, out);
        ASSERT_TRUE(got.has_value()) << Describe(got.error());
        ASSERT_EQ(AsText(out).substr(0, *got), content_.substr(pos, *got)) << pos;
      }
    }
    EXPECT_LE(Decoded(), content_.size() * 5 / 4);
  }
}

TEST_F(ReadAheadTest, RandomReadsAreNotRunAheadOf) {
  Make();
  {
    ReadAhead ahead(*image_);
    for (const std::uint64_t mib : {20U, 3U, 14U, 8U, 17U, 0U, 11U})
      ahead.Note(*inode_, mib << 20, 4096);
  }
  EXPECT_EQ(Decoded(), 0U);
}

TEST_F(ReadAheadTest, ExtentsOfOneRequestAreLeftToTheKernel) {
  Make("-zlz4");
  {
    ReadAhead ahead(*image_);
    for (std::uint64_t pos = 0; pos < content_.size(); pos += kRequest)
      ahead.Note(*inode_, pos, kRequest);
  }
  EXPECT_EQ(Decoded(), 0U);
}

TEST_F(ReadAheadTest, WhatIsNotCompressedIsLeftToTheKernel) {
  Make("");
  {
    ReadAhead ahead(*image_);
    for (std::uint64_t pos = 0; pos < content_.size(); pos += kRequest)
      ahead.Note(*inode_, pos, kRequest);
  }
  EXPECT_EQ(Decoded(), 0U);
}

// A server forks after it has made its objects, and threads do not follow.
TEST_F(ReadAheadTest, StartsNoThreadBeforeThereIsWork) {
  Make();
  const auto threads = [] {
    return std::distance(std::filesystem::directory_iterator("/proc/self/task"), {});
  };
  const auto before = threads();
  ReadAhead ahead(*image_);
  EXPECT_EQ(threads(), before);
  for (std::uint64_t pos = 0; pos < 4 * kRequest; pos += kRequest)
    ahead.Note(*inode_, pos, kRequest);
  WaitFor([&] { return Decoded() > 0; });
  EXPECT_GT(threads(), before);
}

TEST_F(ReadAheadTest, EndsWhateverItIsDoing) {
  Make();
  for (int round = 0; round < 20; ++round) {
    ReadAhead ahead(*image_);
    for (std::uint64_t pos = 0; pos < static_cast<std::uint64_t>(round) * kRequest; pos += kRequest)
      ahead.Note(*inode_, pos, kRequest);
  }
}

TEST_F(ReadAheadTest, Z16_DamageAheadIsToldToWhoReadsIt) {
  Make();
  const Extent& damaged = extents_[1];
  ASSERT_EQ(damaged.kind, ExtentKind::kEncoded);
  std::ranges::fill(std::span(source_->bytes).subspan(damaged.where.offset, damaged.encoded_bytes),
                    std::byte{});
  ReadAhead ahead(*image_);
  std::vector<std::byte> out(kRequest);
  std::uint64_t failed = 0;
  for (std::uint64_t pos = 0; pos < content_.size(); pos += kRequest) {
    ahead.Note(*inode_, pos, kRequest);
    const auto got = FileReader(*image_, *inode_).Read(pos, out);
    const bool hit = pos < damaged.pos + damaged.length && pos + kRequest > damaged.pos;
    ASSERT_EQ(got.has_value(), !hit) << pos;
    if (got) {
      ASSERT_EQ(AsText(out).substr(0, *got), content_.substr(pos, *got)) << pos;
    } else {
      EXPECT_EQ(got.error().rule, Rule::kZ16);
      ++failed;
    }
  }
  EXPECT_GT(failed, 0U);
}

TEST_F(ReadAheadTest, ASourceThatFailsIsNotWaitedForForEver) {
  Make();
  source_->broken = true;
  ReadAhead ahead(*image_);
  for (std::uint64_t pos = 0; pos < 8 * kRequest; pos += kRequest)
    ahead.Note(*inode_, pos, kRequest);
  source_->broken = false;
  std::vector<std::byte> out(content_.size());
  ASSERT_TRUE(FileReader(*image_, *inode_).Read(0, out).has_value());
  EXPECT_TRUE(AsText(out) == content_);
}

TEST_F(ReadAheadTest, ManyReadersAtOnce) {
  Make();
  ReadAhead ahead(*image_);
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937_64 random(i);
      std::vector<std::byte> out(kRequest);
      std::uint64_t pos = i * (5 << 20);
      for (int round = 0; round < 60; ++round) {
        if (random() % 16 == 0) pos = random() % (content_.size() - 1);
        ahead.Note(*inode_, pos, kRequest);
        const auto got = FileReader(*image_, *inode_).Read(pos, out);
        ASSERT_TRUE(got.has_value());
        ASSERT_TRUE(AsText(out).substr(0, *got) == std::string_view(content_).substr(pos, *got));
        pos = (pos + kRequest) % content_.size();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace amberfs
