#include "extract/safe_dir.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>

#include "tests/bad/target_folder.h"

namespace amberfs {
namespace {

class SafeDirTest : public TargetFolder {
 protected:
  template <typename T>
  static int ErrnoOf(const Result<T>& result) {
    return result ? 0 : result.error().os_errno;
  }
};

TEST_F(SafeDirTest, OpenTopMakesOrWantsItEmpty) {
  EXPECT_TRUE(Open(false).made);
  EXPECT_EQ(Permissions(In()), 0700U);
  EXPECT_FALSE(Open(false).made);
  Write(In("thing"), "");
  EXPECT_EQ(ErrnoOf(SafeDir::OpenTop(In(), false)), ENOTEMPTY);
  EXPECT_FALSE(Open(true).made);
  EXPECT_EQ(ErrnoOf(SafeDir::OpenTop(In("thing"), true)), ENOTDIR);
  EXPECT_EQ(ErrnoOf(SafeDir::OpenTop(In("absent/dir"), true)), ENOENT);
}

TEST_F(SafeDirTest, OnlyPlainNamesAreNames) {
  const SafeDir dir = Open().directory;
  const std::string bad[] = {"",     ".",
                             "..",   "/",
                             "a/b",  "../outside/file",
                             "/etc", std::string("a\0b", 3),
                             "a/",   std::string(256, 'x')};
  ASSERT_TRUE(dir.MakeFile("good"));
  const FileId good = *IdOf(dir.MakeFile("another")->get());
  for (const std::string& name : bad) {
    EXPECT_FALSE(IsPlainName(name)) << name;
    EXPECT_EQ(ErrnoOf(dir.MakeDirectory(name)), EINVAL) << name;
    EXPECT_EQ(ErrnoOf(dir.MakeFile(name)), EINVAL) << name;
    EXPECT_EQ(ErrnoOf(dir.MakeSymlink(name, "x")), EINVAL) << name;
    EXPECT_EQ(ErrnoOf(dir.MakeNode(name, S_IFIFO, 0)), EINVAL) << name;
    EXPECT_EQ(ErrnoOf(dir.MakeLink(name, dir, "good", good)), EINVAL) << name;
    EXPECT_EQ(ErrnoOf(dir.MakeLink("link", dir, name, good)), EINVAL) << name;
    EXPECT_EQ(ErrnoOf(dir.Publish("good", name, Existing::kIsReplaced)), EINVAL) << name;
  }
  EXPECT_EQ(List(In()), (std::set<std::string>{"another", "good"}));
  EXPECT_TRUE(IsPlainName("..."));
  EXPECT_TRUE(IsPlainName(std::string(255, 'x')));
}

TEST_F(SafeDirTest, NothingBelowIsReachedThroughALink) {
  const SafeDir dir = Open().directory;
  ASSERT_TRUE(dir.MakeDirectory("sub"));
  ASSERT_TRUE(dir.OpenBelow("sub")->MakeDirectory("deep"));
  EXPECT_TRUE(dir.OpenBelow("sub/deep"));
  ASSERT_TRUE(dir.MakeSymlink("link", "../outside"));
  ASSERT_TRUE(dir.MakeSymlink("inside", "sub"));
  ASSERT_TRUE(dir.MakeSymlink("absolute", Outside()));
  for (const char* path : {"link", "inside", "absolute", "sub/../link"})
    EXPECT_EQ(ErrnoOf(dir.OpenBelow(path)), ENOTDIR) << path;
  for (const char* path : {"link/", "inside/deep", "absolute/.", "link/../target/sub"})
    EXPECT_EQ(ErrnoOf(dir.OpenBelow(path)), ELOOP) << path;
  for (const char* path : {"..", "sub/../../outside", "/", "/tmp"})
    EXPECT_EQ(ErrnoOf(dir.OpenBelow(path)), EXDEV) << path;
  EXPECT_EQ(ErrnoOf(dir.OpenBelow("absent")), ENOENT);
}

TEST_F(SafeDirTest, WhatIsMadeIsNewAndClosed) {
  const SafeDir dir = Open().directory;
  ASSERT_TRUE(dir.MakeSymlink("to-outside", "../outside/new"));
  ASSERT_TRUE(dir.MakeSymlink("to-file", "../outside/file"));
  for (const char* name : {"to-outside", "to-file"}) {
    EXPECT_EQ(ErrnoOf(dir.MakeFile(name)), EEXIST);
    EXPECT_EQ(ErrnoOf(dir.MakeDirectory(name)), EEXIST);
    EXPECT_EQ(ErrnoOf(dir.MakeNode(name, S_IFIFO, 0)), EEXIST);
    EXPECT_EQ(ErrnoOf(dir.MakeSymlink(name, "x")), EEXIST);
  }
  ASSERT_TRUE(dir.MakeFile("file"));
  ASSERT_TRUE(dir.MakeDirectory("dir"));
  ASSERT_TRUE(dir.MakeNode("fifo", S_IFIFO, 0));
  EXPECT_EQ(Permissions(In("file")), 0600U);
  EXPECT_EQ(Permissions(In("dir")), 0700U);
  EXPECT_EQ(Permissions(In("fifo")), 0600U);
}

TEST_F(SafeDirTest, PublishReplacesOnlyWhereItMay) {
  const SafeDir dir = Open().directory;
  const auto fresh = [&] { Write(In("new"), "new"); };
  ASSERT_TRUE(dir.MakeSymlink("link", "../outside/file"));
  ASSERT_TRUE(dir.MakeDirectory("dir"));
  Write(In("file"), "old");
  fresh();
  for (const char* name : {"file", "link", "dir"})
    EXPECT_EQ(ErrnoOf(dir.Publish("new", name, Existing::kIsError)), EEXIST) << name;
  EXPECT_EQ(Read(In("file")), "old");
  EXPECT_EQ(ErrnoOf(dir.Publish("new", "dir", Existing::kIsReplaced)), EISDIR);
  for (const char* name : {"file", "link", "free"}) {
    fresh();
    EXPECT_TRUE(dir.Publish("new", name, Existing::kIsReplaced)) << name;
    EXPECT_TRUE(S_ISREG(Stat(In(name)).st_mode)) << name;
    EXPECT_EQ(Read(In(name)), "new") << name;
  }
  // Two names of one file: rename() would leave both.
  ASSERT_EQ(::link(In("file").c_str(), In("twin").c_str()), 0);
  EXPECT_TRUE(dir.Publish("twin", "file", Existing::kIsReplaced));
  EXPECT_EQ(List(In()), (std::set<std::string>{"dir", "file", "free", "link"}));
}

TEST_F(SafeDirTest, OnlyTheExpectedFileIsLinked) {
  const SafeDir dir = Open().directory;
  const FileId file = *IdOf(dir.MakeFile("file")->get());
  EXPECT_TRUE(dir.MakeLink("link", dir, "file", file));
  EXPECT_EQ(Stat(In("file")).st_nlink, 2U);
  // Somebody has put a link, or another file, where it was.
  std::filesystem::remove(In("file"));
  ASSERT_TRUE(dir.MakeSymlink("file", "../outside/file"));
  EXPECT_EQ(ErrnoOf(dir.MakeLink("again", dir, "file", file)), ESTALE);
  std::filesystem::remove(In("file"));
  ASSERT_EQ(::link(Outside("file").c_str(), In("file").c_str()), 0);
  EXPECT_EQ(ErrnoOf(dir.MakeLink("again", dir, "file", file)), ESTALE);
  EXPECT_EQ(List(In()), (std::set<std::string>{"file", "link"}));
}

}  // namespace
}  // namespace amberfs
