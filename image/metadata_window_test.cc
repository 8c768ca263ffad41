#include "image/metadata_window.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "image/test_image.h"

namespace amberfs {
namespace {

class MetadataWindowTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!CanMakeImages()) GTEST_SKIP() << "mkfs.erofs is missing";
    // What a table holds does not matter here: let it be a file's bytes.
    source_ = MakeImage("", {{"noise", SomeNoise(200'000)}});
    image_.emplace(OpenImage(source_));
  }

  // Looks at `bytes` bytes; they must be the image's.
  void Look(MetadataWindow& window, std::uint64_t offset, std::uint64_t bytes) {
    const auto view = window.View(offset, bytes);
    ASSERT_TRUE(view.has_value()) << Describe(view.error());
    ASSERT_EQ(AsText(*view), AsText(ByteView(source_->bytes).subspan(offset, bytes))) << offset;
  }

  static constexpr std::uint64_t kStart = 4096 + 36;
  static constexpr std::uint64_t kEnd = kStart + 100'004;
  std::shared_ptr<TestSource> source_;
  std::optional<Image> image_;
};

TEST_F(MetadataWindowTest, ShowsAnyPlaceOfItsTable) {
  MetadataWindow window(*image_, kStart, kEnd, Rule::kZ1);
  std::mt19937_64 random(5);
  for (int round = 0; round < 3000; ++round) {
    const std::uint64_t bytes = 1 + random() % MetadataWindow::kMaxView;
    Look(window, kStart + random() % (kEnd - kStart - bytes + 1), bytes);
  }
  Look(window, kStart, MetadataWindow::kMaxView);
  Look(window, kEnd - MetadataWindow::kMaxView, MetadataWindow::kMaxView);
}

TEST_F(MetadataWindowTest, NeighboursOfAnEntryCostNothing) {
  for (const bool backwards : {false, true}) {
    MetadataWindow window(*image_, kStart, kEnd, Rule::kZ1);
    const std::uint64_t before = source_->reads;
    for (std::uint64_t at = 0; at + 8 <= kEnd - kStart; at += 4)
      Look(window, backwards ? kEnd - 8 - at : kStart + at, 8);
    EXPECT_LE(source_->reads - before, 40U) << backwards;
    EXPECT_LE(window.bytes_read(), 2 * (kEnd - kStart)) << backwards;
  }
}

TEST_F(MetadataWindowTest, ALookAtOneEntryIsShort) {
  MetadataWindow window(*image_, kStart, kEnd, Rule::kZ1);
  Look(window, kStart + 50'000, 8);
  EXPECT_LE(window.bytes_read(), 512U);
}

TEST_F(MetadataWindowTest, ReadsNothingOutsideOfItsTable) {
  std::ranges::fill(std::span(source_->bytes).subspan(kEnd), std::byte{});
  MetadataWindow window(*image_, kStart, kEnd, Rule::kZ1);
  Look(window, kEnd - 8, 8);
  EXPECT_EQ(window.bytes_read(), 8U);
  MetadataWindow backwards(*image_, kEnd - 16, kEnd, Rule::kZ1);
  Look(backwards, kEnd - 8, 8);
  Look(backwards, kEnd - 16, 8);
  EXPECT_EQ(backwards.bytes_read(), 24U);
}

TEST_F(MetadataWindowTest, AFailureIsToldAndForgotten) {
  MetadataWindow window(*image_, kStart, kEnd, Rule::kZ1);
  Look(window, kStart, 8);
  source_->broken = true;
  EXPECT_EQ(window.View(kStart + 50'000, 8).error().os_errno, EIO);
  source_->broken = false;
  Look(window, kStart, 8);
  Look(window, kStart + 50'000, 8);
}

TEST_F(MetadataWindowTest, ATableBehindTheMetadataBreaksItsRule) {
  const std::uint64_t end = image_->MetadataEnd(0);
  MetadataWindow window(*image_, end, end + 64, Rule::kZ1);
  const auto view = window.View(end, 8);
  ASSERT_FALSE(view.has_value());
  EXPECT_EQ(view.error().rule, Rule::kZ1);
  EXPECT_EQ(view.error().offset, end);
}

}  // namespace
}  // namespace amberfs
