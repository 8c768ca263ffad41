#include "image/read_ahead.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "image/mapper.h"
#include "image/pcluster_reader.h"
#include "io/async_read.h"

namespace amberfs {
namespace {

// As long as the requests that the kernel makes by itself.
constexpr std::uint64_t kWorthIt = 128 << 10;
// A reader that asks for less at a time is not one that the kernel reads ahead for.
constexpr std::uint64_t kMinRequest = 64 << 10;
// So many extents in a row that are not worth it, and the next request has to look further.
constexpr int kMaxShortExtents = 8;
// Requests of one stream reach us in any order, a few at a time.
constexpr std::uint64_t kSlack = 1 << 20;
constexpr std::uint64_t kMaxWindow = 8 << 20;
constexpr std::size_t kMaxQueue = 64;

}  // namespace

ReadAhead::ReadAhead(const Image& image)
    : image_(image), window_bytes_(std::min(kMaxWindow, image.cache().max_bytes() / 4)) {}

ReadAhead::~ReadAhead() {
  std::vector<std::thread> threads;
  {
    const MutexLock lock(mutex_);
    stop_ = true;
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads) thread.join();
}

ReadAhead::Range ReadAhead::Follow(const Inode& inode, std::uint64_t pos, std::uint64_t bytes) {
  const std::uint64_t end = pos + bytes;
  const auto stream = std::ranges::find_if(streams_, [&](const Stream& s) {
    return s.nid == inode.nid() && pos + kSlack >= s.next && pos <= s.next + kSlack;
  });
  if (stream == streams_.end()) {
    Stream& oldest = *std::ranges::min_element(streams_, {}, &Stream::used);
    oldest = {.nid = inode.nid(), .next = end, .ahead = end, .used = ++clock_};
    return {};
  }
  stream->used = ++clock_;
  stream->next = std::max(stream->next, end);
  stream->ahead = std::max(stream->ahead, end);
  const std::uint64_t wanted = std::min(stream->next + window_bytes_, inode.size());
  if (stream->ahead >= wanted || queue_.size() >= kMaxQueue) return {};
  return {std::exchange(stream->ahead, wanted), wanted};
}

void ReadAhead::Note(const Inode& inode, std::uint64_t pos, std::uint64_t bytes) {
  if (!inode.is_compressed() || inode.size() <= kWorthIt || bytes < kMinRequest ||
      pos >= inode.size())
    return;
  Range range;
  {
    const MutexLock lock(mutex_);
    range = Follow(inode, pos, std::min(bytes, inode.size() - pos));
  }
  if (range.from >= range.to) return;
  const std::uint64_t asked = range.to;

  std::vector<Extent> extents;
  Mapper mapper(image_, inode);
  int short_extents = 0;
  while (range.from < range.to && extents.size() < kMaxQueue && short_extents < kMaxShortExtents) {
    const auto extent = mapper.Map(range.from, range.to - range.from);
    if (!extent) break;  // whoever reads it will be told
    range.from = extent->pos + extent->length;
    if (extent->kind == ExtentKind::kEncoded && extent->length > kWorthIt &&
        !InMetabox(extent->where.offset)) {
      extents.push_back(*extent);
      short_extents = 0;
    } else {
      ++short_extents;
    }
  }
  const MutexLock lock(mutex_);
  // The last extent may reach further than was asked, or others may be left for the next request.
  for (Stream& stream : streams_)
    if (stream.nid == inode.nid() && stream.ahead == asked) stream.ahead = range.from;
  if (extents.empty() || stop_) return;
  queue_.insert(queue_.end(), extents.begin(), extents.end());
  if (threads_.empty()) {
    const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1U, 4U);
    for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this] { Work(); });
  }
  wake_.notify_all();
}

void ReadAhead::Work() {
  AsyncRead read;
  struct Job {
    std::optional<Extent> extent;
    std::vector<std::byte> bytes;
  };
  Job current;
  Job next;
  // Takes the next extent that is not in the cache, and begins to read it.
  const auto begin = [&](Job& job, bool wait) {
    job.extent.reset();
    while (!job.extent) {
      {
        const MutexLock lock(mutex_);
        while (wait && queue_.empty() && !stop_) wake_.wait(mutex_);
        if (queue_.empty() || stop_) return;
        job.extent = queue_.front();
        queue_.pop_front();
      }
      if (image_.cache().Contains(CacheKeyOf(*job.extent), job.extent->length)) job.extent.reset();
    }
    job.bytes.resize(job.extent->encoded_bytes);
    read.Begin(image_.SourceOf(job.extent->where), job.extent->where.offset, job.bytes);
  };
  begin(current, true);
  while (current.extent) {
    const Extent& extent = *current.extent;
    const bool fetched = read.Wait().has_value();
    begin(next, false);
    if (fetched) {
      // What fails is not kept: whoever reads it will be told.
      static_cast<void>(image_.cache().Get(
          CacheKeyOf(extent), extent.length, extent.length,
          [&](ByteSpan out) { return DecodePcluster(image_, extent, current.bytes, out); }));
    }
    std::swap(current, next);
    if (!current.extent) begin(current, true);
  }
}

}  // namespace amberfs
