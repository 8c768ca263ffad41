#include "image/path.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "image/file_reader.h"
#include "tests/bad/tree_image.h"

namespace amberfs {
namespace {

class PathTest : public testing::Test {
 protected:
  // Where a path leads, or why it does not: "/usr/bin/env", "-2" for ENOENT.
  std::string Follow(std::string_view path) { return Resolve(path, LastLink::kFollow); }
  std::string Keep(std::string_view path) { return Resolve(path, LastLink::kKeep); }

  std::string Resolve(std::string_view path, LastLink last) {
    const Image image = tree_.Open();
    const auto found = ResolvePath(image, path, last);
    if (found) {
      EXPECT_EQ(found->steps.empty() ? image.sb().root_nid() : found->steps.back().nid,
                found->inode.nid());
      return found->Text();
    }
    if (found.error().code == Errc::kNotFound) return std::to_string(-ENOENT);
    if (found.error().code == Errc::kIo) return std::to_string(-found.error().os_errno);
    return std::string(RuleId(found.error().rule));
  }

  TreeImage tree_;
  TreeImage::Id usr_ = tree_.AddDirectory(TreeImage::kRoot, "usr");
  TreeImage::Id bin_ = tree_.AddDirectory(usr_, "bin");
  TreeImage::Id env_ = tree_.AddFile(bin_, "env", "#!");
};

const std::string kNotThere = std::to_string(-ENOENT);
const std::string kNoDirectory = std::to_string(-ENOTDIR);
const std::string kTooManyLinks = std::to_string(-ELOOP);

TEST_F(PathTest, EveryPathStartsAtTheTop) {
  for (const char* path : {"usr/bin/env", "/usr/bin/env", "//usr///bin/env", "./usr/./bin/env",
                           "usr/../usr/bin/../bin/env", "../../usr/bin/env"})
    EXPECT_EQ(Follow(path), "/usr/bin/env") << path;
  for (const char* path : {"/", "//", ".", "..", "/..", "usr/..", "usr/bin/../../.."})
    EXPECT_EQ(Follow(path), "/") << path;
}

TEST_F(PathTest, WhatIsNotThereIsNotFound) {
  for (const char* path : {"", "nothing", "usr/nothing/env", "usr/bin/env2", "usr/bin/en"})
    EXPECT_EQ(Follow(path), kNotThere) << path;
  EXPECT_EQ(Follow(std::string(300, 'x')), kNotThere);
}

TEST_F(PathTest, OnlyDirectoriesHaveNamesBelow) {
  for (const char* path : {"usr/bin/env/", "usr/bin/env/x", "usr/bin/env/.", "usr/bin/env/.."})
    EXPECT_EQ(Follow(path), kNoDirectory) << path;
  EXPECT_EQ(Follow("usr/bin/"), "/usr/bin");
}

TEST_F(PathTest, LinksAreFollowedBeneathTheTop) {
  tree_.AddLink(TreeImage::kRoot, "absolute", "/usr/bin");
  tree_.AddLink(bin_, "up", "../../../../usr");
  tree_.AddLink(TreeImage::kRoot, "bin", "usr/bin");
  tree_.AddLink(bin_, "printenv", "env");
  tree_.AddLink(bin_, "top", "/");
  EXPECT_EQ(Follow("absolute/env"), "/usr/bin/env");
  EXPECT_EQ(Follow("usr/bin/up/bin/env"), "/usr/bin/env");
  EXPECT_EQ(Follow("bin/../bin/env"), "/usr/bin/env") << "as the kernel: .. of what bin leads to";
  EXPECT_EQ(Follow("bin/.."), "/usr");
  EXPECT_EQ(Follow("bin/printenv"), "/usr/bin/env");
  EXPECT_EQ(Follow("usr/bin/top/usr"), "/usr");
  EXPECT_EQ(Follow("usr/bin/top"), "/");
}

TEST_F(PathTest, ALinkAtTheEndIsKeptIfAskedFor) {
  tree_.AddLink(TreeImage::kRoot, "bin", "usr/bin");
  tree_.AddLink(bin_, "dangling", "nowhere");
  EXPECT_EQ(Keep("bin"), "/bin");
  EXPECT_EQ(Follow("bin"), "/usr/bin");
  EXPECT_EQ(Keep("bin/"), "/usr/bin") << "a slash follows";
  EXPECT_EQ(Keep("bin/."), "/usr/bin");
  EXPECT_EQ(Keep("bin/env"), "/usr/bin/env") << "links on the way are followed";
  EXPECT_EQ(Keep("bin/dangling"), "/usr/bin/dangling");
  EXPECT_EQ(Follow("bin/dangling"), kNotThere);
  // The link whose target ends the path is the path's last name, too.
  tree_.AddLink(TreeImage::kRoot, "twice", "bin");
  EXPECT_EQ(Keep("twice"), "/twice");
  EXPECT_EQ(Follow("twice"), "/usr/bin");
}

TEST_F(PathTest, FortyLinksAreFollowedAndNoMore) {
  tree_.AddLink(TreeImage::kRoot, "loop", "loop");
  tree_.AddLink(TreeImage::kRoot, "a", "b");
  tree_.AddLink(TreeImage::kRoot, "b", "./a");
  EXPECT_EQ(Follow("loop"), kTooManyLinks);
  EXPECT_EQ(Follow("a"), kTooManyLinks);
  EXPECT_EQ(Keep("loop"), "/loop");
  tree_.AddLink(TreeImage::kRoot, "link-0", "usr");
  for (int i = 1; i <= 40; ++i)
    tree_.AddLink(TreeImage::kRoot, "link-" + std::to_string(i), "link-" + std::to_string(i - 1));
  EXPECT_EQ(Follow("link-39"), "/usr");
  EXPECT_EQ(Follow("link-40"), kTooManyLinks);
  EXPECT_EQ(Keep("link-40/bin"), kTooManyLinks);
}

// Targets that grow the rest of the path each time still end.
TEST_F(PathTest, GrowingTargetsEnd) {
  tree_.AddLink(TreeImage::kRoot, "grow", "grow/" + std::string(4000, 'x'));
  EXPECT_EQ(Follow("grow"), kTooManyLinks);
}

TEST_F(PathTest, DotDotIsTheWayBackWhateverTheImageSays) {
  tree_[bin_].parent = env_;
  EXPECT_EQ(Follow("usr/bin/.."), "/usr");
  // A directory that can be reached by two ways has two parents.
  tree_.AddName(TreeImage::kRoot, "again", bin_);
  EXPECT_EQ(Follow("again/.."), "/");
  EXPECT_EQ(Follow("again/../usr/bin/.."), "/usr");
  // One that holds itself is as deep as one likes.
  tree_.AddName(bin_, "self", bin_);
  EXPECT_EQ(Follow("usr/bin/self/self/.."), "/usr/bin/self");
}

TEST_F(PathTest, BrokenObjectsOnTheWayAreNamed) {
  tree_.AddNode(TreeImage::kRoot, "no-type", 0644);
  tree_.AddLink(TreeImage::kRoot, "no-target", "");
  tree_.AddName(usr_, "a/b", env_);
  EXPECT_EQ(Follow("no-type"), "INO-4");
  EXPECT_EQ(Follow("no-target"), "LNK-1");
  EXPECT_EQ(Keep("no-target"), "/no-target");
  EXPECT_EQ(Follow("usr/bin"), "DIR-3");
}

}  // namespace
}  // namespace amberfs
