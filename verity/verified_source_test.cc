// What leaves a VerifiedSource is what was hashed, whatever happens to the files meanwhile.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <random>
#include <thread>

#include "io/async_read.h"
#include "verity/open.h"
#include "verity/seal_writer.h"
#include "verity/test_stream.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kBlock = 4096;

// Memory that tests change while it is read.
class ChangingSource final : public ByteSource {
 public:
  explicit ChangingSource(std::vector<std::byte> bytes)
      : size_(bytes.size()), bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return size_; }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override {
    const std::scoped_lock lock(mutex_);
    ++reads_;
    if (offset > bytes_.size() || out.size() > bytes_.size() - offset) return IoError(EIO, offset);
    std::ranges::copy(ByteView(bytes_).subspan(offset, out.size()), out.begin());
    return {};
  }
  void Flip(std::uint64_t offset) {
    const std::scoped_lock lock(mutex_);
    bytes_.at(offset) ^= std::byte{1};
  }
  void Cut(std::uint64_t bytes) {
    const std::scoped_lock lock(mutex_);
    bytes_.resize(bytes);
  }
  int reads() const {
    const std::scoped_lock lock(mutex_);
    return reads_;
  }

 private:
  const std::uint64_t size_;  // as it was when it was opened
  mutable std::mutex mutex_;  // guards all below
  std::vector<std::byte> bytes_;
  mutable int reads_ = 0;
};

// An image with a sidecar, opened with a pin.
struct Sealed {
  explicit Sealed(std::size_t bytes, const SealOptions& options = {},
                  std::uint64_t cache_bytes = std::uint64_t{16} << 20)
      : good(TestStream(bytes)),
        data(std::make_shared<ChangingSource>(good)),
        seal(std::make_shared<ChangingSource>(*MakeSeal(MemorySource(good), options))) {
    const auto descriptor = ComputeDescriptor(MemorySource(good), options);
    const auto opened = OpenVerified(data, seal,
                                     {.pin = PinnedDigest::FromText(descriptor->file_digest().id()),
                                      .source = {.cache_bytes = cache_bytes}},
                                     TrustStore());
    EXPECT_TRUE(opened.has_value());
    EXPECT_EQ(opened->level, TrustLevel::kDigest);
    source = opened->verified;
    shape = TreeShape::Make(descriptor->params(), bytes);
    tree_offset = options.has_superblock ? descriptor->params().data_block_bytes() : 0;
  }

  // Reads and compares. The rule that was broken; kNone if what came is right.
  Rule Read(std::uint64_t offset, std::size_t bytes) const {
    std::vector<std::byte> out(bytes, std::byte{0x55});
    const auto result = source->ReadAt(offset, out);
    if (result) {
      EXPECT_TRUE(std::ranges::equal(out, ByteView(good).subspan(offset, bytes)));
      return Rule::kNone;
    }
    EXPECT_TRUE(AllZero(out)) << "unproven bytes stayed";
    return result.error().rule;
  }

  // With a cache of one block: whatever is in it, it is not block `index` of the data or above it.
  void Forget(std::uint64_t index) const {
    const std::uint64_t other = index * kBlock < good.size() / 2 ? good.size() - 1 : 0;
    EXPECT_EQ(Read(other, 1), Rule::kNone);
  }

  std::vector<std::byte> good;
  std::shared_ptr<ChangingSource> data;
  std::shared_ptr<ChangingSource> seal;
  std::shared_ptr<const VerifiedSource> source;
  std::optional<TreeShape> shape;
  std::uint64_t tree_offset = 0;
};

TEST(VerifiedSource, GivesWhatWasHashed) {
  for (const std::size_t bytes : {4096U, 4097U, 5000U, 524288U, 524289U, 1'300'000U}) {
    for (const std::uint64_t cache_bytes : {std::uint64_t{1}, std::uint64_t{16} << 20}) {
      const Sealed sealed(bytes, {}, cache_bytes);
      std::mt19937_64 random(bytes);
      EXPECT_EQ(sealed.Read(0, bytes), Rule::kNone);
      EXPECT_EQ(sealed.Read(bytes, 0), Rule::kNone);
      for (int i = 0; i < 200; ++i) {
        const std::uint64_t offset = random() % bytes;
        EXPECT_EQ(sealed.Read(offset, random() % (bytes - offset + 1)), Rule::kNone);
      }
      EXPECT_EQ(sealed.source->failures(), 0U);
    }
  }
}

