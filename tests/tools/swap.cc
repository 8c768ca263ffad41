// swap A B
//
// Exchanges what the names A and B lead to, as often as it can, until it is ended: whoever works
// with one of them is raced. Waits for names that are not there yet. At SIGTERM prints how often it
// has.
#include <fcntl.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "tests/tools/walk.h"

using amberfs::tools::Die;

namespace {

volatile std::sig_atomic_t g_stop = 0;

void OnTerm(int) { g_stop = 1; }

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) Die("usage: swap A B");
  struct sigaction action = {};
  action.sa_handler = OnTerm;
  ::sigaction(SIGTERM, &action, nullptr);
  unsigned long swaps = 0;
  while (g_stop == 0) {
    if (::renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE) == 0)
      ++swaps;
    else if (errno != ENOENT)
      Die("exchange");
  }
  std::printf("%lu\n", swaps);
}
