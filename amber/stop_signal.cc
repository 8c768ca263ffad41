#include "amber/stop_signal.h"

#include <csignal>

namespace amberfs {
namespace {

std::atomic<bool> g_stop = false;
std::atomic<int> g_signal = 0;
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "a signal handler sets them");

extern "C" void OnStopSignal(int signal) {
  g_signal = signal;
  g_stop = true;
}

}  // namespace

const std::atomic<bool>* CatchStopSignals() {
  struct sigaction action = {};
  action.sa_handler = OnStopSignal;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) ::sigaction(signal, &action, nullptr);
  return &g_stop;
}

int StopStatus() { return 128 + g_signal; }

}  // namespace amberfs
