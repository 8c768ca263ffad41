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

void ProgressBar::Show(std::string_view phase, std::uint64_t done, std::uint64_t total, Unit unit) {
  if (!wanted_) return;
  const auto now = Clock::now();
  if (phase != phase_) {
    phase_ = phase;
    start_ = now;
  }
  if (drawn_ && now - last_ < kInterval) return;
  last_ = now;
  drawn_ = true;
  std::string line = fmt::format("\r\x1b[K{}", phase);
  if (total > 0) {
    const double part = std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    const double seconds = std::chrono::duration<double>(now - start_).count();
    const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
    const auto filled = static_cast<std::size_t>(part * kBarWidth);
    line += fmt::format(" [{:<{}}] {:3.0f} %", std::string(filled, '#'), kBarWidth, part * 100);
    line += unit == Unit::kBytes ? fmt::format("  {:.0f} MiB/s", rate / kMebi)
                                 : fmt::format("  {:.0f}/s", rate);
    if (rate > 0) line += fmt::format("  {:.0f} s left", static_cast<double>(total - done) / rate);
  }
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace amberfs
