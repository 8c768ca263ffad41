// Reads the content of files, every byte of it, and so decodes every pcluster: data has no checksum
// in this format, but a stream that is broken rarely decodes to as many bytes as it should.
//
// Holes are skipped. So are fragments: the packed inode that holds them is a file like others, and
// to be read once.
//
// A file that has an attribute with the digest of its data is read with its holes and fragments,
// and hashed.
//
//   Z-16, XA-12, and what the system cannot read
#ifndef AMBERFS_FSCK_DATA_CHECKER_H_
#define AMBERFS_FSCK_DATA_CHECKER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "format/units.h"
#include "fsck/budget.h"
#include "image/file_reader.h"
#include "image/image.h"
#include "verity/file_hasher.h"

namespace amberfs {

class DataChecker {
 public:
  struct File {
    Nid nid;
    std::uint32_t seen;  // whatever the caller knows it by
  };
  // The next file to read; nothing behind the last.
  using Next = std::function<std::optional<File>()>;
  using Found = std::function<void(const File& file, const Error& error, std::string detail)>;
  // Told now and then how many bytes were read and decoded so far.
  using Progress = std::function<void(std::uint64_t bytes)>;

  // Borrows all of them; `progress` may be empty. The functions are called by one thread at a time,
  // which is also the only one to use `meter`.
  DataChecker(const Image& image, Meter& meter, const Next& next, const Found& found,
              const Progress& progress)
      : image_(image), meter_(meter), next_(next), found_(found), progress_(progress) {}

  // Reads all files with `jobs` threads; ends early once the meter has stopped. A thread takes the
  // memory of the largest extent, 12 MiB at most. Returns how many bytes there were.
  std::uint64_t Run(unsigned jobs);

 private:
  void Work();
  std::optional<File> NextFile();
  void ReadFile(const File& file, std::vector<std::byte>& buffer);
  // Reads the bytes [pos, end), which lie in one extent, and hashes them if somebody wants that.
  // False if that failed, which it has reported, or the meter stopped.
  bool ReadPieces(const File& file, FileReader& reader, std::uint64_t pos, std::uint64_t end,
                  std::span<std::byte> buffer, FileHasher* hasher);
  bool IsRunning();
  // Whether so many bytes may be read; those that are decoded are paid for elsewhere.
  bool Pay(std::uint64_t bytes);
  void Read(std::uint64_t bytes);
  void Report(const File& file, const Error& error, std::uint64_t pos);

  const Image& image_;
  Mutex mutex_;
  Meter& meter_ GUARDED_BY(mutex_);
  const Next& next_ GUARDED_BY(mutex_);
  const Found& found_ GUARDED_BY(mutex_);
  const Progress& progress_ GUARDED_BY(mutex_);
  std::uint64_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_FSCK_DATA_CHECKER_H_
