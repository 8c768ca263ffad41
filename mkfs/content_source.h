// Where the contents of the source's regular files come from, when the data pass wants them.
#ifndef AMBERFS_MKFS_CONTENT_SOURCE_H_
#define AMBERFS_MKFS_CONTENT_SOURCE_H_

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "mkfs/tree.h"

namespace amberfs {

// Failures are errno values. ESTALE: it is not any more what the tree says.
using SourceStatus = std::expected<void, int>;

// The bytes of one file.
class FileContent {
 public:
  virtual ~FileContent() = default;

  // Exactly these bytes.
  virtual SourceStatus Read(std::uint64_t pos, ByteSpan out) const = 0;

  struct Range {
    std::uint64_t start;
    std::uint64_t end;
  };
  // The first bytes from `pos` on that may be other than zero; nothing if the rest of the file is a
  // hole. Without knowledge, all is such.
  virtual std::optional<Range> NextData(std::uint64_t pos) const = 0;
  // Whether there may be holes that NextData() knows of.
  virtual bool IsSparse() const = 0;

  // Whether the file is what the tree says, to be asked before and after it is read.
  virtual bool IsUnchanged() const = 0;
};

// Visits the tree as the scan did: a directory is entered, then come its entries by name.
class ContentSource {
 public:
  virtual ~ContentSource() = default;

  virtual SourceStatus Enter(const char* name, const TreeInode& directory) = 0;
  // Back into `parent`.
  virtual SourceStatus Leave(const TreeInode& parent) = 0;
  // A file of the directory that was entered last.
  virtual std::expected<std::unique_ptr<FileContent>, int> Open(const char* name,
                                                                const TreeInode& file) = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_CONTENT_SOURCE_H_
