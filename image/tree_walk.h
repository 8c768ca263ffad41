// A walk over an inode of an image and everything below it: depth first, names in the image's
// order.
//
// The image may be hostile. There is no recursion; memory is what the path takes, 24 bytes for each
// directory above, and an entry of a set for each directory seen. Each directory is entered once,
// so the walk ends, and a path is at most kMaxPathBytes long, which bounds what printing paths
// costs.
//
//   DIR-7  a directory has one name; by another, or by one inside itself, it is broken
//
// Names are as DirBlock promises: 1 to 255 bytes, without '/' or NUL, and never "." or "..". A name
// may come twice.
#ifndef AMBERFS_IMAGE_TREE_WALK_H_
#define AMBERFS_IMAGE_TREE_WALK_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "format/inode.h"
#include "format/units.h"
#include "image/directory.h"
#include "image/image.h"

namespace amberfs {

struct TreeStep {
  enum class Kind : std::uint8_t {
    kInode,   // path() leads to `inode`; a directory is entered next, unless SkipDirectory()
    kLeave,   // all below the directory path() was seen
    kBroken,  // `error`: the inode that path() leads to, or the rest of the directory path()
  };
  Kind kind;
  std::optional<Inode> inode = {};  // kInode
  Error error = {};                 // kBroken
};

class TreeWalk {
 public:
  // Names make a path longer than this only by being the last one in it.
  static constexpr std::size_t kMaxPathBytes = 65535;

  // Starts with `top`, which `path` leads to: "/" or "/usr/bin". Borrows the image.
  TreeWalk(const Image& image, const Inode& top, std::string path);

  // What comes next; nothing at the end.
  std::optional<TreeStep> Next();

  // Does not enter the directory that the last step was about.
  void SkipDirectory() { enter_.reset(); }

  // What the last step was about: its path from the image's top, and its name, empty for "/".
  const std::string& path() const { return path_; }
  std::string_view name() const { return std::string_view(path_).substr(path_.rfind('/') + 1); }

 private:
  // A directory on the way to the current one, and where its listing goes on.
  struct Frame {
    Nid nid;
    std::uint64_t cookie = 0;
    std::size_t path_bytes = 0;
  };
  // The directory whose entries come next.
  struct Listing {
    explicit Listing(const Image& image, const Inode& directory_inode, std::uint64_t cookie)
        : inode(directory_inode), directory(image, inode), entries(directory, cookie) {}
    Listing(const Listing&) = delete;
    Listing& operator=(const Listing&) = delete;
    const Inode inode;
    const Directory directory;
    Directory::Iterator entries;
  };

  TreeStep Offer(const Result<Inode>& inode);
  TreeStep Broken(const Error& error) { return {TreeStep::Kind::kBroken, {}, error}; }
  TreeStep Leave();
  void TruncatePath() { path_.resize(frames_.back().path_bytes); }

  const Image& image_;
  std::optional<Inode> enter_;  // a directory that was offered
  std::vector<Frame> frames_;   // its last one is listing_
  std::optional<Listing> listing_;
  std::set<Nid> seen_;
  std::string path_;
  std::optional<Inode> top_;  // until it was offered
};

}  // namespace amberfs

#endif  // AMBERFS_IMAGE_TREE_WALK_H_
