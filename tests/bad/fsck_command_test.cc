// `amber fsck` as people run it: output, JSON and exit statuses of a real process.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/bad/command_test.h"
#include "tests/bad/compressed_image.h"
#include "tests/bad/good_image.h"

namespace amberfs {
namespace {

class FsckCommand : public CommandTest {
 protected:
  void SetUp() override {
    CommandTest::SetUp();
    for (std::size_t i = 0; i < image_.devices.size(); ++i) {
      Write("device" + std::to_string(i), image_.devices[i]);
      devices_ += " --device device" + std::to_string(i);
    }
  }

  // Runs `amber fsck ARGUMENTS`, where "image" is image_.
  Outcome Run(const std::string& arguments) {
    image_.Seal();
    Write("image", image_.bytes);
    return Amber("fsck " + arguments);
  }

  GoodImage image_;
  std::string devices_;
};

TEST_F(FsckCommand, SaysCleanAndWhatItStandsOn) {
  const Outcome run = Run(devices_ + " image");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(
      run.out,
      "image: clean: 14 inodes (7 files, 3 directories, 1 symbolic link, 3 special), 26.1 KiB "
      "mapped, 1.0 MiB of holes\n");
}

TEST_F(FsckCommand, ShowsFindingsOnOneLineEach) {
  image_.EditCompact("/file", [](auto& inode) { inode.nb = 5; });
  image_.EditSuperblock([](auto& sb) { sb.reserved2[0] = std::byte{1}; });
  const Outcome run = Run(devices_ + " image");
  EXPECT_EQ(run.status, 4);
  const std::string offset = std::to_string(image_.InodeAt("/file") + 6);
  EXPECT_EQ(run.out,
            "image: inconsistent (rule INO-9 at byte " + offset +
                "): the link count equals the names that lead to the inode: /file (nid " +
                std::to_string(image_.NidOf("/file")) +
                "): it claims 5 and has 2\n"
                "image: warning (rule SB-13 at byte 1024): reserved superblock bytes and unknown "
                "compatible feature bits are zero\n"
                "image: corrupt, 1 error, 1 warning: 14 inodes (7 files, 3 directories, 1 symbolic "
                "link, 3 special), 26.1 KiB mapped, 1.0 MiB of holes\n");
}

TEST_F(FsckCommand, JsonHasEveryMember) {
  image_.EditEntry("/", "null", [](auto& entry) { entry.file_type = 2; });
  const Outcome run = Run("--json" + devices_ + " image");
  EXPECT_EQ(run.status, 4);
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json["image"], "image");
  EXPECT_EQ(json["verdict"], "corrupt");
  EXPECT_EQ(json["exit_status"], 4);
  EXPECT_EQ(json["complete"], true);
  EXPECT_EQ(json["cancelled"], false);
  EXPECT_EQ(json["counts"], nlohmann::json({{"DIR-6", 1}}));
  EXPECT_EQ(json["checked"]["inodes"], 14);
  EXPECT_EQ(json["checked"]["link_counts"], true);
  ASSERT_EQ(json["findings"].size(), 1U);
  EXPECT_EQ(json["findings"][0],
            nlohmann::json({{"rule", "DIR-6"},
                            {"severity", "inconsistent"},
                            {"offset", image_.EntryAt("/", "null") + 10},
                            {"nid", image_.NidOf("/null")},
                            {"path", "/null"},
                            {"message", "the type in a directory entry is the inode's type"},
                            {"detail", "'null' has type 2, its inode 3"}}));
}

TEST_F(FsckCommand, CountsWhatItDoesNotShow) {
  for (const char* name : {"null", "plain", "socket"})
    image_.EditEntry("/", name, [](auto& entry) { entry.file_type = 2; });
  const Outcome run = Run("--max-findings 1" + devices_ + " image");
  EXPECT_EQ(run.status, 4);
  EXPECT_NE(run.out.find("\nimage: 2 more findings of rule DIR-6 not shown\n"), std::string::npos)
      << run.out;
  EXPECT_NE(run.out.find("image: corrupt, 3 errors: "), std::string::npos) << run.out;
}

TEST_F(FsckCommand, SaysWhatWasNotChecked) {
  const Outcome missing = Run("image");
  EXPECT_EQ(missing.status, 8);
  EXPECT_NE(missing.out.find("device 1 was not given"), std::string::npos) << missing.out;
  EXPECT_NE(missing.out.find("; not checked: the data of 1 inode, what nothing owns\n"),
            std::string::npos);
  const Outcome limited = Run("--max-entries 5" + devices_ + " image");
  EXPECT_EQ(limited.status, 8);
  EXPECT_NE(limited.out.find("; not checked: link counts, the inode count, what nothing owns\n"),
            std::string::npos);
}

TEST_F(FsckCommand, DataIsDecodedIfAskedFor) {
  CompressedImage image;
  Write("compressed", image.bytes);
  const Outcome clean = Run("--data compressed");
  EXPECT_EQ(clean.status, 0) << clean.out;
  EXPECT_NE(clean.out.find(" read\n"), std::string::npos) << clean.out;

  // The first match is made to reach to before the start of the data.
  image.SetByte(image.StreamAt("/full", 0) + 9, 9);
  Write("compressed", image.bytes);
  const Outcome unread = Run("compressed");
  EXPECT_EQ(unread.status, 0) << unread.out;
  EXPECT_EQ(unread.out.find(" read\n"), std::string::npos) << unread.out;
  for (const char* jobs : {"-j1", "-j4", "--jobs 0"}) {
    const Outcome read = Run(std::string("--data ") + jobs + " compressed");
    EXPECT_EQ(read.status, 4);
    EXPECT_TRUE(read.out.starts_with(
        "compressed: corrupt (rule Z-16 at byte " + std::to_string(image.PclusterAt("/full", 0)) +
        "): a pcluster decodes to exactly the bytes that its extent promises: /full (nid " +
        std::to_string(image.NidOf("/full")) + "): byte 0 of the file\ncompressed: corrupt, 1 "))
        << read.out;
  }
  const auto json = nlohmann::json::parse(Run("--data --json compressed").out);
  EXPECT_EQ(json["counts"], nlohmann::json({{"Z-16", 1}}));
  EXPECT_EQ(json["findings"][0]["path"], "/full");
  EXPECT_EQ(json["findings"][0]["detail"], "byte 0 of the file");
  EXPECT_GT(json["checked"]["read_bytes"], 0);
}

TEST_F(FsckCommand, WhatIsWrongWithFragmentsIsSaidOnceOfThePackedInode) {
  CompressedImage image;
  image.SetByte(image.StreamAt("packed", 0) + 9, 9);
  Write("compressed", image.bytes);
  EXPECT_EQ(Run("compressed").status, 0);
  const Outcome run = Run("--data compressed");
  EXPECT_EQ(run.status, 4);
  EXPECT_TRUE(run.out.starts_with("compressed: corrupt (rule Z-16 at byte " +
                                  std::to_string(image.PclusterAt("packed", 0)) + "): "))
      << run.out;
  EXPECT_NE(run.out.find(": (packed inode) (nid "), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("\ncompressed: corrupt, 1 error"), std::string::npos) << run.out;
}

TEST_F(FsckCommand, DataPastItsLimitIsNotDecoded) {
  const CompressedImage image;
  Write("compressed", image.bytes);
  const Outcome run = Run("--data --max-data 16K compressed");
  EXPECT_EQ(run.status, 8);
  EXPECT_NE(
      run.out.find("compressed: limit (rule LIM-1): the check ends within its budget of time, "
                   "memory and entries: more than 16384 bytes to decode and to read\n"),
      std::string::npos)
      << run.out;
  EXPECT_NE(run.out.find("\ncompressed: incomplete: "), std::string::npos) << run.out;
  EXPECT_EQ(Run("--data --max-data 1G compressed").status, 0);
  EXPECT_EQ(Run("--data --max-data lots compressed").status, 16);
  EXPECT_EQ(Run("--data --jobs some compressed").status, 16);
}

TEST_F(FsckCommand, SeveralImagesAreCheckedInOneCall) {
  image_ = GoodImage();
  CompressedImage compressed;
  Write("good", compressed.bytes);
  compressed.EditSuperblock([](auto& sb) { sb.inos = sb.inos.get() + 1; });
  compressed.Seal();
  Write("counted", compressed.bytes);
  const Outcome run = Run("good counted absent good");
  EXPECT_EQ(run.status, 4 | 8);
  std::size_t verdicts = 0;
  for (std::size_t at = 0; (at = run.out.find("good: clean: ", at)) != run.out.npos; ++at)
    ++verdicts;
  EXPECT_EQ(verdicts, 2U) << run.out;
  EXPECT_NE(run.out.find("\ncounted: corrupt, 1 error: "), std::string::npos) << run.out;
  EXPECT_NE(run.out.find("absent: No such file or directory\n"), std::string::npos) << run.out;
}

TEST_F(FsckCommand, QuickLooksAtWhatAMountLooksAt) {
  image_.EditCompact("/file", [](auto& inode) { inode.nb = 5; });
  const Outcome run = Run("--quick" + devices_ + " image");
  EXPECT_EQ(run.status, 0);
  EXPECT_NE(run.out.find("image: clean: 0 inodes"), std::string::npos) << run.out;
  image_.EditSuperblock([](auto& sb) { sb.blkszbits = 8; });
  EXPECT_EQ(Run("--quick" + devices_ + " image").status, 4);
}

TEST_F(FsckCommand, StrictIsForWhatMkfsWroteAndNothingElse) {
  ASSERT_EQ(std::system(("mkdir '" + dir() + "/tree' && echo text >'" + dir() +
                         "/tree/file' && ln -s file '" + dir() + "/tree/link'")
                            .c_str()),
            0);
  ASSERT_EQ(Amber("mkfs -q made tree").status, 0);
  const Outcome made = Amber("fsck --strict made");
  EXPECT_EQ(made.status, 0) << made.out;
  // The last byte of an inode's time: nothing but the UUID knows it.
  ASSERT_EQ(Amber("mkfs -q --uuid 12345678-1234-1234-1234-123456789abc other tree").status, 0);
  EXPECT_EQ(Amber("fsck --data other").status, 0);
  const Outcome other = Amber("fsck --strict other");
  EXPECT_EQ(other.status, 4);
  EXPECT_TRUE(other.out.starts_with("other: warning (rule CAN-1 at byte 1072): ")) << other.out;
  EXPECT_NE(other.out.find("\nother: refused, 1 warning: "), std::string::npos) << other.out;
}

TEST_F(FsckCommand, PolicyRefusesWhatIsWellFormed) {
  EXPECT_EQ(Run(devices_ + " image").status, 0);
  const Outcome hardened = Run("--policy hardened" + devices_ + " image");
  EXPECT_EQ(hardened.status, 4);
  EXPECT_NE(hardened.out.find("image: refused (rule AUD-3 at byte "), std::string::npos)
      << hardened.out;
  EXPECT_NE(hardened.out.find("\nimage: refused, 3 errors: "), std::string::npos) << hardened.out;
  const std::string text =
      "devices = allow\nworld-writable = allow\noverlay-xattrs = allow  # all it has\n";
  Write("policy", AsBytes(text));
  EXPECT_EQ(Run("--policy policy" + devices_ + " image").status, 0);
  Write("policy", AsBytes(text + "and more"));
  const Outcome wrong = Run("--policy policy" + devices_ + " image");
  EXPECT_EQ(wrong.status, 16);
  EXPECT_EQ(wrong.out, "amber fsck: policy: line 4 makes no sense\n");
}

TEST_F(FsckCommand, SarifHasRulesAndPlaces) {
  image_.EditEntry("/", "null", [](auto& entry) { entry.file_type = 2; });
  const Outcome run = Run("--sarif" + devices_ + " image");
  EXPECT_EQ(run.status, 4);
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json["version"], "2.1.0");
  ASSERT_EQ(json["runs"].size(), 1U);
  const auto& log = json["runs"][0];
  EXPECT_EQ(log["tool"]["driver"]["name"], "amber fsck");
  EXPECT_EQ(log["invocations"][0]["exitCode"], 4);
  EXPECT_EQ(log["invocations"][0]["executionSuccessful"], true);
  EXPECT_EQ(log["artifacts"][0]["location"]["uri"], "image");
  ASSERT_EQ(log["results"].size(), 1U);
  const auto& result = log["results"][0];
  EXPECT_EQ(result["ruleId"], "DIR-6");
  EXPECT_EQ(log["tool"]["driver"]["rules"][result["ruleIndex"].get<std::size_t>()]["id"], "DIR-6");
  EXPECT_EQ(result["level"], "error");
  EXPECT_EQ(result["locations"][0]["physicalLocation"]["region"]["byteOffset"],
            image_.EntryAt("/", "null") + 10);
  EXPECT_EQ(result["locations"][0]["logicalLocations"][0]["fullyQualifiedName"], "/null");
}