TEST(VerifiedSource, OtherParameters) {
  for (const auto& options :
       {SealOptions{.algorithm = HashAlgorithm::kSha512}, SealOptions{.block_bits = 9},
        SealOptions{.block_bits = 16}, SealOptions{.salt = {std::byte{1}}},
        SealOptions{.has_superblock = false}}) {
    const Sealed sealed(1'000'000, options);
    EXPECT_EQ(sealed.Read(0, 1'000'000), Rule::kNone);
    EXPECT_EQ(sealed.Read(999'000, 1000), Rule::kNone);
  }
}

TEST(VerifiedSource, ReadsPastTheEndFail) {
  const Sealed sealed(5000);
  std::vector<std::byte> out(2);
  EXPECT_EQ(sealed.source->size(), 5000U);
  EXPECT_FALSE(sealed.source->ReadAt(4999, out).has_value());
  EXPECT_FALSE(sealed.source->ReadAt(~std::uint64_t{0}, out).has_value());
}

// Whoever reads ahead asks where the bytes lie in a file, to have the kernel fetch them.
TEST(VerifiedSource, NobodyGetsAroundItToTheFile) {
  std::vector<std::byte> good = TestStream(100 * kBlock);
  UniqueFd fd(::memfd_create("image", MFD_CLOEXEC));
  ASSERT_EQ(::pwrite(fd.get(), good.data(), good.size(), 0), std::ssize(good));
  const int file = fd.get();
  const auto image = std::make_shared<FileSource>(std::move(fd), 0, good.size());
  const auto seal = std::make_shared<MemorySource>(*MakeSeal(*image, {}));
  const auto opened = OpenVerified(image, seal, {}, TrustStore());
  ASSERT_TRUE(opened.has_value());
  EXPECT_TRUE(image->FileRangeAt(0, kBlock).has_value());
  EXPECT_FALSE(opened->source->FileRangeAt(0, kBlock).has_value());

  AsyncRead read;
  std::vector<std::byte> out(10 * kBlock);
  read.Begin(*opened->source, 20 * kBlock, out);
  ASSERT_TRUE(read.Wait().has_value());
  EXPECT_TRUE(std::ranges::equal(out, ByteView(good).subspan(20 * kBlock, out.size())));
  ASSERT_EQ(::pwrite(file, "x", 1, 55 * kBlock), 1);
  read.Begin(*opened->source, 50 * kBlock, out);
  const auto changed = read.Wait();
  ASSERT_FALSE(changed.has_value());
  EXPECT_EQ(changed.error().rule, Rule::kVer1);
  EXPECT_TRUE(AllZero(out));
}

TEST(VerifiedSource, VER1_AFlippedDataByteCostsItsBlockOnly) {
  const Sealed sealed(1'300'000, {}, 1);
  for (const std::uint64_t at :
       {std::uint64_t{0}, std::uint64_t{4095}, std::uint64_t{655'360}, std::uint64_t{1'299'999}}) {
    sealed.Forget(at / kBlock);
    sealed.data->Flip(at);
    const std::uint64_t block = at / kBlock * kBlock;
    EXPECT_EQ(sealed.Read(at, 1), Rule::kVer1);
    std::vector<std::byte> out(kBlock);
    if (block + kBlock <= sealed.good.size()) {
      const auto whole = sealed.source->ReadAt(block, out);
      ASSERT_FALSE(whole.has_value());
      EXPECT_EQ(whole.error().offset, block);
      EXPECT_EQ(whole.error().code, Errc::kUnverified);
    }
    if (block > 0) {
      EXPECT_EQ(sealed.Read(block - kBlock, kBlock), Rule::kNone);
    }
    if (block + kBlock < sealed.good.size()) {
      EXPECT_EQ(sealed.Read(block + kBlock, 1), Rule::kNone);
    }
    sealed.data->Flip(at);
    EXPECT_EQ(sealed.Read(at, 1), Rule::kNone);
  }
  EXPECT_GE(sealed.source->failures(), 4U);
}

TEST(VerifiedSource, VER2_AFlippedTreeByteOfAnyLevel) {
  const Sealed reference(70'000'000, {}, 1);
  ASSERT_EQ(reference.shape->levels(), 3U);
  for (unsigned level = 0; level < 3; ++level) {
    const std::uint64_t last = reference.shape->blocks(level) - 1;
    for (const std::uint64_t index : {std::uint64_t{0}, last / 2, last}) {
      const std::uint64_t at =
          reference.tree_offset + (reference.shape->first_block(level) + index) * kBlock;
      // Below this hash block.
      std::uint64_t data_block = index;
      for (unsigned i = 0; i <= level; ++i) data_block *= 128;
      for (const std::uint64_t byte : {std::uint64_t{0}, kBlock - 1}) {
        reference.Forget(data_block);
        reference.seal->Flip(at + byte);
        std::vector<std::byte> out(1);
        const auto result = reference.source->ReadAt(data_block * kBlock, out);
        ASSERT_FALSE(result.has_value()) << level << " " << index << " " << byte;
        EXPECT_EQ(result.error().rule, Rule::kVer2);
        EXPECT_EQ(result.error().offset, at);
        reference.seal->Flip(at + byte);
        EXPECT_EQ(reference.Read(data_block * kBlock, 1), Rule::kNone);
      }
    }
  }
}

// A tree whose unused places are not zero hashes to another root; whoever made it may still have
// signed that root.
TEST(VerifiedSource, VER3_UnusedPlacesOfAHashBlock) {
  const auto good = TestStream(3 * kBlock);
  const auto shape = TreeShape::Make({}, good.size());
  const BlockHasher hasher(HashAlgorithm::kSha256);
  std::vector<std::byte> tree(kBlock);
  hasher.HashBlocks(good, kBlock, ByteSpan(tree).first(96));
  tree[200] = std::byte{1};
  const MerkleRoot root{.shape = *shape, .prefix = {}, .root_hash = hasher.Hash(tree)};
  const auto source = VerifiedSource::OpenUnauthenticated(
      std::make_shared<MemorySource>(good), {std::make_shared<MemorySource>(tree), 0}, root, {});
  std::vector<std::byte> out(1);
  const auto result = source->ReadAt(0, out);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().rule, Rule::kVer3);
}

TEST(VerifiedSource, BytesBehindTheDataDoNotCount) {
  auto bytes = TestStream(5000);
  const auto seal = MakeSeal(MemorySource(bytes), {});
  const auto read = Seal::ReadSidecar(MemorySource(*seal), 5000);
  const MerkleRoot root = *ClaimOf(*read, TrustStore());
  bytes.resize(8192, std::byte{0xFF});
  const auto source = VerifiedSource::OpenUnauthenticated(
      std::make_shared<MemorySource>(bytes),
      {std::make_shared<MemorySource>(*seal), read->tree_offset()}, root, {});
  std::vector<std::byte> out(904);
  EXPECT_TRUE(source->ReadAt(4096, out).has_value());
  EXPECT_FALSE(source->ReadAt(4097, out).has_value());
}

TEST(VerifiedSource, AWholeTreeIsHashedOnce) {
  const Sealed sealed(10'000'000);
  EXPECT_EQ(sealed.Read(0, 10'000'000), Rule::kNone);
  const int reads = sealed.seal->reads();
  EXPECT_EQ(sealed.Read(0, 10'000'000), Rule::kNone);
  EXPECT_EQ(sealed.seal->reads(), reads);
}

TEST(VerifiedSource, AFileThatShrinksGivesErrors) {
  const Sealed sealed(1'300'000, {}, 1);
  sealed.data->Cut(100'000);
  EXPECT_EQ(sealed.Read(0, 90'000), Rule::kNone);
  std::vector<std::byte> out(1);
  const auto result = sealed.source->ReadAt(200'000, out);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Errc::kIo);
  const Sealed without_tree(1'300'000);
  without_tree.seal->Cut(4096);
  EXPECT_EQ(without_tree.source->ReadAt(0, out).error().code, Errc::kIo);
}

// What was verified is the copy in memory: the file may change then, the copy does not.
TEST(VerifiedSource, AVerifiedCopyStaysRight) {
  const Sealed sealed(1'300'000);
  EXPECT_EQ(sealed.Read(100, 1), Rule::kNone);
  sealed.data->Flip(100);
  EXPECT_EQ(sealed.Read(100, 1), Rule::kNone);
}

// A writer toggles bytes of data and tree as fast as it can; with a cache of one block everything
// is read again all the time. Whatever comes is right, or it is an error.
TEST(VerifiedSource, NoUnprovenByteEscapesAWriter) {
  const Sealed sealed(3'000'000, {}, 1);
  std::atomic<bool> stop = false;
  std::atomic<int> right = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    std::mt19937_64 random(1);
    while (!stop) {
      const std::uint64_t at = random() % sealed.good.size();
      const std::uint64_t tree_at = sealed.tree_offset + random() % sealed.shape->tree_bytes();
      sealed.data->Flip(at);
      sealed.seal->Flip(tree_at);
      std::this_thread::yield();
      sealed.data->Flip(at);
      sealed.seal->Flip(tree_at);
    }
  });
  for (int reader = 0; reader < 3; ++reader) {
    threads.emplace_back([&, reader] {
      std::mt19937_64 random(static_cast<unsigned>(reader));
      for (int i = 0; i < 1500; ++i) {
        const std::uint64_t offset = random() % sealed.good.size();
        const std::size_t bytes =
            random() % std::min<std::uint64_t>(sealed.good.size() - offset, 200'000);
        sealed.Read(offset, bytes) == Rule::kNone ? ++right : ++refused;
      }
      stop = true;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(right, 0);
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace amberfs
