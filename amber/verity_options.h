// What every command that reads an image takes to have it verified, and the opening itself.
#ifndef AMBERFS_AMBER_VERITY_OPTIONS_H_
#define AMBERFS_AMBER_VERITY_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verity/open.h"

namespace amberfs {

struct VerityArguments {
  std::string level;  // of TrustLevel, or "ignore"
  std::string digest;
  std::string digest_file;  // holds a digest
  std::string seal;
  bool require_signature = false;
  std::vector<std::string> trust;  // files and directories with certificates
  // Images with a dm-verity tree instead of a seal.
  std::string root_hash;
  std::string root_hash_file;
  std::string hash_file;
  std::optional<std::uint64_t> hash_offset;
  std::optional<std::uint64_t> data_size;
};

void DefineVerityOptions(CLI::App& app, VerityArguments& args);

// Takes one of "verity=", "digest=", "seal=", "trust=", "require-signature" as mount's -o has them.
bool TakeVerityOption(std::string_view option, VerityArguments& args);

// Why an image could not be opened: a sentence, and what stands behind it, if that is an Error.
struct OpenFailure {
  std::string path;
  std::string why;
  std::optional<Error> error;  // nothing: the arguments or the configuration make no sense
};
template <typename T>
using OpenResult = std::expected<T, OpenFailure>;

// The machine's policy, certificates and deny lists, and those of the arguments.
OpenResult<TrustStore> LoadTrust(const VerityArguments& args);

// An image with its extra devices, in the order of its table.
struct ImageFiles {
  VerifiedImage image;
  std::vector<std::shared_ptr<const ByteSource>> devices;
};
// Opens the image that starts at `offset` of `path` as the arguments and the policy demand. Devices
// that its seal names are verified; others are refused where more than integrity is asked for.
OpenResult<ImageFiles> OpenImageFiles(const std::string& path, std::uint64_t offset,
                                      const std::vector<std::string>& devices,
                                      const VerityArguments& args);

// "verified (signature): signed by CN=..., certificate sha256:..."; empty if there was nothing to
// verify.
std::string VerityText(const VerifiedImage& image);
nlohmann::ordered_json VerityJson(const VerifiedImage& image);

}  // namespace amberfs

#endif  // AMBERFS_AMBER_VERITY_OPTIONS_H_
