// amber ls, cat, stat and map as people run them, on images of trees that only a hostile maker
// makes.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/bad/command_test.h"
#include "tests/bad/tree_image.h"

namespace amberfs {
namespace {

constexpr TreeImage::Id kRoot = TreeImage::kRoot;

class LookCommand : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    ::setenv("TZ", "UTC0", 1);
  }

  // Runs `amber ARGUMENTS`, where "image" is tree_.
  Outcome Run(const std::string& arguments) {
    Write("image", tree_.Build());
    return Amber(arguments);
  }

  // What a run prints, as one JSON value for each line.
  std::vector<nlohmann::json> Json(const std::string& arguments) {
    std::vector<nlohmann::json> values;
    std::istringstream lines(Run(arguments + " 2>/dev/null").out);
    for (std::string line; std::getline(lines, line);) {
      for (const char c : line) EXPECT_TRUE(c >= ' ' && c < 0x7F) << line;
      values.push_back(nlohmann::json::parse(line));
    }
    return values;
  }

  TreeImage tree_;
};

// --- cat ---

TEST_F(LookCommand, CatPrintsFilesThroughLinks) {
  const auto dir = tree_.AddDirectory(kRoot, "dir");
  tree_.AddFile(dir, "a", "first\n");
  tree_.AddFile(dir, "b", std::string("sec\0nd\xFF", 7));
  tree_.AddLink(kRoot, "link", "/dir/../dir/a");
  const Outcome run = Run("cat image dir/b link /dir/a");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out, std::string("sec\0nd\xFF", 7) + "first\nfirst\n");
}

TEST_F(LookCommand, CatGoesOnBehindWhatFails) {
  tree_.AddFile(kRoot, "a", "first\n");
  tree_.AddLink(kRoot, "loop", "loop");
  tree_.AddNode(kRoot, "fifo", S_IFIFO | 0600);
  tree_.AddNode(kRoot, "no-type", 0644);
  const Outcome run = Run("cat image / nothing fifo loop no-type $(printf 'a\\033') a");
  EXPECT_EQ(run.status, 1);
  EXPECT_NE(run.out.find("amber cat: image: no-type: corrupt (rule INO-4 at byte "),
            std::string::npos)
      << run.out;
  EXPECT_NE(run.out.find("amber cat: image: /: Is a directory\n"
                         "amber cat: image: nothing: not found\n"
                         "amber cat: image: fifo: not a regular file\n"
                         "amber cat: image: loop: Too many levels of symbolic links\n"),
            std::string::npos)
      << run.out;
  EXPECT_TRUE(run.out.ends_with("amber cat: image: a\\x1b: not found\nfirst\n")) << run.out;
}

TEST_F(LookCommand, CatReadsHolesAndChunks) {
  tree_[tree_.AddFile(kRoot, "hole", "")].hole = 5'000'000;
  tree_[tree_.AddFile(kRoot, "chunks", "")].chunks = {wire::kNullBlock32, 0};
  const Outcome run = Run("cat image hole");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out, std::string(5'000'000, '\0'));
  const std::vector<std::byte> bytes = tree_.Build();
  EXPECT_EQ(Run("cat image chunks").out,
            std::string(4096, '\0') + std::string(AsText(bytes).substr(0, 4096)));
}

TEST_F(LookCommand, CatStopsWhenNobodyReads) {
  tree_[tree_.AddFile(kRoot, "endless", "")].hole = std::uint64_t{1} << 62;
  const Outcome run = Run("cat image endless endless >/dev/full");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "amber cat: standard output: No space left on device\n");
}

// --- ls ---

