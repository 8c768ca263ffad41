#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "codec/decompressor.h"
#include "codec/test_allocations.h"
#include "codec/test_encoders.h"

namespace amberfs {
namespace {

using Bytes = std::vector<std::byte>;

ByteView View(const std::string& text) { return std::as_bytes(std::span(text)); }

// What a decode gave, in memory that ends where the result does and held `fill` before.
struct Decoded {
  DecodeStatus status;
  Bytes bytes;
};

Decoded Try(Algorithm algorithm, ByteView stream, std::size_t size, bool whole,
            std::uint8_t fill = 0xA5, std::uint32_t window = kEncoderWindow, bool strict = false) {
  // A copy of exact size, so that a sanitizer sees a read past its end.
  const Bytes exact(stream.begin(), stream.end());
  Decoded result = {DecodeStatus::kCorrupt, Bytes(size, std::byte{fill})};
  result.status = Decode({algorithm, exact, whole, window, strict}, result.bytes);
  return result;
}

std::string Text(std::size_t size) {
  std::string text;
  for (unsigned line = 0; text.size() < size; ++line)
    text += "line " + std::to_string(line * 7919 % 1000) + " of a text that says little\n";
  text.resize(size);
  return text;
}

std::string Noise(std::size_t size) {
  std::mt19937 random(static_cast<unsigned>(size));
  std::string noise(size, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

bool SameStart(const Bytes& bytes, const std::string& plain) {
  return std::ranges::equal(bytes, View(plain).first(bytes.size()));
}

class CodecTest : public testing::TestWithParam<TestEncoder> {};
INSTANTIATE_TEST_SUITE_P(Codec, CodecTest, testing::ValuesIn(kEncoders),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(CodecTest, GivesBackWhatWasEncodedWholeAndInPart) {
  const auto& [name, algorithm, encode] = GetParam();
  for (const std::size_t size : {1U, 2U, 13U, 4095U, 4096U, 4097U, 65537U, 1U << 20, 8U << 20}) {
    for (const std::string& plain : {std::string(size, '\0'), Text(size), Noise(size)}) {
      const Bytes stream = encode(View(plain));
      const Decoded whole = Try(algorithm, stream, size, true);
      ASSERT_EQ(whole.status, DecodeStatus::kOk) << size;
      ASSERT_TRUE(SameStart(whole.bytes, plain)) << size;
      for (const std::size_t part : {std::size_t{1}, size / 3, size / 2, size - 1, size}) {
        if (part == 0) continue;
        const Decoded prefix = Try(algorithm, stream, part, false);
        ASSERT_EQ(prefix.status, DecodeStatus::kOk) << part << " of " << size;
        ASSERT_TRUE(SameStart(prefix.bytes, plain)) << part << " of " << size;
      }
    }
  }
}

TEST_P(CodecTest, EachPrefixOfASmallStream) {
  const auto& [name, algorithm, encode] = GetParam();
  const std::string plain = Text(700);
  const Bytes stream = encode(View(plain));
  for (std::size_t part = 1; part <= plain.size(); ++part) {
    const Decoded prefix = Try(algorithm, stream, part, false);
    ASSERT_EQ(prefix.status, DecodeStatus::kOk) << part;
    ASSERT_TRUE(SameStart(prefix.bytes, plain)) << part;
  }
}

TEST_P(CodecTest, AWholeStreamIsNeitherShorterNorLonger) {
  const auto& [name, algorithm, encode] = GetParam();
  const std::string plain = Text(5000);
  const Bytes stream = encode(View(plain));
  EXPECT_EQ(Try(algorithm, stream, plain.size() - 1, true).status, DecodeStatus::kCorrupt);
  EXPECT_EQ(Try(algorithm, stream, plain.size() + 1, true).status, DecodeStatus::kCorrupt);
  EXPECT_EQ(Try(algorithm, stream, plain.size() + 1, false).status, DecodeStatus::kCorrupt);
  for (std::size_t cut = 0; cut < stream.size(); ++cut) {
    ASSERT_EQ(Try(algorithm, ByteView(stream).first(cut), plain.size(), true).status,
              DecodeStatus::kCorrupt)
        << cut;
  }
  for (const std::size_t more : {1U, 2U, 64U}) {
    Bytes longer = stream;
    longer.resize(stream.size() + more);
    EXPECT_EQ(Try(algorithm, longer, plain.size(), true).status, DecodeStatus::kCorrupt) << more;
    // Behind a prefix there may be anything.
    EXPECT_TRUE(SameStart(Try(algorithm, longer, plain.size(), false).bytes, plain)) << more;
  }
}

TEST_P(CodecTest, NothingIsNoStream) {
  const Algorithm algorithm = GetParam().algorithm;
  const Bytes stream = GetParam().encode(View("x"));
  EXPECT_EQ(Try(algorithm, {}, 1, true).status, DecodeStatus::kCorrupt);
  EXPECT_EQ(Try(algorithm, {}, 1, false).status, DecodeStatus::kCorrupt);
  EXPECT_EQ(Try(algorithm, stream, 0, true).status, DecodeStatus::kCorrupt);
}

// What is in the memory before is a secret of somebody: no stream may show it.
TEST_P(CodecTest, DamagedStreamsShowNothingButWhatTheyDecodeTo) {
  const auto& [name, algorithm, encode] = GetParam();
  const std::string plain = Text(1500) + Noise(100) + std::string(500, 'z');
  const Bytes stream = encode(View(plain));
  std::minstd_rand random(7);
  for (int round = 0; round < 4000; ++round) {
    Bytes damaged = stream;
    for (auto flips = 1 + random() % 3; flips > 0; --flips) {
      std::byte& hit = damaged[random() % damaged.size()];
      hit = random() % 2 == 0 ? std::byte{} : hit ^ std::byte(1U << random() % 8);
    }
    const bool whole = round % 2 == 0;
    const std::size_t size = whole ? plain.size() : 1 + random() % plain.size();
    const Decoded over_zeros = Try(algorithm, damaged, size, whole, 0x00);
    const Decoded over_ones = Try(algorithm, damaged, size, whole, 0xFF);
    ASSERT_EQ(over_zeros.status, over_ones.status) << round;
    if (over_zeros.status == DecodeStatus::kOk) {
      ASSERT_EQ(over_zeros.bytes, over_ones.bytes) << round << " of " << size;
    }
  }
}

TEST_P(CodecTest, ManyThreadsAtOnce) {
  const TestEncoder& encoder = GetParam();
  const std::string plain = Text(100'000);
  const Bytes stream = encoder.encode(View(plain));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) {
        const bool whole = (round + i) % 2 == 0;
        const std::size_t size = whole ? plain.size() : plain.size() / 2;
        EXPECT_TRUE(SameStart(Try(encoder.algorithm, stream, size, whole).bytes, plain));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_P(CodecTest, AllocatesNothingOnceItsThreadHasDecoded) {
  const TestEncoder& encoder = GetParam();
  const std::string plain = Text(200'000);
  const Bytes stream = encoder.encode(View(plain));
  Bytes out(plain.size());
  const auto decode = [&](bool whole) {
    const ByteSpan wanted = std::span(out).first(whole ? out.size() : out.size() / 3);
    ASSERT_EQ(Decode({encoder.algorithm, stream, whole, kEncoderWindow}, wanted),
              DecodeStatus::kOk);
  };
  decode(true);
  decode(false);
  const Allocations before = AllocationsSoFar();
  for (int round = 0; round < 100; ++round) decode(round % 3 == 0);
  EXPECT_EQ(AllocationsSoFar().count, before.count);
}

TEST_P(CodecTest, TakesNoMoreMemoryThanTheWindowAndAContext) {
  constexpr std::size_t kContexts = 512 << 10;
  const TestEncoder& encoder = GetParam();
  const std::string plain = Text(9 << 20);
  const Bytes stream = encoder.encode(View(plain));
  Bytes out(plain.size());
  for (const bool whole : {true, false}) {
    // A thread that has decoded nothing yet.
    std::thread([&] {
      const std::size_t before = AllocationsSoFar().bytes;
      EXPECT_EQ(Decode({encoder.algorithm, stream, whole, kEncoderWindow}, out), DecodeStatus::kOk);
      const std::size_t window = encoder.algorithm == Algorithm::kLz4 ? 0 : kEncoderWindow;
      EXPECT_LE(AllocationsSoFar().bytes - before, window + kContexts);
    }).join();
  }
}

// Libraries count in 32 bits here and there: 4 GiB and a little must not look like a little.
TEST_P(CodecTest, MoreThan4GiBIsNeverDecoded) {
  const auto& [name, algorithm, encode] = GetParam();
  constexpr std::size_t kLarge = std::size_t{1} << 32;
  const Bytes stream = encode(View("0123456789"));
  void* const memory = ::mmap(nullptr, kLarge + stream.size(), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const ByteSpan large(static_cast<std::byte*>(memory), kLarge + stream.size());
  Bytes out(10);
  for (const bool whole : {true, false}) {
    EXPECT_EQ(Decode({algorithm, stream, whole, kEncoderWindow}, large.first(kLarge + 10)),
              DecodeStatus::kCorrupt);
    std::ranges::copy(stream, large.begin());
    EXPECT_EQ(Decode({algorithm, large, whole, kEncoderWindow}, out), DecodeStatus::kCorrupt);
    std::ranges::copy(out, large.begin());
  }
  ::munmap(memory, large.size());
}

// Before zero padding came, streams stood at the start of their pcluster, with zeros behind.
TEST(Lz4, ZerosBehindAStreamAreNotLookedAt) {
  for (const std::size_t size : {1U, 5U, 12U, 13U, 64U, 4096U, 9000U}) {
    for (const std::string& plain : {std::string(size, '\0'), Text(size)}) {
      for (const TestEncoder& encoder : kEncoders) {
        if (encoder.algorithm != Algorithm::kLz4) continue;
        Bytes block = encoder.encode(View(plain));
        const std::size_t stream_bytes = block.size();
        for (const std::size_t zeros : {1U, 2U, 3U, 4000U}) {
          block.resize(stream_bytes + zeros);
          const Decoded decoded = Try(Algorithm::kLz4, block, size, false);
          ASSERT_EQ(decoded.status, DecodeStatus::kOk) << size << " bytes, " << zeros << " zeros";
          ASSERT_TRUE(SameStart(decoded.bytes, plain)) << size << " bytes, " << zeros << " zeros";
        }
      }
    }
  }
}

TEST(Lzma, NothingIsFoundFurtherBackThanTheDictionary) {
  constexpr std::size_t kFar = 300'000;
  const std::string plain = Noise(kFar) + Noise(kFar);
  const Bytes stream = EncodeLzma(View(plain));
  ASSERT_LT(stream.size(), kFar + kFar / 8) << "the second half should refer to the first";
  for (const bool whole : {true, false}) {
    EXPECT_EQ(Try(Algorithm::kLzma, stream, plain.size(), whole).status, DecodeStatus::kOk);
    EXPECT_EQ(Try(Algorithm::kLzma, stream, plain.size(), whole, 0, kFar - 16).status,
              DecodeStatus::kCorrupt);
    EXPECT_EQ(Try(Algorithm::kLzma, stream, plain.size(), whole, 0, 4096).status,
              DecodeStatus::kCorrupt);
  }
}

// A match at distance 0 would copy from where nothing was written yet.
TEST(Lz4, DistanceZeroShowsNoMemory) {
  for (std::size_t length = 4; length < 19; ++length) {
    Bytes stream = {std::byte(0x10 | (length - 4)), std::byte{'a'}, std::byte{}, std::byte{},
                    std::byte{0x50}};
    for (const char c : {'l', 'a', 's', 't', 's'}) stream.push_back(std::byte(c));
    for (std::size_t size = 1; size <= length + 6; ++size) {
      for (const bool whole : {false, true}) {
        const Decoded over_zeros = Try(Algorithm::kLz4, stream, size, whole, 0x00);
        const Decoded over_ones = Try(Algorithm::kLz4, stream, size, whole, 0xFF);
        ASSERT_EQ(over_zeros.status, over_ones.status);
        if (over_zeros.status == DecodeStatus::kOk) {
          EXPECT_EQ(over_zeros.bytes, over_ones.bytes) << size << " of a match of " << length;
        }
        const Decoded strict =
            Try(Algorithm::kLz4, stream, size, whole, 0xA5, kEncoderWindow, /*strict=*/true);
        // The first byte is a literal.
        EXPECT_EQ(strict.status, size == 1 && !whole ? DecodeStatus::kOk : DecodeStatus::kCorrupt);
      }
    }
  }
}

TEST(Zstd, AWindowLargerThanAllowedIsRefused) {
  const std::string plain = Text(3 << 20);
  const Bytes stream = EncodeZstd(View(plain), 21);
  for (const bool whole : {false, true}) {
    EXPECT_EQ(Try(Algorithm::kZstd, stream, plain.size(), whole, 0, 2U << 20).status,
              DecodeStatus::kOk);
    EXPECT_EQ(Try(Algorithm::kZstd, stream, plain.size(), whole, 0, (2U << 20) - 1).status,
              DecodeStatus::kCorrupt);
  }
}

TEST(Zstd, OneFrameWithoutDictionaryAndNothingElse) {
  const std::string plain = Text(5000);
  const Bytes frame = EncodeZstd(View(plain));
  Bytes two = frame;
  two.insert(two.end(), frame.begin(), frame.end());
  EXPECT_EQ(Try(Algorithm::kZstd, two, 2 * plain.size(), true).status, DecodeStatus::kCorrupt);
  EXPECT_EQ(Try(Algorithm::kZstd, two, 2 * plain.size(), false).status, DecodeStatus::kCorrupt);
  // A skippable frame of one byte.
  Bytes skipping = {std::byte{0x50}, std::byte{0x2A}, std::byte{0x4D},
                    std::byte{0x18}, std::byte{1},    std::byte{},
                    std::byte{},     std::byte{},     std::byte{'x'}};
  Bytes after = frame;
  after.insert(after.end(), skipping.begin(), skipping.end());
  skipping.insert(skipping.end(), frame.begin(), frame.end());
  EXPECT_EQ(Try(Algorithm::kZstd, skipping, plain.size(), true).status, DecodeStatus::kCorrupt);
  EXPECT_EQ(Try(Algorithm::kZstd, skipping, plain.size(), false).status, DecodeStatus::kCorrupt);
  EXPECT_EQ(Try(Algorithm::kZstd, after, plain.size(), true).status, DecodeStatus::kCorrupt);
  // The same frame with a dictionary id of one byte.
  Bytes with_id = frame;
  const bool single_segment = (frame[4] & std::byte{0x20}) != std::byte{};
  with_id[4] |= std::byte{1};
  with_id.insert(with_id.begin() + (single_segment ? 5 : 6), std::byte{9});
  EXPECT_EQ(Try(Algorithm::kZstd, with_id, plain.size(), true).status, DecodeStatus::kCorrupt);
  EXPECT_EQ(Try(Algorithm::kZstd, with_id, plain.size(), false).status, DecodeStatus::kCorrupt);
}

TEST(Zstd, AWrongChecksumIsSeen) {
  const std::string plain = Text(5000);
  Bytes frame = EncodeZstd(View(plain), 20, true);
  EXPECT_EQ(Try(Algorithm::kZstd, frame, plain.size(), true).status, DecodeStatus::kOk);
  frame.back() ^= std::byte{1};
  EXPECT_EQ(Try(Algorithm::kZstd, frame, plain.size(), true).status, DecodeStatus::kCorrupt);
}

}  // namespace
}  // namespace amberfs
