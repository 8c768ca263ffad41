#include "io/async_read.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace amberfs {
namespace {

// From now on this thread gets EPERM for io_uring, as in many containers.
void RefuseIoUring() {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog filter = {.len = std::size(program), .filter = program};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

// Runs a test as the system lets us, and in a thread to which io_uring is refused.
void BothWays(const std::function<void()>& test) {
  test();
  std::thread([&] {
    RefuseIoUring();
    ASSERT_FALSE(AsyncRead().is_async());
    test();
  }).join();
}

Result<void> ReadNow(AsyncRead& read, const ByteSource& source, std::uint64_t offset,
                     ByteSpan out) {
  read.Begin(source, offset, out);
  return read.Wait();
}

// A source that says it lies in a file, which may be a lie: bytes that did not come from there are
// 'r'.
class LyingSource final : public ByteSource {
 public:
  explicit LyingSource(int fd) : fd_(fd) {}
  std::uint64_t size() const override { return 1 << 20; }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override {
    asked_for = offset;
    std::ranges::fill(out, std::byte{'r'});
    return {};
  }
  std::optional<FileRange> FileRangeAt(std::uint64_t offset, std::uint64_t) const override {
    return FileRange{fd_, offset};
  }

  mutable std::uint64_t asked_for = 0;  // by the last ReadAt()

 private:
  int fd_;
};

class AsyncReadTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "amberfs-io-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    dir_ = pattern;
    for (std::uint64_t i = 0; i < 300'000; ++i)
      content_.push_back(static_cast<char>('a' + i * i % 23));
    std::ofstream(File(), std::ios::binary) << content_;
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }
  std::string File() const { return (dir_ / "file").string(); }

  std::filesystem::path dir_;
  std::string content_;
};

TEST_F(AsyncReadTest, GivesTheSameBytesWithAndWithoutIoUring) {
  BothWays([&] {
    const auto source = FileSource::Open(File(), 100);
    ASSERT_TRUE(source.has_value());
    AsyncRead read;
    for (const std::size_t offset : {0U, 1U, 4095U, 4096U, 299'000U, 299'899U, 299'900U}) {
      for (const std::size_t bytes : {0U, 1U, 4097U, 250'000U}) {
        if (offset + bytes > (*source)->size()) continue;
        std::vector<std::byte> out(bytes);
        ASSERT_TRUE(ReadNow(read, **source, offset, out).has_value()) << offset << '+' << bytes;
        ASSERT_EQ(AsText(out), content_.substr(100 + offset, bytes)) << offset << '+' << bytes;
      }
    }
  });
}

TEST_F(AsyncReadTest, ASourceThatIsNoFileIsReadAsWell) {
  const ByteView bytes = AsBytes(content_);
  const MemorySource source({bytes.begin(), bytes.end()});
  BothWays([&] {
    AsyncRead read;
    std::array<std::byte, 1000> out;
    ASSERT_TRUE(ReadNow(read, source, 5000, out).has_value());
    EXPECT_EQ(AsText(out), content_.substr(5000, 1000));
    EXPECT_EQ(ReadNow(read, source, content_.size() - 999, out).error().os_errno, EIO);
  });
}

TEST_F(AsyncReadTest, PastTheEndIsEioAndTheNextReadIsNot) {
  BothWays([&] {
    const auto source = FileSource::Open(File());
    ASSERT_TRUE(source.has_value());
    AsyncRead read;
    std::array<std::byte, 1000> out;
    EXPECT_EQ(ReadNow(read, **source, content_.size() - 999, out).error().os_errno, EIO);
    EXPECT_EQ(ReadNow(read, **source, ~std::uint64_t{0}, out).error().os_errno, EIO);
    ASSERT_TRUE(ReadNow(read, **source, content_.size() - 1000, out).has_value());
    EXPECT_EQ(AsText(out), content_.substr(content_.size() - 1000));
  });
}

TEST_F(AsyncReadTest, AFileCutShortIsEioWhereItEnds) {
  const auto source = FileSource::Open(File());
  ASSERT_TRUE(source.has_value());
  std::filesystem::resize_file(File(), 10'500);
  BothWays([&] {
    AsyncRead read;
    std::array<std::byte, 1000> out;
    const auto result = ReadNow(read, **source, 10'000, out);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code, Errc::kIo);
    EXPECT_EQ(result.error().os_errno, EIO);
    EXPECT_EQ(result.error().offset, 10'500U);
  });
}

TEST_F(AsyncReadTest, WhatTheSystemRefusesKeepsItsErrno) {
  const FileSource unreadable(UniqueFd(::open(File().c_str(), O_WRONLY | O_CLOEXEC)), 0, 4096);
  BothWays([&] {
    AsyncRead read;
    std::array<std::byte, 16> out;
    const auto result = ReadNow(read, unreadable, 8, out);
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().os_errno, EBADF);
  });
}

class PipeReadTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!read_.is_async()) GTEST_SKIP() << "io_uring is refused here";
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    end_ = UniqueFd(fds[0]);
    write_end_ = UniqueFd(fds[1]);
  }
  void Write(std::string_view text) {
    ASSERT_EQ(::write(write_end_.get(), text.data(), text.size()),
              static_cast<ssize_t>(text.size()));
  }

  AsyncRead read_;
  UniqueFd end_;
  UniqueFd write_end_;
};

TEST_F(PipeReadTest, GoesOnWhileItsThreadDoesSomethingElse) {
  const LyingSource source(end_.get());
  std::array<std::byte, 4> out;
  read_.Begin(source, 0, out);  // would wait for ever if it read now
  Write("pppp");
  ASSERT_TRUE(read_.Wait().has_value());
  EXPECT_EQ(AsText(out), "pppp");
}

TEST_F(PipeReadTest, AShortReadIsMadeWholeFromWhereItStopped) {
  const LyingSource source(end_.get());
  Write("pppp");
  std::array<std::byte, 10> out;
  ASSERT_TRUE(ReadNow(read_, source, 1000, out).has_value());
  EXPECT_EQ(AsText(out), "pppprrrrrr");
  EXPECT_EQ(source.asked_for, 1004U);
}

TEST_F(PipeReadTest, AFailedReadIsTriedByTheSource) {
  const LyingSource source(write_end_.get());  // which cannot be read
  std::array<std::byte, 4> out;
  ASSERT_TRUE(ReadNow(read_, source, 1000, out).has_value());
  EXPECT_EQ(AsText(out), "rrrr");
  EXPECT_EQ(source.asked_for, 1000U);
}

// Otherwise the kernel would write into memory that is somebody else's by then.
TEST_F(PipeReadTest, TheDestructorWaits) {
  const LyingSource source(end_.get());
  std::array<std::byte, 4> out = {};
  std::atomic<bool> written = false;
  std::thread writer;
  {
    AsyncRead read;
    read.Begin(source, 0, out);
    writer = std::thread([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      written = true;
      Write("pppp");
    });
  }
  EXPECT_TRUE(written);
  EXPECT_EQ(AsText(out), "pppp");
  writer.join();
}

}  // namespace
}  // namespace amberfs