TEST_F(LookCommand, LsListsAsLsDoes) {
  const auto dir = tree_.AddDirectory(kRoot, "dir");
  tree_.AddFile(dir, "b", "");
  tree_.AddFile(dir, "!", "");
  tree_.AddFile(dir, ".hidden", "");
  tree_.AddDirectory(dir, "sub");
  tree_.AddLink(kRoot, "link", "dir");
  EXPECT_EQ(Run("ls image").out, "dir\nlink\n");
  EXPECT_EQ(Run("ls image dir").out, "!\nb\nsub\n");
  EXPECT_EQ(Run("ls -a image dir").out, "!\n.\n..\n.hidden\nb\nsub\n");
  EXPECT_EQ(Run("ls image link").out, "!\nb\nsub\n") << "a link to a directory is followed";
  EXPECT_EQ(Run("ls -d image link dir").out, "link\ndir\n");
  EXPECT_EQ(Run("ls image dir/b dir link/sub").out, "dir/b\n\ndir:\n!\nb\nsub\n\nlink/sub:\n");
  EXPECT_EQ(Run("ls -R image").out, "/:\ndir\nlink\n\n/dir:\n!\nb\nsub\n\n/dir/sub:\n");
  EXPECT_EQ(Run("ls -R image dir/").out, "dir:\n!\nb\nsub\n\ndir/sub:\n");
}

TEST_F(LookCommand, LsDoesNotEnterHiddenDirectories) {
  tree_.AddFile(tree_.AddDirectory(kRoot, ".git"), "HEAD", "");
  EXPECT_EQ(Run("ls -R image").out, "/:\n");
  EXPECT_EQ(Run("ls -R image .git").out, ".git:\nHEAD\n");
  EXPECT_EQ(Run("ls -aR image").out, "/:\n.\n..\n.git\n\n/.git:\n.\n..\nHEAD\n");
}

TEST_F(LookCommand, LsShowsDetails) {
  const auto file = tree_.AddFile(kRoot, "file", "12345", 04751);
  tree_[file].uid = 70000;
  tree_[file].gid = 100;
  tree_[file].nlink = 3;
  tree_[tree_.AddLink(kRoot, "link", "a\x1Bz")].mtime = -1;
  tree_[tree_.AddNode(kRoot, "null", S_IFCHR | 0666)].device = 0x103;
  tree_[tree_.AddDirectory(kRoot, "tmp", 01777)].mtime = std::int64_t{1} << 62;
  tree_.AddNode(kRoot, "torn", 0);
  const Outcome run = Run("ls -l image 2>/dev/null");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out,
            "-rwsr-x--x   3 70000   100          5 2023-11-14 22:13 file\n"
            "lrwxrwxrwx   1     0     0          3 1969-12-31 23:59 link -> a\\x1bz\n"
            "crw-rw-rw-   1     0     0       1, 3 2023-11-14 22:13 null\n"
            "drwxrwxrwt   2     0     0         27 @4611686018427387904 tmp\n"
            "??????????   ?     ?     ?          ?                ? torn\n");
  EXPECT_EQ(Run("ls -ld image /").out,
            "drwxr-xr-x   3     0     0        106 2023-11-14 22:13 /\n");
}

TEST_F(LookCommand, LsLetsNoNameDriveTheTerminal) {
  const auto dir = tree_.AddDirectory(kRoot, "\x1B]0;owned\x07");
  tree_.AddFile(dir, "line\nforged", "");
  tree_.AddFile(dir,
                "\xC2\x9B"
                "31m",
                "");
  tree_.AddFile(dir, "caf\xC3\xA9", "");
  tree_.AddFile(dir, "\xFF", "");
  EXPECT_EQ(Run("ls -R image").out,
            "/:\n\\x1b]0;owned\\x07\n\n/\\x1b]0;owned\\x07:\ncaf\xC3\xA9\nline\\x0aforged\n"
            "\\xc2\\x9b31m\n\\xff\n");
}

