#include "amber/verity_options.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "amber/size.h"
#include "base/hex.h"
#include "base/text.h"
#include "verity/root_hash_file.h"

namespace amberfs {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPolicyFile = "/etc/amberfs/verity.conf";
constexpr const char* kAnchorDirectory = "/etc/amberfs/verity.d";
constexpr std::string_view kIgnore = "ignore";

std::unexpected<OpenFailure> Refuse(std::string path, std::string why) {
  return std::unexpected(OpenFailure{std::move(path), std::move(why), std::nullopt});
}
std::unexpected<OpenFailure> Refuse(std::string path, const Error& error) {
  return std::unexpected(OpenFailure{std::move(path), Describe(error), error});
}

bool Exists(const std::string& path) {
  struct stat st;
  // Whatever else keeps it from being looked at, let opening it fail.
  return ::stat(path.c_str(), &st) == 0 || errno != ENOENT;
}

// All of a small file; nothing, with errno set, if it cannot be read.
std::optional<std::string> ReadText(const std::string& path) {
  const auto source = FileSource::Open(path);
  if (!source) {
    errno = source.error().os_errno;
    return std::nullopt;
  }
  std::string text(std::min<std::uint64_t>((*source)->size(), RootHashFile::kMaxBytes), '\0');
  if ((*source)->size() > text.size()) {
    errno = EFBIG;
    return std::nullopt;
  }
  const auto read = (*source)->ReadAt(0, std::as_writable_bytes(std::span(text)));
  if (!read) errno = read.error().os_errno;
  return read ? std::optional(text) : std::nullopt;
}

std::string UserAnchors() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  const char* home = std::getenv("HOME");
  if (config != nullptr && *config == '/') return std::string(config) + "/amberfs/verity.d";
  return home != nullptr && *home == '/' ? std::string(home) + "/.config/amberfs/verity.d" : "";
}

// Who may write to the machine's configuration: whoever owns "/". That is root; but in a user
// namespace root's files belong to an id that is not root's there.
std::uint32_t MachineOwner() {
  struct stat st;
  return ::stat("/", &st) == 0 ? st.st_uid : 0;
}

OpenResult<TrustPolicy> LoadPolicy() {
  if (!Exists(kPolicyFile)) return TrustPolicy();
  const auto policy = TrustPolicy::Load(kPolicyFile, MachineOwner());
  if (!policy) return Refuse("policy", policy.error());
  return *policy;
}

struct WantedLevel {
  TrustLevel level = TrustLevel::kNone;
  bool ignores = false;
};

OpenResult<WantedLevel> LevelOf(const VerityArguments& args, const TrustPolicy& policy) {
  WantedLevel wanted;
  if (args.level == kIgnore) {
    if (policy.min_level > TrustLevel::kNone || args.require_signature || !args.digest.empty())
      return Refuse("--verity=ignore", "not with a digest, a signature, or this machine's policy");
    wanted.ignores = true;
  } else if (!args.level.empty()) {
    const auto level = TrustLevelFromName(args.level);
    if (!level) return Refuse("--verity=" + args.level, "no such level");
    wanted.level = *level;
  }
  if (args.require_signature) wanted.level = TrustLevel::kSignature;
  return wanted;
}

OpenResult<std::optional<PinnedDigest>> PinOf(const VerityArguments& args) {
  std::string text = args.digest;
  if (!args.digest_file.empty()) {
    if (!text.empty()) return Refuse(args.digest_file, "a digest was given already");
    const auto file = ReadText(args.digest_file);
    if (!file) return Refuse(args.digest_file, std::strerror(errno));
    text = file->substr(0, file->find_first_of(" \t\r\n"));
  }
  if (text.empty()) return std::nullopt;
  const auto pin = PinnedDigest::FromText(text);
  if (!pin) return Refuse(text, "not a digest such as sha256:HEX or sha256-12:HEX");
  return pin;
}

// The sidecar that was named, or the one beside the image if it has no seal at its end; null if
// there is none.
OpenResult<std::shared_ptr<const ByteSource>> FindSidecar(const std::string& path,
                                                          const ByteSource& image,
                                                          const std::string& named) {
  std::string seal = named;
  if (seal.empty()) {
    const auto is_appended = Seal::IsAtEndOf(image);
    if (!is_appended) return Refuse(path, is_appended.error());
    seal = path + ".seal";
    if (*is_appended || !Exists(seal)) return nullptr;
  }
  const auto source = FileSource::Open(seal);
  if (!source) return Refuse(seal, source.error());
  return *source;
}

