// However data comes to be what it is, its descriptor and tree are those of the data.
#include "verity/write_hasher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/checked.h"
#include "verity/test_stream.h"

namespace amberfs {
namespace {

// What is written, and the hasher that saw it.
struct Written {
  explicit Written(const SealOptions& o) : options(o), hasher(o) {}

  void Write(std::uint64_t offset, ByteView bytes) {
    data.resize(std::max<std::uint64_t>(data.size(), offset + bytes.size()));
    std::ranges::copy(bytes, ByteSpan(data).subspan(offset).begin());
    hasher.Written(offset, bytes);
  }

  // Blocks that had to be read again, once everything was compared.
  std::uint64_t Compare() {
    const MemorySource source(data);
    const auto record = [](std::vector<std::byte>& tree) {
      return [&tree](std::uint64_t offset, ByteView bytes) {
        tree.resize(std::max<std::uint64_t>(tree.size(), offset + bytes.size()));
        std::ranges::copy(bytes, ByteSpan(tree).subspan(offset).begin());
        return Result<void>();
      };
    };
    std::vector<std::byte> tree;
    std::vector<std::byte> wanted_tree;
    const auto descriptor = hasher.Finish(source, record(tree));
    const auto wanted = ComputeDescriptor(source, options, record(wanted_tree));
    EXPECT_TRUE(descriptor.has_value());
    EXPECT_EQ(descriptor->Encode(), wanted->Encode());
    EXPECT_EQ(tree, wanted_tree);
    return hasher.blocks_read();
  }

  const SealOptions options;
  std::vector<std::byte> data;
  WriteHasher hasher;
};

TEST(WriteHasher, PiecesInOrderAreHashedOnTheWay) {
  const auto bytes = TestStream(1'300'000);
  for (const std::size_t piece : {1U, 100U, 4095U, 4096U, 5000U, 1U << 20, 1'300'000U}) {
    Written written(SealOptions{});
    for (std::size_t at = 0; at < bytes.size(); at += piece)
      written.Write(at, ByteView(bytes).subspan(at, std::min(piece, bytes.size() - at)));
    EXPECT_LE(written.Compare(), 1U) << piece;  // the last block is not a whole one
  }
}

TEST(WriteHasher, SizesAroundBlocks) {
  const auto bytes = TestStream(2 * 524288 + 1);
  for (const std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 524288U, 524289U, 2U * 524288U + 1}) {
    Written written({.algorithm = HashAlgorithm::kSha512, .salt = {std::byte{7}}});
    written.Write(0, ByteView(bytes).first(size));
    written.Compare();
  }
}

TEST(WriteHasher, WhatIsWrittenLastCounts) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 50; ++round) {
    Written written({.block_bits = 9 + static_cast<unsigned>(random() % 4)});
    for (int i = 0; i < 40; ++i) {
      const auto bytes = TestStream(random() % 9000);
      std::uint64_t at =
          random() % 4 == 0 ? random() % (written.data.size() + 1) : written.data.size();
      if (random() % 3 == 0) at &= ~std::uint64_t{511};
      std::vector<std::byte> other(bytes);
      for (std::byte& byte : other) byte ^= std::byte(i);
      written.Write(at, other);
      // As when mkfs takes back what it wrote of a file.
      if (random() % 5 == 0) written.data.resize(random() % (written.data.size() + 1));
    }
    if (random() % 2 == 0)
      written.data.resize(
          RoundUp(written.data.size(), std::uint64_t{1} << written.options.block_bits));
    written.Compare();
  }
}

TEST(WriteHasher, AFailedReadOrWriteFails) {
  const auto bytes = TestStream(5000);
  WriteHasher hasher{SealOptions{}};
  hasher.Written(0, bytes);
  const MemorySource source(bytes);
  EXPECT_FALSE(hasher.Finish(
      source, [](std::uint64_t, ByteView) -> Result<void> { return IoError(ENOSPC, 0); }));
}

}  // namespace
}  // namespace amberfs
