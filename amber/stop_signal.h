// Ctrl-C and its kin as a flag that long work looks at, so that it can clean up.
#ifndef AMBERFS_AMBER_STOP_SIGNAL_H_
#define AMBERFS_AMBER_STOP_SIGNAL_H_

#include <atomic>

namespace amberfs {

// From now on SIGINT, SIGTERM and SIGHUP end nothing but turn the result true.
const std::atomic<bool>* CatchStopSignals();

// The exit status of a command that such a signal ended, as shells have it: 130 for Ctrl-C.
int StopStatus();

}  // namespace amberfs

#endif  // AMBERFS_AMBER_STOP_SIGNAL_H_
