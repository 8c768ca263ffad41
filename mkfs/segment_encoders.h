// The threads that encode segments, while whoever gives them out goes on reading.
#ifndef AMBERFS_MKFS_SEGMENT_ENCODERS_H_
#define AMBERFS_MKFS_SEGMENT_ENCODERS_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/mutex.h"
#include "mkfs/compression.h"

namespace amberfs {

// For one caller: Submit() and Take() are one thread's. Results come in the order of submission.
class SegmentEncoders {
 public:
  SegmentEncoders(const Compression& compression, unsigned block_bits);
  // Waits for what is being encoded; the rest is dropped.
  ~SegmentEncoders();
  SegmentEncoders(const SegmentEncoders&) = delete;
  SegmentEncoders& operator=(const SegmentEncoders&) = delete;

  // Takes over `segment`; see EncodeSegment().
  void Submit(std::vector<std::byte> segment, bool last);
  // The result for the first segment that was not taken yet; waits for it. Nothing if a thread had
  // no memory for an encoder.
  std::optional<EncodedSegment> Take();

 private:
  struct Job {
    std::vector<std::byte> segment;
    bool last = false;
    bool done = false;
    std::optional<EncodedSegment> result = {};
  };
  void Work();

  const Compression compression_;
  const unsigned block_bits_;
  // Submitted and not taken: shared, since a worker may still hold one at the end.
  std::deque<std::shared_ptr<Job>> jobs_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::shared_ptr<Job>> waiting_ GUARDED_BY(mutex_);
  bool stop_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_SEGMENT_ENCODERS_H_
