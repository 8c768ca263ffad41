// Single bits of images that mkfs made, turned over: how many of them fsck sees.
#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "fsck/checker.h"
#include "io/byte_source.h"
#include "tests/bad/command_test.h"

namespace amberfs {
namespace {

constexpr int kFlips = 20'000;

// Small files with and without holes, long names, links, attributes, a fifo.
constexpr const char* kMakeTree = R"(
  mkdir -p tree/sub/deep tree/many && cd tree
  for i in $(seq 100); do echo "file $i" >"many/a-name-of-some-length-$i"; done
  head -c 9000 /dev/zero | tr '\0' x >flat && cp flat sub/flat
  truncate -s 300K sparse && echo end >>sparse && truncate -s 1M sub/hole
  ln flat sub/deep/hard && ln -s ../flat sub/link && ln -s /absolute $(seq -s . 70)
  mkfifo fifo && chmod 4755 flat && touch -d 2001-02-03 sparse
  setfattr -n user.one -v 1 flat; setfattr -n user.one -v 1 sub/flat; setfattr -n user.two -v 22 sub
)";

class Mutation : public CommandTest {
 protected:
  std::vector<std::byte> Make(const std::string& options) {
    EXPECT_EQ(std::system(("cd '" + dir() + "' && rm -rf tree && " + kMakeTree).c_str()), 0);
    const Outcome made = Amber("mkfs -q " + options + " image tree");
    EXPECT_EQ(made.status, 0) << made.out;
    std::ifstream file(dir() + "/image", std::ios::binary);
    const std::string text(std::istreambuf_iterator<char>(file), {});
    return {AsBytes(text).begin(), AsBytes(text).end()};
  }
};

bool Passes(const std::vector<std::byte>& image, CheckLevel level) {
  CheckOptions options;
  options.level = level;
  options.jobs = 1;
  options.max_findings = 1;
  return CheckImage(std::make_shared<MemorySource>(image), {}, options).ExitStatus() == 0;
}

TEST_F(Mutation, StrictFindsEveryFlippedBit) {
  std::mt19937_64 random(20261127);
  for (const char* options : {"", "-b 512 -x 1", "-E force-inode-extended,noinline_data"}) {
    std::vector<std::byte> image = Make(options);
    ASSERT_TRUE(Passes(image, CheckLevel::kStrict)) << options;
    const auto opened = Image::Open(std::make_shared<MemorySource>(image));
    ASSERT_TRUE(opened);
    const Superblock& sb = opened->sb();
    // The superblock, and what mkfs writes behind all data.
    const std::uint64_t head = sb.size_bytes();
    const std::uint64_t metadata = opened->InodeOffset(Nid{0}).value();
    const std::uint64_t bits = 8 * (head + sb.blocks_end() - metadata);

    int by_structure = 0;
    for (int i = 0; i < kFlips / 3 + 1; ++i) {
      const std::uint64_t bit = random() % bits;
      const std::uint64_t at =
          bit / 8 < head ? wire::kSuperblockOffset + bit / 8 : metadata + bit / 8 - head;
      const auto mask = static_cast<std::byte>(1U << (bit % 8));
      image[at] ^= mask;
      EXPECT_FALSE(Passes(image, CheckLevel::kStrict))
          << options << ": bit " << bit % 8 << " of byte " << at;
      if (i % 10 == 0) by_structure += Passes(image, CheckLevel::kStructure) ? 0 : 1;
      image[at] ^= mask;
    }
    std::cout << "options '" << options << "': of the flips of " << bits
              << " bits the structure alone shows " << by_structure * 1000 / kFlips * 3 << " %\n";
  }
}

}  // namespace
}  // namespace amberfs