TEST_F(LookCommand, LsJsonIsExact) {
  const auto dir = tree_.AddDirectory(kRoot, "dir");
  tree_.AddFile(dir, "line\nforged\xC2\x9B", "12345");
  const auto odd = tree_.AddLink(dir, "\xFF", "to\xFE");
  tree_[odd].mtime_nsec = 7;
  tree_[tree_.AddNode(dir, "null", S_IFCHR | 0666)].device = 0x103;
  tree_.AddNode(dir, "torn", 0);
  const auto lines = Json("ls --json image dir");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0]["path"], "/dir/line\nforged\xC2\x9B");
  EXPECT_EQ(lines[0]["type"], "file");
  EXPECT_EQ(lines[0]["mode"], "0644");
  EXPECT_EQ(lines[0]["size"], 5);
  EXPECT_EQ(lines[0]["mtime"], 1'700'000'000);
  EXPECT_EQ(lines[1]["path"], "/dir/null");
  EXPECT_EQ(lines[1]["major"], 1);
  EXPECT_EQ(lines[1]["minor"], 3);
  EXPECT_EQ(lines[2]["path"], "/dir/torn");
  EXPECT_TRUE(lines[2]["error"].get<std::string>().starts_with("corrupt (rule INO-4"));
  EXPECT_EQ(lines[3]["path"], nlohmann::json({{"hex", "2f6469722fff"}}));
  EXPECT_EQ(lines[3]["target"], nlohmann::json({{"hex", "746ffe"}}));
  EXPECT_EQ(lines[3]["mtime_nsec"], 7);
}

TEST_F(LookCommand, LsEndsOnDirectoriesThatHoldThemselves) {
  const auto dir = tree_.AddDirectory(kRoot, "dir");
  tree_.AddName(dir, "self", dir);
  tree_.AddName(dir, "top", kRoot);
  const Outcome run = Run("ls -R image");
  EXPECT_EQ(run.status, 1);
  EXPECT_NE(run.out.find("/dir:\nself\ntop\n"), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("amber ls: image: /dir/self: corrupt (rule DIR-7 at byte "),
            std::string::npos);
  EXPECT_NE(run.out.find("amber ls: image: /dir/top: corrupt (rule DIR-7 at byte "),
            std::string::npos);
}

TEST_F(LookCommand, LsSaysEachFaultOnce) {
  tree_.AddName(tree_.AddDirectory(kRoot, "dir"), "a/b", kRoot);
  tree_.AddNode(kRoot, "torn", 0);
  for (const char* options : {"-l", "-lR", "-R"}) {
    const Outcome run = Run(std::string("ls ") + options + " image / dir >/dev/null");
    EXPECT_EQ(run.status, 1);
    // With -R once below / and once as an operand.
    EXPECT_EQ(std::ranges::count(run.out, '\n'), std::string_view(options) == "-l" ? 2 : 3)
        << run.out;
  }
}

// --- stat ---

TEST_F(LookCommand, StatShowsEverything) {
  const auto file = tree_.AddFile(kRoot, "file", "12345", 04751);
  tree_[file].uid = 70000;
  tree_[file].mtime_nsec = 42;
  tree_[file].xattrs = {{wire::kXattrUser, "colour",
                         "am\x1B"
                         "ber"},
                        {wire::kXattrSecurity, "s", "\xFF"}};
  tree_.AddLink(kRoot, "link", "file");
  EXPECT_EQ(Run("stat image file").out,
            "file:\n"
            "  type    file\n"
            "  mode    4751 (-rwsr-x--x)\n"
            "  owner   70000:0\n"
            "  size    5 bytes, 8 blocks of 512 bytes\n"
            "  links   1\n"
            "  mtime   2023-11-14 22:13:20.000000042 +0000\n"
            "  nid     132\n"
            "  inode   extended, at byte 4224\n"
            "  layout  flat-inline\n"
            "  xattr   user.colour=am\\x1bber\n"
            "  xattr   security.s=\\xff\n");
  EXPECT_NE(Run("stat image link").out.find("\n  target  file\n"), std::string::npos);
  EXPECT_NE(Run("stat -L image link").out.find("\n  nid     132\n"), std::string::npos);
  EXPECT_TRUE(Run("stat image --nid 132").out.starts_with("nid 132:\n  type    file\n"));
}

