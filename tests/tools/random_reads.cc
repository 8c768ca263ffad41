// random_reads [--reads=N] [--threads=N] [--seed=N] REFERENCE DIR
//
// Reads pieces at random places of the regular files of DIR and compares each with the same piece
// of the same file below REFERENCE. Prints what was read; at the first difference, or when a read
// of DIR fails, says where and ends with status 1.
//
// Half of the files are picked alike, half by their size; half of the pieces lie anywhere, the
// others at an end of the file or beside a multiple of 512 bytes to 1 MiB. Lengths are 1 byte to
// 256 KiB, each power of two as likely as the others. Which pieces a thread reads depends on the
// seed and the trees alone.
//
// What matters is that the server of DIR is asked. So half of the pieces are read around the page
// cache (O_DIRECT: a FUSE server is asked for this very range; other filesystems refuse ranges that
// are not aligned), and of the others half are thrown out of the cache first: the server is asked
// for whole pages then, and for those that the kernel reads ahead.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/tools/walk.h"

using amberfs::tools::Die;
using amberfs::tools::Visit;
using amberfs::tools::Walk;

namespace {

struct Options {
  std::uint64_t reads = 100'000;
  std::uint64_t threads = 2;
  std::uint64_t seed = 1;
};

struct File {
  std::string path;
  std::uint64_t size;
  std::uint64_t sizes_before;  // the sum of the sizes of the files before this one
};

struct Piece {
  std::uint64_t offset;
  std::size_t size;
  bool direct;  // around the page cache
  bool drop;    // out of the page cache first
};

struct Totals {
  std::atomic<std::uint64_t> reads = 0;
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<std::uint64_t> short_reads = 0;  // reach past the end of the file
  std::atomic<std::uint64_t> direct = 0;
};

constexpr unsigned kMaxLengthBits = 18;

std::vector<File> RegularFiles(const char* top) {
  std::vector<File> files;
  std::uint64_t sizes = 0;
  Walk(top, [&](const Visit& visit) {
    if (!S_ISREG(visit.st.st_mode)) return;
    const auto size = static_cast<std::uint64_t>(visit.st.st_size);
    files.push_back({visit.path, size, sizes});
    sizes += size;
  });
  return files;
}

// Chooses files and pieces. The distributions of the standard library may differ between its
// versions; its generator does not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : generator_(seed) {}

  std::uint64_t Below(std::uint64_t limit) { return generator_() % limit; }
  bool Coin() { return Below(2) == 0; }

  const File& PickFile(const std::vector<File>& files) {
    const std::uint64_t all = files.back().sizes_before + files.back().size;
    if (all == 0 || Coin()) return files[Below(files.size())];
    const std::uint64_t place = Below(all);
    const auto behind =
        std::upper_bound(files.begin(), files.end(), place,
                         [](std::uint64_t at, const File& file) { return at < file.sizes_before; });
    return *(behind - 1);
  }

  Piece PickPiece(std::uint64_t file_size) {
    // A count of bits first, so that 4 bytes come as often as 100 000.
    const std::uint64_t most = std::uint64_t{1} << Below(kMaxLengthBits + 1);
    const std::uint64_t size = most - Below((most + 1) / 2);
    std::uint64_t offset = Below(file_size + 1);
    if (Coin()) {
      const std::uint64_t border = std::uint64_t{512} << Below(12);
      switch (Below(3)) {
        case 0:  // around the end, or the start of what ends there
          offset = file_size - std::min(file_size, Coin() ? size : 0);
          break;
        case 1:
          offset = 0;
          break;
        default:
          offset -= offset % border;
      }
      offset += Below(5);
      offset -= std::min<std::uint64_t>(offset, Below(5));
    }
    const bool direct = Coin();
    return {offset, static_cast<std::size_t>(size), direct, !direct && Coin()};
  }

 private:
  std::mt19937_64 generator_;
};

int OpenBelow(int top, const std::string& path, int flags) {
  const int fd = ::openat(top, path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | flags);
  if (fd < 0) Die("open " + path);
  return fd;
}

// Reads up to `size` bytes at `offset`; fewer only at the end of the file.
std::size_t ReadAt(int fd, std::uint64_t offset, std::size_t size, char* to,
                   const std::string& path) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, to + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0) Die("read " + path + " at " + std::to_string(offset + done));
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return done;
}

