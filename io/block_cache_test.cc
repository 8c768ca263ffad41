#include "io/block_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <future>
#include <latch>
#include <random>
#include <thread>
#include <vector>

namespace amberfs {
namespace {

using Block = BlockCache::BlockPtr;
using Key = BlockCache::Key;

// Keys as the reader of pclusters makes them: offsets of blocks.
Key KeyOf(std::uint64_t number) { return {.offset = number << 12, .length = 0, .what = 7}; }

std::byte ByteOf(std::uint64_t number) { return static_cast<std::byte>(number * 37 + 11); }

BlockCache::Fill FillFor(std::uint64_t number) {
  return [number](ByteSpan out) -> Result<void> {
    std::ranges::fill(out, ByteOf(number));
    return {};
  };
}

BlockCache::Fill MustNotBeCalled() {
  return [](ByteSpan) -> Result<void> {
    ADD_FAILURE() << "made again";
    return {};
  };
}

Result<Block> GetBlock(BlockCache& cache, std::uint64_t number, std::size_t bytes) {
  return cache.Get(KeyOf(number), bytes, bytes, FillFor(number));
}

bool HoldsOnly(const Block& block, std::byte byte) {
  return std::ranges::all_of(block->bytes(), [&](std::byte b) { return b == byte; });
}

TEST(BlockCache, ABlockIsMadeOnceAndFoundByItsKeyAlone) {
  BlockCache cache(1 << 20);
  const Key key{.offset = 4096, .length = 100, .what = 5};
  EXPECT_EQ(cache.Find(key, 1), nullptr);
  EXPECT_FALSE(cache.Contains(key, 1));
  const auto made = cache.Get(key, 10, 100, FillFor(1));
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ((*made)->bytes().size(), 100U);
  EXPECT_EQ(cache.Find(key, 100), *made);
  EXPECT_TRUE(cache.Contains(key, 100));
  EXPECT_EQ(cache.Get(key, 100, 100, MustNotBeCalled()).value(), *made);
  for (const Key& other : {Key{.offset = 8192, .length = 100, .what = 5},
                           Key{.offset = 4096, .length = 101, .what = 5},
                           Key{.offset = 4096, .length = 100, .what = 6}}) {
    EXPECT_EQ(cache.Find(other, 1), nullptr);
    EXPECT_FALSE(cache.Contains(other, 1));
  }
}

TEST(BlockCache, NewsIsNewsOnce) {
  BlockCache cache(1 << 20);
  for (int round = 0; round < 2; ++round)
    for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(cache.IsNews(KeyOf(i)), round == 0);
  for (std::uint64_t i = 0; i < 100'000; ++i) cache.IsNews(KeyOf(i));
  EXPECT_TRUE(cache.IsNews(KeyOf(1))) << "it is long ago";
}

TEST(BlockCache, WhatNobodyAsksForIsDropped) {
  BlockCache cache(1 << 20);
  for (std::uint64_t i = 0; i < 100; ++i) ASSERT_TRUE(GetBlock(cache, i, 1000).has_value());
  const std::uint64_t used = cache.used_bytes();
  cache.DropUnused();  // all are new
  EXPECT_EQ(cache.used_bytes(), used);
  for (std::uint64_t i = 0; i < 100; i += 10) EXPECT_NE(cache.Find(KeyOf(i), 1), nullptr);
  cache.DropUnused();
  EXPECT_EQ(cache.used_bytes(), used / 10);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(cache.Contains(KeyOf(i), 1), i % 10 == 0) << i;
  cache.DropUnused();
  EXPECT_EQ(cache.used_bytes(), 0U);
}

TEST(BlockCache, WhatIsBeingMadeIsNotDropped) {
  BlockCache cache(1 << 20);
  const auto made = cache.Get(KeyOf(1), 10, 10, [&](ByteSpan out) -> Result<void> {
    cache.DropUnused();
    cache.DropUnused();
    return FillFor(1)(out);
  });
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(cache.Find(KeyOf(1), 10), *made);
}

TEST(BlockCache, ALongerBlockReplacesAShorterOne) {
  BlockCache cache(1 << 20);
  const Block shorter = GetBlock(cache, 1, 100).value();
  EXPECT_EQ(cache.Find(KeyOf(1), 101), nullptr);
  EXPECT_FALSE(cache.Contains(KeyOf(1), 101));
  const std::uint64_t used = cache.used_bytes();
  const Block longer = GetBlock(cache, 1, 300).value();
  EXPECT_EQ(longer->bytes().size(), 300U);
  EXPECT_EQ(cache.used_bytes(), used + 200) << "the shorter one has gone";
  EXPECT_EQ(cache.Find(KeyOf(1), 1), longer);
  EXPECT_EQ(cache.Get(KeyOf(1), 50, 50, MustNotBeCalled()).value(), longer);
  EXPECT_TRUE(HoldsOnly(shorter, ByteOf(1))) << "whoever holds it still has it";
}

TEST(BlockCache, AFailureIsToldAndNotKept) {
  BlockCache cache(1 << 20);
  const auto failed = cache.Get(KeyOf(1), 10, 10, [](ByteSpan) { return IoError(ENOMEM, 77); });
  ASSERT_FALSE(failed.has_value());
  EXPECT_EQ(failed.error().os_errno, ENOMEM);
  EXPECT_EQ(failed.error().offset, 77U);
  EXPECT_EQ(cache.Find(KeyOf(1), 1), nullptr);
  EXPECT_FALSE(cache.Contains(KeyOf(1), 1));
  EXPECT_EQ(cache.used_bytes(), 0U);
  EXPECT_TRUE(HoldsOnly(GetBlock(cache, 1, 10).value(), ByteOf(1)));
}

TEST(BlockCache, AFailureToMakeALongerBlockLeavesTheShorterOne) {
  BlockCache cache(1 << 20);
  const Block shorter = GetBlock(cache, 1, 100).value();
  EXPECT_FALSE(cache.Get(KeyOf(1), 200, 200, [](ByteSpan) { return IoError(EIO); }).has_value());
  EXPECT_EQ(cache.Find(KeyOf(1), 100), shorter);
  EXPECT_FALSE(cache.Contains(KeyOf(1), 101));
}

TEST(BlockCache, KeepsWithinItsLimitWhateverIsAskedFor) {
  constexpr std::uint64_t kLimit = 100'000;
  BlockCache cache(kLimit);
  std::mt19937 random(1);
  for (int round = 0; round < 5000; ++round) {
    const std::uint64_t number = random() % 500;
    const std::size_t bytes = 1 + random() % 20'000;
    const auto block = cache.Get(KeyOf(number), bytes, bytes, [&](ByteSpan out) -> Result<void> {
      EXPECT_LE(cache.used_bytes(), kLimit) << "this one counts already";
      return FillFor(number)(out);
    });
    ASSERT_TRUE(block.has_value() && (*block)->bytes().size() >= bytes);
    ASSERT_TRUE(HoldsOnly(*block, ByteOf(number)));
    ASSERT_LE(cache.used_bytes(), kLimit);
  }
  // What it keeps is what it says that it keeps.
  std::uint64_t kept = 0;
  for (std::uint64_t number = 0; number < 500; ++number)
    if (const Block block = cache.Find(KeyOf(number), 1)) kept += block->bytes().size();
  EXPECT_LE(kept, cache.used_bytes());
  EXPECT_GE(kept, kLimit / 2) << "a cache that keeps nothing keeps its limit, too";
}

TEST(BlockCache, ABlockLargerThanTheCacheIsHandedOutAndNotKept) {
  BlockCache cache(1000);
  const Block block = GetBlock(cache, 1, 5000).value();
  EXPECT_EQ(block->bytes().size(), 5000U);
  EXPECT_TRUE(HoldsOnly(block, ByteOf(1)));
  EXPECT_EQ(cache.Find(KeyOf(1), 1), nullptr);
  EXPECT_EQ(cache.used_bytes(), 0U);
  BlockCache none(0);
  EXPECT_TRUE(HoldsOnly(GetBlock(none, 1, 1).value(), ByteOf(1)));
  EXPECT_EQ(none.used_bytes(), 0U);
}

TEST(BlockCache, ABlockLivesForAsLongAsSomebodyHoldsIt) {
  BlockCache cache(20'000);
  const Block held = GetBlock(cache, 0, 5000).value();
  for (std::uint64_t number = 1; number < 200; ++number)
    ASSERT_TRUE(GetBlock(cache, number, 5000).has_value());
  EXPECT_FALSE(cache.Contains(KeyOf(0), 1));
  EXPECT_TRUE(HoldsOnly(held, ByteOf(0)));
}

TEST(BlockCache, WhatIsUsedStaysAndWhatIsNotGoes) {
  BlockCache cache(64 * 1024);
  ASSERT_TRUE(GetBlock(cache, 0, 1000).has_value());
  for (std::uint64_t number = 1; number < 1000; ++number) {
    ASSERT_TRUE(GetBlock(cache, number, 1000).has_value());
    ASSERT_NE(cache.Find(KeyOf(0), 1000), nullptr) << number;
  }
  EXPECT_FALSE(cache.Contains(KeyOf(1), 1));
}

// A miss under a lock would wait for itself here: some of so many keys share whatever there is.
TEST(BlockCache, AMissHoldsNoLock) {
  constexpr std::uint64_t kKeys = 64;
  BlockCache cache(1 << 20);
  ASSERT_TRUE(GetBlock(cache, 1, 10).has_value());
  const auto outer = cache.Get(KeyOf(0), 10, 10, [&](ByteSpan out) -> Result<void> {
    EXPECT_NE(cache.Find(KeyOf(1), 10), nullptr);
    EXPECT_TRUE(cache.Contains(KeyOf(0), 10)) << "it is being made";
    for (std::uint64_t number = 1; number < kKeys; ++number)
      EXPECT_TRUE(HoldsOnly(GetBlock(cache, number, 10).value(), ByteOf(number)));
    return FillFor(0)(out);
  });
  EXPECT_TRUE(HoldsOnly(outer.value(), ByteOf(0)));
  for (std::uint64_t number = 0; number < kKeys; ++number)
    EXPECT_NE(cache.Find(KeyOf(number), 10), nullptr) << number;
}

// One that makes a block until it is told to end.
class SlowMaker {
 public:
  SlowMaker(BlockCache& cache, std::size_t bytes, bool works)
      : result_(std::async(std::launch::async, [this, &cache, bytes, works] {
          return cache.Get(KeyOf(0), bytes, bytes, [&](ByteSpan out) -> Result<void> {
            started_.count_down();
            end_.wait();
            if (!works) return IoError(EIO);
            return FillFor(0)(out);
          });
        })) {
    started_.wait();
  }
  Result<Block> End() {
    end_.count_down();
    return result_.get();
  }

 private:
  std::latch started_{1};
  std::latch end_{1};
  std::future<Result<Block>> result_;
};

// Long enough for a thread to begin to wait. If it is not, the tests below prove less and pass.
void LetOthersRun() { std::this_thread::sleep_for(std::chrono::milliseconds(50)); }

TEST(BlockCache, WhoWantsTheSameBlockWaitsForItInsteadOfMakingItAgain) {
  BlockCache cache(1 << 20);
  SlowMaker maker(cache, 100, true);
  std::vector<std::future<Block>> others;
  for (const std::size_t bytes : {1U, 50U, 100U}) {
    others.push_back(std::async(std::launch::async, [&, bytes] {
      return cache.Get(KeyOf(0), bytes, bytes, MustNotBeCalled()).value();
    }));
  }
  others.push_back(std::async(std::launch::async, [&] { return cache.Find(KeyOf(0), 100); }));
  LetOthersRun();
  const Block block = maker.End().value();
  for (auto& other : others) EXPECT_EQ(other.get(), block);
}

TEST(BlockCache, WhoWaitedInVainTriesForHimself) {
  BlockCache cache(1 << 20);
  SlowMaker maker(cache, 100, false);
  auto waiting = std::async(std::launch::async, [&] { return GetBlock(cache, 0, 100); });
  auto looking = std::async(std::launch::async, [&] { return cache.Find(KeyOf(0), 100); });
  LetOthersRun();
  EXPECT_FALSE(maker.End().has_value());
  const auto block = waiting.get();
  ASSERT_TRUE(block.has_value());
  EXPECT_TRUE(HoldsOnly(*block, ByteOf(0)));
  if (const Block found = looking.get()) {
    EXPECT_EQ(found, *block);
  }
  EXPECT_EQ(cache.Find(KeyOf(0), 100), *block);
}

TEST(BlockCache, WhoWantsMoreThanIsBeingMadeDoesNotWait) {
  for (const bool works : {true, false}) {
    BlockCache cache(1 << 20);
    SlowMaker maker(cache, 100, works);
    EXPECT_EQ(cache.Find(KeyOf(0), 101), nullptr);
    EXPECT_FALSE(cache.Contains(KeyOf(0), 101));
    const Block longer = GetBlock(cache, 0, 200).value();
    EXPECT_EQ(cache.Find(KeyOf(0), 150), longer);
    EXPECT_EQ(maker.End().has_value(), works);
    EXPECT_EQ(cache.Find(KeyOf(0), 1), longer) << "a shorter one does not replace it";
    EXPECT_GE(cache.used_bytes(), 200U);
    EXPECT_LT(cache.used_bytes(), 200U + 300) << "what is gone is not counted";
  }
}

TEST(BlockCache, ManyThreadsGetTheRightBytes) {
  constexpr std::uint64_t kLimit = 200'000;
  BlockCache cache(kLimit);
  std::atomic<std::uint64_t> failures = 0;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937 random(i);
      for (int round = 0; round < 4000; ++round) {
        const std::uint64_t number = random() % 64;
        const std::size_t bytes = 1 + random() % 10'000;
        const bool fails = random() % 16 == 0;
        const auto block = cache.Get(KeyOf(number), bytes, bytes, [&](ByteSpan out) {
          return fails ? IoError(EIO) : FillFor(number)(out);
        });
        if (!block) {
          ++failures;
        } else if ((*block)->bytes().size() < bytes || !HoldsOnly(*block, ByteOf(number))) {
          ADD_FAILURE() << "a block of somebody else";
        }
        if (const Block found = cache.Find(KeyOf(number), bytes / 2 + 1);
            found && !HoldsOnly(found, ByteOf(number))) {
          ADD_FAILURE() << "a block of somebody else";
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(failures, 0U);
  EXPECT_LE(cache.used_bytes(), kLimit);
  std::uint64_t kept = 0;
  for (std::uint64_t number = 0; number < 64; ++number)
    if (const Block block = cache.Find(KeyOf(number), 1)) kept += block->bytes().size();
  EXPECT_LE(kept, cache.used_bytes());
}

}  // namespace
}  // namespace amberfs
