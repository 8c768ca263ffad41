#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "fuse/cache_trimmer.h"
#include "fuse/event_log.h"
#include "fuse/node_id.h"
#include "fuse/server.h"

namespace amberfs {
namespace {

TEST(NodeId, IsAFixedFunctionOfTheNid) {
  constexpr Nid kRootNid{36};
  static_assert(ToNodeId(kRootNid, kRootNid) == 1);
  for (const std::uint64_t v : {0ULL, 1ULL, 35ULL, 36ULL, 37ULL, (1ULL << 59) - 1}) {
    const std::uint64_t id = ToNodeId(Nid{v}, kRootNid);
    EXPECT_EQ(ToNid(id, kRootNid), Nid{v});
    EXPECT_NE(id, 0U);
    EXPECT_EQ(id == kRootNodeId, v == kRootNid.v);
    EXPECT_LT(id, 1ULL << 62);
  }
}

TEST(Errno, SaysWhatTheCallerCanDo) {
  EXPECT_EQ(ErrnoOf(Broken(Rule::kDir1, 0).error()), EUCLEAN);
  EXPECT_EQ(ErrnoOf(Broken(Rule::kIno2, 0).error()), EOPNOTSUPP);
  EXPECT_EQ(ErrnoOf(Broken(Rule::kDev5, 0).error()), EFBIG);
  EXPECT_EQ(ErrnoOf(IoError(ENOMEM).error()), ENOMEM);
  EXPECT_EQ(ErrnoOf(Fail(Errc::kNotFound).error()), ENOENT);
  EXPECT_EQ(ErrnoOf(Fail(Errc::kUsage).error()), EINVAL);
}

TEST(CacheTrimmer, DropsWhatNobodyReads) {
  BlockCache cache(1 << 20);
  const auto fill = [](ByteSpan) -> Result<void> { return {}; };
  ASSERT_TRUE(cache.Get({.offset = 1}, 1000, 1000, fill).has_value());
  const CacheTrimmer trimmer(cache, std::chrono::milliseconds(1));
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (cache.used_bytes() != 0) ASSERT_LT(std::chrono::steady_clock::now(), end);
}

TEST(CacheTrimmer, EndsWithoutWaitingForItsInterval) {
  BlockCache cache(1 << 20);
  const CacheTrimmer trimmer(cache, std::chrono::hours(1));
}

TEST(EventLog, AHostileImageCannotFloodIt) {
  testing::internal::CaptureStderr();
  EventLog log("test");
  for (int i = 0; i < 100000; ++i) log.Report("read", Nid{7}, Broken(Rule::kDir1, 42).error());
  const std::string text = testing::internal::GetCapturedStderr();
  const auto lines = std::count(text.begin(), text.end(), '\n');
  EXPECT_GE(lines, EventLog::kBurst);
  EXPECT_LE(lines, 20 * EventLog::kBurst);  // even if the loop takes many seconds
  EXPECT_EQ(text.substr(0, text.find('\n')),
            "test: read of nid 7: corrupt (rule DIR-1 at byte 42): " +
                std::string(RuleSentence(Rule::kDir1)));
}

TEST(EventLog, NobodyHasToRead) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const int saved = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[0]);
  ::close(ends[1]);
  const auto old_handler = std::signal(SIGPIPE, SIG_IGN);  // as while serving
  EventLog log("test");
  log.Report("read", Nid{7}, Broken(Rule::kDir1, 42).error());
  std::signal(SIGPIPE, old_handler);
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
}

}  // namespace
}  // namespace amberfs
