// The server's log: one line for each broken object met, at a rate that a hostile image cannot
// drive.
#ifndef AMBERFS_FUSE_EVENT_LOG_H_
#define AMBERFS_FUSE_EVENT_LOG_H_

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/error.h"
#include "format/units.h"

namespace amberfs {

class EventLog {
 public:
  static constexpr int kBurst = 10;  // lines in any one second

  // Lines start with `prefix`. They go to standard error, or to syslog once UseSyslog() was called.
  explicit EventLog(std::string prefix) : prefix_(std::move(prefix)) {}
  void UseSyslog();

  // "PREFIX: OPERATION of nid N: corrupt (rule DIR-1 at byte 4104): ...". Any thread.
  void Report(std::string_view operation, Nid nid, const Error& error);

 private:
  void Write(const std::string& line) const;

  const std::string prefix_;
  bool syslog_ = false;
  std::mutex mutex_;  // guards all below
  std::chrono::steady_clock::time_point window_start_;
  int lines_in_window_ = 0;
  std::uint64_t suppressed_ = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_FUSE_EVENT_LOG_H_
