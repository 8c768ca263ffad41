#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include "base/checked.h"
#include "image/directory.h"
#include "image/file_reader.h"
#include "image/image.h"
#include "image/xattr_set.h"
#include "mkfs/build.h"
#include "mkfs/dir_packing.h"
#include "mkfs/hole_map.h"
#include "mkfs/layout.h"
#include "mkfs/path_filter.h"
#include "mkfs/tree.h"

namespace amberfs {
namespace {

namespace fs = std::filesystem;

// ---- HoleMap

std::uint64_t BytesByBruteForce(const std::vector<bool>& data, unsigned shift) {
  std::uint64_t bytes = 0;
  for (std::size_t start = 0; start < data.size(); start += std::size_t{1} << shift) {
    const std::size_t end = std::min(data.size(), start + (std::size_t{1} << shift));
    bytes += 4;
    if (std::find(data.begin() + static_cast<std::ptrdiff_t>(start),
                  data.begin() + static_cast<std::ptrdiff_t>(end),
                  true) != data.begin() + static_cast<std::ptrdiff_t>(end))
      bytes += (end - start) * 4096;
  }
  return bytes;
}

TEST(HoleMap, FindsTheCheapestChunkSize) {
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<bool> data(random() % 200 + 1);
    HoleMap map(data.size(), 12);
    for (std::size_t i = 0; i < data.size(); ++i)
      if (random() % 100 < static_cast<unsigned>(round % 100)) {
        data[i] = true;
        map.AddData(i);
      }
    const std::uint64_t flat = data.size() * 4096;
    std::uint64_t best = flat;
    for (unsigned shift = 0; shift < 9; ++shift)
      best = std::min(best, BytesByBruteForce(data, shift));
    const auto shift = map.BestChunkShift(flat);
    ASSERT_EQ(shift.has_value(), best < flat);
    if (!shift) continue;
    EXPECT_EQ(BytesByBruteForce(data, *shift), best);
    std::uint64_t stored = 0;
    map.ForEachDataChunk(*shift, [&](std::uint64_t c) { stored += map.ChunkBlocks(c, *shift); });
    EXPECT_EQ(stored * 4096 + map.ChunkCount(*shift) * 4, best);
  }
}

TEST(HoleMap, AFileOfExabytesCostsNothing) {
  const HoleMap empty((std::uint64_t{1} << 63) / 4096, 12);
  ASSERT_EQ(empty.BestChunkShift(~std::uint64_t{0}), 31U);
  EXPECT_EQ(empty.ChunkCount(31), 1U << 20);
}

// ---- Tree

// top { a { f }, b { f (the same), g } }
Tree SmallTree() {
  Tree tree;
  tree.inodes.resize(5);
  const auto make = [&](InodeIndex i, unsigned mode, InodeIndex parent, std::uint32_t place) {
    tree.inodes[i].mode = mode;
    tree.inodes[i].parent = parent;
    tree.inodes[i].place = place;
  };
  make(0, S_IFDIR | 0755, 0, 0);
  make(1, S_IFDIR | 0755, 0, 0);
  make(2, S_IFREG | 0644, 1, 0);
  make(3, S_IFDIR | 0755, 0, 1);
  make(4, S_IFREG | 0644, 3, 1);
  tree.inodes[0].entries = {{"a", 1}, {"b", 3}};
  tree.inodes[1].entries = {{"f", 2}};
  tree.inodes[3].entries = {{"f", 2}, {"g", 4}};
  tree.inodes[0].nlink = 4;
  tree.inodes[1].nlink = tree.inodes[3].nlink = tree.inodes[2].nlink = 2;
  tree.inodes[4].nlink = 1;
  return tree;
}

TEST(Tree, NamesItsInodes) {
  const Tree tree = SmallTree();
  EXPECT_EQ(tree.PathOf(0), ".");
  EXPECT_EQ(tree.PathOf(4), "b/g");
  EXPECT_EQ(tree.PathOf(0, "x"), "x");
  EXPECT_EQ(tree.PathOf(3, "x"), "b/x");
}

TEST(Tree, PrunedDirectoryLeavesTheOtherNamesOfItsFiles) {
  Tree tree = SmallTree();
  const auto old = Prune(tree, {false, true, false, false, false});
  EXPECT_EQ(old, (std::vector<InodeIndex>{0, 2, 3, 4}));
  ASSERT_EQ(tree.inodes.size(), 4U);
  EXPECT_EQ(tree.inodes[0].nlink, 3U);
  EXPECT_EQ(tree.inodes[1].nlink, 1U);
  EXPECT_EQ(tree.PathOf(1), "b/f");
  EXPECT_EQ(tree.PathOf(3), "b/g");
}

TEST(Tree, PrunedFileLosesAllItsNames) {
  Tree tree = SmallTree();
  Prune(tree, {false, false, true, false, false});
  ASSERT_EQ(tree.inodes.size(), 4U);
  EXPECT_TRUE(tree.inodes[1].entries.empty());
  EXPECT_EQ(tree.PathOf(3), "b/g");
}

TEST(PathFilter, KnowsPathsAndRegexes) {
  const auto filter = PathFilter::Make({"./a/b/", "/c"}, {"\\.o$"});
  ASSERT_TRUE(filter);
  EXPECT_TRUE(filter->Excludes("a/b"));
  EXPECT_TRUE(filter->Excludes("c"));
  EXPECT_TRUE(filter->Excludes("x/y.o"));
  EXPECT_FALSE(filter->Excludes("a"));
  EXPECT_FALSE(filter->Excludes("x.oo"));
  const auto bad = PathFilter::Make({}, {"("});
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("(: not a regular expression"), std::string::npos);
}

