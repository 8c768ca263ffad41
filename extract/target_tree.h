// The directories of the host that an extraction has made or found, and the way to each of them.
//
// A directory is reached from the top by its names, none of which may be a link by then, and must
// still be the file that it was first: whoever swaps directories meanwhile gets an error and not
// our files. Trees may be deep: no path is longer than the kernel takes, and no more than
// kMaxOpen directories are held open, besides those that callers hold.
//
// For one thread. A TargetDir is constant once it was made, stays where it is, and may be read by
// any; so may a SharedDir.
#ifndef AMBERFS_EXTRACT_TARGET_TREE_H_
#define AMBERFS_EXTRACT_TARGET_TREE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/fd.h"
#include "extract/safe_dir.h"
#include "format/units.h"

namespace amberfs {

struct TargetDir {
  const TargetDir* parent = nullptr;  // nothing for the top
  std::string name;                   // in `parent`
  std::uint32_t depth = 0;            // names from the top
  FileId id;
  Nid nid;       // the directory of the image that it is a copy of
  bool is_copy;  // it gets that one's attributes; else it is left as it was found
};

// "/usr/bin" for what is called `name` in `directory`; the directory itself for "".
std::string PathOf(const TargetDir& directory, std::string_view name = {});

using SharedDir = std::shared_ptr<const SafeDir>;

class TargetTree {
 public:
  static constexpr std::size_t kMaxOpen = 64;

  static Result<TargetTree> Start(SafeDir top, Nid nid, bool is_copy);

  const TargetDir& top() const { return dirs_.front(); }

  // Makes directory `name` in `parent`. One that is there already is an error, unless `existing`
  // lets it be used; then it is a copy if `existing_is_copy`.
  Result<const TargetDir*> Make(const TargetDir& parent, const std::string& name, Nid nid,
                                Existing existing, bool existing_is_copy);

  // Opens a directory of this tree; ESTALE if it is not what it was. Cheap for the directory that
  // was opened last, for its parent, and for what was made in it.
  Result<SharedDir> Open(const TargetDir& directory);

  // The same for a place away from all that; forgets nothing of it.
  Result<SharedDir> OpenAside(const TargetDir& directory) const;

  // All of them, parents before what is in them.
  const std::deque<TargetDir>& dirs() const { return dirs_; }

 private:
  struct Link {
    const TargetDir* dir;
    SharedDir open;
  };
  using Way = std::vector<const TargetDir*>;

  TargetTree(SafeDir top, TargetDir dir);
  // Lets go of what does not lead to `directory`; returns what is left to be opened, from above.
  Way Approach(const TargetDir& directory);
  void Hold(const TargetDir& directory, SharedDir open);

  SharedDir top_;
  std::deque<TargetDir> dirs_;  // whose elements never move
  std::deque<Link> chain_;      // the end of the way to the directory opened last
};

}  // namespace amberfs

#endif  // AMBERFS_EXTRACT_TARGET_TREE_H_
