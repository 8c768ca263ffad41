// Whom we trust: certificates, the policy, and what is denied.
//
// Everything here comes from whoever runs the program or administers the machine, except where a
// parameter says "untrusted". Loaded once, before anything of an image is read, and immutable then;
// any thread.
#ifndef AMBERFS_VERITY_TRUST_STORE_H_
#define AMBERFS_VERITY_TRUST_STORE_H_

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/config_file.h"
#include "base/error.h"
#include "verity/certificate.h"
#include "verity/fs_verity.h"

namespace amberfs {

// What an image must show before it is used; each includes those before it.
enum class TrustLevel : std::uint8_t {
  kNone,       // nothing
  kIntegrity,  // a tree that fits it: finds damage, stops no one who rewrites both
  kDigest,     // the digest that the caller pinned
  kSignature,  // a signature of somebody trusted
};
std::string_view NameOf(TrustLevel level);  // "none", "integrity", "digest", "signature"
std::optional<TrustLevel> TrustLevelFromName(std::string_view name);

struct TrustPolicy {
  TrustLevel min_level = TrustLevel::kNone;
  bool allow_sha256 = true;
  bool allow_sha512 = true;
  bool allow_user_anchors = true;  // certificates that the user names
  bool ignore_time = false;        // accept expired certificates of authorities
  unsigned min_rsa_bits = 2048;

  // Lines "NAME = VALUE" and comments from "#" on: min-level, algorithms, user-anchors, time,
  // min-rsa-bits. An unknown line is a failure: it may be one that restricts.
  static ConfigResult<TrustPolicy> Parse(std::string_view text);
  // From a file that only `owner` or root can write to.
  static ConfigResult<TrustPolicy> Load(const std::string& path, std::uint32_t owner);

  bool Allows(HashAlgorithm algorithm) const {
    return algorithm == HashAlgorithm::kSha256 ? allow_sha256 : allow_sha512;
  }
};

class TrustStore {
 public:
  static constexpr std::size_t kMaxFiles = 256;  // in a directory

  explicit TrustStore(const TrustPolicy& policy = {}) : policy_(policy) {}

  // A certificate that is no authority is a pinned signer, trusted for itself. An authority is
  // trusted for those it issues. One that is denied is not there at all.
  void Add(const Certificate& certificate);
  ConfigResult<void> LoadFile(const std::string& path);
  // Files *.crt, *.pem and *.der, and the deny list "deny", of a directory that only `owner` or
  // root can write to. Links are not followed. `deny_only`: no certificates.
  ConfigResult<void> LoadDirectory(const std::string& path, std::uint32_t owner,
                                   bool deny_only = false);

  // Lines "cert:sha256:HEX", "spki:sha256:HEX", "digest:ALGORITHM:HEX" and "root:ALGORITHM:HEX",
  // comments from "#" on. Also takes effect on what was added before.
  ConfigResult<void> Deny(std::string_view list);

  const TrustPolicy& policy() const { return policy_; }
  const std::vector<Certificate>& pinned() const { return pinned_; }
  const std::vector<Certificate>& authorities() const { return authorities_; }
  bool empty() const { return pinned_.empty() && authorities_.empty(); }

  bool Denies(const Certificate& certificate) const;
  bool Denies(const FileDigest& digest) const;
  bool DeniesRootHash(HashAlgorithm algorithm, const Digest& root_hash) const;

  // Whether `certificate` may sign: it is pinned, or an authority, or there is a chain from it to
  // one through `helpers`, untrusted.
  bool Vouches(const Certificate& certificate, std::span<const Certificate> helpers) const;

 private:
  TrustPolicy policy_;
  std::vector<Certificate> pinned_;
  std::vector<Certificate> authorities_;
  std::set<std::string> denied_;  // lines of deny lists, digits in lower case
};

}  // namespace amberfs

#endif  // AMBERFS_VERITY_TRUST_STORE_H_
