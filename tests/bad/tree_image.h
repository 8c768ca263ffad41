// Images of any tree, also of one that no filesystem could hold: names twice, names with slashes,
// directories that hold themselves. For tests of what walks an image.
//
//   TreeImage tree;
//   const auto dir = tree.AddDirectory(tree.kRoot, "dir");
//   tree.AddFile(dir, "file", "contents");
//   tree.AddName(dir, "self", dir);
//   const Image image = tree.Open();
//
// Made of the wire structs alone, as good_image.h. Blocks of 4096 bytes, all inodes extended.
#ifndef AMBERFS_TESTS_BAD_TREE_IMAGE_H_
#define AMBERFS_TESTS_BAD_TREE_IMAGE_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "image/image.h"

namespace amberfs {

class TreeImage {
 public:
  using Id = std::size_t;  // an inode of the tree
  static constexpr Id kRoot = 0;
  static constexpr std::uint64_t kBlock = 4096;

  struct Xattr {
    std::uint8_t index;
    std::string suffix;
    std::string value;
  };
  struct Name {
    std::string name;
    Id id;
  };
  struct Node {
    std::uint16_t mode = 0;
    std::uint32_t nlink = 1;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint32_t device = 0;  // as i_u holds it
    std::int64_t mtime = 1'700'000'000;
    std::uint32_t mtime_nsec = 0;
    std::string data = {};                   // of a file or a link
    std::optional<std::uint64_t> hole = {};  // instead: so many bytes stored nowhere
    std::vector<std::uint32_t> chunks = {};  // instead: block addresses, or kNullBlock32
    std::vector<Xattr> xattrs = {};
    std::vector<Name> names = {};  // of a directory, without "." and ".."
    Id parent = kRoot;
  };

  TreeImage();

  Id AddDirectory(Id parent, const std::string& name, std::uint16_t mode = 0755);
  Id AddFile(Id parent, const std::string& name, const std::string& data,
             std::uint16_t mode = 0644);
  Id AddLink(Id parent, const std::string& name, const std::string& target);
  // Anything else; `mode` has the type.
  Id AddNode(Id parent, const std::string& name, std::uint16_t mode);
  // One more name of an inode. Link counts are the caller's.
  void AddName(Id parent, const std::string& name, Id id);

  Node& operator[](Id id) { return nodes_[id]; }

  // The image's bytes. Names are sorted, equal ones stay in the order in which they were added.
  std::vector<std::byte> Build() const;
  Image Open() const;

 private:
  std::deque<Node> nodes_;  // references stay good
};

}  // namespace amberfs

#endif  // AMBERFS_TESTS_BAD_TREE_IMAGE_H_
