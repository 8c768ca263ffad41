// The contents of an archive's files, kept until the data pass wants them: an archive has its
// members in any order, and can be read once.
#ifndef AMBERFS_MKFS_ARCHIVE_CONTENTS_H_
#define AMBERFS_MKFS_ARCHIVE_CONTENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "mkfs/build_error.h"
#include "mkfs/content_source.h"

namespace amberfs {

// Contents back to back in a file without a name.
class ArchiveContents final : public ContentSource {
 public:
  // In a file of directory `directory`.
  static BuildResult<std::unique_ptr<ArchiveContents>> Create(const std::string& directory);

  // A new content, which has no bytes yet. Its number is TreeInode::content.
  std::uint32_t Begin();
  // The bytes at `pos` of the newest content. They come in ascending order; what is left out is
  // zeros. Fails with an errno value.
  SourceStatus Add(std::uint64_t pos, ByteView bytes);

  SourceStatus Enter(const char* /*name*/, const TreeInode& /*directory*/) override { return {}; }
  SourceStatus Leave(const TreeInode& /*parent*/) override { return {}; }
  std::expected<std::unique_ptr<FileContent>, int> Open(const char* name,
                                                        const TreeInode& file) override;

 private:
  struct Stretch {
    std::uint64_t pos;     // in the content
    std::uint64_t place;   // in the spool
    std::uint64_t length;  // above 0
  };
  class Content;

  explicit ArchiveContents(UniqueFd fd) : fd_(std::move(fd)) {}
  SourceStatus Flush();

  const UniqueFd fd_;
  std::vector<std::byte> buffer_;  // what follows byte flushed_
  std::uint64_t flushed_ = 0;
  std::vector<Stretch> stretches_;    // of all contents
  std::vector<std::uint64_t> first_;  // of each content, which of them
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_ARCHIVE_CONTENTS_H_
