// One line on a terminal that says how far a long job is.
#ifndef AMBERFS_AMBER_PROGRESS_BAR_H_
#define AMBERFS_AMBER_PROGRESS_BAR_H_

#include <chrono>
#include <cstdint>
#include <string_view>

namespace amberfs {

// Draws on standard error, if that is a terminal; else does nothing. Erases itself at its end.
class ProgressBar {
 public:
  explicit ProgressBar(bool wanted);
  ~ProgressBar() { Erase(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // Draws if enough time has passed since the last time. `total_bytes` 0: unknown.
  void Show(std::string_view phase, std::uint64_t done_bytes, std::uint64_t total_bytes);

  // Makes room for a line of something else; the next Show() draws again.
  void Erase();

 private:
  using Clock = std::chrono::steady_clock;
  const bool wanted_;
  bool drawn_ = false;
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_;
};

}  // namespace amberfs

#endif  // AMBERFS_AMBER_PROGRESS_BAR_H_
