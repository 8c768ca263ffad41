// flip FILE BIT OFFSET...
//
// Turns one bit (0 to 7) of the byte at each OFFSET of FILE over. Again, and it is as before.
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/tools/walk.h"

using amberfs::tools::Die;

int main(int argc, char** argv) {
  if (argc < 4) Die("usage: flip FILE BIT OFFSET...");
  const int fd = ::open(argv[1], O_RDWR | O_CLOEXEC);
  if (fd < 0) Die(argv[1]);
  const unsigned mask = 1U << (std::strtoul(argv[2], nullptr, 10) & 7);
  for (int i = 3; i < argc; ++i) {
    const auto offset = static_cast<off_t>(std::strtoull(argv[i], nullptr, 10));
    unsigned char byte = 0;
    if (::pread(fd, &byte, 1, offset) != 1) Die("read");
    byte = static_cast<unsigned char>(byte ^ mask);
    if (::pwrite(fd, &byte, 1, offset) != 1) Die("write");
  }
}
