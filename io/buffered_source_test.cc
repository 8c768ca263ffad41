#include "io/buffered_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <random>
#include <thread>

namespace amberfs {
namespace {

constexpr std::uint64_t kBlock = BufferedSource::kBlockBytes;
constexpr std::uint64_t kLine = BufferedSource::kLineBytes;
constexpr std::uint64_t kSize = 3 * BufferedSource::kLines * kLine + 777;

std::byte ByteAt(std::uint64_t offset) {
  return static_cast<std::byte>(offset * 2654435761U >> 13);
}

// Counts what it is asked for; one of its bytes cannot be read.
class Counting final : public ByteSource {
 public:
  std::uint64_t size() const override { return kSize; }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override {
    if (offset > kSize || out.size() > kSize - offset) return IoError(EIO, offset);
    if (bad >= offset && bad < offset + out.size()) return IoError(EIO, offset);
    ++reads;
    bytes += out.size();
    for (std::byte& byte : out) byte = ByteAt(offset++);
    return {};
  }
  std::uint64_t bad = ~std::uint64_t{0};
  mutable std::atomic<std::uint64_t> reads = 0;
  mutable std::atomic<std::uint64_t> bytes = 0;
};

void ExpectRead(const BufferedSource& source, std::uint64_t offset, std::size_t bytes) {
  std::vector<std::byte> out(bytes);
  ASSERT_TRUE(source.ReadAt(offset, out)) << offset << " + " << bytes;
  for (const std::byte byte : out) ASSERT_EQ(byte, ByteAt(offset++));
}

TEST(BufferedSource, GivesWhatTheSourceGives) {
  const auto counting = std::make_shared<Counting>();
  const BufferedSource source(counting);
  EXPECT_EQ(source.size(), kSize);
  const auto read_much = [&source](unsigned seed) {
    std::mt19937 random(seed);
    for (int i = 0; i < 20'000; ++i) {
      const std::uint64_t offset = random() % kSize;
      ExpectRead(source, offset, std::min<std::uint64_t>(random() % 6000, kSize - offset));
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned seed = 0; seed < 4; ++seed) threads.emplace_back(read_much, seed);
}

TEST(BufferedSource, ReadsALineOnceInOrderAndABlockAtRandom) {
  const auto counting = std::make_shared<Counting>();
  const BufferedSource source(counting);
  for (std::uint64_t at = 0; at + 32 <= 10 * kLine; at += 32) ExpectRead(source, at, 32);
  EXPECT_LE(counting->reads, 11U);
  counting->bytes = 0;
  ExpectRead(source, 100 * kLine, 32);
  EXPECT_EQ(counting->bytes, kBlock);
  ExpectRead(source, 100 * kLine + 3 * kBlock, 32);
  EXPECT_EQ(counting->bytes, kBlock + kLine);
  ExpectRead(source, 200 * kLine, kBlock + 1);
  EXPECT_EQ(counting->bytes, 2 * kBlock + 1 + kLine);
}

TEST(BufferedSource, OneBadByteSpoilsOnlyReadsOfIt) {
  const auto counting = std::make_shared<Counting>();
  counting->bad = 5 * kLine + 100;
  const BufferedSource source(counting);
  std::array<std::byte, 8> out;
  EXPECT_EQ(source.ReadAt(5 * kLine + 96, out).error().os_errno, EIO);
  ExpectRead(source, 5 * kLine + 88, 8);
  ExpectRead(source, 5 * kLine + 101, 100);
  EXPECT_EQ(source.ReadAt(5 * kLine + 96, out).error().os_errno, EIO);
}

TEST(BufferedSource, PastTheEndIsAnError) {
  const BufferedSource source(std::make_shared<Counting>());
  std::array<std::byte, 8> out;
  ExpectRead(source, kSize - 8, 8);
  EXPECT_FALSE(source.ReadAt(kSize - 7, out));
  EXPECT_FALSE(source.ReadAt(kSize, out));
  EXPECT_FALSE(source.ReadAt(~std::uint64_t{0}, out));
}

}  // namespace
}  // namespace amberfs
