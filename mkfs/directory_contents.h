// The contents of files in a directory tree of the host.
#ifndef AMBERFS_MKFS_DIRECTORY_CONTENTS_H_
#define AMBERFS_MKFS_DIRECTORY_CONTENTS_H_

#include <string>

#include "mkfs/content_source.h"
#include "mkfs/dir_cursor.h"

namespace amberfs {

class DirectoryContents final : public ContentSource {
 public:
  // Of the tree at `path` with top directory `top`.
  static std::expected<std::unique_ptr<ContentSource>, int> Open(const std::string& path,
                                                                 const TreeInode& top);

  SourceStatus Enter(const char* name, const TreeInode& directory) override;
  SourceStatus Leave(const TreeInode& parent) override;
  std::expected<std::unique_ptr<FileContent>, int> Open(const char* name,
                                                        const TreeInode& file) override;

 private:
  explicit DirectoryContents(DirCursor cursor) : cursor_(std::move(cursor)) {}

  DirCursor cursor_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_DIRECTORY_CONTENTS_H_
