// A mutex that clang's -Wthread-safety knows; libstdc++'s is not annotated.
#ifndef AMBERFS_BASE_MUTEX_H_
#define AMBERFS_BASE_MUTEX_H_

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define AMBERFS_ATTRIBUTE(x) __attribute__((x))
#else
#define AMBERFS_ATTRIBUTE(x)
#endif
#define GUARDED_BY(x) AMBERFS_ATTRIBUTE(guarded_by(x))
#define REQUIRES(x) AMBERFS_ATTRIBUTE(requires_capability(x))

namespace amberfs {

class AMBERFS_ATTRIBUTE(capability("mutex")) Mutex {
 public:
  void lock() AMBERFS_ATTRIBUTE(acquire_capability()) { mutex_.lock(); }
  void unlock() AMBERFS_ATTRIBUTE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class AMBERFS_ATTRIBUTE(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) AMBERFS_ATTRIBUTE(acquire_capability(mutex)) : mutex_(mutex) {
    mutex_.lock();
  }
  ~MutexLock() AMBERFS_ATTRIBUTE(release_capability()) { mutex_.unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

// Waits with a Mutex held, which is let go meanwhile.
using CondVar = std::condition_variable_any;

}  // namespace amberfs

#endif  // AMBERFS_BASE_MUTEX_H_
