// Files beside an image that name its dm-verity root hash: containerd's and systemd's.
//
// The bytes may come from anybody. What a file says is worth what its place is worth: containerd's
// must lie where only somebody trusted can write, for it pins the hash; systemd's carries a
// signature, and nothing in it is believed before that was checked.
#ifndef AMBERFS_VERITY_ROOT_HASH_FILE_H_
#define AMBERFS_VERITY_ROOT_HASH_FILE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "verity/digest.h"

namespace amberfs {

struct RootHashFile {
  static constexpr std::size_t kMaxBytes = 65536;

  Digest root_hash;
  std::optional<std::uint64_t> hash_offset = {};  // of the superblock; containerd's
  std::vector<std::byte> signature = {};          // PKCS#7 in DER; systemd's

  // {"roothash": HEX, "hashoffset": N} or {"rootHash": HEX, "signature": BASE64, ...}, with NULs
  // behind it or not. Nothing if it is neither, or both.
  static std::optional<RootHashFile> Parse(std::string_view text);

  // systemd's form, filled up with NULs to a multiple of 4096 bytes as in its partition.
  static std::string Systemd(const Digest& root_hash, ByteView signature,
                             const Digest& certificate_fingerprint);
  static std::string Containerd(const Digest& root_hash, std::uint64_t hash_offset);
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_ROOT_HASH_FILE_H_
