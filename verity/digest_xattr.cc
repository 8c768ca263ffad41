#include "verity/digest_xattr.h"

#include <cassert>

#include "base/bytes.h"

namespace amberfs {
namespace {

constexpr std::string_view kHead("\x00\x24\x00\x01", 4);

}  // namespace

std::string DigestXattrValue(const FileDigest& digest) {
  assert(digest.algorithm == HashAlgorithm::kSha256 && digest.block_bits == 12);
  return std::string(kHead).append(AsText(digest.digest.bytes()));
}

std::optional<Digest> ParseDigestXattr(std::string_view value) {
  if (value.size() != kDigestXattrBytes || !value.starts_with(kHead)) return std::nullopt;
  return Digest(std::as_bytes(std::span(value.substr(kHead.size()))));
}

}  // namespace amberfs
