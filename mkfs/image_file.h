// The image while it is being written: it has no name before it is whole.
#ifndef AMBERFS_MKFS_IMAGE_FILE_H_
#define AMBERFS_MKFS_IMAGE_FILE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "format/content_uuid.h"
#include "mkfs/build_error.h"
#include "mkfs/tree.h"

namespace amberfs {

// Opens a file in directory `directory` that vanishes with its descriptor. Where the file system
// has no such files it gets a name first, which is put into `temporary_name` unless that is null.
BuildResult<UniqueFd> OpenUnnamed(const std::string& directory, std::string* temporary_name);

class ImageFile;

// Sees an image while it is written.
class ImageWatcher {
 public:
  virtual ~ImageWatcher() = default;

  // `bytes` are at `offset` from now on, whatever was there. Mostly behind what was written before.
  virtual void Written(std::uint64_t offset, ByteView bytes) = 0;

  // All is written, and nothing has its name yet. May read the image and append to it; what it
  // appends is not watched. A failure ends the build.
  virtual BuildResult<void> Complete(ImageFile& image) = 0;
};

// Appends in large writes. Not for several threads.
class ImageFile {
 public:
  // Makes a nameless file beside `path`, which must be free or a regular file.
  static BuildResult<ImageFile> Create(const std::string& path);
  ImageFile(ImageFile&&) = default;
  ~ImageFile();

  // The files of the host that the image is, or is going to replace.
  const std::vector<FileId>& ids() const { return ids_; }
  const std::string& directory() const { return directory_; }

  std::uint64_t size() const { return flushed_ + buffer_.size(); }
  BuildResult<void> Append(ByteView bytes);
  BuildResult<void> AppendZeros(std::uint64_t count);

  // A point to go back to, with the hash of all that was appended before it.
  struct Mark {
    std::uint64_t size;
    ContentHash hash;
  };
  Mark mark() const { return {size(), hash_}; }
  BuildResult<void> Rewind(const Mark& mark);

  // Replaces bytes that are appended already.
  BuildResult<void> Overwrite(std::uint64_t offset, ByteView bytes);

  // Reads what is appended already.
  BuildResult<void> Read(std::uint64_t offset, ByteSpan out);

  // Tells `watcher`, borrowed, of all writes from now on; null tells nobody.
  void Watch(ImageWatcher* watcher) { watcher_ = watcher; }
  // Tells the watcher, if there is one, that the image is complete.
  BuildResult<void> Complete();

  // Cuts the file to size(), writes it to stable storage, and gives it its name.
  BuildResult<void> Publish();

 private:
  ImageFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  BuildResult<void> Flush();
  BuildResult<void> WriteAll(std::uint64_t offset, ByteView bytes);
  BuildResult<void> SyncDirectory() const;

  std::string path_;
  std::string directory_;
  std::string temporary_name_;  // only while there is a file of this name
  UniqueFd fd_;
  std::vector<FileId> ids_;
  std::vector<std::byte> buffer_;  // what follows byte flushed_
  std::uint64_t flushed_ = 0;
  ContentHash hash_;
  ImageWatcher* watcher_ = nullptr;
};

// Tails of files, from when their file is read until their inode is written.
class TailSpool {
 public:
  static BuildResult<TailSpool> Create(const std::string& directory);

  // Returns where it lies.
  BuildResult<std::uint64_t> Append(ByteView tail);
  BuildResult<void> Read(std::uint64_t offset, ByteSpan out);

 private:
  TailSpool(std::string directory, UniqueFd fd)
      : directory_(std::move(directory)), fd_(std::move(fd)) {}
  BuildResult<void> Flush();

  std::string directory_;
  UniqueFd fd_;
  std::vector<std::byte> buffer_;
  std::uint64_t flushed_ = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_IMAGE_FILE_H_
