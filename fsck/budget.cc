#include "fsck/budget.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked.h"

namespace amberfs {
namespace {

using Clock = std::chrono::steady_clock;

// Far enough away, and no sum with now() overflows.
constexpr std::chrono::seconds kLongest = std::chrono::hours(24 * 365 * 100);

std::uint64_t Saturated(const Checked& bytes) {
  return bytes.AtMost(~std::uint64_t{0}) ? bytes.get() : ~std::uint64_t{0};
}

}  // namespace

std::uint64_t DefaultMaxReadBytes(std::uint64_t image_bytes) {
  return Saturated(Checked(image_bytes) * 16 + (std::uint64_t{64} << 20));
}

std::uint64_t DefaultMaxDataBytes(std::uint64_t image_bytes) {
  return Saturated(Checked(image_bytes) * 64 + (std::uint64_t{64} << 30));
}

Meter::Meter(const Budget& budget, std::uint64_t image_bytes, const std::atomic<bool>* stop,
             const std::atomic<std::uint64_t>* decoded_bytes)
    : budget_(budget),
      stop_(stop),
      decoded_bytes_(decoded_bytes),
      deadline_(Clock::now() +
                (budget.max_time.count() > 0 ? std::min(budget.max_time, kLongest) : kLongest)) {
  if (budget_.max_read_bytes == 0) budget_.max_read_bytes = DefaultMaxReadBytes(image_bytes);
  if (budget_.max_data_bytes == 0) budget_.max_data_bytes = DefaultMaxDataBytes(image_bytes);
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

bool Meter::PayData(std::uint64_t bytes) {
  if (!Running()) return false;
  if (bytes > budget_.max_data_bytes - data_bytes_) {
    state_ = State::kData;
    return false;
  }
  data_bytes_ += bytes;
  return true;
}

bool Meter::PayEntry() {
  if (!running()) return false;
  if (entries_ == budget_.max_entries) state_ = State::kEntries;
  ++entries_;
  return running();
}

bool Meter::PayMemory(Memory what, std::uint64_t bytes) {
  if (!running()) return false;
  memory_bytes_[static_cast<std::size_t>(what)] = bytes;
  if (!(Checked(memory_bytes_[0]) + memory_bytes_[1]).AtMost(budget_.max_memory_bytes))
    state_ = State::kMemory;
  return running();
}

bool Meter::Running() {
  if (!running()) return false;
  if (stop_ != nullptr && stop_->load(std::memory_order_relaxed))
    state_ = State::kStopped;
  else if (budget_.max_time.count() > 0 && Clock::now() >= deadline_)
    state_ = State::kTime;
  else if (decoded_bytes_ != nullptr &&
           decoded_bytes_->load(std::memory_order_relaxed) > budget_.max_data_bytes - data_bytes_)
    state_ = State::kData;
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
    case State::kData:
      return fmt::format("more than {} bytes to decode and to read", budget_.max_data_bytes);
    case State::kRunning:
    case State::kStopped:
      break;
  }
  return {};
}

}  // namespace amberfs
