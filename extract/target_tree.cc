#include "extract/target_tree.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <span>
#include <utility>

namespace amberfs {
namespace {

using Names = std::span<const TargetDir* const>;

// Opens the last of `way`, each of which lies in the one before and the first in `base`, in as few
// steps as the kernel takes.
Result<SharedDir> Descend(SharedDir base, Names way) {
  for (std::size_t next = 0; next < way.size();) {
    std::string path = way[next++]->name;
    while (next < way.size() && path.size() + 1 + way[next]->name.size() < PATH_MAX)
      path.append("/").append(way[next++]->name);
    AMBERFS_TRY(SafeDir below, base->OpenBelow(path));
    base = std::make_shared<const SafeDir>(std::move(below));
  }
  if (!way.empty()) {
    AMBERFS_TRY(const FileId id, IdOf(base->fd()));
    if (id != way.back()->id) return IoError(ESTALE);
  }
  return base;
}

}  // namespace

std::string PathOf(const TargetDir& directory, std::string_view name) {
  std::vector<std::string_view> names;
  if (!name.empty()) names.push_back(name);
  for (const TargetDir* at = &directory; at->parent != nullptr; at = at->parent)
    names.push_back(at->name);
  std::string path;
  for (auto at = names.rbegin(); at != names.rend(); ++at) path.append("/").append(*at);
  return path.empty() ? "/" : path;
}

TargetTree::TargetTree(SafeDir top, TargetDir dir)
    : top_(std::make_shared<const SafeDir>(std::move(top))) {
  dirs_.push_back(std::move(dir));
}

Result<TargetTree> TargetTree::Start(SafeDir top, Nid nid, bool is_copy) {
  AMBERFS_TRY(const FileId id, IdOf(top.fd()));
  return TargetTree(std::move(top), TargetDir{nullptr, "", 0, id, nid, is_copy});
}

Result<const TargetDir*> TargetTree::Make(const TargetDir& parent, const std::string& name, Nid nid,
                                          Existing existing, bool existing_is_copy) {
  AMBERFS_TRY(const SharedDir in, Open(parent));
  const auto made = in->MakeDirectory(name);
  const bool was_there =
      !made && made.error().os_errno == EEXIST && existing == Existing::kIsReplaced;
  if (!made && !was_there) return std::unexpected(made.error());
  AMBERFS_TRY(SafeDir below, in->OpenBelow(name));
  AMBERFS_TRY(const FileId id, IdOf(below.fd()));
  dirs_.push_back({&parent, name, parent.depth + 1, id, nid, !was_there || existing_is_copy});
  Hold(dirs_.back(), std::make_shared<const SafeDir>(std::move(below)));
  return &dirs_.back();
}

TargetTree::Way TargetTree::Approach(const TargetDir& directory) {
  const TargetDir* at = &directory;
  for (; !chain_.empty(); chain_.pop_back()) {
    while (at->depth > chain_.back().dir->depth) at = at->parent;
    if (at == chain_.back().dir) break;
  }
  const std::uint32_t base_depth = chain_.empty() ? 0 : chain_.back().dir->depth;
  Way way;
  for (at = &directory; at->depth > base_depth; at = at->parent) way.push_back(at);
  std::ranges::reverse(way);
  return way;
}

Result<SharedDir> TargetTree::Open(const TargetDir& directory) {
  const Way way = Approach(directory);
  SharedDir open = chain_.empty() ? top_ : chain_.back().open;
  // Of a long way only the last part is held, by which the next ones will come back up.
  const std::size_t passed = way.size() - std::min(way.size(), kMaxOpen);
  AMBERFS_TRY(open, Descend(std::move(open), Names(way).first(passed)));
  for (const TargetDir* const& next : Names(way).subspan(passed)) {
    AMBERFS_TRY(open, Descend(std::move(open), Names(&next, 1)));
    Hold(*next, open);
  }
  return open;
}

Result<SharedDir> TargetTree::OpenAside(const TargetDir& directory) const {
  if (!chain_.empty() && chain_.back().dir == &directory) return chain_.back().open;
  Way way;
  for (const TargetDir* at = &directory; at->parent != nullptr; at = at->parent) way.push_back(at);
  std::ranges::reverse(way);
  return Descend(top_, way);
}

void TargetTree::Hold(const TargetDir& directory, SharedDir open) {
  chain_.push_back({&directory, std::move(open)});
  if (chain_.size() > kMaxOpen) chain_.pop_front();
}

}  // namespace amberfs
