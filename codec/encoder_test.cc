#include "codec/encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "codec/decompressor.h"

namespace amberfs {
namespace {

constexpr std::array kNames = {"lz4", "lzma", "deflate", "zstd"};  // by their numbers
constexpr std::uint32_t kWindow = 1U << 16;

std::vector<EncoderSettings> AllSettings() {
  std::vector<EncoderSettings> all;
  for (const Algorithm algorithm :
       {Algorithm::kLz4, Algorithm::kLzma, Algorithm::kDeflate, Algorithm::kZstd})
    for (const bool high : {false, true}) {
      if (high && algorithm != Algorithm::kLz4) continue;
      const int least = MinLevel(algorithm, high);
      const int most = MaxLevel(algorithm, high);
      for (const int level : {least, DefaultLevel(algorithm, high), most})
        if (all.empty() || all.back().algorithm != algorithm || all.back().high != high ||
            all.back().level != level)
          all.push_back({algorithm, high, level, kWindow});
    }
  return all;
}

class EncoderTest : public testing::TestWithParam<EncoderSettings> {
 protected:
  void SetUp() override { ASSERT_NE(encoder_, nullptr); }
  // That `stream` is one whole stream of `plain`, as an image may hold it.
  static void ExpectStream(ByteView stream, ByteView plain) {
    ASSERT_FALSE(stream.empty());
    EXPECT_NE(stream.front(), std::byte{0});
    std::vector<std::byte> decoded(plain.size());
    ASSERT_EQ(Decode({GetParam().algorithm, stream, true, kWindow, true}, decoded),
              DecodeStatus::kOk)
        << plain.size();
    EXPECT_TRUE(std::ranges::equal(decoded, plain)) << plain.size();
  }

  const std::unique_ptr<Encoder> encoder_ = Encoder::Make(GetParam());
};
INSTANTIATE_TEST_SUITE_P(Codec, EncoderTest, testing::ValuesIn(AllSettings()),
                         [](const auto& test) {
                           const EncoderSettings& s = test.param;
                           return std::string(kNames[static_cast<unsigned>(s.algorithm)]) +
                                  (s.high ? "hc" : "") + std::to_string(s.level);
                         });

std::vector<std::byte> Noise(std::size_t size) {
  std::mt19937 random(static_cast<unsigned>(size));
  std::vector<std::byte> noise(size);
  for (std::byte& b : noise) b = static_cast<std::byte>(random());
  return noise;
}

// Lines, with stretches of zeros and of noise.
std::vector<std::byte> Mixture(std::size_t size) {
  std::string text;
  for (unsigned line = 0; text.size() < size; ++line) {
    text += "line " + std::to_string(line * 7919 % 1000) + " of a text that says little\n";
    if (line % 97 == 0) text.append(line % 1000, '\0');
    if (line % 89 == 0)
      for (const std::byte b : Noise(line % 700)) text.push_back(static_cast<char>(b));
  }
  const ByteView bytes = std::as_bytes(std::span(text)).first(size);
  return {bytes.begin(), bytes.end()};
}

TEST_P(EncoderTest, WholeStreamsDecode) {
  for (const std::size_t size : {1U, 2U, 13U, 4095U, 4096U, 4097U, 65537U, 1U << 20})
    for (const std::vector<std::byte>& plain :
         {std::vector<std::byte>(size), Mixture(size), Noise(size)}) {
      std::vector<std::byte> out(size + size / 8 + 1024);
      const auto length = encoder_->Encode(plain, out);
      ASSERT_TRUE(length) << size;
      ExpectStream(ByteView(out).first(*length), plain);
    }
}

TEST_P(EncoderTest, NothingWhereTheStreamIsTooLong) {
  const std::vector<std::byte> plain = Noise(5000);
  for (const std::size_t room : {1U, 100U, 4096U, 4999U}) {
    std::vector<std::byte> out(room);
    EXPECT_FALSE(encoder_->Encode(plain, out)) << room;
  }
}

TEST_P(EncoderTest, AsMuchAsFits) {
  const std::vector<std::byte> plain = Mixture(1 << 18);
  for (const std::size_t room : {512U, 4096U, 65536U, 1U << 20})
    for (const std::size_t guess : {room / 2, 3 * room, plain.size()}) {
      std::vector<std::byte> out(room);
      const Encoder::Part part = encoder_->EncodeSome(plain, out, guess);
      ASSERT_GT(part.plain, 0U) << room << " " << guess;
      ASSERT_LE(part.stream, room);
      ExpectStream(ByteView(out).first(part.stream), ByteView(plain).first(part.plain));
      EXPECT_TRUE(part.plain == plain.size() || part.stream > room / 2) << room << " " << guess;
    }
}

TEST_P(EncoderTest, WhatWasEncodedBeforeMakesNoDifference) {
  const std::vector<std::byte> plain = Mixture(300000);
  std::vector<std::byte> first(65536);
  const Encoder::Part a = encoder_->EncodeSome(plain, first, 100000);
  std::vector<std::byte> other(65536);
  encoder_->EncodeSome(Noise(70000), other, 70000);
  encoder_->Encode(std::vector<std::byte>(100000), other);
  const Encoder::Part b = encoder_->EncodeSome(plain, other, 100000);
  ASSERT_EQ(a.plain, b.plain);
  ASSERT_EQ(a.stream, b.stream);
  EXPECT_TRUE(std::ranges::equal(ByteView(first).first(a.stream), ByteView(other).first(b.stream)));
}

}  // namespace
}  // namespace amberfs