// ---- Layout

TEST(Layout, NothingOverlapsAndNoTailCrossesABlock) {
  std::mt19937 random(2);
  for (const unsigned bits : {9U, 12U, 16U}) {
    Tree tree;
    tree.inodes.resize(3000);
    tree.inodes[0].mode = S_IFDIR | 0755;
    ImagePlan plan;
    plan.block_bits = bits;
    plan.inodes.resize(tree.inodes.size());
    for (InodeIndex i = 1; i < tree.inodes.size(); ++i) {
      tree.inodes[i].mode = S_IFREG | 0644;
      tree.inodes[0].entries.push_back({std::to_string(100000 + i), i});
      InodePlan& inode = plan.inodes[i];
      inode.extended = random() % 2 == 0;
      if (random() % 3 == 0)
        inode.xattr_bytes = static_cast<std::uint32_t>(random() % 100 * 4 + 16);
      if (random() % 50 == 0) {
        inode.data.layout = DataLayout::kChunkBased;
        inode.data.chunks.resize(random() % 40000);
      } else if (const auto tail = static_cast<std::uint32_t>(random() % plan.block_bytes());
                 inode.HasRoomFor(tail, plan.block_bytes())) {
        inode.data.layout = DataLayout::kFlatInline;
        inode.data.tail_bytes = tail;
      }
    }
    ASSERT_TRUE(LayOut(tree, 7, plan));
    ASSERT_EQ(plan.order.size(), tree.inodes.size());
    EXPECT_EQ(plan.inodes[0].nid, 1U);
    std::uint64_t end = 0;
    std::uint64_t total = 0;
    for (const InodeIndex i : plan.order) {
      const InodePlan& inode = plan.inodes[i];
      const std::uint64_t start = inode.nid * wire::kSlotBytes;
      ASSERT_GE(start, end);
      end = start + inode.bytes();
      total += inode.bytes();
      const auto block = [&](std::uint64_t at) { return at >> bits; };
      EXPECT_EQ(block(start), block(start + inode.inode_bytes() - 1));
      if (inode.data.tail_bytes > 0) {
        EXPECT_EQ(block(end - 1), block(end - inode.data.tail_bytes));
      }
    }
    // The gaps cost less than an eighth.
    EXPECT_LT(plan.shared_offset, total + total / 8 + plan.block_bytes());
  }
}

