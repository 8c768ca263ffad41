// probe stat DIR           asks for the attributes of each entry that standard input names,
//                          relative to DIR, each name ended by a NUL; symbolic links not followed
// probe read FILE N JOBS   reads N times 4 KiB of FILE at random multiples of 4 KiB, on JOBS
// threads
//
// What a shell is too slow for. The same places on every run; status 1 if anything fails.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::uint64_t kBlock = 4096;

[[noreturn]] void Die(const std::string& what) {
  std::perror(("probe: " + what).c_str());
  std::_Exit(1);  // other threads still read
}

int Open(const char* path, int flags) {
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC | flags);
  if (fd < 0) Die(path);
  return fd;
}

void Stat(const char* top) {
  const int directory = Open(top, O_DIRECTORY);
  // Names first: it is the stats that are timed.
  std::vector<std::string> names;
  for (std::string name; std::getline(std::cin, name, '\0');) names.push_back(name);
  for (const std::string& name : names) {
    struct stat st;
    if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) Die(name);
  }
}

void Read(const char* path, std::uint64_t reads, std::uint64_t jobs) {
  const int fd = Open(path, 0);
  struct stat st;
  if (::fstat(fd, &st) != 0) Die(path);
  const std::uint64_t blocks = static_cast<std::uint64_t>(st.st_size) / kBlock;
  if (blocks == 0) Die("too short");
  std::vector<std::jthread> threads;
  for (std::uint64_t job = 0; job < jobs; ++job) {
    threads.emplace_back([=] {
      std::mt19937_64 places(job + 1);
      std::array<char, kBlock> buffer;
      for (std::uint64_t i = job; i < reads; i += jobs) {
        const auto at = static_cast<off_t>(places() % blocks * kBlock);
        if (::pread(fd, buffer.data(), buffer.size(), at) != static_cast<ssize_t>(kBlock))
          Die("read at " + std::to_string(at));
      }
    });
  }
}

std::uint64_t Number(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value == 0) std::exit(2);
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "stat" && argc == 3) {
    Stat(argv[2]);
  } else if (what == "read" && argc == 5) {
    Read(argv[2], Number(argv[3]), Number(argv[4]));
  } else {
    std::fprintf(stderr, "usage: probe stat DIR | probe read FILE N JOBS\n");
    return 2;
  }
  return 0;
}
