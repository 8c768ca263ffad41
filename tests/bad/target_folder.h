// For tests: an empty folder that goes with the test, however deep it was filled, with a neighbour
// that nothing may touch.
#ifndef AMBERFS_TESTS_BAD_TARGET_FOLDER_H_
#define AMBERFS_TESTS_BAD_TARGET_FOLDER_H_

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "extract/safe_dir.h"

namespace amberfs {

class TargetFolder : public testing::Test {
 protected:
  void SetUp() override {
    base_ = (std::filesystem::temp_directory_path() / "amberfs-extract-XXXXXX").string();
    ASSERT_NE(::mkdtemp(base_.data()), nullptr);
    std::filesystem::create_directory(Outside());
    Write(Outside("file"), "untouched");
  }
  void TearDown() override {
    EXPECT_EQ(List(Outside()), std::set<std::string>{"file"});
    EXPECT_EQ(Read(Outside("file")), "untouched");
    // The tree may be deeper than std::filesystem dares to go, and closed to its owner.
    const std::string remove = "chmod -R u+rwx '" + base_ + "'; rm -rf '" + base_ + "'";
    EXPECT_EQ(std::system(remove.c_str()), 0);
  }

  std::string Outside(const std::string& name = "") const { return base_ + "/outside/" + name; }
  // The target, which SafeDir::OpenTop() is to make.
  std::string In(const std::string& path = "") const {
    return base_ + "/target" + (path.empty() ? "" : "/" + path);
  }
  SafeDir::Top Open(bool may_hold_things = true) const {
    auto top = SafeDir::OpenTop(In(), may_hold_things);
    EXPECT_TRUE(top) << Describe(top.error());
    return *std::move(top);
  }

  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  static std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static std::set<std::string> List(const std::string& path) {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path))
      names.insert(entry.path().filename().string());
    return names;
  }
  // Of the thing itself, links not followed; zeros if there is nothing.
  static struct stat Stat(const std::string& path) {
    struct stat st = {};
    if (::lstat(path.c_str(), &st) != 0) st = {};
    return st;
  }
  static mode_t Permissions(const std::string& path) { return Stat(path).st_mode & 07777; }

 private:
  std::string base_;
};

}  // namespace amberfs

#endif  // AMBERFS_TESTS_BAD_TARGET_FOLDER_H_
