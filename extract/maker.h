// Makes one thing that is no directory: a file with its contents, a link, a node.
//
// It is made under a temporary name and gets its own when it is complete, so nobody finds half of
// it there; if it fails, nothing is left. What fails is reported. Any thread.
#ifndef AMBERFS_EXTRACT_MAKER_H_
#define AMBERFS_EXTRACT_MAKER_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "extract/copy_file.h"
#include "extract/ledger.h"
#include "extract/target_tree.h"
#include "format/inode.h"
#include "image/image.h"

namespace amberfs {

// A name that is to be taken in a directory of the target.
struct Place {
  const TargetDir* in;
  SharedDir directory;  // `in`, opened
  std::string name;     // untrusted

  std::string path() const { return PathOf(*in, name); }
};

class Maker {
 public:
  // Borrows all three.
  Maker(const Image& image, const ExtractOptions& options, Ledger& ledger);

  // Makes a copy of `inode`, through `buffer`; nothing if that failed or all must end.
  std::optional<FileId> Make(const Place& place, const Inode& inode, CopyBuffer& buffer);

  // Makes a further name of what is called `name` in `from`, and is `id`.
  Result<void> Link(const Place& place, const SafeDir& from, const std::string& name, FileId id);

  // Gives `fd`, a copy, its attributes; reports what it cannot have. False if it must not be used.
  bool Apply(const Attributes& attributes, int fd, const std::string& path);

 private:
  Result<UniqueFd> MakeEmpty(const SafeDir& directory, const std::string& name, const Inode& inode);
  bool Fill(const Place& place, const Inode& inode, int fd, CopyBuffer& buffer);
  std::string TemporaryName();

  const Image& image_;
  const ExtractOptions& options_;
  Ledger& ledger_;
  std::uint64_t random_ = 0;  // tells our temporary names from others
  std::atomic<std::uint64_t> temporaries_ = 0;
};

}  // namespace amberfs

#endif  // AMBERFS_EXTRACT_MAKER_H_
