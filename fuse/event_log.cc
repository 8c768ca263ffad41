#include "fuse/event_log.h"

#include <fmt/format.h>
#include <syslog.h>

#include <cstdio>
#include <utility>

namespace amberfs {

void EventLog::UseSyslog() {
  syslog_ = true;
  ::openlog("amberfs", LOG_PID, LOG_DAEMON);
}

void EventLog::Report(std::string_view operation, Nid nid, const Error& error) {
  std::uint64_t suppressed = 0;
  {
    const std::scoped_lock lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - window_start_ >= std::chrono::seconds(1)) {
      window_start_ = now;
      lines_in_window_ = 0;
      suppressed = std::exchange(suppressed_, 0);
    }
    if (lines_in_window_ == kBurst) {
      ++suppressed_;
      return;
    }
    ++lines_in_window_;
  }
  if (suppressed > 0) Write(fmt::format("{}: {} more errors not shown", prefix_, suppressed));
  Write(fmt::format("{}: {} of nid {}: {}", prefix_, operation, nid.v, Describe(error)));
}

void EventLog::Write(const std::string& line) const {
  if (syslog_)
    ::syslog(LOG_ERR, "%s", line.c_str());
  else
    std::fputs((line + "\n").c_str(), stderr);  // fmt::print() would throw if nobody reads it
}

}  // namespace amberfs