TEST(DirPacking, FillsBlocksInOrderOfBytes) {
  Tree tree = SmallTree();
  tree.inodes[0].entries.insert(tree.inodes[0].entries.begin(), {"!", 2});
  ImagePlan plan;
  plan.inodes.resize(tree.inodes.size());
  for (InodeIndex i = 0; i < plan.inodes.size(); ++i) plan.inodes[i].nid = i + 10;
  const DirPacking packing(tree, 0, 512);
  ASSERT_EQ(packing.block_count(), 1U);
  const auto bytes = packing.Encode(0, plan);
  EXPECT_EQ(bytes.size(), packing.bytes());
  const auto block = DirBlock::Parse(bytes, 0);
  ASSERT_TRUE(block) << Describe(block.error());
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < block->size(); ++i) names.emplace_back((*block)[i].name);
  EXPECT_EQ(names, (std::vector<std::string>{"!", ".", "..", "a", "b"}));
}

// ---- Build

class BuildTest : public ::testing::Test {
 protected:
  BuildTest() {
    std::string pattern = (fs::temp_directory_path() / "amberfs-mkfs-XXXXXX").string();
    top_ = ::mkdtemp(pattern.data());
    fs::create_directory(top_ / "src");
  }
  ~BuildTest() override { fs::remove_all(top_); }