TEST_F(LookCommand, StatJsonIsExact) {
  const auto file = tree_.AddFile(kRoot, "file", "12345");
  tree_[file].xattrs = {{wire::kXattrUser, "colour", "amber"}, {wire::kXattrUser, "\xFE", "\xFF"}};
  tree_[tree_.AddFile(kRoot, "map", "")].chunks = {wire::kNullBlock32};
  tree_.AddLink(kRoot, "link", "file");
  const auto lines = Json("stat --json image //file map link --nid 128");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0]["path"], "/file");
  EXPECT_EQ(lines[0]["layout"], "flat-inline");
  EXPECT_EQ(lines[0]["form"], "extended");
  EXPECT_EQ(lines[0]["offset"].get<std::uint64_t>() % 32, 0U);
  EXPECT_EQ(
      lines[0]["xattrs"],
      nlohmann::json(
          {{{"name", "user.colour"}, {"value", "amber"}, {"shared", false}},
           {{"name", {{"hex", "757365722efe"}}}, {"value", {{"hex", "ff"}}}, {"shared", false}}}));
  EXPECT_EQ(lines[1]["chunk_bytes"], 4096);
  EXPECT_EQ(lines[2]["target"], "file");
  EXPECT_FALSE(lines[3].contains("path"));
  EXPECT_EQ(lines[3]["nid"], 128);
}

TEST_F(LookCommand, StatGoesOnBehindWhatFails) {
  tree_.AddLink(kRoot, "no-target", "");
  const auto file = tree_.AddFile(kRoot, "xattrs", "");
  tree_[file].xattrs = {{wire::kXattrUser, "", "a name without an end"}};
  const Outcome run = Run("stat image absent no-target xattrs --nid 999999 --nid 128");
  EXPECT_EQ(run.status, 1);
  for (const char* line : {"amber stat: image: absent: not found\n",
                           "amber stat: image: no-target: corrupt (rule LNK-1 ",
                           "amber stat: image: xattrs: corrupt (rule XA-6 ",
                           "amber stat: image: nid 999999: corrupt (rule INO-1 ",
                           "\nxattrs:\n  type    file\n", "\nnid 128:\n"})
    EXPECT_NE(run.out.find(line), std::string::npos) << line << run.out;
  EXPECT_EQ(Run("stat image").status, 2);
}

// --- map ---

TEST_F(LookCommand, MapShowsEachExtent) {
  tree_[tree_.AddFile(kRoot, "chunks", "")].chunks = {0, 1, wire::kNullBlock32, wire::kNullBlock32,
                                                      0};
  tree_[tree_.AddFile(kRoot, "hole", "")].hole = std::uint64_t{1} << 62;
  tree_.AddFile(kRoot, "empty", "");
  tree_.AddNode(kRoot, "fifo", S_IFIFO | 0600);
  tree_.AddLink(kRoot, "link", "chunks");
  const std::string heading =
      "             pos           length kind      device           offset\n";
  const Outcome run = Run("map image link hole empty fifo");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out, "/chunks: nid 134, 20480 bytes, chunk-based\n" + heading +
                         "               0             8192 mapped         0                0\n"
                         "            8192             8192 hole\n"
                         "           16384             4096 mapped         0                0\n"
                         "/hole: nid 137, 4611686018427387904 bytes, flat-plain\n" +
                         heading +
                         "               0 4611686018427387904 hole\n"
                         "/empty: nid 139, 0 bytes, flat-plain\n");
}

