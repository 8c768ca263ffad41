#include "fsck/space_map.h"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>

namespace amberfs {
namespace {

bool MayShare(const Claim& a, const Claim& b) {
  if (a.sharing != b.sharing) return false;
  switch (a.sharing) {
    case Sharing::kNone:
      return false;
    case Sharing::kChunks:
    case Sharing::kPclusters:
      return true;
    case Sharing::kSame:
      return a.part == b.part && a.start == b.start && a.end == b.end;
  }
  return false;
}

// Of all claims so far, of each kind of sharing, the one that reaches furthest.
class Furthest {
 public:
  // One of them that lies on bytes of `claim`, and may not.
  const Claim* FindClash(const Claim& claim) const {
    for (const auto& furthest : of_)
      if (furthest && furthest->device == claim.device && furthest->end > claim.start &&
          !MayShare(*furthest, claim))
        return &*furthest;
    return nullptr;
  }

  void Add(const Claim& claim) {
    auto& furthest = of_[static_cast<std::size_t>(claim.sharing)];
    if (!furthest || furthest->device != claim.device || furthest->end < claim.end)
      furthest = claim;
  }

 private:
  std::array<std::optional<Claim>, 4> of_;
};

}  // namespace

void SpaceMap::Add(Location where, std::uint64_t bytes, Part part, std::uint32_t owner,
                   Sharing sharing) {
  if (bytes == 0) return;
  const std::uint64_t end = where.offset + bytes;
  if (!claims_.empty() && sharing != Sharing::kSame) {
    Claim& last = claims_.back();
    if (last.end == where.offset && last.owner == owner && last.device == where.device &&
        last.part == part && last.sharing == sharing) {
      last.end = end;
      return;
    }
  }
  claims_.push_back({where.offset, end, owner, where.device, part, sharing});
}

void SpaceMap::Sort() {
  const auto key = [](const Claim& claim) {
    return std::tie(claim.device, claim.start, claim.end, claim.part, claim.owner);
  };
  std::ranges::sort(claims_, {}, key);
}

void SpaceMap::ForEachClash(const Clash& visit) const {
  Furthest furthest;
  for (const Claim& claim : claims_) {
    if (const Claim* const other = furthest.FindClash(claim)) visit(*other, claim);
    furthest.Add(claim);
  }
}

void SpaceMap::ForEachGap(DeviceId device, std::uint64_t start, std::uint64_t end,
                          const Gap& visit) const {
  const auto first = std::ranges::lower_bound(claims_, device, {}, &Claim::device);
  for (auto claim = first; claim != claims_.end() && claim->device == device; ++claim) {
    if (claim->start >= end) break;
    if (claim->start > start && !visit(start, claim->start)) return;
    start = std::max(start, claim->end);
  }
  if (start < end) visit(start, end);
}

}  // namespace amberfs
