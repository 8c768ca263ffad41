#include "io/byte_source.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

namespace amberfs {
namespace {

class FileSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() / "amberfs-io-XXXXXX";
    std::string pattern = dir_.string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    std::ofstream(dir_ / "file") << "0123456789";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string File() const { return (dir_ / "file").string(); }

  std::filesystem::path dir_;
};

TEST_F(FileSourceTest, ReadsWholeRangesFromItsStart) {
  const auto source = FileSource::Open(File(), 3);
  ASSERT_TRUE(source.has_value());
  EXPECT_EQ((*source)->size(), 7U);
  std::array<std::byte, 4> out;
  ASSERT_TRUE((*source)->ReadAt(3, out).has_value());
  EXPECT_EQ(AsText(out), "6789");
}

TEST_F(FileSourceTest, ReadPastTheEndIsEioAndNeverZeros) {
  const auto source = FileSource::Open(File());
  ASSERT_TRUE(source.has_value());
  std::array<std::byte, 4> out;
  EXPECT_EQ((*source)->ReadAt(7, out).error().os_errno, EIO);
  EXPECT_EQ((*source)->ReadAt(~std::uint64_t{0}, out).error().os_errno, EIO);
}

TEST_F(FileSourceTest, FileCutShortAfterOpeningIsEio) {
  const auto source = FileSource::Open(File());
  ASSERT_TRUE(source.has_value());
  std::filesystem::resize_file(File(), 5);
  std::array<std::byte, 4> out;
  const auto read = (*source)->ReadAt(3, out);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().os_errno, EIO);
  EXPECT_EQ(read.error().offset, 5U);
}

TEST_F(FileSourceTest, RefusesWhatIsNoFile) {
  EXPECT_EQ(FileSource::Open(dir_.string()).error().os_errno, EISDIR);
  EXPECT_EQ(FileSource::Open(File() + "x").error().os_errno, ENOENT);
  EXPECT_EQ(FileSource::Open(File(), 11).error().os_errno, EINVAL);
  const std::string fifo = (dir_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_EQ(FileSource::Open(fifo).error().os_errno, EINVAL);
}

TEST(MemorySource, ChecksItsBounds) {
  const MemorySource source(std::vector<std::byte>(8));
  std::array<std::byte, 4> out;
  EXPECT_TRUE(source.ReadAt(4, out).has_value());
  EXPECT_FALSE(source.ReadAt(5, out).has_value());
  EXPECT_FALSE(source.ReadAt(~std::uint64_t{0} - 1, out).has_value());
}

}  // namespace
}  // namespace amberfs
