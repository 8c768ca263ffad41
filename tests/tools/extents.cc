// extents FILE
//
// Prints where FILE has data, as lseek(2) tells it: "data START END" for each piece, then "size N".
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <string>

#include "tests/tools/walk.h"

using amberfs::tools::Die;

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: extents FILE\n");
    return 2;
  }
  const std::string path = argv[1];
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat st;
  if (fd < 0 || ::fstat(fd, &st) != 0) Die("open " + path);
  for (off_t at = 0; at < st.st_size;) {
    const off_t data = ::lseek(fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // a hole up to the end
    const off_t hole = data < 0 ? -1 : ::lseek(fd, data, SEEK_HOLE);
    if (hole < 0) Die("seek in " + path);
    std::printf("data %jd %jd\n", static_cast<std::intmax_t>(data),
                static_cast<std::intmax_t>(hole));
    at = hole;
  }
  // Beyond the end there is neither.
  for (const int whence : {SEEK_DATA, SEEK_HOLE}) {
    if (::lseek(fd, st.st_size, whence) >= 0 || errno != ENXIO) Die("ENXIO at the end of " + path);
  }
  std::printf("size %jd\n", static_cast<std::intmax_t>(st.st_size));
  return 0;
}
