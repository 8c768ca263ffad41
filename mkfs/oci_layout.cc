#include "mkfs/oci_layout.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/fd.h"
#include "base/hex.h"
#include "base/text.h"

namespace amberfs {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kScheme = "oci:";
constexpr std::uint64_t kMaxDocument = std::uint64_t{4} << 20;
constexpr int kMaxDepth = 4;  // of indexes that name indexes
constexpr std::string_view kTagKey = "org.opencontainers.image.ref.name";
constexpr std::array<std::string_view, 2> kIndexTypes = {
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json"};
constexpr std::array<std::string_view, 2> kManifestTypes = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json"};
constexpr std::array<std::string_view, 7> kLayerTypes = {
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip"};

bool IsOneOf(const auto& types, std::string_view type) {
  return std::ranges::find(types, type) != types.end();
}

// A member of an object; nothing if there is none of this type.
const Json* Member(const Json& object, const char* key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}
std::string Text(const Json& object, const char* key) {
  const Json* const value = Member(object, key);
  return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

// What names a blob, and what it has to be.
struct Descriptor {
  std::string type;
  std::string digest;  // as the document has it
  Digest sha256;
  std::uint64_t size = 0;
};

class Layout {
 public:
  explicit Layout(std::string directory) : directory_(std::move(directory)) {}

  BuildResult<std::vector<Layer>> Layers(std::string_view tag) const;

 private:
  BuildResult<std::string> ReadFile(const std::string& path) const;
  BuildResult<Json> Document(const std::string& path, const std::string& bytes) const;
  BuildResult<Json> Blob(const Descriptor& blob) const;
  BuildResult<Descriptor> Describe(const std::string& path, const Json& json) const;
  BuildResult<Json> Tagged(const std::string& path, const Json& index, std::string_view tag) const;
  BuildResult<Json> ForThisMachine(const std::string& path, const Json& index) const;

  std::string BlobPath(const Descriptor& blob) const {
    return fmt::format("{}/blobs/sha256/{}", directory_, Hex(blob.sha256.bytes()));
  }

  const std::string directory_;
};

BuildResult<std::string> Layout::ReadFile(const std::string& path) const {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  struct stat st;
  if (!fd || ::fstat(fd.get(), &st) != 0) return SystemFailure(path, "cannot open", errno);
  if (!S_ISREG(st.st_mode)) return BuildFailure(path, "is no file");
  std::string bytes(kMaxDocument + 1, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = ::read(fd.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemFailure(path, "cannot read", errno);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxDocument) return BuildFailure(path, "is larger than 4 MiB");
  bytes.resize(size);
  return bytes;
}

BuildResult<Json> Layout::Document(const std::string& path, const std::string& bytes) const {
  Json json = Json::parse(bytes, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return BuildFailure(path, "is no JSON object");
  return json;
}

BuildResult<Json> Layout::Blob(const Descriptor& blob) const {
  const std::string path = BlobPath(blob);
  AMBERFS_TRY(const std::string bytes, ReadFile(path));
  if (bytes.size() != blob.size ||
      HashOf(HashAlgorithm::kSha256, std::as_bytes(std::span(bytes))) != blob.sha256)
    return BuildFailure(path, "is not what its digest says");
  return Document(path, bytes);
}

BuildResult<Descriptor> Layout::Describe(const std::string& path, const Json& json) const {
  constexpr std::string_view kSha256 = "sha256:";
  Descriptor blob;
  blob.type = Text(json, "mediaType");
  blob.digest = Text(json, "digest");
  const Json* const size = Member(json, "size");
  const auto digest = blob.digest.starts_with(kSha256)
                          ? FromHex(std::string_view(blob.digest).substr(kSha256.size()))
                          : std::nullopt;
  if (!digest || digest->size() != DigestBytes(HashAlgorithm::kSha256))
    return BuildFailure(path, fmt::format("names a blob by '{}', which is no sha256 digest",
                                          Printable(blob.digest)));
  if (size == nullptr || !size->is_number_unsigned())
    return BuildFailure(path, "names a blob without its size");
  blob.sha256 = Digest(*digest);
  blob.size = size->get<std::uint64_t>();
  return blob;
}

// The descriptor in the layout's index that has this tag; without a tag, the only one.
BuildResult<Json> Layout::Tagged(const std::string& path, const Json& index,
                                 std::string_view tag) const {
  const Json* const manifests = Member(index, "manifests");
  if (manifests == nullptr || !manifests->is_array() || manifests->empty())
    return BuildFailure(path, "names no image");
  const Json* found = nullptr;
  std::string tags;
  for (const Json& manifest : *manifests) {
    const Json* const annotations = Member(manifest, "annotations");
    const std::string name =
        annotations != nullptr ? Text(*annotations, kTagKey.data()) : std::string();
    if (!name.empty()) tags += (tags.empty() ? "" : ", ") + Printable(name);
    if (!tag.empty() && name == tag) found = &manifest;
  }
  if (tag.empty() && manifests->size() == 1) found = &manifests->front();
  if (found != nullptr) return *found;
  if (tags.empty()) tags = "none";
  return BuildFailure(path, tag.empty()
                                ? fmt::format("has several images; say which, of: {}", tags)
                                : fmt::format("has no image '{}', of: {}", Printable(tag), tags));
}

BuildResult<Json> Layout::ForThisMachine(const std::string& path, const Json& index) const {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kMachines = {
      {{"x86_64", "amd64"},
       {"aarch64", "arm64"},
       {"armv7l", "arm"},
       {"i686", "386"},
       {"ppc64le", "ppc64le"},
       {"riscv64", "riscv64"},
       {"s390x", "s390x"}}};
  utsname system;
  ::uname(&system);
  const auto* const known =
      std::ranges::find(kMachines, std::string_view(system.machine),
                        &std::pair<std::string_view, std::string_view>::first);
  const std::string_view machine = known != kMachines.end() ? known->second : system.machine;
  const Json* const manifests = Member(index, "manifests");
  if (manifests != nullptr && manifests->is_array())
    for (const Json& manifest : *manifests) {
      const Json* const platform = Member(manifest, "platform");
      if (platform != nullptr && Text(*platform, "os") == "linux" &&
          Text(*platform, "architecture") == machine)
        return manifest;
    }
  return BuildFailure(path, fmt::format("has no image for linux/{}", machine));
}

BuildResult<std::vector<Layer>> Layout::Layers(std::string_view tag) const {
  std::string path = directory_ + "/oci-layout";
  AMBERFS_TRY(std::string bytes, ReadFile(path));
  AMBERFS_TRY(Json json, Document(path, bytes));
  if (Text(json, "imageLayoutVersion") != "1.0.0")
    return BuildFailure(path, "is of no OCI layout of version 1.0.0");
  path = directory_ + "/index.json";
  AMBERFS_TRY(bytes, ReadFile(path));
  AMBERFS_TRY(json, Document(path, bytes));
  AMBERFS_TRY(json, Tagged(path, json, tag));
  for (int depth = 0;; ++depth) {
    AMBERFS_TRY(const Descriptor blob, Describe(path, json));
    const bool is_index = IsOneOf(kIndexTypes, blob.type);
    if ((!is_index && !IsOneOf(kManifestTypes, blob.type)) || depth > kMaxDepth)
      return BuildFailure(path, fmt::format("names something of type '{}', which is no image",
                                            Printable(blob.type)));
    AMBERFS_TRY(json, Blob(blob));
    path = BlobPath(blob);
    if (!is_index) break;
    AMBERFS_TRY(json, ForThisMachine(path, json));
  }

  const Json* const layers = Member(json, "layers");
  if (layers == nullptr || !layers->is_array()) return BuildFailure(path, "has no layers");
  std::vector<Layer> found;
  for (const Json& layer : *layers) {
    AMBERFS_TRY(const Descriptor blob, Describe(path, layer));
    if (!IsOneOf(kLayerTypes, blob.type))
      return BuildFailure(path, fmt::format("has a layer of type '{}', which is not supported",
                                            Printable(blob.type)));
    found.push_back({BlobPath(blob), blob.sha256, blob.size});
  }
  return found;
}

}  // namespace

bool IsOciSource(std::string_view source) { return source.starts_with(kScheme); }

BuildResult<std::vector<Layer>> OciLayers(std::string_view source) {
  std::string_view directory = source.substr(kScheme.size());
  std::string_view tag;
  // A tag has no slash; and a directory with a colon in its name can be given with a slash behind.
  if (const std::size_t colon = directory.rfind(':');
      colon != directory.npos && !directory.substr(colon).contains('/')) {
    tag = directory.substr(colon + 1);
    directory = directory.substr(0, colon);
  }
  return Layout(std::string(directory)).Layers(tag);
}

}  // namespace amberfs
