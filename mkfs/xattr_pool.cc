#include "mkfs/xattr_pool.h"

#include <algorithm>
#include <tuple>

#include "base/bytes.h"
#include "base/checked.h"
#include "format/wire.h"
#include "format/xattr.h"
#include "format/xattr_filter.h"

namespace amberfs {
namespace {

constexpr std::size_t kMaxShared = 255;  // h_shared_count is a byte

}  // namespace

std::uint32_t PooledXattr::bytes() const {
  return static_cast<std::uint32_t>(
      RoundUp(sizeof(wire::XattrEntry) + suffix.size() + value.size(), kXattrAlign));
}

XattrId XattrPool::Add(std::uint8_t index, std::string_view suffix, std::string_view value) {
  std::string key(1, static_cast<char>(index));
  key.append(suffix).append(1, '\0').append(value);  // suffixes hold no NUL
  const auto [at, is_new] = ids_.try_emplace(std::move(key), size());
  if (is_new)
    xattrs_.push_back({.index = index, .suffix = std::string(suffix), .value = std::string(value)});
  ++xattrs_[at->second].users;
  return at->second;
}

void XattrPool::Share(std::uint32_t tolerance) {
  for (PooledXattr& xattr : xattrs_) xattr.shared = xattr.users > tolerance;
}

bool XattrPool::Less(XattrId a, XattrId b) const {
  const auto key = [&](XattrId id) {
    const PooledXattr& xattr = xattrs_[id];
    return std::tie(xattr.index, xattr.suffix, xattr.value);
  };
  return key(a) < key(b);
}

std::size_t XattrPool::SharedCount(const std::vector<XattrId>& xattrs) const {
  const auto shared = std::ranges::count_if(xattrs, [&](XattrId id) { return xattrs_[id].shared; });
  return std::min(static_cast<std::size_t>(shared), kMaxShared);
}

std::uint64_t XattrPool::AreaBytes(const std::vector<XattrId>& xattrs) const {
  if (xattrs.empty()) return 0;
  std::size_t by_reference = SharedCount(xattrs);
  std::uint64_t bytes = sizeof(wire::XattrHeader) + by_reference * sizeof(Le32);
  for (const XattrId id : xattrs) {
    if (xattrs_[id].shared && by_reference > 0)
      --by_reference;
    else
      bytes += xattrs_[id].bytes();
  }
  return bytes;
}

std::vector<std::byte> XattrPool::EncodeArea(const std::vector<XattrId>& xattrs) const {
  std::vector<std::byte> area;
  if (xattrs.empty()) return area;
  const std::size_t shared = SharedCount(xattrs);
  wire::XattrHeader header{};
  header.shared_count = static_cast<std::uint8_t>(shared);
  std::uint32_t present = 0;
  std::vector<std::uint32_t> shared_ids;
  std::vector<std::byte> entries;
  for (const XattrId id : xattrs) {
    const PooledXattr& xattr = xattrs_[id];
    present |= std::uint32_t{1} << XattrFilterBit(xattr.index, xattr.suffix);
    if (xattr.shared && shared_ids.size() < shared) {
      shared_ids.push_back(xattr.shared_id);
    } else {
      const std::vector<std::byte> entry = Encode(id);
      entries.insert(entries.end(), entry.begin(), entry.end());
    }
  }
  header.name_filter = ~present;
  std::ranges::sort(shared_ids);

  area.resize(sizeof header + shared * sizeof(Le32));
  PutWire(area, 0, header);
  for (std::size_t i = 0; i < shared; ++i)
    PutWire(area, sizeof header + i * sizeof(Le32), Le32(shared_ids[i]));
  area.insert(area.end(), entries.begin(), entries.end());
  return area;
}

std::vector<std::byte> XattrPool::Encode(XattrId id) const {
  const PooledXattr& xattr = xattrs_[id];
  std::vector<std::byte> entry(xattr.bytes());
  PutWire(entry, 0,
          wire::XattrEntry{.name_len = static_cast<std::uint8_t>(xattr.suffix.size()),
                           .name_index = xattr.index,
                           .value_size = static_cast<std::uint16_t>(xattr.value.size())});
  const auto name_at = entry.begin() + sizeof(wire::XattrEntry);
  const auto value_at = std::ranges::copy(AsBytes(xattr.suffix), name_at).out;
  std::ranges::copy(AsBytes(xattr.value), value_at);
  return entry;
}

}  // namespace amberfs
