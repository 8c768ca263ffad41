#include "fsck/budget.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"

namespace amberfs {
namespace {

using Clock = std::chrono::steady_clock;

// Far enough away, and no sum with now() overflows.
constexpr std::chrono::seconds kLongest = std::chrono::hours(24 * 365 * 100);

}  // namespace

std::uint64_t DefaultMaxReadBytes(std::uint64_t image_bytes) {
  constexpr std::uint64_t kForAny = std::uint64_t{64} << 20;
  const Checked bytes = Checked(image_bytes) * 16 + kForAny;
  return bytes.AtMost(~std::uint64_t{0}) ? bytes.get() : ~std::uint64_t{0};
}

Meter::Meter(const Budget& budget, std::uint64_t image_bytes, const std::atomic<bool>* stop)
    : budget_(budget),
      stop_(stop),
      deadline_(Clock::now() +
                (budget.max_time.count() > 0 ? std::min(budget.max_time, kLongest) : kLongest)) {
  if (budget_.max_read_bytes == 0) budget_.max_read_bytes = DefaultMaxReadBytes(image_bytes);
}

bool Meter::PayRead(std::uint64_t bytes) {
  if (!Running()) return false;
  bytes = std::max(bytes, kMinBytes);
  if (bytes > budget_.max_read_bytes - read_bytes_) {
    state_ = State::kRead;
    return false;
  }
  read_bytes_ += bytes;
  return true;
}

bool Meter::PayEntry() {
  if (!running()) return false;
  if (entries_ == budget_.max_entries) state_ = State::kEntries;
  ++entries_;
  return running();
}

bool Meter::PayMemory(std::uint64_t total_bytes) {
  if (running() && total_bytes > budget_.max_memory_bytes) state_ = State::kMemory;
  return running();
}

bool Meter::Running() {
  if (!running()) return false;
  if (stop_ != nullptr && stop_->load(std::memory_order_relaxed))
    state_ = State::kStopped;
  else if (Clock::now() >= deadline_)
    state_ = State::kTime;
  return running();
}

std::string Meter::Explain() const {
  switch (state_) {
    case State::kTime:
      return fmt::format("more than {} seconds", budget_.max_time.count());
    case State::kMemory:
      return fmt::format("more than {} bytes of memory", budget_.max_memory_bytes);
    case State::kEntries:
      return fmt::format("more than {} directory entries", budget_.max_entries);
    case State::kRead:
      return fmt::format("more than {} bytes of metadata to read", budget_.max_read_bytes);
    case State::kRunning:
    case State::kStopped:
      break;
  }
  return {};
}

}  // namespace amberfs
