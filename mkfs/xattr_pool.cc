#include "mkfs/xattr_pool.h"

#include <algorithm>
#include <functional>

namespace amberfs {

std::size_t XattrPool::Hash::operator()(const Attribute& attribute) const {
  const std::size_t name = std::hash<std::string>{}(attribute.first);
  return name * 31 + std::hash<std::string>{}(attribute.second);
}

XattrSetId XattrPool::Intern(const std::vector<Xattr>& attributes) {
  if (attributes.empty()) return kNoXattrs;
  std::vector<XattrId> ids;
  ids.reserve(attributes.size());
  for (const Xattr& attribute : attributes) {
    const auto [it, added] =
        ids_.try_emplace(Attribute(attribute.name, attribute.value), attribute_count());
    if (added) by_id_.push_back(&it->first);
    ids.push_back(it->second);
  }
  std::ranges::sort(ids, {}, [this](XattrId id) { return name(id); });
  const auto [it, added] = set_ids_.try_emplace(std::move(ids), set_count());
  if (added) sets_.push_back(&it->first);
  return it->second;
}

}  // namespace amberfs
