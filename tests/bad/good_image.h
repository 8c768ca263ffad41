// A small image made by hand, in which nothing is wrong; each test breaks one thing in it.
//
// It owes nothing to mkfs/: every byte comes from the wire structs, so that a mistake shared by our
// writer and our reader shows. Eight blocks of 4096 bytes and two extra devices hold one of each:
//
//   /           inline; a default ACL, a shared xattr; "." is not its first name
//   /!early     a hard link to /dir/name-00..., which has 21 names
//   /blockmap   chunks, 4-byte entries           /hole    flat, 1 MiB, no blocks
//   /chunks     chunks, 8-byte entries, one a    /link    a symbolic link to "dir/sub"
//               hole, one on device 1            /null    a character device
//   /dir        two blocks, the second inline    /plain   flat, two blocks, extended
//   /dir/sub    one block, extended              /socket
//   /empty      a file of no bytes               /fifo
//   /file       inline; seven xattrs: inline, the digest of its data, an ACL, a long prefix,
//               shared. Also /dir/sub/link
#ifndef AMBERFS_TESTS_BAD_GOOD_IMAGE_H_
#define AMBERFS_TESTS_BAD_GOOD_IMAGE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bad/test_image.h"

namespace amberfs {

class GoodImage : public TestImage {
 public:
  static constexpr std::uint64_t kBlocks = 8;
  static constexpr std::uint64_t kDeviceTable = 1152;  // two slots
  static constexpr std::uint64_t kSharedXattr = 1408;  // user.shared, id 352
  static constexpr std::uint64_t kPrefixTable = 1440;  // "trusted.overlay."

  GoodImage();

  // Where things lie, in bytes. `path` is one of those above, with its first name.
  std::uint64_t InodeAt(std::string_view path) const { return Place(path).inode; }
  std::uint64_t XattrsAt(std::string_view path) const { return Place(path).xattrs; }
  // What follows inode and attributes: inline data or the chunk table.
  std::uint64_t BodyAt(std::string_view path) const { return Place(path).body; }
  std::uint64_t DirBlockAt(std::string_view path, std::size_t block) const {
    return Place(path).blocks.at(block);
  }
  std::uint64_t EntryAt(std::string_view path, std::string_view name) const;
  std::uint64_t NidOf(std::string_view path) const { return InodeAt(path) / wire::kSlotBytes; }
  // The header of the inline xattr of `path` whose name without prefix is `suffix`.
  std::uint64_t InlineXattrAt(std::string_view path, std::string_view suffix) const;

  template <typename Change>
  void EditCompact(std::string_view path, Change change) {
    Edit<wire::InodeCompact>(InodeAt(path), change);
  }
  template <typename Change>
  void EditExtended(std::string_view path, Change change) {
    Edit<wire::InodeExtended>(InodeAt(path), change);
  }
  template <typename Change>
  void EditEntry(std::string_view path, std::string_view name, Change change) {
    Edit<wire::Dirent>(EntryAt(path, name), change);
  }

 private:
  struct Places {
    std::uint64_t inode = 0;
    std::uint64_t xattrs = 0;
    std::uint64_t body = 0;
    std::vector<std::uint64_t> blocks;  // of a directory
  };
  struct Spec;
  static std::vector<Spec> Specs();
  const Places& Place(std::string_view path) const { return places_.find(path)->second; }
  void PlaceInodes(const std::vector<Spec>& specs);
  void WriteInode(const Spec& spec);
  void WriteDirectory(const Spec& spec);
  void WriteSuperblock(std::uint64_t inodes);

  std::map<std::string, Places, std::less<>> places_;
};

}  // namespace amberfs

#endif  // AMBERFS_TESTS_BAD_GOOD_IMAGE_H_
