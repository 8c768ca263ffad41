// Extended attributes of a tree: each distinct one once, with how many inodes carry it.
#ifndef AMBERFS_MKFS_XATTR_POOL_H_
#define AMBERFS_MKFS_XATTR_POOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace amberfs {

using XattrId = std::uint32_t;

struct PooledXattr {
  std::uint8_t index;  // short prefix
  std::string suffix;  // at most 255 bytes
  std::string value;   // at most 65535 bytes
  std::uint32_t users = 0;
  bool shared = false;          // stored once for all its users
  std::uint32_t shared_id = 0;  // its place, once Layout() has given it one

  // Bytes of an entry: header, suffix and value, padded to 4.
  std::uint32_t bytes() const;
};

class XattrPool {
 public:
  static constexpr std::size_t kMaxValue = 65535;  // e_value_size is 16 bits

  // The id of this attribute, which has one more user now.
  XattrId Add(std::uint8_t index, std::string_view suffix, std::string_view value);

  // Shares what more than `tolerance` inodes carry.
  void Share(std::uint32_t tolerance);

  PooledXattr& operator[](XattrId id) { return xattrs_[id]; }
  const PooledXattr& operator[](XattrId id) const { return xattrs_[id]; }
  XattrId size() const { return static_cast<XattrId>(xattrs_.size()); }

  // Bytes of the area of an inode that carries these; 0 for none.
  std::uint64_t AreaBytes(const std::vector<XattrId>& xattrs) const;
  // That area. `xattrs` are in the order of Less().
  std::vector<std::byte> EncodeArea(const std::vector<XattrId>& xattrs) const;
  // One entry.
  std::vector<std::byte> Encode(XattrId id) const;

  // Order of attributes: by prefix, suffix, value.
  bool Less(XattrId a, XattrId b) const;

 private:
  // Which of an inode's attributes are stored by reference: at most 255.
  std::size_t SharedCount(const std::vector<XattrId>& xattrs) const;

  std::deque<PooledXattr> xattrs_;
  std::unordered_map<std::string, XattrId> ids_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_XATTR_POOL_H_
