#include "extract/target_tree.h"

#include <cerrno>
#include <climits>
#include <filesystem>
#include <random>

#include "tests/bad/target_folder.h"

namespace amberfs {
namespace {

class TargetTreeTest : public TargetFolder {
 protected:
  TargetTree Start() { return *TargetTree::Start(Open().directory, Nid{1}, true); }

  static const TargetDir* Make(TargetTree& tree, const TargetDir& parent, const std::string& name) {
    const auto made = tree.Make(parent, name, Nid{2}, Existing::kIsError, true);
    EXPECT_TRUE(made) << name << ": " << Describe(made.error());
    return made ? *made : nullptr;
  }
  template <typename T>
  static int ErrnoOf(const Result<T>& result) {
    return result ? 0 : result.error().os_errno;
  }
};

TEST_F(TargetTreeTest, DirectoriesAreMadeAndFoundAgain) {
  TargetTree tree = Start();
  const TargetDir* a = Make(tree, tree.top(), "a");
  const TargetDir* b = Make(tree, *a, "b");
  const TargetDir* c = Make(tree, tree.top(), "c");
  EXPECT_EQ(PathOf(tree.top()), "/");
  EXPECT_EQ(PathOf(*b), "/a/b");
  EXPECT_EQ(PathOf(*b, "file"), "/a/b/file");
  EXPECT_EQ(PathOf(tree.top(), "file"), "/file");
  for (const TargetDir* dir : {b, a, c, &tree.top(), b}) {
    const auto open = tree.Open(*dir);
    ASSERT_TRUE(open);
    EXPECT_EQ(*IdOf((*open)->fd()), dir->id);
    EXPECT_EQ(*IdOf((*tree.OpenAside(*dir))->fd()), dir->id);
  }
  EXPECT_EQ(tree.dirs().size(), 4U);
}

TEST_F(TargetTreeTest, ExistingDirectoriesAreUsedOnlyWhereTheyMay) {
  TargetTree tree = Start();
  std::filesystem::create_directory(In("there"));
  std::filesystem::create_directory_symlink(Outside(), In("link"));
  Write(In("file"), "");
  EXPECT_EQ(ErrnoOf(tree.Make(tree.top(), "there", Nid{2}, Existing::kIsError, true)), EEXIST);
  const auto used = tree.Make(tree.top(), "there", Nid{2}, Existing::kIsReplaced, false);
  ASSERT_TRUE(used);
  EXPECT_FALSE((*used)->is_copy);
  const auto made = tree.Make(tree.top(), "new", Nid{2}, Existing::kIsReplaced, false);
  ASSERT_TRUE(made);
  EXPECT_TRUE((*made)->is_copy);
  EXPECT_EQ(ErrnoOf(tree.Make(tree.top(), "link", Nid{2}, Existing::kIsReplaced, true)), ENOTDIR);
  EXPECT_EQ(ErrnoOf(tree.Make(tree.top(), "file", Nid{2}, Existing::kIsReplaced, true)), ENOTDIR);
  EXPECT_EQ(ErrnoOf(tree.Make(tree.top(), "..", Nid{2}, Existing::kIsReplaced, true)), EINVAL);
}

TEST_F(TargetTreeTest, ASwappedDirectoryIsNotEntered) {
  TargetTree tree = Start();
  const TargetDir* a = Make(tree, tree.top(), "a");
  const TargetDir* b = Make(tree, *a, "b");
  ASSERT_TRUE(tree.Open(tree.top()));  // forgets the way to b
  std::filesystem::rename(In("a"), In("moved"));
  EXPECT_EQ(ErrnoOf(tree.Open(*b)), ENOENT);
  std::filesystem::create_directory_symlink("moved", In("a"));
  EXPECT_EQ(ErrnoOf(tree.Open(*b)), ENOTDIR) << "though it leads to the same place";
  EXPECT_EQ(ErrnoOf(tree.OpenAside(*b)), ELOOP);
  std::filesystem::remove(In("a"));
  std::filesystem::create_directories(In("a/b"));
  EXPECT_EQ(ErrnoOf(tree.Open(*b)), ESTALE);
  EXPECT_EQ(ErrnoOf(tree.OpenAside(*b)), ESTALE);
  std::filesystem::remove_all(In("a"));
  std::filesystem::rename(In("moved"), In("a"));
  EXPECT_TRUE(tree.Open(*b));
}

TEST_F(TargetTreeTest, DepthNeedsNeitherLongPathsNorManyDescriptors) {
  TargetTree tree = Start();
  std::vector<const TargetDir*> way = {&tree.top()};
  for (std::size_t level = 0; level < 3000; ++level)
    way.push_back(Make(tree, *way.back(), std::string(1 + level % 50, 'd')));
  EXPECT_GT(PathOf(*way.back()).size(), std::size_t{10} * PATH_MAX);
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    const TargetDir& dir = *way[random() % way.size()];
    ASSERT_TRUE(tree.Open(dir));
    ASSERT_TRUE(tree.OpenAside(*way[random() % way.size()]));
    EXPECT_LT(List("/proc/self/fd").size(), TargetTree::kMaxOpen + 20);
  }
  // All the way up, as directories get their attributes.
  for (auto at = way.rbegin(); at != way.rend(); ++at) {
    const auto open = tree.Open(**at);
    ASSERT_TRUE(open);
    EXPECT_EQ(*IdOf((*open)->fd()), (*at)->id);
  }
}

}  // namespace
}  // namespace amberfs
