// One line on a terminal that says how far a long job is.
#ifndef AMBERFS_AMBER_PROGRESS_BAR_H_
#define AMBERFS_AMBER_PROGRESS_BAR_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace amberfs {

// Draws on standard error, if that is a terminal; else does nothing. Erases itself at its end.
class ProgressBar {
 public:
  explicit ProgressBar(bool wanted);
  ~ProgressBar() { Erase(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  enum class Unit : std::uint8_t { kBytes, kThings };
  // Draws if enough time has passed since the last time. `total` 0: unknown.
  void Show(std::string_view phase, std::uint64_t done, std::uint64_t total,
            Unit unit = Unit::kBytes);

  // Makes room for a line of something else; the next Show() draws again.
  void Erase();

 private:
  using Clock = std::chrono::steady_clock;
  const bool wanted_;
  bool drawn_ = false;
  std::string phase_;
  Clock::time_point start_;  // of the phase
  Clock::time_point last_;
};

}  // namespace amberfs

#endif  // AMBERFS_AMBER_PROGRESS_BAR_H_
