// Work that one thread hands to others, as long as not too much of it waits.
#ifndef AMBERFS_EXTRACT_BOUNDED_QUEUE_H_
#define AMBERFS_EXTRACT_BOUNDED_QUEUE_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

namespace amberfs {

template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  // Takes `item`, unless there is no room: then it stays what it was.
  bool TryPush(T& item) {
    const std::lock_guard lock(mutex_);
    if (items_.size() >= capacity_) return false;
    items_.push_back(std::move(item));
    changed_.notify_one();
    return true;
  }

  // No more will come.
  void Close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  // Waits for an item; nothing once the queue is closed and empty.
  std::optional<T> Pop() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    return item;
  }

 private:
  const std::size_t capacity_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

}  // namespace amberfs

#endif  // AMBERFS_EXTRACT_BOUNDED_QUEUE_H_
