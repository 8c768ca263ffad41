// The image under construction, which gets its name only when it is complete.
//
// Until Commit() the bytes lie in a file without a name (or, where the filesystem has no O_TMPFILE,
// in ".NAME.XXXXXX"), in the same directory; whoever drops the ImageFile leaves nothing behind and
// an existing image untouched.
#ifndef AMBERFS_MKFS_IMAGE_FILE_H_
#define AMBERFS_MKFS_IMAGE_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/fd.h"
#include "mkfs/build_error.h"
#include "mkfs/tree.h"

namespace amberfs {

class ImageFile {
 public:
  // `path` must not exist, or be a regular file (or a symlink to one, which stays).
  static BuildResult<ImageFile> Create(const std::string& path);
  ImageFile(ImageFile&&) noexcept;
  ImageFile& operator=(ImageFile&&) = delete;
  ~ImageFile();

  BuildResult<void> WriteAt(std::uint64_t offset, ByteView bytes);
  // Fills `bytes` from what was written before.
  BuildResult<void> ReadAt(std::uint64_t offset, ByteSpan bytes);
  // Sets the length; bytes beyond the old one read as zeros.
  BuildResult<void> Resize(std::uint64_t bytes);
  // Makes the bytes durable, then the name. Replaces an existing image in one step.
  BuildResult<void> Commit();

  // An unlinked file of its own beside the image, for what does not fit in memory.
  BuildResult<UniqueFd> CreateScratch();

  const std::string& path() const { return path_; }
  // The file that Commit() would replace.
  const std::optional<SourceId>& replaced() const { return replaced_; }
  // The file under construction.
  SourceId id() const { return id_; }

 private:
  ImageFile() = default;
  BuildResult<void> CreateFile();
  BuildResult<void> LinkUnderTemporaryName();

  std::string path_;  // as the user gave it, for messages
  std::string name_;  // within directory_
  UniqueFd directory_;
  UniqueFd file_;
  std::string temporary_name_;  // empty while the file has none
  std::optional<SourceId> replaced_;
  SourceId id_;
  std::uint64_t unflushed_bytes_ = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_IMAGE_FILE_H_
