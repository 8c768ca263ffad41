#include "fsck/data_checker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "fsck/checker.h"
#include "image/test_image.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

using Phase = CheckOptions::Phase;

class DataCheckerTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!CanMakeImages()) GTEST_SKIP() << "mkfs.erofs is missing";
    options_.level = CheckLevel::kData;
  }
  void Make(const std::string& options) { source_ = MakeImage(options, files_); }
  Report Check() const { return CheckImage(source_, {}, options_); }

  // Replaces a pcluster by zeros, which are no stream. Returns its extent, and the file's nid.
  std::pair<Extent, Nid> Damage(const std::string& name, std::size_t index) {
    const Image image = OpenImage(source_);
    const Inode inode = InodeOf(image, name);
    const Extent extent = ExtentsOf(image, inode).at(index);
    EXPECT_EQ(extent.kind, ExtentKind::kEncoded);
    std::ranges::fill(std::span(source_->bytes).subspan(extent.where.offset, extent.encoded_bytes),
                      std::byte{});
    return {extent, inode.nid()};
  }

  TestFiles files_ = {{"text", SomeText(300'000)},
                      {"other", "other" + SomeText(200'000)},
                      {"noise", SomeNoise(100'000)},
                      {"short", "a short one"}};
  CheckOptions options_;
  std::shared_ptr<TestSource> source_;
};

TEST_F(DataCheckerTest, ReadsEveryByteOfEveryFileOnce) {
  std::uint64_t bytes = 0;
  for (const auto& [name, content] : files_) bytes += content.size();
  for (const char* options : {"", "-zlz4", "-zlz4 -C65536 -Eztailpacking"}) {
    Make(options);
    for (const unsigned jobs : {1U, 2U, 4U}) {
      options_.jobs = jobs;
      const Report report = Check();
      EXPECT_EQ(report.ExitStatus(), 0) << options;
      EXPECT_TRUE(report.findings.empty()) << options;
      EXPECT_EQ(report.tally.read_bytes, bytes) << options;
    }
  }
}

TEST_F(DataCheckerTest, Z16_DamageIsFoundWithItsPathAndPlaceIfAskedFor) {
  Make("-zlz4");
  const auto [extent, nid] = Damage("text", 5);
  options_.level = CheckLevel::kStructure;
  EXPECT_EQ(Check().ExitStatus(), 0) << "data was not to be read";
  options_.level = CheckLevel::kData;
  for (const unsigned jobs : {1U, 4U}) {
    options_.jobs = jobs;
    const Report report = Check();
    EXPECT_EQ(report.ExitStatus(), kExitErrorsLeft);
    ASSERT_EQ(report.findings.size(), 1U);
    const Finding& finding = report.findings[0];
    EXPECT_EQ(finding.error.rule, Rule::kZ16);
    EXPECT_EQ(finding.error.offset, extent.where.offset);
    EXPECT_EQ(finding.nid, nid);
    EXPECT_EQ(finding.path, "/text");
    EXPECT_EQ(finding.detail, "byte " + std::to_string(extent.pos) + " of the file");
  }
}

TEST_F(DataCheckerTest, Z16_FindingsAreTheSameForAnyNumberOfThreads) {
  Make("-zlz4");
  for (const std::size_t index : {9U, 0U, 4U}) {
    Damage("text", index);
    Damage("other", index);
  }
  options_.jobs = 1;
  const Report one = Check();
  ASSERT_EQ(one.findings.size(), 6U);
  EXPECT_EQ(one.findings[0].path, "/other");
  EXPECT_EQ(one.findings[3].path, "/text");
  options_.jobs = 4;
  for (int round = 0; round < 10; ++round) {
    const Report many = Check();
    ASSERT_EQ(many.findings.size(), one.findings.size());
    for (std::size_t i = 0; i < one.findings.size(); ++i)
      EXPECT_EQ(Describe(many.findings[i]), Describe(one.findings[i]));
    EXPECT_EQ(many.tally.read_bytes, one.tally.read_bytes);
  }
}

TEST_F(DataCheckerTest, LIM1_ADecompressionBombIsStopped) {
  files_ = {{"bomb", std::string(200 * kMiB, '\0')}};
  Make("-zlz4 -C1048576");
  ASSERT_LT(source_->size(), 2 * kMiB);
  options_.budget.max_data_bytes = 16 * kMiB;
  for (const unsigned jobs : {1U, 4U}) {
    options_.jobs = jobs;
    const Report report = Check();
    EXPECT_EQ(report.ExitStatus(), kExitNotChecked);
    ASSERT_EQ(report.findings.size(), 1U);
    EXPECT_EQ(report.findings[0].error.rule, Rule::kLim1);
    EXPECT_EQ(report.findings[0].detail, "more than 16777216 bytes to decode and to read");
    // One extent may be past it, for each thread.
    EXPECT_LE(report.tally.read_bytes, (16 + jobs * 12) * kMiB);
  }
  options_.budget.max_data_bytes = 201 * kMiB;
  EXPECT_EQ(Check().ExitStatus(), 0);
}

TEST_F(DataCheckerTest, LIM1_WhatIsNotCompressedIsPaidForBeforeItIsRead) {
  files_ = {{"noise", SomeNoise(4 * kMiB)}};
  Make("");
  options_.budget.max_data_bytes = 4 * kMiB - 1;
  Report report = Check();
  EXPECT_EQ(report.ExitStatus(), kExitNotChecked);
  EXPECT_EQ(report.Count(Rule::kLim1), 1U);
  EXPECT_EQ(report.tally.read_bytes, 0U);
  options_.budget.max_data_bytes = 4 * kMiB + 65536;  // what belongs to nothing is read as well
  report = Check();
  EXPECT_EQ(report.ExitStatus(), 0);
  EXPECT_EQ(report.tally.read_bytes, 4 * kMiB);
}

TEST_F(DataCheckerTest, WhatTheSystemCannotReadIsNotCorruption) {
  Make("-zlz4");
  options_.jobs = 1;
  options_.progress = [&](Phase phase, std::uint64_t, std::uint64_t) {
    source_->broken = phase == Phase::kBytes;
  };
  const Report report = Check();
  EXPECT_EQ(report.ExitStatus(), kExitNotChecked);
  EXPECT_GT(report.Count(Rule::kNone), 0U);
  const auto finding = std::ranges::find_if(
      report.findings, [](const Finding& f) { return f.error.os_errno == EIO; });
  ASSERT_NE(finding, report.findings.end());
  EXPECT_TRUE(finding->path.starts_with('/')) << finding->path;
}

TEST_F(DataCheckerTest, EndsSoonAfterItIsToldTo) {
  Make("-zlz4");
  std::atomic<bool> stop = false;
  options_.stop = &stop;
  options_.progress = [&](Phase phase, std::uint64_t, std::uint64_t) {
    stop = phase == Phase::kBytes;
  };
  for (const unsigned jobs : {1U, 4U}) {
    stop = false;
    options_.jobs = jobs;
    const Report report = Check();
    EXPECT_TRUE(report.cancelled);
    EXPECT_EQ(report.ExitStatus(), kExitCancelled);
    EXPECT_LT(report.tally.read_bytes, 300'000U);
  }
}

TEST_F(DataCheckerTest, ProgressGoesFromNothingToAllThereIs) {
  Make("-zlz4");
  std::uint64_t last = 0;
  std::uint64_t last_total = 0;
  options_.progress = [&](Phase phase, std::uint64_t bytes, std::uint64_t total) {
    if (phase != Phase::kBytes) return;
    EXPECT_GT(bytes, last);
    last = bytes;
    last_total = total;
  };
  options_.jobs = 4;
  const Report report = Check();
  EXPECT_EQ(last, report.tally.read_bytes);
  EXPECT_EQ(last_total, report.tally.data_bytes);
}

}  // namespace
}  // namespace amberfs
