#include "extract/extractor.h"

#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "format/wire.h"
#include "tests/bad/target_folder.h"
#include "tests/bad/tree_image.h"

namespace amberfs {
namespace {

constexpr TreeImage::Id kRoot = TreeImage::kRoot;
using End = ExtractSummary::End;
using Strings = std::vector<std::string>;
using Names = std::set<std::string>;

class ExtractorTest : public TargetFolder {
 protected:
  ExtractorTest() {
    options_.report = [this](const std::string& path, const std::string& what) {
      reports_.push_back(path + ": " + what);
    };
  }

  ExtractSummary Run() { return Run(tree_.Open()); }
  ExtractSummary Run(const Image& image) {
    reports_.clear();
    const ExtractSummary summary = Extract(image, Open(), options_);
    EXPECT_EQ(summary.errors, reports_.size());
    return summary;
  }
  // All was made and nothing was told.
  void ExpectGood(const ExtractSummary& summary) const {
    EXPECT_EQ(reports_, Strings{});
    EXPECT_EQ(summary.end, End::kDone);
  }
  static std::string Text(int error) { return std::strerror(error); }

  TreeImage tree_;
  ExtractOptions options_;
  Strings reports_;
};

// --- what comes out ---

TEST_F(ExtractorTest, EverythingComesOut) {
  const auto dir = tree_.AddDirectory(kRoot, "dir", 0555);
  tree_[dir].mtime = 111;
  const auto file = tree_.AddFile(dir, "file", "contents", 0440);
  tree_[file].mtime = -1;
  tree_[file].mtime_nsec = 999'999'999;
  tree_.AddFile(dir, "empty", "");
  const auto sub = tree_.AddDirectory(dir, "sub", 01700);
  tree_[sub].mtime = 222;
  tree_.AddLink(sub, "link", "../file");
  tree_.AddNode(sub, "fifo", S_IFIFO | 0620);
  tree_.AddNode(sub, "socket", S_IFSOCK | 0600);
  tree_[kRoot].mtime = 333;
  tree_[kRoot].mode = S_IFDIR | 0711;
  const ExtractSummary summary = Run();
  ExpectGood(summary);
  EXPECT_EQ(summary.files, 2U);
  EXPECT_EQ(summary.directories, 2U);
  EXPECT_EQ(summary.symlinks, 1U);
  EXPECT_EQ(summary.specials, 2U);
  EXPECT_EQ(summary.data_bytes, 8U);
  EXPECT_EQ(Read(In("dir/file")), "contents");
  EXPECT_EQ(Permissions(In("dir/file")), 0440U);
  EXPECT_EQ(Stat(In("dir/file")).st_mtim.tv_sec, -1);
  EXPECT_EQ(Stat(In("dir/file")).st_mtim.tv_nsec, 999'999'999);
  EXPECT_EQ(Stat(In("dir/empty")).st_size, 0);
  EXPECT_EQ(std::filesystem::read_symlink(In("dir/sub/link")), "../file");
  EXPECT_TRUE(S_ISFIFO(Stat(In("dir/sub/fifo")).st_mode));
  EXPECT_EQ(Permissions(In("dir/sub/fifo")), 0620U);
  EXPECT_TRUE(S_ISSOCK(Stat(In("dir/sub/socket")).st_mode));
  const struct {
    const char* path;
    mode_t mode;
    time_t mtime;
  } directories[] = {{"dir", 0555, 111}, {"dir/sub", 01700, 222}, {"", 0711, 333}};
  for (const auto& [path, mode, mtime] : directories) {
    EXPECT_EQ(Permissions(In(path)), mode) << path;
    EXPECT_EQ(Stat(In(path)).st_mtim.tv_sec, mtime) << path;
  }
}

TEST_F(ExtractorTest, HolesStayHoles) {
  tree_[tree_.AddFile(kRoot, "hole", "")].hole = 1 << 24;
  tree_[tree_.AddFile(kRoot, "comb", "")].chunks = {
      wire::kNullBlock32, 0, wire::kNullBlock32, wire::kNullBlock32, 0, 1, wire::kNullBlock32};
  const std::vector<std::byte> bytes = tree_.Build();
  const ExtractSummary summary = Run();
  ExpectGood(summary);
  EXPECT_EQ(summary.data_bytes, 3 * 4096U);
  EXPECT_EQ(summary.hole_bytes, (1U << 24) + 4 * 4096U);
  EXPECT_EQ(Stat(In("hole")).st_size, 1 << 24);
  EXPECT_LT(Stat(In("hole")).st_blocks, 64);
  const std::string zeros(4096, '\0');
  const std::string_view image = AsText(bytes);
  EXPECT_EQ(Read(In("comb")), zeros + std::string(image.substr(0, 4096)) + zeros + zeros +
                                  std::string(image.substr(0, 8192)) + zeros);
}

TEST_F(ExtractorTest, LargeFilesComeOutWholeByAnyNumberOfThreads) {
  for (const unsigned threads : {1U, 2U, 8U}) {
    TreeImage tree;
    std::vector<std::string> contents;
    for (int i = 0; i < 40; ++i) {
      const auto dir = tree.AddDirectory(kRoot, "dir-" + std::to_string(i));
      contents.push_back(
          std::string(static_cast<std::size_t>(i) * 70'001, static_cast<char>('a' + i % 26)));
      const auto file = tree.AddFile(dir, "file", contents.back());
      tree[file].nlink = 2;
      tree.AddName(kRoot, "again-" + std::to_string(i), file);
    }
    std::filesystem::remove_all(In());
    options_.threads = threads;
    const ExtractSummary summary = Run(tree.Open());
    ExpectGood(summary);
    EXPECT_EQ(summary.files, 40U);
    EXPECT_EQ(summary.hard_links, 40U);
    for (std::size_t i = 0; i < contents.size(); ++i) {
      EXPECT_EQ(Read(In("dir-" + std::to_string(i) + "/file")), contents[i]) << i;
      EXPECT_EQ(Stat(In("again-" + std::to_string(i))).st_nlink, 2U);
    }
  }
}

TEST_F(ExtractorTest, NamesOfOneInodeAreNamesOfOneFile) {
  const auto dir = tree_.AddDirectory(kRoot, "dir");
  const auto file = tree_.AddFile(kRoot, "b", "x");
  const auto link = tree_.AddLink(kRoot, "link", "target");
  for (const auto id : {file, link}) tree_[id].nlink = 3;
  tree_.AddName(dir, "c", file);
  tree_.AddName(kRoot, "z", file);
  tree_.AddName(dir, "link", link);
  const ExtractSummary summary = Run();
  ExpectGood(summary);
  EXPECT_EQ(summary.files, 1U);
  EXPECT_EQ(summary.symlinks, 1U);
  EXPECT_EQ(summary.hard_links, 3U);
  EXPECT_EQ(Stat(In("b")).st_ino, Stat(In("dir/c")).st_ino);
  EXPECT_EQ(Stat(In("b")).st_ino, Stat(In("z")).st_ino);
  EXPECT_EQ(Stat(In("link")).st_ino, Stat(In("dir/link")).st_ino);
}

TEST_F(ExtractorTest, ThePartsAskedForComeOutAtTheirPlaces) {
  const auto usr = tree_.AddDirectory(kRoot, "usr", 0750);
  const auto bin = tree_.AddDirectory(usr, "bin", 0711);
  tree_.AddFile(bin, "env", "e");
  tree_.AddFile(bin, "other", "o");
  tree_.AddDirectory(usr, "empty");
  tree_.AddLink(kRoot, "bin", "usr/bin");
  tree_.AddFile(kRoot, "unwanted", "");
  options_.paths = {"bin/env", "/usr/empty", "bin", "usr//empty", "absent"};
  const ExtractSummary summary = Run();
  EXPECT_EQ(reports_, Strings{"absent: not found"});
  EXPECT_EQ(summary.files, 1U);
  EXPECT_EQ(List(In()), (Names{"bin", "usr"}));
  EXPECT_TRUE(S_ISLNK(Stat(In("bin")).st_mode)) << "a link at the end is the link";
  EXPECT_EQ(List(In("usr")), (Names{"bin", "empty"}));
  EXPECT_EQ(List(In("usr/bin")), Names{"env"});
  EXPECT_EQ(Permissions(In("usr")), 0750U) << "made on the way";
  EXPECT_EQ(Permissions(In("usr/bin")), 0711U);
}

TEST_F(ExtractorTest, WhatLiesInAnotherPartComesOutOnce) {
  tree_.AddFile(tree_.AddDirectory(kRoot, "dir"), "file", "x");
  options_.paths = {"dir/file", "dir", "dir"};
  ExpectGood(Run());
  std::filesystem::remove_all(In());
  options_.paths = {"dir/file", "/"};
  ExpectGood(Run());
  EXPECT_EQ(Read(In("dir/file")), "x");
}

// --- policies ---

TEST_F(ExtractorTest, SetIdBitsAndDevicesOnlyWhenAskedFor) {
  tree_.AddFile(kRoot, "su", "", 06755);
  tree_.AddDirectory(kRoot, "shared", 02775);
  tree_[tree_.AddNode(kRoot, "null", S_IFCHR | 0666)].device = 0x103;
  tree_.AddNode(kRoot, "disk", S_IFBLK | 0660);
  const ExtractSummary summary = Run();
  ExpectGood(summary);
  EXPECT_EQ(summary.devices_left_out, 2U);
  EXPECT_EQ(List(In()), (Names{"shared", "su"}));
  EXPECT_EQ(Permissions(In("su")), 0755U);
  EXPECT_EQ(Permissions(In("shared")), 0775U);

  std::filesystem::remove_all(In());
  options_.attributes.set_id = true;
  options_.paths = {"su", "shared"};
  ExpectGood(Run());
  EXPECT_EQ(Permissions(In("su")), 06755U);
  EXPECT_EQ(Permissions(In("shared")), 02775U);
}

TEST_F(ExtractorTest, RootMakesDevicesAndGivesFilesAway) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const auto null = tree_.AddNode(kRoot, "null", S_IFCHR | 0666);
  tree_[null].device = 0x103;
  const auto file = tree_.AddFile(kRoot, "su", "", 04755);
  const auto dir = tree_.AddDirectory(kRoot, "dir");
  const auto link = tree_.AddLink(kRoot, "link", "x");
  for (const auto id : {null, file, dir, link}) {
    tree_[id].uid = 70000;
    tree_[id].gid = 100;
  }
  tree_[file].xattrs = {{wire::kXattrTrusted, "t", "1"}, {wire::kXattrUser, "u", "2"}};
  options_.devices = true;
  options_.attributes = {OwnerPolicy::kKeep, XattrPolicy::kUser, true};
  ExpectGood(Run());
  for (const char* name : {"null", "su", "dir", "link"}) {
    EXPECT_EQ(Stat(In(name)).st_uid, 70000U) << name;
    EXPECT_EQ(Stat(In(name)).st_gid, 100U) << name;
  }
  EXPECT_EQ(Stat(In("null")).st_rdev, makedev(1, 3));
  EXPECT_EQ(Permissions(In("null")), 0666U);
  EXPECT_EQ(Permissions(In("su")), 04755U);
}

TEST_F(ExtractorTest, NothingIsOpenBeforeItIsComplete) {
  const auto dir = tree_.AddDirectory(kRoot, "a", 0777);
  tree_.AddFile(dir, "file", "x", 0666);
  tree_[tree_.AddDirectory(dir, "b", 0777)].mtime = 5;
  tree_[tree_.AddFile(kRoot, "z", "")].hole = 100'000;
  tree_.AddFile(kRoot, "zz", std::string(5000, 'z'), 0666);
  int looks = 0;
  options_.progress = [&](const ExtractSummary&) {
    ++looks;
    for (const std::string& name : List(In()))
      EXPECT_TRUE(!name.starts_with(".amber-extract.") || Permissions(In(name)) == 0600U) << name;
    for (const char* name : {"", "a", "a/b"})
      EXPECT_TRUE(Stat(In(name)).st_mode == 0 || Permissions(In(name)) == 0700U) << name;
  };
  ExpectGood(Run());
  EXPECT_GT(looks, 5);
  EXPECT_EQ(Permissions(In("a/b")), 0777U);
}

// --- what is there already ---

TEST_F(ExtractorTest, WhatIsThereStays) {
  const auto dir = tree_.AddDirectory(kRoot, "dir");
  tree_.AddFile(dir, "file", "new");
  tree_.AddFile(kRoot, "file", "new");
  tree_.AddFile(kRoot, "through", "new");
  tree_.AddLink(kRoot, "link", "new");
  tree_.AddFile(kRoot, "z", "new");
  Open();
  std::filesystem::create_directory(In("dir"));
  Write(In("file"), "old");
  Write(In("link"), "old");
  std::filesystem::create_symlink(Outside("file"), In("through"));
  const ExtractSummary summary = Run();
  const std::string exists = ": cannot be made: " + Text(EEXIST);
  EXPECT_EQ(reports_,
            (Strings{"/dir" + exists, "/file" + exists, "/link" + exists, "/through" + exists}));
  EXPECT_EQ(summary.end, End::kDone);
  EXPECT_EQ(Read(In("file")), "old");
  EXPECT_EQ(Read(In("link")), "old");
  EXPECT_EQ(Read(In("z")), "new");
  EXPECT_EQ(List(In("dir")), Names{});
  EXPECT_EQ(List(In()), (Names{"dir", "file", "link", "through", "z"}));
}

TEST_F(ExtractorTest, WhatIsThereIsReplacedNeverWrittenThrough) {
  const auto dir = tree_.AddDirectory(kRoot, "dir", 0711);
  tree_.AddFile(dir, "file", "new");
  const auto file = tree_.AddFile(kRoot, "file", "new");
  tree_[file].nlink = 2;
  tree_.AddName(kRoot, "same", file);
  tree_.AddFile(kRoot, "through", "new");
  tree_.AddFile(tree_.AddDirectory(kRoot, "to-dir"), "file", "new");
  tree_.AddFile(kRoot, "was-dir", "new");
  tree_.AddLink(kRoot, "link", "new");
  options_.existing = Existing::kIsReplaced;
  Open();
  std::filesystem::create_directory(In("dir"));
  std::filesystem::create_directory(In("was-dir"));
  Write(In("dir/kept"), "old");
  ASSERT_EQ(::link(Outside("file").c_str(), In("file").c_str()), 0);
  std::filesystem::create_symlink(Outside("file"), In("through"));
  std::filesystem::create_symlink(Outside("file"), In("link"));
  std::filesystem::create_directory_symlink(Outside(), In("to-dir"));
  const Strings faults = {"/to-dir: cannot be made: " + Text(ENOTDIR),
                          "/was-dir: cannot be made: " + Text(EISDIR)};
  for (int round = 0; round < 2; ++round) {
    Run();
    EXPECT_EQ(reports_, faults);
    for (const char* name : {"dir/file", "file", "same", "through"})
      EXPECT_EQ(Read(In(name)), "new") << name;
    EXPECT_EQ(Stat(In("file")).st_ino, Stat(In("same")).st_ino);
    EXPECT_EQ(std::filesystem::read_symlink(In("link")), "new");
    EXPECT_EQ(Read(In("dir/kept")), "old");
    EXPECT_EQ(Permissions(In("dir")), 0711U);
    EXPECT_EQ(List(In()), (Names{"dir", "file", "link", "same", "through", "to-dir", "was-dir"}));
  }
}

TEST_F(ExtractorTest, DirectoriesOnTheWayToAPartKeepWhatTheyHave) {
  tree_.AddFile(tree_.AddDirectory(kRoot, "dir", 0711), "file", "new");
  options_.existing = Existing::kIsReplaced;
  options_.paths = {"dir/file"};
  Open();
  std::filesystem::create_directory(In("dir"));
  ASSERT_EQ(::chmod(In("dir").c_str(), 0770), 0);
  ASSERT_EQ(::chmod(In().c_str(), 0755), 0);
  ExpectGood(Run());
  EXPECT_EQ(Permissions(In("dir")), 0770U);
  EXPECT_EQ(Permissions(In()), 0755U);
}

TEST_F(ExtractorTest, IfTheFirstNameFailsTheNextIsTheFirst) {
  for (const unsigned threads : {1U, 3U}) {
    TreeImage tree;
    const auto file = tree.AddFile(kRoot, "a", std::string(200'000, 'x'));
    tree[file].nlink = 3;
    tree.AddName(kRoot, "b", file);
    tree.AddName(kRoot, "c", file);
    options_.threads = threads;
    Open();
    Write(In("a"), "old");
    const ExtractSummary summary = Run(tree.Open());
    EXPECT_EQ(reports_, Strings{"/a: cannot be made: " + Text(EEXIST)});
    EXPECT_EQ(summary.files, 1U);
    EXPECT_EQ(summary.hard_links, 1U);
    EXPECT_EQ(Read(In("a")), "old");
    EXPECT_EQ(Stat(In("b")).st_ino, Stat(In("c")).st_ino);
    EXPECT_EQ(Stat(In("b")).st_nlink, 2U);
    std::filesystem::remove_all(In());
  }
}

// --- hostile images ---

// The classic: a link, and then something to be made through it.
TEST_F(ExtractorTest, ALinkAndADirectoryOfOneName) {
  for (const auto existing : {Existing::kIsError, Existing::kIsReplaced}) {
    for (const bool link_first : {true, false}) {
      TreeImage tree;
      if (link_first) tree.AddLink(kRoot, "a", Outside());
      const auto dir = tree.AddDirectory(kRoot, "a");
      tree.AddFile(dir, "file", "owned");
      tree.AddFile(dir, "new", "owned");
      if (!link_first) tree.AddLink(kRoot, "a", Outside());
      tree.AddFile(kRoot, "b", "");
      options_.existing = existing;
      const ExtractSummary summary = Run(tree.Open());
      EXPECT_EQ(summary.errors, 1U);
      EXPECT_EQ(summary.end, End::kDone);
      EXPECT_TRUE(std::filesystem::exists(In("b")));
      EXPECT_EQ(S_ISLNK(Stat(In("a")).st_mode), link_first);
      std::filesystem::remove_all(In());
    }
  }
}

TEST_F(ExtractorTest, AFileOverALinkOfItsNameIsNotWrittenThroughIt) {
  tree_.AddLink(kRoot, "a", Outside("file"));
  tree_.AddFile(kRoot, "a", "owned");
  Run();
  EXPECT_EQ(reports_, Strings{"/a: cannot be made: " + Text(EEXIST)});
  std::filesystem::remove_all(In());
  options_.existing = Existing::kIsReplaced;
  ExpectGood(Run());
  EXPECT_EQ(Read(In("a")), "owned");
}

TEST_F(ExtractorTest, NamesThatAreNoneAreNotMade) {
  const auto dir = tree_.AddDirectory(kRoot, "dir");
  const auto file = tree_.AddFile(dir, "good", "");
  tree_.AddName(dir, "../outside/owned", file);
  const auto other = tree_.AddDirectory(kRoot, "other");
  tree_.AddName(other, std::string("a\0b", 3), file);
  tree_.AddName(other, "b", file);
  const auto dots = tree_.AddDirectory(kRoot, "dots");
  tree_.AddFile(dots, "..", "owned");
  tree_.AddFile(dots, ".", "owned");
  tree_.AddFile(kRoot, "z", "");
  const ExtractSummary summary = Run();
  ASSERT_EQ(reports_.size(), 2U);
  EXPECT_TRUE(reports_[0].starts_with("/dir: corrupt (rule DIR-3 ")) << reports_[0];
  EXPECT_TRUE(reports_[1].starts_with("/other: corrupt (rule DIR-3 ")) << reports_[1];
  EXPECT_EQ(summary.files, 1U);
  EXPECT_EQ(List(In()), (Names{"dir", "dots", "other", "z"}));
  EXPECT_EQ(List(In("dots")), Names{});
}

TEST_F(ExtractorTest, DirectoriesThatHoldThemselvesEnd) {
  const auto dir = tree_.AddDirectory(kRoot, "dir");
  tree_.AddName(dir, "self", dir);
  tree_.AddName(dir, "top", kRoot);
  Run();
  ASSERT_EQ(reports_.size(), 2U);
  EXPECT_TRUE(reports_[0].starts_with("/dir/self: corrupt (rule DIR-7 ")) << reports_[0];
  EXPECT_EQ(List(In("dir")), Names{});
}

TEST_F(ExtractorTest, DepthCostsTimeAndNothingElse) {
  constexpr int kDepth = 5000;
  TreeImage::Id deep = kRoot;
  for (int level = 0; level < kDepth; ++level) {
    deep = tree_.AddDirectory(deep, "dirs", 0750);
    tree_[deep].mtime = level;
  }
  const auto file = tree_.AddFile(deep, "bottom", "x");
  tree_[file].nlink = 2;
  tree_.AddName(kRoot, "also", file);
  const ExtractSummary summary = Run();
  ExpectGood(summary);
  EXPECT_EQ(summary.directories, static_cast<std::uint64_t>(kDepth));
  EXPECT_EQ(Stat(In("also")).st_nlink, 2U);
  EXPECT_EQ(Stat(In("dirs/dirs/dirs")).st_mtim.tv_sec, 2);
  EXPECT_EQ(Permissions(In("dirs/dirs/dirs")), 0750U);
}

TEST_F(ExtractorTest, AHoleOf2To62BytesFillsNoDisk) {
  tree_[tree_.AddFile(kRoot, "a", "")].hole = std::uint64_t{1} << 62;
  tree_.AddFile(kRoot, "b", "after");
  const ExtractSummary summary = Run();
  EXPECT_EQ(summary.end, End::kDone);
  EXPECT_EQ(summary.data_bytes, 5U);
  EXPECT_EQ(Read(In("b")), "after");
  // Whether such a file can be is the filesystem's business.
  if (summary.errors > 0)
    EXPECT_EQ(reports_, Strings{"/a: cannot be written: " + Text(EFBIG)});
  else
    EXPECT_EQ(Stat(In("a")).st_blocks, 0);
  EXPECT_FALSE(List(In()).contains("a") && summary.errors > 0);
}

// A megabyte that a million names lead to, each a file of its own by its link count.
TEST_F(ExtractorTest, ASmallImageThatUnfoldsEndsAtItsBudget) {
  const auto file = tree_.AddFile(kRoot, "0", std::string(1 << 20, 'x'));
  for (int i = 1; i < 1000; ++i) tree_.AddName(kRoot, std::to_string(i), file);
  options_.max_bytes = 10 << 20;
  for (const unsigned threads : {1U, 4U}) {
    options_.threads = threads;
    const ExtractSummary summary = Run();
    EXPECT_EQ(reports_, Strings{});
    EXPECT_EQ(summary.end, End::kBytes);
    EXPECT_EQ(summary.files, 10U);
    EXPECT_EQ(List(In()).size(), 10U) << "and nothing half done";
    std::filesystem::remove_all(In());
  }
}

TEST_F(ExtractorTest, AttributesAndTargetsCountAsBytes) {
  const auto link = tree_.AddLink(kRoot, "link", std::string(1000, 'x'));
  for (int i = 0; i < 10; ++i) tree_.AddName(kRoot, std::to_string(i), link);
  options_.max_bytes = 5000;
  EXPECT_EQ(Run().end, End::kBytes);
  EXPECT_EQ(List(In()).size(), 5U);
}

TEST_F(ExtractorTest, NamesHaveABudget) {
  for (int i = 0; i < 100; ++i) tree_.AddFile(kRoot, std::to_string(i), "");
  options_.max_entries = 100;
  EXPECT_EQ(Run().end, End::kEntries) << "the top counts";
  std::filesystem::remove_all(In());
  options_.max_entries = 101;
  EXPECT_EQ(Run().end, End::kDone);
}

// --- failures ---

TEST_F(ExtractorTest, WhatFailsLeavesNothingBehind) {
  tree_[tree_.AddFile(kRoot, "broken", "")].chunks = {0, 1, 1 << 30};
  tree_.AddNode(kRoot, "no-type", 0644);
  tree_.AddLink(kRoot, "no-target", "");
  tree_[tree_.AddFile(kRoot, "xattrs", "")].xattrs = {{wire::kXattrUser, "", "no name"}};
  tree_.AddFile(kRoot, "z", "good");
  Run();
  ASSERT_EQ(reports_.size(), 4U);
  EXPECT_TRUE(reports_[0].starts_with("/broken: corrupt (rule CHK-3 ")) << reports_[0];
  EXPECT_TRUE(reports_[1].starts_with("/no-target: ")) << reports_[1];
  EXPECT_NE(reports_[1].find("corrupt (rule LNK-1 "), std::string::npos) << reports_[1];
  EXPECT_TRUE(reports_[2].starts_with("/no-type: corrupt (rule INO-4 ")) << reports_[2];
  EXPECT_TRUE(reports_[3].starts_with("/xattrs: corrupt (rule XA-6 ")) << reports_[3];
  EXPECT_EQ(List(In()), Names{"z"});
}

TEST_F(ExtractorTest, StopsWhenToldAndLeavesNothingHalfDone) {
  for (int i = 0; i < 50; ++i) tree_.AddFile(kRoot, std::to_string(i), std::string(3 << 20, 'x'));
  const Image image = tree_.Open();
  for (const unsigned threads : {1U, 4U}) {
    std::atomic<bool> stop = false;
    options_.threads = threads;
    options_.stop = &stop;
    options_.progress = [&](const ExtractSummary& so_far) {
      if (so_far.data_bytes > 10 << 20) stop = true;
    };
    const ExtractSummary summary = Run(image);
    EXPECT_EQ(summary.end, End::kStopped);
    EXPECT_EQ(reports_, Strings{});
    EXPECT_EQ(List(In()).size(), summary.files);
    EXPECT_LT(summary.files, 10U);
    for (const std::string& name : List(In())) EXPECT_EQ(Stat(In(name)).st_size, 3 << 20);
    EXPECT_EQ(Permissions(In()), 0700U) << "an unfinished directory stays closed";
    std::filesystem::remove_all(In());
  }
}

}  // namespace
}  // namespace amberfs
