#include "verity/file_hasher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "io/byte_source.h"
#include "verity/seal_writer.h"
#include "verity/test_stream.h"

namespace amberfs {
namespace {

std::string Expected(const std::vector<std::byte>& bytes) {
  return ComputeDescriptor(MemorySource(bytes), {})->file_digest().id();
}

TEST(FileHasher, PiecesOfAnySize) {
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 524'288U, 524'289U, 3'000'000U}) {
    const std::vector<std::byte> bytes = TestStream(size);
    for (const std::size_t piece : {1'000U, 4'096U, 100'000U}) {
      FileHasher hasher;
      for (std::size_t at = 0; at < size; at += piece)
        hasher.Add(ByteView(bytes).subspan(at, std::min(piece, size - at)));
      EXPECT_EQ(hasher.Finish()->id(), Expected(bytes)) << size << " in pieces of " << piece;
    }
  }
}

// Zeros give the same whether they are told as such or as bytes.
TEST(FileHasher, ZerosAnywhere) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 60; ++round) {
    FileHasher hasher;
    std::vector<std::byte> bytes;
    for (int run = 0; run < 6; ++run) {
      // Around blocks, and around what one and two levels of hashes stand for.
      const std::uint64_t around = std::uint64_t{1} << (random() % 2 == 0 ? 12 : 19);
      const std::uint64_t size = around * (random() % 4) + random() % 3 * (random() % 4096);
      if (random() % 2 == 0) {
        hasher.AddZeros(size);
        bytes.resize(bytes.size() + size);
      } else {
        const std::vector<std::byte> piece = TestStream(size);
        hasher.Add(piece);
        bytes.insert(bytes.end(), piece.begin(), piece.end());
      }
    }
    ASSERT_EQ(hasher.Finish()->id(), Expected(bytes)) << "round " << round;
  }
}

TEST(FileHasher, ZerosOfThreeLevels) {
  const std::vector<std::byte> zeros(70'000'000);
  FileHasher hasher;
  hasher.AddZeros(zeros.size());
  EXPECT_EQ(hasher.Finish()->id(), Expected(zeros));
}

TEST(FileHasher, ATerabyteOfZerosTakesNoTime) {
  FileHasher in_one;
  in_one.AddZeros(std::uint64_t{1} << 40);
  FileHasher in_two;
  in_two.AddZeros((std::uint64_t{1} << 39) + 12345);
  in_two.AddZeros((std::uint64_t{1} << 39) - 12345);
  EXPECT_EQ(in_one.Finish()->id(), in_two.Finish()->id());
}

TEST(FileHasher, MoreThanATreeCanHave) {
  FileHasher hasher;
  hasher.AddZeros(std::uint64_t{1} << 63);
  EXPECT_FALSE(hasher.Finish().has_value());
}

}  // namespace
}  // namespace amberfs
