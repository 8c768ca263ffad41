// The good image is good: to our readers, to our checker, and to other people's.
#include "tests/bad/good_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "image/directory.h"
#include "image/file_reader.h"
#include "image/xattr_set.h"
#include "tests/bad/bad_image.h"

namespace amberfs {
namespace {

std::string Findings(const Report& report) {
  std::string out;
  for (const Finding& finding : report.findings) out += Describe(finding) + "\n";
  return out;
}

TEST(GoodImage, HasNoFindings) {
  const GoodImage image;
  const Report report = CheckImage(image.Primary(), image.Devices());
  EXPECT_EQ(report.ExitStatus(), 0);
  EXPECT_TRUE(report.findings.empty()) << Findings(report);
  EXPECT_EQ(report.tally.inodes, 14U);
  EXPECT_EQ(report.tally.files, 7U);
  EXPECT_EQ(report.tally.directories, 3U);
  EXPECT_EQ(report.tally.symlinks, 1U);
  EXPECT_EQ(report.tally.specials, 3U);
  EXPECT_EQ(report.tally.names, 12U + 21 + 1);
  EXPECT_EQ(report.tally.xattrs, 2U + 7);
  EXPECT_EQ(report.tally.hole_bytes, (1U << 20) + 4096);
  EXPECT_EQ(report.tally.unchecked_inodes, 0U);
  EXPECT_TRUE(report.tally.link_counts_checked);
  EXPECT_TRUE(report.tally.inode_count_checked);
}

TEST(GoodImage, ReadsAsItWasMade) {
  const GoodImage good;
  const auto image = Image::Open(good.Primary(), good.Devices());
  ASSERT_TRUE(image) << Describe(image.error());
  EXPECT_FALSE(FirstCorruptRead(*image).has_value());

  const auto file = image->ReadInode(Nid{good.NidOf("/file")});
  ASSERT_TRUE(file);
  std::vector<std::byte> bytes(100);
  EXPECT_EQ(*FileReader(*image, *file).Read(0, bytes), 14U);
  EXPECT_EQ(AsText(bytes).substr(0, 14), "Hello, world!\n");
  const auto set = XattrSet::Read(*image, *file);
  ASSERT_TRUE(set);
  const auto opaque = set->Find("trusted.overlay.opaque");
  ASSERT_TRUE(opaque && *opaque);
  EXPECT_EQ(*set->Value(**opaque), "y");
  const auto link = image->ReadInode(Nid{good.NidOf("/link")});
  ASSERT_TRUE(link);
  EXPECT_EQ(*ReadSymlink(*image, *link), "dir/sub");
}

TEST(GoodImage, NeedsNoDevicesOfItsOwnIfTheyFollowIt) {
  GoodImage good;
  for (const auto& device : good.devices)
    good.bytes.insert(good.bytes.end(), device.begin(), device.end());
  const Report report = CheckImage(good.Primary());
  EXPECT_TRUE(report.findings.empty()) << Findings(report);
}

// Data on a device that nobody gave is neither right nor wrong.
TEST(GoodImage, WithoutItsDevicesIsIncompleteAndNotCorrupt) {
  const Report report = CheckImage(GoodImage().Primary());
  EXPECT_EQ(report.ExitStatus(), kExitNotChecked) << Findings(report);
  EXPECT_EQ(report.Count(Severity::kUnchecked), 2U) << "one for each device";
  EXPECT_EQ(report.tally.unchecked_inodes, 1U);
  EXPECT_TRUE(report.tally.inode_count_checked);
}

TEST(GoodImage, IsGoodToFsckErofs) {
  if (std::system("command -v fsck.erofs >/dev/null") != 0) GTEST_SKIP() << "no fsck.erofs here";
  GoodImage good;
  // Release 1.5 knows neither long prefixes, without which this image reads well enough, nor flat
  // files in holes.
  good.EditCompact("/hole", [](auto& inode) { inode.size = 0; });
  good.EditSuperblock([](auto& sb) {
    sb.feature_incompat = sb.feature_incompat.get() & ~wire::kIncompatXattrPrefixes;
  });
  good.Seal();
  std::string dir = (std::filesystem::temp_directory_path() / "amberfs-bad-XXXXXX").string();
  ASSERT_NE(::mkdtemp(dir.data()), nullptr);
  std::string command = "fsck.erofs";
  const auto write = [](const std::string& path, ByteView bytes) {
    std::ofstream(path, std::ios::binary)
        .write(AsText(bytes).data(), static_cast<std::streamsize>(bytes.size()));
  };
  for (std::size_t i = 0; i < good.devices.size(); ++i) {
    const std::string path = dir + "/device" + std::to_string(i);
    write(path, good.devices[i]);
    command += " --device=" + path;
  }
  write(dir + "/image", good.bytes);
  command += " --extract " + dir + "/image >" + dir + "/log 2>&1";
  EXPECT_EQ(std::system(command.c_str()), 0)
      << command << "\n"
      << std::string(std::istreambuf_iterator<char>(std::ifstream(dir + "/log").rdbuf()), {});
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace amberfs
