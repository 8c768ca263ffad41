// Images that are made to cost more than they should, and properties that hold for any bytes.
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <random>

#include "tests/bad/bad_image.h"

namespace amberfs {
namespace {

// A source of which one read, counted from 0, does not return what it should.
class FlakySource final : public ByteSource {
 public:
  using Spoil = Result<void> (*)(std::uint64_t offset, ByteSpan out);

  FlakySource(std::vector<std::byte> bytes, std::uint64_t bad_read, Spoil spoil)
      : good_(std::move(bytes)), bad_read_(bad_read), spoil_(spoil) {}
  std::uint64_t size() const override { return good_.size(); }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override {
    AMBERFS_TRY_VOID(good_.ReadAt(offset, out));
    if (reads_++ == bad_read_) return spoil_(offset, out);
    return {};
  }
  std::uint64_t reads() const { return reads_; }

 private:
  MemorySource good_;
  std::uint64_t bad_read_;
  Spoil spoil_;
  mutable std::uint64_t reads_ = 0;
};

// BadImage or BadCompressedImage.
template <typename AnyImage>
Report Check(const AnyImage& image) {
  return CheckImage(image.Primary(), image.extra, image.options);
}

// As CheckImage(), and each read of the checker is one of the source.
Report CheckUnbuffered(SourcePtr source, const std::vector<SourcePtr>& extra) {
  const auto image = Image::Open(std::move(source), extra);
  if (image) return Checker(*image, {}).Run();
  Report report;
  report.CountUpTo(image.error(), 1);
  return report;
}

// Every image, however broken: the check ends, and what it calls clean reads well.
template <typename AnyImage>
void ExpectSound(const AnyImage& image, const std::string& what) {
  const Report report = Check(image);
  if (report.verdict() == Report::Verdict::kClean) {
    const auto opened = Image::Open(image.Primary(), image.extra);
    ASSERT_TRUE(opened) << what;
    const auto error = FirstCorruptRead(*opened);
    EXPECT_FALSE(error.has_value()) << what << ": " << Describe(*error);
  } else {
    EXPECT_NE(report.ExitStatus(), 0) << what;
  }
}

// Flips bits of each byte of an image, one by one. The blocks from `data` on hold data of files,
// of which a few bytes are as good as all.
template <typename AnyImage>
void FlipEachByte(std::uint64_t data, int bits) {
  AnyImage image;
  const std::vector<std::byte> good = image.bytes;
  for (std::uint64_t at = AnyImage::kSb; at < good.size(); at += at < data ? 1 : 509) {
    const int value = std::to_integer<int>(good[at]) ^ bits;
    image.bytes = good;
    image.SetByte(at, value);
    image.Seal();
    ExpectSound(image, "byte " + std::to_string(at) + " = " + std::to_string(value));
  }
}

template <typename AnyImage>
void FlipManyBytes(std::uint64_t range) {
  std::mt19937 random(20240501);
  AnyImage image;
  const std::vector<std::byte> good = image.bytes;
  for (int round = 0; round < 3000; ++round) {
    image.bytes = good;
    for (int flips = 1 + static_cast<int>(random() % 8); flips > 0; --flips)
      image.SetByte(AnyImage::kSb + random() % range, static_cast<int>(random() & 0xFF));
    image.Seal();
    ExpectSound(image, "round " + std::to_string(round));
  }
}

class ByteFlips : public testing::TestWithParam<int> {};

TEST_P(ByteFlips, CleanMeansThatNoReadFails) {
  FlipEachByte<BadImage>(4 * GoodImage::kBlock, GetParam());
}

TEST_P(ByteFlips, CleanMeansThatNoCompressedFileFails) {
  FlipEachByte<BadCompressedImage>(3 * CompressedImage::kBlock, GetParam());
}

INSTANTIATE_TEST_SUITE_P(BadImage, ByteFlips, testing::Values(0x01, 0x04, 0x10, 0x80, 0xFF));

TEST(BadImage, ManyFlipsAtOnceAreSoundAsWell) {
  FlipManyBytes<BadImage>(3 * GoodImage::kBlock);
  FlipManyBytes<BadCompressedImage>(3 * CompressedImage::kBlock);
}

TEST(BadImage, TruncationAtAnyBlockIsSound) {
  BadImage image;
  const std::vector<std::byte> good = image.bytes;
  for (std::uint64_t size = 0; size < good.size(); size += 512) {
    image.bytes.assign(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(Check(image).ExitStatus(), 0) << size;
  }
}

TEST(BadImage, AHoleOf2To62BytesCostsNothing) {
  BadImage image;
  image.EditExtended("/plain", [](auto& inode) {
    inode.size = std::uint64_t{1} << 62;
    inode.u = 0xFFFFFFFF;
    inode.nb = 0xFFFF;
  });
  image.Seal();
  image.options.budget.max_read_bytes = 1 << 20;
  const Report report = Check(image);
  EXPECT_EQ(report.ExitStatus(), 0);
  EXPECT_EQ(report.tally.hole_bytes, (std::uint64_t{1} << 62) + (1 << 20) + 4096);
}

TEST(BadImage, ADirectoryThatIsOneLongHoleEndsByTheBudget) {
  BadImage image;
  image.EditExtended("/dir/sub", [](auto& inode) {
    inode.size = std::uint64_t{1} << 62;
    inode.u = 0xFFFFFFFF;
    inode.nb = 0xFFFF;
  });
  image.Seal();
  image.options.max_findings = 3;
  const Report report = Check(image);
  EXPECT_EQ(report.ExitStatus(), kExitErrorsLeft | kExitNotChecked);
  EXPECT_EQ(report.Count(Rule::kLim1), 1U);
  EXPECT_GT(report.Count(Rule::kDir1), 3U);
  EXPECT_EQ(report.findings.size(), 4U);
}

// A chain of directories in which each holds the next one many times over, all sharing one block:
// 2^60 paths, were they followed.
TEST(BadImage, DirectoriesThatShareABlockAreReadOnceEach) {
  constexpr std::uint64_t kDirectories = 2000;
  constexpr std::uint64_t kBlock = GoodImage::kBlock;
  constexpr std::uint64_t kInodes = 1 + kDirectories * wire::kSlotBytes / kBlock + 1;
  BadImage image;
  image.extra.clear();
  image.bytes.assign((1 + kInodes + 1) * kBlock, std::byte{0});
  wire::Superblock sb{};
  sb.magic = wire::kMagic;
  sb.feature_compat = wire::kCompatChecksum;
  sb.blkszbits = 12;
  sb.blocks_lo = 1 + kInodes + 1;
  sb.rootnid_2b = kBlock / wire::kSlotBytes;
  sb.inos = kDirectories;
  PutWire(image.bytes, GoodImage::kSb, sb);
  constexpr std::uint64_t kEntries = 200;
  const std::uint64_t block = (1 + kInodes) * kBlock;
  for (std::uint64_t i = 0; i < kDirectories; ++i) {
    wire::InodeCompact inode{};
    inode.mode = 040755;
    inode.size = kBlock;
    inode.u = static_cast<std::uint32_t>(block / kBlock);
    PutWire(image.bytes, kBlock + i * wire::kSlotBytes, inode);
  }
  for (std::uint64_t i = 0; i < kEntries; ++i) {
    const std::uint64_t name = kEntries * sizeof(wire::Dirent) + 3 * i;
    PutWire(image.bytes, block + i * sizeof(wire::Dirent),
            wire::Dirent{kBlock / wire::kSlotBytes + i * kDirectories / kEntries,
                         static_cast<std::uint16_t>(name), 2, 0});
    for (std::uint64_t digit = 0, rest = i; digit < 3; ++digit, rest /= 10)
      image.SetByte(block + name + 2 - digit, static_cast<int>('0' + rest % 10));
  }
  image.Seal();
  const Report report = Check(image);
  EXPECT_EQ(report.tally.directories, kEntries);
  EXPECT_EQ(report.Count(Rule::kDir7), kEntries * kEntries - (kEntries - 1));
  EXPECT_EQ(report.Count(Rule::kLim1), 0U);
  EXPECT_EQ(report.ExitStatus(), kExitErrorsLeft);
}

// Each directory holds nothing but the next: paths are built without recursion and stay short.
TEST(BadImage, ADeepTreeIsWalkedWithoutRecursion) {
  constexpr std::uint64_t kDepth = 20'000;
  constexpr std::uint64_t kBlock = GoodImage::kBlock;
  constexpr std::uint64_t kStride = 128;  // inode, three entries, three names
  BadImage image;
  image.extra.clear();
  image.bytes.assign(kBlock + kDepth * kStride, std::byte{0});
  wire::Superblock sb{};
  sb.magic = wire::kMagic;
  sb.feature_compat = wire::kCompatChecksum;
  sb.blkszbits = 12;
  sb.blocks_lo = static_cast<std::uint32_t>(image.bytes.size() / kBlock);
  sb.rootnid_2b = kBlock / wire::kSlotBytes;
  sb.inos = kDepth;
  PutWire(image.bytes, GoodImage::kSb, sb);
  for (std::uint64_t i = 0; i < kDepth; ++i) {
    const std::uint64_t at = kBlock + i * kStride;
    const std::uint64_t nid = at / wire::kSlotBytes;
    const bool last = i + 1 == kDepth;
    const std::uint64_t entries = last ? 2 : 3;
    wire::InodeCompact inode{};
    inode.format = 2 << wire::kFormatLayoutShift;
    inode.mode = 040755;
    inode.nb = last ? 2 : 3;
    inode.size = static_cast<std::uint32_t>(entries * sizeof(wire::Dirent) + entries + 1);
    inode.u = 0xFFFFFFFF;
    PutWire(image.bytes, at, inode);
    const std::uint64_t data = at + sizeof inode;
    const auto names = static_cast<std::uint16_t>(entries * sizeof(wire::Dirent));
    PutWire(image.bytes, data, wire::Dirent{nid, names, 2, 0});
    PutWire(image.bytes, data + 12,
            wire::Dirent{i == 0 ? nid : nid - 4, static_cast<std::uint16_t>(names + 1), 2, 0});
    if (!last)
      PutWire(image.bytes, data + 24,
              wire::Dirent{nid + 4, static_cast<std::uint16_t>(names + 3), 2, 0});
    for (std::uint64_t c = 0; c < entries + 1; ++c)
      image.SetByte(data + names + c, c < 3 ? '.' : 'd');
  }
  image.Seal();
  EXPECT_EQ(Check(image).ExitStatus(), 0);

  // A finding at the bottom.
  const std::uint64_t bottom = kBlock + (kDepth - 1) * kStride;
  image.Edit<wire::InodeCompact>(bottom, [](auto& inode) { inode.reserved = 1; });
  const Report report = Check(image);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].path.substr(0, 7), ".../d/d");
  EXPECT_LT(report.findings[0].path.size(), 1000U);
}

TEST(BadImage, FindingsSayWhereInTheTree) {
  BadImage image;
  image.EditExtended("/dir/sub", [](auto& inode) { inode.reserved[0] = std::byte{1}; });
  image.EditEntry("/dir/sub", "link", [](auto& entry) { entry.nid = 1 << 20; });
  image.EditExtended("/plain", [](auto& inode) { inode.nlink = 9; });
  image.Seal();
  const Report report = Check(image);
  ASSERT_EQ(report.findings.size(), 2U);
  EXPECT_EQ(report.findings[0].path, "/dir/sub/link") << "the worst comes first";
  EXPECT_EQ(report.findings[0].nid, Nid{1 << 20});
  EXPECT_EQ(report.findings[1].path, "/dir/sub");
  EXPECT_FALSE(report.tally.link_counts_checked) << "an inode was not read";
}

TEST(BadImage, NamesCannotForgeALine) {
  BadImage image;
  const std::uint64_t entry = image.EntryAt("/", "!early");
  image.SetByte(
      image.DirBlockAt("/", 0) + CopyWire<wire::Dirent>(image.bytes, entry)->nameoff.get(), '\n');
  image.Edit<wire::Dirent>(entry, [](auto& raw) { raw.file_type = 2; });
  image.Seal();
  const Report report = Check(image);
  ASSERT_EQ(report.findings.size(), 1U);
  EXPECT_EQ(report.findings[0].path, "/\\x0aearly");
  EXPECT_EQ(Describe(report.findings[0]).find('\n'), std::string::npos);
}

TEST(BadImage, AReadErrorAnywhereIsUncheckedAndNotCorrupt) {
  const BadImage image;
  for (std::uint64_t bad_read = 0;; ++bad_read) {
    const auto source = std::make_shared<const FlakySource>(
        image.bytes, bad_read,
        [](std::uint64_t offset, ByteSpan) -> Result<void> { return IoError(EIO, offset); });
    const Report report = CheckUnbuffered(source, image.extra);
    if (source->reads() <= bad_read) break;  // the check needed no more
    EXPECT_EQ(report.ExitStatus(), kExitNotChecked) << "read " << bad_read;
    EXPECT_EQ(report.Count(Rule::kNone), 1U) << "read " << bad_read;
  }
}

// Somebody writes to the image: a read returns zeros, or rubbish, once.
TEST(BadImage, AnImageThatChangesDuringTheCheckIsSurvived) {
  const BadImage image;
  const FlakySource::Spoil spoils[] = {
      [](std::uint64_t, ByteSpan out) -> Result<void> {
        std::ranges::fill(out, std::byte{0});
        return {};
      },
      [](std::uint64_t, ByteSpan out) -> Result<void> {
        std::ranges::fill(out, std::byte{0xFF});
        return {};
      },
      // Any file becomes a directory, and the other way round; sizes grow.
      [](std::uint64_t, ByteSpan out) -> Result<void> {
        if (out.size() > 5) out[5] ^= std::byte{0xC0};
        if (out.size() > 9) out[9] ^= std::byte{0x77};
        return {};
      }};
  for (const auto spoil : spoils) {
    for (std::uint64_t bad_read = 0;; ++bad_read) {
      const auto source = std::make_shared<const FlakySource>(image.bytes, bad_read, spoil);
      CheckUnbuffered(source, image.extra);
      if (source->reads() <= bad_read) break;
    }
  }
}

TEST(BadImage, StopsWhenTold) {
  const std::atomic<bool> stop = true;
  BadImage image;
  image.options.stop = &stop;
  const Report report = Check(image);
  EXPECT_TRUE(report.cancelled);
  EXPECT_EQ(report.ExitStatus(), kExitCancelled);
  EXPECT_EQ(report.verdict(), Report::Verdict::kIncomplete);
}

}  // namespace
}  // namespace amberfs
