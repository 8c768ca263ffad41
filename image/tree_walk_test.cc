#include "image/tree_walk.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>

#include "tests/bad/tree_image.h"

namespace amberfs {
namespace {

class TreeWalkTest : public testing::Test {
 protected:
  // A line for each step: "+ /dir", "- /dir" where it is left, "! /dir INO-4" where it is broken.
  // Directories named `skip` are not entered.
  std::vector<std::string> Walk(std::string_view skip = "-") {
    const Image image = tree_.Open();
    TreeWalk walk(image, *image.ReadInode(image.sb().root_nid()), "/");
    std::vector<std::string> lines;
    while (const auto step = walk.Next()) {
      switch (step->kind) {
        case TreeStep::Kind::kInode:
          lines.push_back("+ " + walk.path());
          if (walk.name() == skip) walk.SkipDirectory();
          break;
        case TreeStep::Kind::kLeave:
          lines.push_back("- " + walk.path());
          break;
        case TreeStep::Kind::kBroken:
          lines.push_back("! " + walk.path() + " " +
                          (step->error.rule != Rule::kNone ? std::string(RuleId(step->error.rule))
                                                           : std::to_string(step->error.os_errno)));
          break;
      }
    }
    return lines;
  }

  TreeImage tree_;
  TreeImage::Id a_ = tree_.AddDirectory(TreeImage::kRoot, "a");
  TreeImage::Id b_ = tree_.AddDirectory(a_, "b");
  TreeImage::Id file_ = tree_.AddFile(b_, "file", "");
};

using Lines = std::vector<std::string>;

TEST_F(TreeWalkTest, GoesDeepFirstInTheOrderOfNames) {
  tree_.AddFile(a_, "z", "");
  tree_.AddFile(a_, "!", "");
  tree_.AddDirectory(TreeImage::kRoot, "empty");
  EXPECT_EQ(Walk(), (Lines{"+ /", "+ /a", "+ /a/!", "+ /a/b", "+ /a/b/file", "- /a/b", "+ /a/z",
                           "- /a", "+ /empty", "- /empty", "- /"}));
}

TEST_F(TreeWalkTest, SkipsWhatIsNotWanted) {
  tree_.AddFile(a_, "z", "");
  EXPECT_EQ(Walk("b"), (Lines{"+ /", "+ /a", "+ /a/b", "+ /a/z", "- /a", "- /"}));
  EXPECT_EQ(Walk(""), (Lines{"+ /"}));
}

TEST_F(TreeWalkTest, StartsAnywhere) {
  const Image image = tree_.Open();
  TreeWalk walk(image, *image.ReadInode(image.sb().root_nid()), "/elsewhere");
  ASSERT_TRUE(walk.Next());
  EXPECT_EQ(walk.path(), "/elsewhere");
  EXPECT_EQ(walk.name(), "elsewhere");
  ASSERT_TRUE(walk.Next());
  EXPECT_EQ(walk.path(), "/elsewhere/a");
}

TEST_F(TreeWalkTest, DIR7_EntersADirectoryOnce) {
  tree_.AddName(b_, "self", b_);
  tree_.AddName(b_, "top", TreeImage::kRoot);
  tree_.AddName(TreeImage::kRoot, "b-again", b_);
  tree_.AddName(TreeImage::kRoot, "file-again", file_);
  EXPECT_EQ(Walk(),
            (Lines{"+ /", "+ /a", "+ /a/b", "+ /a/b/file", "! /a/b/self DIR-7", "! /a/b/top DIR-7",
                   "- /a/b", "- /a", "! /b-again DIR-7", "+ /file-again", "- /"}));
}

TEST_F(TreeWalkTest, SaysWhatIsBrokenAndGoesOn) {
  tree_.AddNode(a_, "no-type", 0644);
  tree_.AddName(b_, "with/slash", file_);
  tree_.AddFile(TreeImage::kRoot, "z", "");
  // The name with the slash is in the same block as "file".
  EXPECT_EQ(Walk(), (Lines{"+ /", "+ /a", "+ /a/b", "! /a/b DIR-3", "- /a/b", "! /a/no-type INO-4",
                           "- /a", "+ /z", "- /"}));
}

TEST_F(TreeWalkTest, ADirectoryThatIsOneLongHoleEnds) {
  tree_[tree_.AddDirectory(a_, "hole")].hole = std::uint64_t{1} << 62;
  EXPECT_EQ(Walk(), (Lines{"+ /", "+ /a", "+ /a/b", "+ /a/b/file", "- /a/b", "+ /a/hole",
                           "! /a/hole DIR-1", "- /a/hole", "- /a", "- /"}));
}

TEST_F(TreeWalkTest, NamesThatLeadUpAreNoNames) {
  tree_.AddName(a_, "..", file_);
  tree_.AddName(a_, ".", b_);
  EXPECT_EQ(Walk(), (Lines{"+ /", "+ /a", "+ /a/b", "+ /a/b/file", "- /a/b", "- /a", "- /"}));
}

TEST_F(TreeWalkTest, DepthEndsWithThePath) {
  TreeImage::Id deep = b_;
  for (int level = 0; level < 40'000; ++level) deep = tree_.AddDirectory(deep, "d");
  const Image image = tree_.Open();
  TreeWalk walk(image, *image.ReadInode(image.sb().root_nid()), "/");
  std::size_t inodes = 0;
  std::size_t leaves = 0;
  std::vector<Error> errors;
  while (const auto step = walk.Next()) {
    inodes += step->kind == TreeStep::Kind::kInode ? 1U : 0U;
    leaves += step->kind == TreeStep::Kind::kLeave ? 1U : 0U;
    if (step->kind == TreeStep::Kind::kBroken) {
      errors.push_back(step->error);
      EXPECT_EQ(walk.path().size(), TreeWalk::kMaxPathBytes + 1);
    }
  }
  // "/", "/a", "/a/b" and the file in it, then "/d" again and again.
  const std::size_t directories = 3 + (TreeWalk::kMaxPathBytes - 4) / 2;
  EXPECT_EQ(inodes, directories + 1);
  EXPECT_EQ(leaves, directories);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].os_errno, ENAMETOOLONG);
}

}  // namespace
}  // namespace amberfs
