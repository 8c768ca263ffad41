// Small images that claim much: what the program needs to see through them.
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <iostream>

#include "tests/bad/command_test.h"
#include "tests/bad/compressed_image.h"
#include "tests/bad/good_image.h"
#include "tests/bad/tree_image.h"

namespace amberfs {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long kMaxKilobytes = 1L << 30;  // sanitizers need memory of their own
#else
constexpr long kMaxKilobytes = 64 * 1024;
#endif

class Bomb : public CommandTest {
 protected:
  // Checks `image` at all levels with the default budget, and says what that took.
  void ExpectRefusedAtOnce(const std::string& name, ByteView image) {
    Write(name, image);
    for (const char* level : {"--quick", "--quiet", "--data", "--strict"}) {
      const std::string path = dir() + "/" + name;
      const char* const args[] = {AMBER_PROGRAM, "fsck", "-q", level, path.c_str(), nullptr};
      const auto start = std::chrono::steady_clock::now();
      pid_t child = 0;
      ASSERT_EQ(::posix_spawn(&child, AMBER_PROGRAM, nullptr, nullptr,
                              const_cast<char* const*>(args), environ),
                0);
      int status = 0;
      rusage usage{};
      ASSERT_EQ(::wait4(child, &status, 0, &usage), child);
      ASSERT_TRUE(WIFEXITED(status)) << name << " " << level;
      EXPECT_TRUE(WEXITSTATUS(status) != 0 || level == std::string_view("--quick"))
          << name << " " << level;
      EXPECT_LE(usage.ru_maxrss, kMaxKilobytes) << name << " " << level;
      std::cout << name << " " << level << ": "
                << std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()
                << " s, " << usage.ru_maxrss / 1024 << " MiB\n";
    }
  }
};

TEST_F(Bomb, DirectoryDiamondOfDepth40) {
  // Each directory holds the next one twice: 2^40 paths.
  TreeImage tree;
  TreeImage::Id above = TreeImage::kRoot;
  for (int depth = 0; depth < 40; ++depth) {
    const TreeImage::Id next = tree.AddDirectory(above, "a");
    tree.AddName(above, "b", next);
    above = next;
  }
  ExpectRefusedAtOnce("diamond", tree.Build());
}

TEST_F(Bomb, FileOf32TiB) {
  GoodImage image;
  image.EditExtended("/plain", [](auto& inode) { inode.size = std::uint64_t{1} << 45; });
  image.Seal();
  ExpectRefusedAtOnce("huge-file", image.bytes);
}

TEST_F(Bomb, DirectoryWithABillionEntries) {
  GoodImage image;
  image.EditExtended("/dir/sub", [](auto& inode) {
    inode.size = std::uint64_t{12'000'000'000};
    inode.u = 0xFFFFFFFF;
    inode.nb = 0xFFFF;
  });
  image.Seal();
  ExpectRefusedAtOnce("huge-directory", image.bytes);
}

TEST_F(Bomb, ChunkTableOfPetabytes) {
  GoodImage image;
  image.EditCompact("/blockmap", [](auto& inode) { inode.size = 0xFFFFFFFF; });
  image.EditExtended("/chunks", [](auto& inode) { inode.size = std::uint64_t{1} << 60; });
  image.Seal();
  ExpectRefusedAtOnce("huge-table", image.bytes);
}

TEST_F(Bomb, ExtentsThatClaimTerabytes) {
  for (const char* path : {"/full", "/big", "/two", "/whole", "/r4", "/r16", "/r32"}) {
    CompressedImage image;
    // The size of either form lies at the same place, and has 4 bytes at least.
    image.Edit<Le32>(image.InodeAt(path) + offsetof(wire::InodeCompact, size),
                     [](auto& size) { size = 0xFFFF'0000; });
    image.Seal();
    ExpectRefusedAtOnce("huge-extent" + std::string(path).replace(0, 1, "-"), image.bytes);
  }
}

}  // namespace
}  // namespace amberfs
