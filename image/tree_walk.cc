#include "image/tree_walk.h"

#include <cerrno>
#include <utility>

namespace amberfs {

TreeWalk::TreeWalk(const Image& image, const Inode& top, std::string path)
    : image_(image), path_(std::move(path)), top_(top) {}

std::optional<TreeStep> TreeWalk::Next() {
  if (top_) return Offer(*std::exchange(top_, std::nullopt));
  if (enter_) {
    frames_.push_back({enter_->nid(), 0, path_.size()});
    listing_.emplace(image_, *enter_, 0);
    enter_.reset();
  } else if (!frames_.empty()) {
    TruncatePath();
  }
  if (frames_.empty()) return std::nullopt;

  // Back from below: what is above was put away, for it may be deep.
  if (!listing_) {
    const auto inode = image_.ReadInode(frames_.back().nid);
    if (!inode || !inode->is_directory()) return Leave();  // it was one: the image has changed
    listing_.emplace(image_, *inode, frames_.back().cookie);
  }
  while (true) {
    const auto entry = listing_->entries.Next();
    if (!entry) {
      // A mount shows nothing behind a broken block either.
      frames_.back().cookie = listing_->inode.size() + 1;
      listing_.emplace(image_, Inode(listing_->inode), frames_.back().cookie);
      return Broken(entry.error());
    }
    if (!*entry) return Leave();
    const std::string_view name = (*entry)->name;
    if (name == "." || name == "..") continue;
    if (path_.back() != '/') path_ += '/';
    path_.append(name);
    return Offer(image_.ReadInode((*entry)->nid));
  }
}

TreeStep TreeWalk::Offer(const Result<Inode>& inode) {
  if (!inode) return Broken(inode.error());
  if (inode->is_directory()) {
    if (path_.size() > kMaxPathBytes) return Broken(IoError(ENAMETOOLONG).error());
    if (!seen_.insert(inode->nid()).second)
      return Broken(amberfs::Broken(Rule::kDir7, inode->offset()).error());
    enter_ = *inode;
    if (!frames_.empty()) frames_.back().cookie = listing_->entries.cookie();
    listing_.reset();
  }
  return {TreeStep::Kind::kInode, *inode, {}};
}

TreeStep TreeWalk::Leave() {
  TruncatePath();
  frames_.pop_back();
  listing_.reset();
  return {TreeStep::Kind::kLeave, {}, {}};
}

}  // namespace amberfs
