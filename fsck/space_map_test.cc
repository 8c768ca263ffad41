#include "fsck/space_map.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace amberfs {
namespace {

constexpr DeviceId kPrimary{0};

std::vector<std::pair<std::uint32_t, std::uint32_t>> Clashes(SpaceMap map) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> out;
  map.Sort();
  map.ForEachClash([&](const Claim& a, const Claim& b) { out.emplace_back(a.owner, b.owner); });
  return out;
}

std::string Gaps(SpaceMap map, std::uint64_t end) {
  std::string out;
  map.Sort();
  map.ForEachGap(kPrimary, 0, end, [&](std::uint64_t from, std::uint64_t to) {
    out += std::to_string(from) + "-" + std::to_string(to) + " ";
    return true;
  });
  return out;
}

TEST(SpaceMap, NeighboursDoNotClash) {
  SpaceMap map;
  map.Add({kPrimary, 10}, 10, Part::kData, 1);
  map.Add({kPrimary, 0}, 10, Part::kData, 2);
  map.Add({kPrimary, 20}, 5, Part::kInode, 3);
  map.Add({DeviceId{1}, 5}, 10, Part::kData, 4);
  map.Add({kPrimary, 15}, 0, Part::kData, 5);
  EXPECT_TRUE(Clashes(map).empty());
  EXPECT_EQ(Gaps(map, 30), "25-30 ");
}

TEST(SpaceMap, NamesOneOfThoseThatWereThereBefore) {
  SpaceMap map;
  map.Add({kPrimary, 0}, 100, Part::kData, 1);
  map.Add({kPrimary, 10}, 10, Part::kData, 2);
  map.Add({kPrimary, 30}, 10, Part::kInode, 3);
  map.Add({kPrimary, 100}, 1, Part::kInode, 4);
  using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  EXPECT_EQ(Clashes(map), (Pairs{{1, 2}, {1, 3}}));
}

TEST(SpaceMap, WhatMaySharePassesOnlyAmongItself) {
  SpaceMap map;
  map.Add({kPrimary, 0}, 100, Part::kData, 1, Sharing::kChunks);
  map.Add({kPrimary, 50}, 100, Part::kData, 2, Sharing::kChunks);
  EXPECT_TRUE(Clashes(map).empty());
  map.Add({kPrimary, 60}, 10, Part::kData, 3, Sharing::kPclusters);
  map.Add({kPrimary, 140}, 20, Part::kData, 4);
  using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  EXPECT_EQ(Clashes(map), (Pairs{{2, 3}, {2, 4}}));
}

TEST(SpaceMap, SharedAttributesLieOnTheSameBytesOrNone) {
  SpaceMap map;
  for (const std::uint32_t owner : {1U, 2U, 3U})
    map.Add({kPrimary, 8}, 12, Part::kSharedXattr, owner, Sharing::kSame);
  EXPECT_TRUE(Clashes(map).empty());
  map.Add({kPrimary, 16}, 12, Part::kSharedXattr, 4, Sharing::kSame);
  EXPECT_EQ(Clashes(map).size(), 1U);
}

TEST(SpaceMap, OneOwnersNeighboursTakeNoMemory) {
  SpaceMap map;
  for (std::uint64_t i = 0; i < 1000; ++i) map.Add({kPrimary, i * 8}, 8, Part::kData, 1);
  EXPECT_LE(map.bytes(), 32U);
  EXPECT_EQ(Gaps(map, 8000), "");
}

// What a bitmap says.
TEST(SpaceMap, AgreesWithABitmap) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 300; ++round) {
    SpaceMap map;
    std::vector<int> owners(256, 0);
    bool clash = false;
    for (std::uint32_t owner = 1; owner <= 12; ++owner) {
      const std::uint64_t start = random() % 250;
      const std::uint64_t bytes = 1 + random() % 6;
      map.Add({kPrimary, start}, bytes, Part::kData, owner);
      for (std::uint64_t at = start; at < start + bytes; ++at) clash |= owners[at]++ > 0;
    }
    EXPECT_EQ(!Clashes(map).empty(), clash);
    std::string gaps;
    for (std::size_t at = 0; at < owners.size(); ++at) {
      if (owners[at] > 0 || (at > 0 && owners[at - 1] == 0)) continue;
      std::size_t end = at;
      while (end < owners.size() && owners[end] == 0) ++end;
      gaps += std::to_string(at) + "-" + std::to_string(end) + " ";
    }
    EXPECT_EQ(Gaps(map, owners.size()), gaps);
  }
}

}  // namespace
}  // namespace amberfs
