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

#include "base/fd.h"
#include "base/hex.h"
#include "base/text.h"
#include "verity/openssl.h"

namespace amberfs {
namespace {

constexpr int kMaxChain = 5;
constexpr std::string_view kDenyList = "deny";
constexpr std::string_view kSpace = " \t\r";

std::string_view Trim(std::string_view text) {
  while (!text.empty() && kSpace.contains(text.front())) text.remove_prefix(1);
  while (!text.empty() && kSpace.contains(text.back())) text.remove_suffix(1);
  return text;
}

// Calls take(line) for each line that says something, without comments, and ends at the first for
// which it is false. The number of that line; 0 if there is none.
template <typename Take>
std::size_t FirstRefused(std::string_view text, Take take) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trim(text.substr(0, std::min(end, text.find('#'))));
    if (!line.empty() && !take(line)) return number;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return 0;
}

bool SetFlag(bool& flag, std::string_view value, std::string_view yes, std::string_view no) {
  flag = value == yes;
  return value == yes || value == no;
}

bool SetAlgorithms(TrustPolicy& policy, std::string_view value) {
  policy.allow_sha256 = policy.allow_sha512 = false;
  while (!value.empty()) {
    const std::size_t end = std::min(value.find_first_of(kSpace), value.size());
    const auto algorithm = HashAlgorithmFromName(value.substr(0, end));
    if (!algorithm) return false;
    (*algorithm == HashAlgorithm::kSha256 ? policy.allow_sha256 : policy.allow_sha512) = true;
    value = Trim(value.substr(end));
  }
  return policy.allow_sha256 || policy.allow_sha512;
}

bool SetOption(TrustPolicy& policy, std::string_view line) {
  const std::size_t equals = line.find('=');
  if (equals == line.npos) return false;
  const std::string_view name = Trim(line.substr(0, equals));
  const std::string_view value = Trim(line.substr(equals + 1));
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

// All of a regular file that is not large. O_NONBLOCK: a fifo must not make open() wait.
ConfigResult<std::string> ReadWhole(const UniqueFd& fd, const std::string& path,
                                    std::optional<std::uint32_t> owner) {
  const auto failure = [&path](std::string_view why) {
    return std::unexpected(fmt::format("{}: {}", Printable(path), why));
  };
  struct stat st;
  if (!fd || ::fstat(fd.get(), &st) != 0) return failure(std::strerror(errno));
  if (!S_ISREG(st.st_mode)) return failure("not a regular file");
  if (static_cast<std::uint64_t>(st.st_size) > TrustStore::kMaxFileBytes)
    return failure("larger than 1 MiB");
  if (owner && ((st.st_uid != 0 && st.st_uid != *owner) || (st.st_mode & 022) != 0))
    return failure("others can write to it");
  std::string text(static_cast<std::size_t>(st.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + done, text.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failure(got == 0 ? "it shrinks" : std::strerror(errno));
    done += static_cast<std::size_t>(got);
  }
  return text;
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
  const auto text = ReadWhole(fd, path, owner);
  if (!text) return std::unexpected(text.error());
  auto policy = Parse(*text);
  if (!policy) return std::unexpected(fmt::format("{}: {}", Printable(path), policy.error()));
  return policy;
}

ConfigResult<TrustPolicy> TrustPolicy::Parse(std::string_view text) {
  TrustPolicy policy;
  const std::size_t refused =
      FirstRefused(text, [&policy](std::string_view line) { return SetOption(policy, line); });
  if (refused > 0) return std::unexpected(fmt::format("line {} makes no sense", refused));
  return policy;
}

void TrustStore::Add(const Certificate& certificate) {
  if (Denies(certificate)) return;
  (certificate.is_authority() ? authorities_ : pinned_).push_back(certificate);
}

ConfigResult<void> TrustStore::LoadFile(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  const auto text = ReadWhole(fd, path, std::nullopt);
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
    const auto text = ReadWhole(OpenBeneath(directory, name.c_str()), file, owner);
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