TEST_F(LookCommand, MapShowsEveryInodeOnce) {
  const auto file = tree_.AddFile(kRoot, "file", "12345");
  tree_[file].nlink = 2;
  const auto dir = tree_.AddDirectory(kRoot, "d\xFF");
  tree_.AddName(dir, "again", file);
  tree_.AddLink(dir, "link", "target");
  tree_.AddName(dir, "up", kRoot);
  const auto lines = Json("map --json image");
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0]["path"], "/");
  EXPECT_EQ(lines[1]["path"], nlohmann::json({{"hex", "2f64ff"}}));
  EXPECT_EQ(lines[2]["path"], nlohmann::json({{"hex", "2f64ff2f616761696e"}}));
  EXPECT_EQ(lines[2]["pos"], 0);
  EXPECT_EQ(lines[2]["length"], 5);
  EXPECT_EQ(lines[2]["kind"], "inline");
  EXPECT_EQ(lines[2]["device"], 0);
  EXPECT_EQ(lines[3]["path"], nlohmann::json({{"hex", "2f64ff2f6c696e6b"}}));
  EXPECT_EQ(Run("map image >/dev/null").status, 1) << "for d/up";
  // The bytes are where it says.
  const std::vector<std::byte> bytes = tree_.Build();
  EXPECT_EQ(AsText(bytes).substr(lines[2]["offset"].get<std::size_t>(), 5), "12345");
}

TEST_F(LookCommand, MapShowsWhatIsGoodBeforeABrokenChunk) {
  tree_[tree_.AddFile(kRoot, "file", "")].chunks = {0, 1 << 30};
  const Outcome run = Run("map image file / absent");
  EXPECT_EQ(run.status, 1);
  EXPECT_NE(run.out.find("\n               0             4096 mapped         0                0\n"),
            std::string::npos)
      << run.out;
  EXPECT_NE(run.out.find("amber map: image: /file: corrupt (rule CHK-3 at byte "),
            std::string::npos);
  EXPECT_NE(run.out.find("amber map: image: absent: not found\n"), std::string::npos);
  EXPECT_NE(run.out.find("\n/: nid 128, "), std::string::npos);
}

// 100 000 chunks are more than one call to Map() looks at.
TEST_F(LookCommand, MapJoinsWhatBelongsTogether) {
  tree_[tree_.AddFile(kRoot, "file", "")].chunks.assign(100'000, wire::kNullBlock32);
  const auto lines = Json("map --json image file");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["length"], 409'600'000);
  EXPECT_FALSE(lines[0].contains("offset"));
}

// --- all of them ---

TEST_F(LookCommand, StatusesAreAsDocumented) {
  tree_.AddFile(kRoot, "file", "");
  for (const std::string command : {"cat", "ls", "stat", "map"}) {
    EXPECT_EQ(Run(command + " image file").status, 0);
    EXPECT_EQ(Run(command + " image absent").status, 1);
    EXPECT_EQ(Run(command + " absent file").status, 1);
    EXPECT_EQ(Run(command + " --device absent image file").status, 1);
    EXPECT_EQ(Run(command + " --device image image file").status, 1) << "it has no such device";
    EXPECT_EQ(Run(command + " --offset 1K image file").status, 1);
    EXPECT_EQ(Run(command + " --offset lots image file").status, 2);
    EXPECT_EQ(Run(command + " --no-such-option image file").status, 2);
    EXPECT_EQ(Run(command).status, 2);
    EXPECT_EQ(Run(command + " --help").status, 0);
  }
  EXPECT_EQ(Run("cat image").status, 2);
  EXPECT_EQ(Run("ls image >/dev/full").out, "amber ls: standard output: No space left on device\n");
}

TEST_F(LookCommand, AnImageMayStartAnywhere) {
  tree_.AddFile(kRoot, "file", "found");
  std::vector<std::byte> shifted(3 * 1024, std::byte{0xAA});
  const std::vector<std::byte> bytes = tree_.Build();
  shifted.insert(shifted.end(), bytes.begin(), bytes.end());
  Write("shifted", shifted);
  EXPECT_EQ(Amber("cat --offset 3K shifted file").out, "found");
}

}  // namespace
}  // namespace amberfs