  std::string Source() const { return (top_ / "src").string(); }
  std::string ImagePath() const { return (top_ / "image").string(); }
  void Write(const std::string& name, std::string_view bytes) const {
    fs::create_directories((top_ / "src" / name).parent_path());
    std::ofstream(top_ / "src" / name, std::ios::binary) << bytes;
  }
  BuildResult<BuildSummary> Make(const BuildOptions& options = {}) const {
    return Build(ImagePath(), Source(), options);
  }
  Image OpenImage() const {
    auto source = FileSource::Open(ImagePath());
    EXPECT_TRUE(source);
    auto image = Image::Open(*source);
    EXPECT_TRUE(image) << Describe(image.error());
    return *std::move(image);
  }
  static Inode Look(const Image& image, const std::string& path) {
    Nid nid = image.sb().root_nid();
    for (const auto& name : fs::path(path)) {
      const Inode directory = *image.ReadInode(nid);
      const auto found = *Directory(image, directory).Find(name.string());
      EXPECT_TRUE(found) << path;
      nid = found.value_or(nid);
    }
    return *image.ReadInode(nid);
  }
  static std::string Contents(const Image& image, const Inode& inode) {
    std::string out(inode.size(), '\0');
    EXPECT_TRUE(FileReader(image, inode).Read(0, std::as_writable_bytes(std::span(out))));
    return out;
  }
  std::string ImageBytes() const {
    std::ifstream in(ImagePath(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Whether anything but these is left in the top directory.
  std::set<std::string> Leftovers() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(top_)) names.insert(entry.path().filename());
    return names;
  }

  fs::path top_;
};

TEST_F(BuildTest, FilesOfEveryLengthReadBack) {
  std::mt19937 random(3);
  std::vector<std::string> contents;
  for (const int size :
       {0, 1, 31, 511, 512, 513, 4000, 4031, 4032, 4033, 4064, 4065, 4095, 4096, 4097, 8192, 70000})
    for (const bool zeros : {false, true}) {
      std::string bytes(static_cast<std::size_t>(size), '\0');
      if (!zeros)
        for (char& c : bytes) c = static_cast<char>(random());
      Write("d/" + std::to_string(contents.size()), bytes);
      contents.push_back(bytes);
    }
  for (unsigned bits = 9; bits <= 16; ++bits)
    for (const bool inline_data : {true, false}) {
      BuildOptions options;
      options.block_bits = bits;
      options.inline_data = inline_data;
      const auto summary = Make(options);
      ASSERT_TRUE(summary) << summary.error().message;
      EXPECT_EQ(summary->files, contents.size());
      const Image image = OpenImage();
      EXPECT_EQ(image.sb().blocks_end(), image.primary_size());
      for (std::size_t i = 0; i < contents.size(); ++i)
        EXPECT_EQ(Contents(image, Look(image, "d/" + std::to_string(i))), contents[i]) << bits;
    }
}

// Files that compress, that do not, and that do in part; the sizes around blocks, segments and
// pclusters.
std::vector<std::string> CompressibleContents() {
  std::mt19937 random(4);
  const auto noise = [&](std::size_t size) {
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    return bytes;
  };
  std::string text;
  for (unsigned i = 0; text.size() < 3U << 20; ++i)
    text += std::to_string(i * i % 99991) + " is so\n";
  std::vector<std::string> contents;
  for (const std::size_t size :
       {0U, 1U, 100U, 511U, 513U, 4095U, 4096U, 4097U, 8192U, 12000U, 65536U, 100000U})
    for (const std::string& bytes : {std::string(size, '\0'), text.substr(0, size), noise(size)})
      contents.push_back(bytes);
  contents.push_back(text.substr(0, 1 << 20) + noise(1 << 20) + text.substr(0, 100) + noise(9000));
  const std::string segment = noise(1 << 20) + text.substr(0, 3 << 20);
  contents.push_back(segment);
  contents.push_back(segment + "x");
  return contents;
}

TEST_F(BuildTest, CompressedFilesReadBack) {
  const std::vector<std::string> contents = CompressibleContents();
  for (std::size_t i = 0; i < contents.size(); ++i) Write("d/" + std::to_string(i), contents[i]);
  for (const Algorithm algorithm :
       {Algorithm::kLz4, Algorithm::kLzma, Algorithm::kDeflate, Algorithm::kZstd})
    for (const auto& [bits, blocks] :
         {std::pair(9U, 1U), {9U, 64U}, {12U, 1U}, {12U, 16U}, {14U, 1U}})
      for (const bool inline_tails : {false, true}) {
        BuildOptions options;
        options.block_bits = bits;
        Compression& compression = options.compression.emplace();
        compression.encoder = {algorithm, false, MinLevel(algorithm, false), 1U << 16};
        compression.pcluster_bytes = blocks << bits;
        compression.inline_tails = inline_tails;
        compression.workers = 2;
        const auto summary = Make(options);
        ASSERT_TRUE(summary) << summary.error().message;
        EXPECT_GT(summary->compressed_files, 0U);
        EXPECT_LT(summary->compressed_files, contents.size());
        EXPECT_LT(summary->image_bytes, summary->source_bytes / 5 * 4);
        const Image image = OpenImage();
        EXPECT_EQ(image.sb().blocks_end(), image.primary_size());
        for (std::size_t i = 0; i < contents.size(); ++i)
          ASSERT_EQ(Contents(image, Look(image, "d/" + std::to_string(i))) == contents[i], true)
              << "file " << i << " of " << contents[i].size() << ", "
              << static_cast<unsigned>(algorithm) << ", 2^" << bits << ", " << blocks << " blocks, "
              << inline_tails;
      }
}

TEST_F(BuildTest, SameBytesForAnyNumberOfWorkers) {
  const std::vector<std::string> contents = CompressibleContents();
  for (std::size_t i = 0; i < contents.size(); ++i) Write(std::to_string(i), contents[i]);
  BuildOptions options;
  Compression& compression = options.compression.emplace();
  compression.encoder = {Algorithm::kZstd, false, 3, 1U << 16};
  compression.pcluster_bytes = 16384;
  compression.inline_tails = true;
  std::string first;
  for (const unsigned workers : {1U, 2U, 7U}) {
    compression.workers = workers;
    ASSERT_TRUE(Make(options));
    if (first.empty()) first = ImageBytes();
    EXPECT_EQ(ImageBytes() == first, true) << workers;
  }
}

TEST_F(BuildTest, HolesAreLeftOutWhereverTheyAre) {
  std::string bytes(1 << 20, '\0');
  bytes[0] = bytes[300000] = bytes[(1 << 20) - 1] = 'x';
  Write("written", bytes);
  Write("sparse", "x");
  fs::resize_file(top_ / "src/sparse", std::uint64_t{1} << 42);
  const auto summary = Make();
  ASSERT_TRUE(summary) << summary.error().message;
  // 4 TiB with one byte at its start cost least as 2^20 chunks of 4 MiB: 4 MiB each of data and
  // table.
  EXPECT_LT(summary->image_bytes, 9U << 20);
  const Image image = OpenImage();
  EXPECT_EQ(Contents(image, Look(image, "written")), bytes);
  const Inode sparse = Look(image, "sparse");
  FileReader reader(image, sparse);
  EXPECT_EQ(sparse.size(), std::uint64_t{1} << 42);
  EXPECT_EQ(*reader.SeekData(0), 0U);
  const auto hole = *reader.SeekHole(0);
  ASSERT_TRUE(hole);
  EXPECT_EQ(*hole, 4U << 20);
  EXPECT_FALSE(*reader.SeekData(*hole));
}

TEST_F(BuildTest, HardLinksShareAnInodeUnlessDereferenced) {
  Write("a", "x");
  fs::create_hard_link(top_ / "src/a", top_ / "src/b");
  ASSERT_TRUE(Make());
  {
    const Image image = OpenImage();
    EXPECT_EQ(Look(image, "a").nid(), Look(image, "b").nid());
    EXPECT_EQ(Look(image, "a").nlink(), 2U);
  }
  BuildOptions options;
  options.hard_dereference = true;
  ASSERT_TRUE(Make(options));
  const Image image = OpenImage();
  EXPECT_NE(Look(image, "a").nid(), Look(image, "b").nid());
  EXPECT_EQ(Look(image, "a").nlink(), 1U);
}

TEST_F(BuildTest, TreesDeeperThanAPathMayBeLong) {
  const std::string name(200, 'n');
  UniqueFd fd(::open(Source().c_str(), O_RDONLY | O_DIRECTORY));
  constexpr int kDepth = 100;
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_EQ(::mkdirat(fd.get(), name.c_str(), 0755), 0);
    fd = UniqueFd(::openat(fd.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
    ASSERT_TRUE(fd);
  }
  fd.reset();
  const auto summary = Make();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->directories, kDepth + 1U);
}

TEST_F(BuildTest, SharedAndOwnXattrsReadBack) {
  std::string large(3000, 'v');
  for (int i = 0; i < 5; ++i) {
    Write(std::to_string(i), "x");
    const std::string path = (top_ / "src" / std::to_string(i)).string();
    if (::setxattr(path.c_str(), "user.same", "value", 5, 0) != 0)
      GTEST_SKIP() << "no user xattrs in the temporary directory";
    large[0] = static_cast<char>('0' + i);
    ASSERT_EQ(::setxattr(path.c_str(), "user.own", large.data(), large.size(), 0), 0);
  }
  for (const int tolerance : {0, 2, 9}) {
    BuildOptions options;
    options.xattr_tolerance = static_cast<std::uint32_t>(tolerance);
    const auto summary = Make(options);
    ASSERT_TRUE(summary) << summary.error().message;
    EXPECT_EQ(summary->shared_xattrs, tolerance == 0 ? 6U : tolerance == 2 ? 1U : 0U);
    const Image image = OpenImage();
    for (int i = 0; i < 5; ++i) {
      const auto set = XattrSet::Read(image, Look(image, std::to_string(i)));
      ASSERT_TRUE(set);
      const auto same = *set->Find("user.same");
      const auto own = *set->Find("user.own");
      ASSERT_TRUE(same && own);
      EXPECT_EQ(*set->Value(*same), "value");
      EXPECT_EQ((*set->Value(*own))[0], static_cast<char>('0' + i));
      EXPECT_FALSE(*set->Find("user.none"));
    }
  }
}

TEST_F(BuildTest, TimesFollowTheOptions) {
  Write("f", "x");
  const timespec times[2] = {{1000, 5}, {1000, 5}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (Source() + "/f").c_str(), times, 0), 0);
  const auto mtime = [&](const BuildOptions& options) {
    EXPECT_TRUE(Make(options));
    const Image image = OpenImage();
    const Inode inode = Look(image, "f");
    return std::pair(inode.mtime(), inode.mtime_nsec());
  };
  using Time = std::pair<std::int64_t, std::uint32_t>;
  EXPECT_EQ(mtime({}), Time(1000, 5));
  BuildOptions options;
  options.timestamp = 77;
  EXPECT_EQ(mtime(options), Time(77, 0));
  options.preserve_mtime = true;
  EXPECT_EQ(mtime(options), Time(1000, 5));
  options = {};
  options.latest = 900;
  EXPECT_EQ(mtime(options), Time(900, 0));
  options.latest = 2000;
  EXPECT_EQ(mtime(options), Time(1000, 5));
  options = {};
  options.ignore_mtime = true;
  EXPECT_EQ(mtime(options), Time(0, 0));
}

