#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "fsck/budget.h"
#include "fsck/report.h"
#include "fsck/seen_table.h"

namespace amberfs {
namespace {

TEST(SeenTable, FindsWhatWasAddedAndNothingElse) {
  SeenTable table;
  std::mt19937_64 random(1);
  std::vector<std::uint64_t> nids;
  for (int i = 0; i < 5000; ++i) {
    nids.push_back(random() & ~std::uint64_t{1});
    EXPECT_EQ(table.Find(Nid{nids.back()}), SeenTable::kNone);
    EXPECT_EQ(table.Add({.nid = Nid{nids.back()}}), static_cast<std::uint32_t>(i));
  }
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    EXPECT_EQ(table.Find(Nid{nids[i]}), i);
    EXPECT_EQ(table.Find(Nid{nids[i] | 1}), SeenTable::kNone);
  }
}

TEST(SeenTable, CostsAboutFortyBytesPerInode) {
  SeenTable table;
  for (std::uint64_t i = 0; i < 100'000; ++i) table.Add({.nid = Nid{i}});
  EXPECT_LE(table.bytes_to_add(), 45U * 100'000);
}

TEST(Meter, SaysNoForEverOnceOverTheBudget) {
  Meter meter({.max_entries = 2, .max_read_bytes = 1000}, 0, nullptr);
  EXPECT_TRUE(meter.PayEntry());
  EXPECT_TRUE(meter.PayEntry());
  EXPECT_TRUE(meter.PayRead(900));
  EXPECT_FALSE(meter.PayEntry());
  EXPECT_EQ(meter.state(), Meter::State::kEntries);
  EXPECT_EQ(meter.Explain(), "more than 2 directory entries");
  EXPECT_FALSE(meter.PayRead(1));
  EXPECT_FALSE(meter.PayMemory(Meter::Memory::kInodes, 0));
}

TEST(Meter, SmallReadsCostAtLeast64Bytes) {
  Meter meter({.max_read_bytes = 128}, 0, nullptr);
  EXPECT_TRUE(meter.PayRead(1));
  EXPECT_TRUE(meter.PayRead(0));
  EXPECT_FALSE(meter.PayRead(0));
  EXPECT_EQ(meter.state(), Meter::State::kRead);
}

TEST(Meter, AReadThatWouldOverflowTheSumIsRefused) {
  Meter meter({}, ~std::uint64_t{0}, nullptr);
  EXPECT_TRUE(meter.PayRead(~std::uint64_t{0} - 1));
  EXPECT_FALSE(meter.PayRead(~std::uint64_t{0}));
}

TEST(Meter, WhatIsDecodedAndWhatIsReadShareOneBudget) {
  std::atomic<std::uint64_t> decoded = 0;
  Meter meter({.max_data_bytes = 100}, 0, nullptr, &decoded);
  EXPECT_TRUE(meter.PayData(60));
  decoded = 40;
  EXPECT_TRUE(meter.PayRead(1));
  decoded = 41;
  EXPECT_FALSE(meter.PayRead(1)) << "whoever looks next learns of it";
  EXPECT_EQ(meter.state(), Meter::State::kData);
  EXPECT_EQ(meter.Explain(), "more than 100 bytes to decode and to read");

  Meter other({.max_data_bytes = 100}, 0, nullptr);
  EXPECT_TRUE(other.PayData(100));
  EXPECT_FALSE(other.PayData(1));
}

TEST(Meter, MemoryCountsAsATotal) {
  Meter meter({.max_memory_bytes = 100}, 0, nullptr);
  EXPECT_TRUE(meter.PayMemory(Meter::Memory::kInodes, 60));
  EXPECT_TRUE(meter.PayMemory(Meter::Memory::kInodes, 100));
  EXPECT_FALSE(meter.PayMemory(Meter::Memory::kInodes, 101));
  EXPECT_EQ(meter.state(), Meter::State::kMemory);
}

TEST(Meter, StopsWhenToldTo) {
  std::atomic<bool> stop = false;
  Meter meter({}, 0, &stop);
  EXPECT_TRUE(meter.PayRead(1));
  stop = true;
  EXPECT_FALSE(meter.PayRead(1));
  EXPECT_EQ(meter.state(), Meter::State::kStopped);
}

TEST(Meter, AnAbsurdTimeIsNoLimit) {
  Meter meter({.max_time = std::chrono::seconds::max()}, 0, nullptr);
  EXPECT_TRUE(meter.PayRead(1));
}

TEST(Report, CombinesTheBitsOfFsck8) {
  Report report;
  EXPECT_EQ(report.ExitStatus(), 0);
  EXPECT_EQ(VerdictName(report.verdict()), "clean");
  report.CountUpTo(Broken(Rule::kSb10, 0).error(), 1);
  EXPECT_EQ(report.ExitStatus(), 0) << "a warning alone is clean";
  report.CountUpTo(Broken(Rule::kIno2, 0).error(), 1);
  EXPECT_EQ(report.ExitStatus(), kExitNotChecked);
  EXPECT_EQ(VerdictName(report.verdict()), "incomplete");
  report.CountUpTo(Broken(Rule::kIno9, 0).error(), 1);
  report.cancelled = true;
  EXPECT_EQ(report.ExitStatus(), kExitErrorsLeft | kExitNotChecked | kExitCancelled);
  EXPECT_EQ(VerdictName(report.verdict()), "corrupt");
}

TEST(Report, AReadErrorIsNotCorruption) {
  Report report;
  report.CountUpTo(IoError(5, 4096).error(), 1);
  EXPECT_EQ(report.ExitStatus(), kExitNotChecked);
  EXPECT_EQ(Describe(Finding{IoError(5, 4096).error(), Nid{36}, "/a", {}}),
            "input/output error: Input/output error at byte 4096: /a (nid 36)");
}

TEST(Report, KeepsTheFirstFindingsOfEachRule) {
  Report report;
  const Error error = Broken(Rule::kDir4, 0).error();
  EXPECT_TRUE(report.CountUpTo(error, 2));
  EXPECT_TRUE(report.CountUpTo(error, 2));
  EXPECT_FALSE(report.CountUpTo(error, 2));
  EXPECT_TRUE(report.CountUpTo(Broken(Rule::kDir9, 0).error(), 2));
  EXPECT_EQ(report.Count(Rule::kDir4), 3U);
}

TEST(Report, DescribesOnOneLine) {
  const Finding finding{Broken(Rule::kDir4, 4120).error(), Nid{36}, "/usr/bin", "'a' follows 'b'"};
  EXPECT_EQ(Describe(finding),
            "corrupt (rule DIR-4 at byte 4120): names ascend strictly over the whole directory: "
            "/usr/bin (nid 36): 'a' follows 'b'");
  EXPECT_EQ(Describe(Finding{Broken(Rule::kLim1, Error::kNowhere).error(), {}, {}, "more"}),
            "limit (rule LIM-1): the check ends within its budget of time, memory and entries: "
            "more");
}

}  // namespace
}  // namespace amberfs