bool WantsDmVerity(const VerityArguments& args) {
  return !args.root_hash.empty() || !args.root_hash_file.empty();
}

OpenResult<VerifiedImage> OpenWithRootHash(const std::string& path,
                                           std::shared_ptr<const ByteSource> image,
                                           const VerityArguments& args,
                                           const VerityRequest& request, const TrustStore& store) {
  RootHashFile named;
  if (!args.root_hash_file.empty()) {
    const auto text = ReadText(args.root_hash_file);
    if (!text) return Refuse(args.root_hash_file, std::strerror(errno));
    const auto parsed = RootHashFile::Parse(*text);
    if (!parsed) return Refuse(args.root_hash_file, "neither containerd's nor systemd's JSON");
    named = *parsed;
  }
  if (!args.root_hash.empty()) {
    const auto bytes = FromHex(args.root_hash);
    if (!bytes || bytes->size() > kMaxDigestBytes)
      return Refuse(args.root_hash, "not a root hash in hex");
    const Digest digest(*bytes);
    if (named.root_hash.size() > 0 && named.root_hash != digest)
      return Refuse(args.root_hash_file, "it names another root hash");
    named.root_hash = digest;
  }
  std::shared_ptr<const ByteSource> hashes = image;
  if (!args.hash_file.empty()) {
    const auto source = FileSource::Open(args.hash_file);
    if (!source) return Refuse(args.hash_file, source.error());
    hashes = *source;
  }
  const std::optional<std::uint64_t> offset =
      args.hash_offset ? args.hash_offset : named.hash_offset;
  if (!offset && args.hash_file.empty())
    return Refuse(path, "where is its hash tree? (--hash-offset or --hash-file)");
  // Where the caller says that hashes follow the data, they also say how much data there is.
  BareRootHash root_hash{.digest = named.root_hash, .data_bytes = args.data_size};
  if (!root_hash.data_bytes && args.hash_file.empty()) root_hash.data_bytes = offset;

  auto opened = OpenDmVerity(std::move(image), {hashes, offset.value_or(0)}, root_hash,
                             named.signature, request, store);
  if (!opened) return Refuse(path, opened.error());
  return *std::move(opened);
}

OpenResult<VerifiedImage> OpenImageFile(const std::string& path, std::uint64_t offset,
                                        const VerityArguments& args, const TrustStore& store) {
  const auto level = LevelOf(args, store.policy());
  if (!level) return std::unexpected(level.error());
  const auto pin = PinOf(args);
  if (!pin) return std::unexpected(pin.error());

  const auto image = FileSource::Open(path, offset);
  if (!image) return Refuse(path, image.error());
  if (level->ignores)
    return VerifiedImage{.source = *image,
                         .verified = nullptr,
                         .level = TrustLevel::kNone,
                         .reason = "seals are ignored",
                         .digest = std::nullopt};
  const VerityRequest request{.level = level->level, .pin = *pin};
  if (WantsDmVerity(args)) {
    if (*pin || !args.seal.empty())
      return Refuse(path, "a root hash goes with neither a digest nor a seal");
    return OpenWithRootHash(path, *image, args, request, store);
  }
  const auto sidecar = FindSidecar(path, **image, args.seal);
  if (!sidecar) return std::unexpected(sidecar.error());
  auto opened = OpenVerified(*image, *sidecar, request, store);
  if (!opened) return Refuse(path, opened.error());
  return *std::move(opened);
}

}  // namespace

void DefineVerityOptions(CLI::App& app, VerityArguments& args) {
  const auto add = [&app](const char* name, std::string& value, const char* help,
                          const char* type) { app.add_option(name, value, help)->type_name(type); };
  add("--digest", args.digest, "The image's digest: sha256:HEX, sha512:HEX", "DIGEST");
  add("--digest-file", args.digest_file, "A file that holds the digest", "FILE");
  app.add_flag("--require-signature", args.require_signature, "The image must be signed");
  app.add_option("--trust", args.trust, "Certificates to trust instead of the machine's")
      ->type_name("FILE|DIR")
      ->allow_extra_args(false);
  add("--seal", args.seal, "The seal, if it is neither IMAGE.seal nor in IMAGE", "FILE");
  add("--verity", args.level, "none, integrity, digest, signature; ignore", "LEVEL");
  add("--root-hash", args.root_hash, "The dm-verity root hash, instead of a seal", "HEX");
  add("--root-hash-file", args.root_hash_file, "containerd's .dmverity or systemd's JSON", "FILE");
  add("--hash-file", args.hash_file, "Where the dm-verity tree is (default: in IMAGE)", "FILE");
  const auto add_size = [&app](const char* name, std::optional<std::uint64_t>& value,
                               const char* help) {
    app.add_option_function<std::string>(
           name,
           [name, &value](const std::string& text) {
             value = ParseSize(text);
             if (!value) throw CLI::ValidationError(name, "not a number of bytes: " + text);
           },
           help)
        ->type_name("N");
  };
  add_size("--hash-offset", args.hash_offset, "Where its superblock starts");
  add_size("--data-size", args.data_size, "The size of the data under the root hash");
}