TEST_F(FsckCommand, QuietPrintsNothing) {
  image_.EditCompact("/file", [](auto& inode) { inode.nb = 5; });
  const Outcome run = Run("-q" + devices_ + " image");
  EXPECT_EQ(run.status, 4);
  EXPECT_EQ(run.out, "");
}

TEST_F(FsckCommand, TakesWhatFsckPassesToAnyChecker) {
  EXPECT_EQ(Run("-a -A -f -C5" + devices_ + " image").status, 0);
  EXPECT_EQ(Run("-p image -n -y" + devices_).status, 0);
}

TEST_F(FsckCommand, FindsAnImageInsideAFile) {
  image_.bytes.insert(image_.bytes.begin(), 1024, std::byte{0xAA});
  Write("shifted", image_.bytes);
  image_ = GoodImage();
  EXPECT_EQ(Run("--offset 1K" + devices_ + " shifted").status, 0);
}

TEST_F(FsckCommand, UnreadableIs8AndUsageIs16) {
  const Outcome absent = Run("nothing-here");
  EXPECT_EQ(absent.status, 8);
  EXPECT_EQ(absent.out, "amber fsck: nothing-here: No such file or directory\n");
  EXPECT_EQ(Run(".").status, 8);
  EXPECT_EQ(Run("--device absent image").status, 8);
  EXPECT_EQ(Run("").status, 16);
  EXPECT_EQ(Run("--max-memory lots image").status, 16);
  EXPECT_EQ(Run("--max-time -1 image").status, 16);
  EXPECT_EQ(Run("--no-such-option image").status, 16);
  EXPECT_EQ(Run("--device device0 image image").status, 16);
  EXPECT_EQ(Run("--quick --data image").status, 16);
  EXPECT_EQ(Run("--policy nothing-here image").status, 16);
  EXPECT_EQ(Run("--json --sarif image").status, 16);
  EXPECT_EQ(Run("--help").status, 0);
}

TEST_F(FsckCommand, AFullStandardOutputIsAnError) {
  const Outcome run = Run(devices_ + " image >/dev/full");
  EXPECT_EQ(run.status, 8);
  EXPECT_EQ(run.out, "amber fsck: standard output: No space left on device\n");
}

}  // namespace
}  // namespace amberfs
