#include <gtest/gtest.h>

#include <cerrno>
#include <limits>

#include "base/bytes.h"
#include "base/checked.h"
#include "base/error.h"
#include "base/fd.h"
#include "base/text.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();

TEST(Checked, OverflowSticksThroughEveryOperator) {
  EXPECT_TRUE((Checked(2) + 3).AtMost(5));
  EXPECT_FALSE((Checked(2) + 3).AtMost(4));
  EXPECT_FALSE((Checked(kMax) + 1).AtMost(kMax));
  EXPECT_FALSE(((Checked(kMax) + 1) * 0).AtMost(kMax));
  EXPECT_FALSE((Checked(kMax / 2) * 3).AtMost(kMax));
  EXPECT_FALSE((Checked(1) << 64).AtMost(kMax));
  EXPECT_FALSE((Checked(2) << 63).AtMost(kMax));
  EXPECT_TRUE((Checked(1) << 63).AtMost(kMax));
  EXPECT_FALSE((Checked(1) + (Checked(kMax) + 1)).AtMost(kMax));
}

TEST(Checked, RoundUpReportsOverflow) {
  EXPECT_EQ(RoundUp(Checked(13), 8).get(), 16U);
  EXPECT_EQ(RoundUp(Checked(16), 8).get(), 16U);
  EXPECT_FALSE(RoundUp(Checked(kMax), 8).AtMost(kMax));
  EXPECT_EQ(CeilShift(kMax, 12), (kMax >> 12) + 1);
  EXPECT_EQ(CeilShift(4096, 12), 1U);
  EXPECT_EQ(CeilShift(0, 12), 0U);
}

TEST(Bytes, LittleEndianWhateverTheHost) {
  const auto raw = std::to_array<std::byte>(
      {std::byte{0x78}, std::byte{0x56}, std::byte{0x34}, std::byte{0x12}, std::byte{0}});
  EXPECT_EQ(CopyWire<Le32>(raw, 0)->get(), 0x12345678U);
  EXPECT_EQ(CopyWire<Le32>(raw, 1)->get(), 0x00123456U);
  EXPECT_FALSE(CopyWire<Le32>(raw, 2).has_value());
  EXPECT_FALSE(CopyWire<Le32>(raw, kMax).has_value());
}

TEST(Bytes, AllZero) {
  std::array<std::byte, 9> bytes{};
  EXPECT_TRUE(AllZero(bytes));
  EXPECT_TRUE(AllZero({}));
  bytes[8] = std::byte{1};
  EXPECT_FALSE(AllZero(bytes));
}

TEST(Error, SaysWhatWhereAndWhy) {
  const Error error = Broken(Rule::kSb3, 1036).error();
  EXPECT_EQ(error.code, Errc::kCorrupt);
  EXPECT_EQ(Describe(error),
            "corrupt (rule SB-3 at byte 1036): the block size is 2^9 to 2^16 bytes");
  EXPECT_EQ(Describe(IoError(ENOSPC).error()), "No space left on device");
  EXPECT_EQ(Broken(Rule::kSb5, 0).error().code, Errc::kUnsupported);
  EXPECT_EQ(Broken(Rule::kLim1, 0).error().code, Errc::kLimit);
}

TEST(Error, RuleIdsAreUniqueAndFound) {
  for (int i = 1; i <= static_cast<int>(Rule::kLim1); ++i) {
    const Rule rule{static_cast<std::uint8_t>(i)};
    EXPECT_EQ(RuleFromId(RuleId(rule)), rule);
  }
  EXPECT_FALSE(RuleFromId("SB-999").has_value());
  EXPECT_FALSE(RuleFromId("-").has_value());
}

TEST(Text, PrintableCannotForgeALine) {
  EXPECT_EQ(Printable("plain-\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"),
            "plain-\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(Printable("a\nb\\c\x1B[2J\x7F"), "a\\x0ab\\x5cc\\x1b[2J\\x7f");
  EXPECT_EQ(Printable("\xFF\xC0\xAF"), "\\xff\\xc0\\xaf");  // never valid; overlong '/'
  EXPECT_EQ(Printable("\xED\xA0\x80"), "\\xed\\xa0\\x80");  // a surrogate
  EXPECT_EQ(Printable("\xC2\x9B"), "\\xc2\\x9b");           // C1 control
  EXPECT_EQ(Printable("\xE2\x82"), "\\xe2\\x82");           // cut short
}

TEST(Text, Utf8IsWhatEveryoneCanDecode) {
  for (const char* text : {"", "plain\n\x7F", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC2\x9B"})
    EXPECT_TRUE(IsUtf8(text)) << text;
  for (const char* text :
       {"\xFF", "a\x80", "\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "a\xE2\x82"})
    EXPECT_FALSE(IsUtf8(text)) << Printable(text);
}

}  // namespace
}  // namespace amberfs
