#include "verity/trust_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "base/config_file.h"
#include "base/fd.h"
#include "base/hex.h"
#include "base/text.h"
#include "verity/openssl.h"

namespace amberfs {
namespace {

constexpr int kMaxChain = 5;
constexpr std::string_view kDenyList = "deny";

bool SetFlag(bool& flag, std::string_view value, std::string_view yes, std::string_view no) {
  flag = value == yes;
  return value == yes || value == no;
}

bool SetAlgorithms(TrustPolicy& policy, std::string_view value) {
  policy.allow_sha256 = policy.allow_sha512 = false;
  while (!value.empty()) {
    const auto algorithm = HashAlgorithmFromName(TakeWord(value));
    if (!algorithm) return false;
    (*algorithm == HashAlgorithm::kSha256 ? policy.allow_sha256 : policy.allow_sha512) = true;
  }
  return policy.allow_sha256 || policy.allow_sha512;
}

bool SetOption(TrustPolicy& policy, std::string_view name, std::string_view value) {
  if (name == "algorithms") return SetAlgorithms(policy, value);
  if (name == "user-anchors") return SetFlag(policy.allow_user_anchors, value, "yes", "no");
  if (name == "time") return SetFlag(policy.ignore_time, value, "ignore", "check");
  if (name == "min-level") {
    const auto level = TrustLevelFromName(value);
    policy.min_level = level.value_or(policy.min_level);
    return level.has_value();
  }
  if (name == "min-rsa-bits") {
    const char* end = value.data() + value.size();
    const auto [rest, error] = std::from_chars(value.data(), end, policy.min_rsa_bits);
    return error == std::errc() && rest == end && policy.min_rsa_bits >= 2048;
  }
  return false;
}

// "kind:algorithm:hex" in lower case; nothing if it is no such thing.
std::optional<std::string> DenyEntry(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view kind = line.substr(0, colon);
  if (colon == line.npos) return std::nullopt;
  const auto digest = PinnedDigest::FromText(line.substr(colon + 1));
  if (!digest || digest->block_bits) return std::nullopt;
  const bool of_certificate = kind == "cert" || kind == "spki";
  if (of_certificate ? digest->algorithm != HashAlgorithm::kSha256
                     : kind != "digest" && kind != "root")
    return std::nullopt;
  return fmt::format("{}:{}:{}", kind, NameOf(digest->algorithm), Hex(digest->digest.bytes()));
}

// No system call wrapper in this libc. Nothing outside the directory, and no link, is followed.
UniqueFd OpenBeneath(const UniqueFd& directory, const char* name) {
  open_how how = {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(
      static_cast<int>(::syscall(SYS_openat2, directory.get(), name, &how, sizeof how)));
}

bool IsCertificateName(std::string_view name) {
  return name.ends_with(".crt") || name.ends_with(".pem") || name.ends_with(".der");
}

}  // namespace

std::string_view NameOf(TrustLevel level) {
  switch (level) {
    case TrustLevel::kNone:
      return "none";
    case TrustLevel::kIntegrity:
      return "integrity";
    case TrustLevel::kDigest:
      return "digest";
    case TrustLevel::kSignature:
      return "signature";
  }
  return "none";
}

std::optional<TrustLevel> TrustLevelFromName(std::string_view name) {
  for (const auto level :
       {TrustLevel::kNone, TrustLevel::kIntegrity, TrustLevel::kDigest, TrustLevel::kSignature})
    if (name == NameOf(level)) return level;
  return std::nullopt;
}

ConfigResult<TrustPolicy> TrustPolicy::Load(const std::string& path, std::uint32_t owner) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const auto text = ReadConfigFile(fd, path, owner);
  if (!text) return std::unexpected(text.error());
  auto policy = Parse(*text);
  if (!policy) return std::unexpected(fmt::format("{}: {}", Printable(path), policy.error()));
  return policy;
}

ConfigResult<TrustPolicy> TrustPolicy::Parse(std::string_view text) {
  TrustPolicy policy;
  const std::size_t refused =
      FirstRefusedSetting(text, [&policy](std::string_view name, std::string_view value) {
        return SetOption(policy, name, value);
      });
  if (refused > 0) return std::unexpected(fmt::format("line {} makes no sense", refused));
  return policy;
}

void TrustStore::Add(const Certificate& certificate) {
  if (Denies(certificate)) return;
  (certificate.is_authority() ? authorities_ : pinned_).push_back(certificate);
}

ConfigResult<void> TrustStore::LoadFile(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const auto text = ReadConfigFile(fd, path, std::nullopt);
  if (!text) return std::unexpected(text.error());
  const auto certificates = Certificate::FromFile(AsBytes(*text));
  if (certificates.empty())
    return std::unexpected(fmt::format("{}: not a certificate in PEM or DER", Printable(path)));
  for (const Certificate& certificate : certificates) Add(certificate);
  return {};
}

ConfigResult<void> TrustStore::LoadDirectory(const std::string& path, std::uint32_t owner,
                                             bool deny_only) {
  const auto failure = [](const std::string& where, std::string_view why) {
    return std::unexpected(fmt::format("{}: {}", Printable(where), why));
  };
  const UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat st;
  if (!directory || ::fstat(directory.get(), &st) != 0) return failure(path, std::strerror(errno));
  if ((st.st_uid != 0 && st.st_uid != owner) || (st.st_mode & 022) != 0)
    return failure(path, "others can write to it");

  struct Closer {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  const std::unique_ptr<DIR, Closer> stream(::fdopendir(::dup(directory.get())));
  if (stream == nullptr) return failure(path, std::strerror(errno));
  std::set<std::string> names;  // in order, so that what is wrong is always the same file
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name == kDenyList || (!deny_only && IsCertificateName(name))) names.emplace(name);
    if (names.size() > kMaxFiles) return failure(path, "more than 256 files");
  }
  for (const std::string& name : names) {
    const std::string file = path + "/" + name;
    const auto text = ReadConfigFile(OpenBeneath(directory, name.c_str()), file, owner);
    if (!text) return std::unexpected(text.error());
    if (name == kDenyList) {
      if (const auto done = Deny(*text); !done) return failure(file, done.error());
      continue;
    }
    const auto certificates = Certificate::FromFile(AsBytes(*text));
    if (certificates.empty()) return failure(file, "not a certificate in PEM or DER");
    for (const Certificate& certificate : certificates) Add(certificate);
  }
  return {};
}

