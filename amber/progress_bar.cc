#include "amber/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace amberfs {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr std::size_t kBarWidth = 30;
constexpr double kMebi = 1024.0 * 1024.0;

}  // namespace

ProgressBar::ProgressBar(bool wanted) : wanted_(wanted && ::isatty(STDERR_FILENO) != 0) {}

void ProgressBar::Erase() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

void ProgressBar::Show(std::string_view phase, std::uint64_t done_bytes,
                       std::uint64_t total_bytes) {
  const auto now = Clock::now();
  if (!wanted_ || (drawn_ && now - last_ < kInterval)) return;
  last_ = now;
  drawn_ = true;
  std::string line = fmt::format("\r\x1b[K{}", phase);
  if (total_bytes > 0) {
    const double part =
        std::min(1.0, static_cast<double>(done_bytes) / static_cast<double>(total_bytes));
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double rate = seconds > 0 ? static_cast<double>(done_bytes) / seconds : 0;
    const auto filled = static_cast<std::size_t>(part * kBarWidth);
    line += fmt::format(" [{:<{}}] {:3.0f} %  {:.0f} MiB/s", std::string(filled, '#'), kBarWidth,
                        part * 100, rate / kMebi);
    if (rate > 0)
      line += fmt::format("  {:.0f} s left", static_cast<double>(total_bytes - done_bytes) / rate);
  }
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace amberfs
