// What one check may cost, whatever the image claims, and the meter that counts it.
#ifndef AMBERFS_FSCK_BUDGET_H_
#define AMBERFS_FSCK_BUDGET_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace amberfs {

struct Budget {
  std::chrono::seconds max_time{0};  // 0: no limit
  // For the table of inodes and the map of what lies where.
  std::uint64_t max_memory_bytes = std::uint64_t{1} << 30;
  std::uint64_t max_entries = 100'000'000;  // directory entries
  // Metadata read. Inodes of an honest image share little of it; those of a hostile one may all
  // point to the same blocks, and this is what keeps the check linear. 0: DefaultMaxReadBytes().
  std::uint64_t max_read_bytes = 0;
  // Bytes decoded, for metadata as well, and file data read. Compression and sharing make any
  // amount of them from a small image. 0: DefaultMaxDataBytes().
  std::uint64_t max_data_bytes = 0;
};

// 64 MiB and 16 times the image. Even an image that is all metadata stays below: its smallest
// things, inodes of 32 bytes and shared xattr ids of 4, cost 128 and 64.
std::uint64_t DefaultMaxReadBytes(std::uint64_t image_bytes);

// 64 GiB and 64 times the image: few images hold more than that of themselves.
std::uint64_t DefaultMaxDataBytes(std::uint64_t image_bytes);

// Callers pay before they do the work. A meter that said no once says no for ever, so a walk may
// stop anywhere and every loop above it ends as well.
class Meter {
 public:
  // What anything costs at least, however few bytes it reads.
  static constexpr std::uint64_t kMinBytes = 64;

  // Borrows `stop`, which may be null and may be set by a signal handler; and `decoded_bytes`,
  // which may be null, where whoever decodes counts it.
  Meter(const Budget& budget, std::uint64_t image_bytes, const std::atomic<bool>* stop,
        const std::atomic<std::uint64_t>* decoded_bytes = nullptr);

  bool PayRead(std::uint64_t bytes);
  bool PayData(std::uint64_t bytes);  // read as they are; what is decoded is counted elsewhere
  bool PayEntry();
  // So many in all for this, not so many more.
  enum class Memory : std::uint8_t { kInodes, kSpace };
  bool PayMemory(Memory what, std::uint64_t bytes);

  // Why the meter says no.
  enum class State : std::uint8_t { kRunning, kStopped, kTime, kMemory, kEntries, kRead, kData };
  State state() const { return state_; }
  bool running() const { return state_ == State::kRunning; }
  // "more than 100000000 directory entries"; for states past kStopped.
  std::string Explain() const;

 private:
  bool Running();  // looks at the stop flag, the clock and what was decoded

  Budget budget_;
  const std::atomic<bool>* stop_;
  const std::atomic<std::uint64_t>* decoded_bytes_;
  std::chrono::steady_clock::time_point deadline_;
  std::array<std::uint64_t, 2> memory_bytes_{};
  std::uint64_t read_bytes_ = 0;
  std::uint64_t data_bytes_ = 0;
  std::uint64_t entries_ = 0;
  State state_ = State::kRunning;
};

}  // namespace amberfs

#endif  // AMBERFS_FSCK_BUDGET_H_