ConfigResult<void> TrustStore::Deny(std::string_view list) {
  const std::size_t refused = FirstRefused(list, [this](std::string_view line) {
    const auto entry = DenyEntry(line);
    if (entry) denied_.insert(*entry);
    return entry.has_value();
  });
  if (refused > 0) return std::unexpected(fmt::format("line {} makes no sense", refused));
  const auto is_denied = [this](const Certificate& certificate) { return Denies(certificate); };
  std::erase_if(pinned_, is_denied);
  std::erase_if(authorities_, is_denied);
  return {};
}

bool TrustStore::Denies(const Certificate& certificate) const {
  return denied_.contains("cert:sha256:" + Hex(certificate.fingerprint().bytes())) ||
         denied_.contains("spki:sha256:" + Hex(certificate.key_fingerprint().bytes()));
}

bool TrustStore::Denies(const FileDigest& digest) const {
  return denied_.contains("digest:" + digest.text());
}

bool TrustStore::DeniesRootHash(HashAlgorithm algorithm, const Digest& root_hash) const {
  return denied_.contains(fmt::format("root:{}:{}", NameOf(algorithm), Hex(root_hash.bytes())));
}

bool TrustStore::Vouches(const Certificate& certificate,
                         std::span<const Certificate> helpers) const {
  if (Denies(certificate)) return false;
  const auto is_same = [&certificate](const Certificate& other) {
    return X509_cmp(certificate.get(), other.get()) == 0;
  };
  // As Linux and systemd do: whoever pins a signer decides how long it is good.
  if (std::ranges::any_of(pinned_, is_same)) return true;

  const openssl::ErrorScope errors;
  const openssl::Store anchors(X509_STORE_new());
  for (const Certificate& authority : authorities_)
    X509_STORE_add_cert(anchors.get(), authority.get());
  const openssl::Stack untrusted(sk_X509_new_null());
  for (const Certificate& helper : helpers)
    if (!Denies(helper)) sk_X509_push(untrusted.get(), helper.get());
  const openssl::StoreContext context(X509_STORE_CTX_new());
  if (X509_STORE_CTX_init(context.get(), anchors.get(), certificate.get(), untrusted.get()) != 1)
    return false;
  X509_VERIFY_PARAM* const param = X509_STORE_CTX_get0_param(context.get());
  // An anchor need not be self-signed. What a signer's key is for, Certificate says.
  X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
  if (policy_.ignore_time) X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME);
  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY);
  X509_VERIFY_PARAM_set_auth_level(param, 2);
  X509_VERIFY_PARAM_set_depth(param, kMaxChain);
  return X509_verify_cert(context.get()) == 1;
}

}  // namespace amberfs
