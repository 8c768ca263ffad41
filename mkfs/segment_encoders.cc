#include "mkfs/segment_encoders.h"

#include <algorithm>
#include <utility>

namespace amberfs {

SegmentEncoders::SegmentEncoders(const Compression& compression, unsigned block_bits)
    : compression_(compression), block_bits_(block_bits) {
  for (unsigned i = 0; i < std::max(1U, compression.workers); ++i)
    threads_.emplace_back([this] { Work(); });
}

SegmentEncoders::~SegmentEncoders() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void SegmentEncoders::Submit(std::vector<std::byte> segment, bool last) {
  auto job = std::make_shared<Job>(std::move(segment), last);
  jobs_.push_back(job);
  {
    const MutexLock lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  changed_.notify_all();
}

std::optional<EncodedSegment> SegmentEncoders::Take() {
  const std::shared_ptr<Job> job = std::move(jobs_.front());
  jobs_.pop_front();
  {
    MutexLock lock(mutex_);
    while (!job->done) changed_.wait(mutex_);
  }
  return std::move(job->result);
}

void SegmentEncoders::Work() {
  const std::unique_ptr<Encoder> encoder = Encoder::Make(compression_.encoder);
  while (true) {
    std::shared_ptr<Job> job;
    {
      MutexLock lock(mutex_);
      while (waiting_.empty() && !stop_) changed_.wait(mutex_);
      if (stop_) return;
      job = std::move(waiting_.front());
      waiting_.pop_front();
    }
    if (encoder != nullptr)
      job->result = EncodeSegment(*encoder, compression_, block_bits_, job->segment, job->last);
    job->segment = {};
    {
      const MutexLock lock(mutex_);
      job->done = true;
    }
    changed_.notify_all();
  }
}

}  // namespace amberfs