class Reader {
 public:
  Reader(int reference, int tested, const std::vector<File>& files, std::uint64_t seed,
         Totals& totals)
      : reference_(reference), tested_(tested), files_(files), dice_(seed), totals_(totals) {}

  void Run(std::uint64_t reads) {
    for (std::uint64_t i = 0; i < reads; ++i) {
      const File& file = dice_.PickFile(files_);
      Compare(file, dice_.PickPiece(file.size));
    }
  }

 private:
  void Compare(const File& file, const Piece& piece) {
    const int reference = OpenBelow(reference_, file.path, 0);
    const std::size_t wanted =
        ReadAt(reference, piece.offset, piece.size, wanted_.data(), file.path);
    ::close(reference);

    const int tested = OpenBelow(tested_, file.path, piece.direct ? O_DIRECT : 0);
    if (piece.drop) ::posix_fadvise(tested, 0, 0, POSIX_FADV_DONTNEED);
    const std::size_t got = ReadAt(tested, piece.offset, piece.size, got_.data(), file.path);
    ::close(tested);

    if (got != wanted) {
      Complain(file, piece, std::to_string(got) + " bytes instead of " + std::to_string(wanted));
    } else if (const auto [a, b] =
                   std::mismatch(got_.begin(), got_.begin() + Offset(got), wanted_.begin());
               a != got_.begin() + Offset(got)) {
      Complain(file, piece, "differs from byte " + std::to_string(a - got_.begin()) + " on");
    }
    ++totals_.reads;
    totals_.bytes += got;
    if (got < piece.size) ++totals_.short_reads;
    if (piece.direct) ++totals_.direct;
  }

  static std::ptrdiff_t Offset(std::size_t size) { return static_cast<std::ptrdiff_t>(size); }

  [[noreturn]] static void Complain(const File& file, const Piece& piece, const std::string& what) {
    std::fprintf(stderr, "random_reads: %s: %zu bytes at %ju%s: %s\n", file.path.c_str(),
                 piece.size, static_cast<std::uintmax_t>(piece.offset),
                 piece.direct ? ", direct" : "", what.c_str());
    std::_Exit(1);  // other threads still read
  }

  const int reference_;
  const int tested_;
  const std::vector<File>& files_;
  Dice dice_;
  Totals& totals_;
  std::vector<char> wanted_ = std::vector<char>(std::size_t{1} << kMaxLengthBits);
  std::vector<char> got_ = std::vector<char>(std::size_t{1} << kMaxLengthBits);
};

int OpenTop(const char* path) {
  const int fd = ::open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) Die(std::string("open ") + path);
  return fd;
}

// Takes "--name=NUMBER" apart; false if `argument` is something else.
bool ParseOption(std::string_view argument, std::string_view name, std::uint64_t* value) {
  if (!argument.starts_with(name)) return false;
  argument.remove_prefix(name.size());
  const char* const end = argument.data() + argument.size();
  const auto [stop, error] = std::from_chars(argument.data(), end, *value);
  return error == std::errc() && stop == end;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::vector<const char*> trees;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (ParseOption(argument, "--reads=", &options.reads) ||
        ParseOption(argument, "--threads=", &options.threads) ||
        ParseOption(argument, "--seed=", &options.seed))
      continue;
    trees.push_back(argv[i]);
  }
  if (trees.size() != 2 || options.threads == 0) {
    std::fprintf(stderr,
                 "usage: random_reads [--reads=N] [--threads=N] [--seed=N] REFERENCE DIR\n");
    return 2;
  }

  const std::vector<File> files = RegularFiles(trees[0]);
  if (files.empty()) {
    std::fprintf(stderr, "random_reads: %s: no files\n", trees[0]);
    return 2;
  }
  const int reference = OpenTop(trees[0]);
  const int tested = OpenTop(trees[1]);
  Totals totals;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t i = 0; i < options.threads; ++i) {
      const std::uint64_t share =
          options.reads / options.threads + (i < options.reads % options.threads ? 1 : 0);
      threads.emplace_back([&, i, share] {
        Reader(reference, tested, files, options.seed * 1000 + i, totals).Run(share);
      });
    }
  }
  std::printf("%ju reads of %zu files: %ju MiB, %ju past an end, %ju direct\n",
              static_cast<std::uintmax_t>(totals.reads), files.size(),
              static_cast<std::uintmax_t>(totals.bytes >> 20),
              static_cast<std::uintmax_t>(totals.short_reads),
              static_cast<std::uintmax_t>(totals.direct));
  return 0;
}
