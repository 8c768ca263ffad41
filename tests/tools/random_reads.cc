// random_reads FILE COUNT: reads COUNT blocks of 4096 bytes at random places, the same ones each
// time, and prints how many microseconds one took. Tells the kernel not to read ahead.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "Usage: random_reads FILE COUNT\n");
    return 2;
  }
  const int fd = ::open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || ::fstat(fd, &st) != 0 || st.st_size < 4096) {
    std::perror(argv[1]);
    return 1;
  }
  ::posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
  const long count = std::atol(argv[2]);
  std::array<char, 4096> block;
  std::mt19937_64 random(1);
  const auto blocks = static_cast<unsigned long>(st.st_size) / block.size();
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < count; ++i) {
    const auto at = static_cast<off_t>(random() % blocks * block.size());
    if (::pread(fd, block.data(), block.size(), at) != static_cast<ssize_t>(block.size())) {
      std::perror(argv[1]);
      return 1;
    }
  }
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  std::printf("%.2f\n", spent.count() / static_cast<double>(count));
  return 0;
}
