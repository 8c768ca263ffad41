// The attribute in which an image notes the fs-verity digest of a file's content.
//
// Whoever made the image claims it: nothing but hashing the content (fsck --data) makes it true.
#ifndef AMBERFS_VERITY_DIGEST_XATTR_H_
#define AMBERFS_VERITY_DIGEST_XATTR_H_

#include <optional>
#include <string>
#include <string_view>

#include "verity/fs_verity.h"

namespace amberfs {

inline constexpr std::string_view kDigestXattr = "user.amberfs.fsverity";

// The value has the form of overlayfs' attribute "metacopy", where composefs puts the same digest:
//
//   offset  bytes
//        0  1  version, 0
//        1  1  length of all of it, 36
//        2  1  flags, 0
//        3  1  algorithm, 1 for SHA-256, as fs-verity numbers them
//        4  32 the digest, with blocks of 4096 bytes and no salt
inline constexpr std::size_t kDigestXattrBytes = 36;
std::string DigestXattrValue(const FileDigest& digest);
// The digest in `value`, untrusted; nothing if it has another form.
std::optional<Digest> ParseDigestXattr(std::string_view value);

}  // namespace amberfs

#endif  // AMBERFS_VERITY_DIGEST_XATTR_H_
