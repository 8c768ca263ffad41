// holes DIR
//
// Checks that SEEK_DATA and SEEK_HOLE tell the truth about every regular file below DIR: the
// answers ascend and cover the file, what is called a hole reads as zeros, the end of the file is a
// hole, and there is nothing beyond it. Of a hole larger than 3 MiB the first, middle and last MiB
// are read. Prints the number of files, of holes, and of bytes in holes; status 1 and a line each
// for what is wrong.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/tools/walk.h"

using amberfs::tools::Die;
using amberfs::tools::Visit;
using amberfs::tools::Walk;

namespace {

constexpr off_t kMiB = off_t{1} << 20;

struct Totals {
  std::uint64_t files = 0;
  std::uint64_t holes = 0;
  std::uint64_t hole_bytes = 0;
  std::uint64_t wrong = 0;
};

class Checker {
 public:
  Checker(int fd, const Visit& visit, Totals& totals)
      : fd_(fd), size_(visit.st.st_size), path_(visit.path), totals_(totals) {}

  void Run() {
    ++totals_.files;
    off_t at = 0;
    while (at < size_) {
      const off_t data = Seek(at, SEEK_DATA, size_);
      const off_t hole = Seek(at, SEEK_HOLE, -1);
      if (data < at || hole < at || hole > size_ || (data != at && hole != at)) {
        Complain("at " + std::to_string(at) + ": data at " + std::to_string(data) + ", hole at " +
                 std::to_string(hole));
        return;
      }
      if (data > at) {
        CheckZeros(at, data);
        ++totals_.holes;
        totals_.hole_bytes += static_cast<std::uint64_t>(data - at);
        at = data;
      } else {
        at = hole;
      }
    }
    for (const int whence : {SEEK_DATA, SEEK_HOLE})
      for (const off_t past : {size_, size_ + 1})
        if (::lseek(fd_, past, whence) >= 0 || errno != ENXIO)
          Complain("a seek from " + std::to_string(past) + " on does not fail with ENXIO");
  }

 private:
  // `none` stands for ENXIO: no data up to the end of the file.
  off_t Seek(off_t from, int whence, off_t none) {
    const off_t found = ::lseek(fd_, from, whence);
    if (found >= 0) return found;
    if (errno != ENXIO) Die("seek in " + path_);
    return none;
  }

  void CheckZeros(off_t begin, off_t end) {
    if (end - begin <= 3 * kMiB) return CheckAllZeros(begin, end);
    CheckAllZeros(begin, begin + kMiB);
    const off_t middle = begin + (end - begin) / 2;
    CheckAllZeros(middle, middle + kMiB);
    CheckAllZeros(end - kMiB, end);
  }

  void CheckAllZeros(off_t begin, off_t end) {
    std::vector<char> buffer(static_cast<std::size_t>(kMiB));
    while (begin < end) {
      const auto wanted = static_cast<std::size_t>(std::min(kMiB, end - begin));
      const ssize_t got = ::pread(fd_, buffer.data(), wanted, begin);
      if (got < 0) Die("read " + path_);
      if (got == 0) return Complain("ends at " + std::to_string(begin));
      if (std::any_of(buffer.begin(), buffer.begin() + got, [](char c) { return c != 0; }))
        return Complain("not zeros: the hole behind " + std::to_string(begin));
      begin += got;
    }
  }

  void Complain(const std::string& what) {
    ++totals_.wrong;
    std::fprintf(stderr, "holes: %s: %s\n", path_.c_str(), what.c_str());
  }

  const int fd_;
  const off_t size_;
  const std::string& path_;
  Totals& totals_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: holes DIR\n");
    return 2;
  }
  Totals totals;
  Walk(argv[1], [&](const Visit& visit) {
    if (!S_ISREG(visit.st.st_mode)) return;
    const int fd = ::openat(visit.directory, visit.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) Die("open " + visit.path);
    Checker(fd, visit, totals).Run();
    ::close(fd);
  });
  std::printf("%ju files, %ju holes, %ju bytes in holes\n",
              static_cast<std::uintmax_t>(totals.files), static_cast<std::uintmax_t>(totals.holes),
              static_cast<std::uintmax_t>(totals.hole_bytes));
  return totals.wrong == 0 ? 0 : 1;
}