TEST_F(BuildTest, SameBytesWhateverTheOrderOfCreation) {
  for (int i = 0; i < 50; ++i) Write(std::to_string(i), std::to_string(i * i));
  BuildOptions options;
  options.timestamp = 1;
  ASSERT_TRUE(Make(options));
  const std::string first = ImageBytes();
  fs::remove_all(top_ / "src");
  for (int i = 49; i >= 0; --i) Write(std::to_string(i), std::to_string(i * i));
  ASSERT_TRUE(Make(options));
  EXPECT_EQ(ImageBytes(), first);
  Write("7", "changed");
  ASSERT_TRUE(Make(options));
  EXPECT_NE(ImageBytes().substr(1024 + 48, 16), first.substr(1024 + 48, 16));  // the UUID follows
}

TEST_F(BuildTest, TheImageItselfIsLeftOut) {
  Write("f", "x");
  const std::string inside = Source() + "/image";
  ASSERT_TRUE(Build(inside, Source(), {}));
  const auto summary = Build(inside, Source(), {});
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->files, 1U);
}

TEST_F(BuildTest, FailureLeavesTheOldImageAndNothingElse) {
  Write("f", "x");
  ASSERT_TRUE(Make());
  const std::string before = ImageBytes();
  const auto missing = Build(ImagePath(), Source() + "/none", {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, Source() + "/none: cannot open: No such file or directory");
  std::atomic<bool> stop = true;
  BuildOptions options;
  options.stop = &stop;
  const auto stopped = Make(options);
  ASSERT_FALSE(stopped);
  EXPECT_TRUE(stopped.error().cancelled);
  EXPECT_EQ(ImageBytes(), before);
  EXPECT_EQ(Leftovers(), (std::set<std::string>{"image", "src"}));
}

TEST_F(BuildTest, ChangeBetweenScanAndCopyIsAnError) {
  Write("a", std::string(100000, 'a'));
  Write("b", std::string(100000, 'b'));
  BuildOptions options;
  bool done = false;
  options.progress = [&](const Progress&) {
    if (!std::exchange(done, true)) Write("b", "short");
  };
  const auto changed = Make(options);
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().message, Source() + "/b: changed while being read");
  EXPECT_FALSE(fs::exists(ImagePath()));
}

TEST_F(BuildTest, VanishedFilesAreAnErrorOrLeftOut) {
  for (const char* name : {"a", "d/x", "d/y", "z"}) Write(name, name);
  BuildOptions options;
  bool done = false;
  options.progress = [&](const Progress&) {
    if (!std::exchange(done, true)) fs::remove_all(top_ / "src/d");
  };
  const auto failed = Make(options);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, Source() + "/d: vanished while being read");
  for (const char* name : {"d/x", "d/y"}) Write(name, name);
  done = false;
  options.ignore_vanished = true;
  const auto summary = Make(options);
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_EQ(summary->inodes, 3U);
  const Image image = OpenImage();
  EXPECT_EQ(Contents(image, Look(image, "z")), "z");
}

}  // namespace
}  // namespace amberfs