bool TakeVerityOption(std::string_view option, VerityArguments& args) {
  const std::size_t equals = option.find('=');
  const std::string_view name = option.substr(0, equals);
  if (option == "require-signature") {
    args.require_signature = true;
    return true;
  }
  if (equals == option.npos) return false;
  const std::string value(option.substr(equals + 1));
  if (name == "verity")
    args.level = value;
  else if (name == "digest")
    args.digest = value;
  else if (name == "seal")
    args.seal = value;
  else if (name == "trust")
    args.trust.push_back(value);
  else
    return false;
  return true;
}

OpenResult<TrustStore> LoadTrust(const VerityArguments& args) {
  const auto policy = LoadPolicy();
  if (!policy) return std::unexpected(policy.error());
  TrustStore store(*policy);
  const auto load_directory = [&store](const std::string& path, std::uint32_t owner,
                                       bool deny_only) -> OpenResult<void> {
    const auto loaded = store.LoadDirectory(path, owner, deny_only);
    if (!loaded) return Refuse("trust", loaded.error());
    return {};
  };
  // What the machine denies is denied, whomever the user trusts.
  if (Exists(kAnchorDirectory))
    if (const auto done = load_directory(kAnchorDirectory, MachineOwner(), !args.trust.empty());
        !done)
      return std::unexpected(done.error());
  if (!args.trust.empty() && !policy->allow_user_anchors)
    return Refuse("--trust", "this machine's policy does not allow it");
  for (const std::string& path : args.trust) {
    if (fs::is_directory(path)) {
      if (const auto done = load_directory(path, ::geteuid(), false); !done)
        return std::unexpected(done.error());
    } else if (const auto done = store.LoadFile(path); !done) {
      return Refuse("trust", done.error());
    }
  }
  const std::string user = UserAnchors();
  if (args.trust.empty() && policy->allow_user_anchors && !user.empty() && Exists(user))
    if (const auto done = load_directory(user, ::geteuid(), false); !done)
      return std::unexpected(done.error());
  return store;
}

OpenResult<ImageFiles> OpenImageFiles(const std::string& path, std::uint64_t offset,
                                      const std::vector<std::string>& devices,
                                      const VerityArguments& args) {
  const auto store = LoadTrust(args);
  if (!store) return std::unexpected(store.error());
  auto image = OpenImageFile(path, offset, args, *store);
  if (!image) return std::unexpected(image.error());
  ImageFiles out{.image = *std::move(image), .devices = {}};
  for (const std::string& device : devices) {
    const auto source = FileSource::Open(device);
    if (!source) return Refuse(device, source.error());
    std::shared_ptr<const ByteSource> seal;
    if (!out.image.devices.empty()) {
      const auto sidecar = FindSidecar(device, **source, {});
      if (!sidecar) return std::unexpected(sidecar.error());
      seal = *sidecar;
    }
    const auto opened =
        OpenVerifiedDevice(out.image, out.devices.size(), *source, seal, {}, *store);
    if (!opened) return Refuse(device, opened.error());
    out.devices.push_back(*opened);
  }
  // Who reads that an image is verified must not think that all of it is.
  if (!devices.empty() && out.image.verified != nullptr && out.image.devices.empty())
    out.image.reason += "; its extra devices are not verified";
  return out;
}

std::string VerityText(const VerifiedImage& image) {
  if (image.verified == nullptr) return {};
  return fmt::format("verified ({}): {}", NameOf(image.level), image.reason);
}

nlohmann::ordered_json VerityJson(const VerifiedImage& image) {
  nlohmann::ordered_json json = {
      {"level", NameOf(image.level)}, {"reason", image.reason}, {"digest", nullptr}};
  if (image.digest) json["digest"] = image.digest->id();
  return json;
}

}  // namespace amberfs
