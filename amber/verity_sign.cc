// amber verity sign.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "amber/sealing.h"
#include "amber/verity_command.h"
#include "base/hex.h"
#include "base/text.h"
#include "verity/signature.h"

namespace amberfs {
namespace {

struct SignRequest {
  std::string image;
  std::string seal;
  std::string detached;
  std::string add;
  HashArguments hash;
  KeyArguments key;
  bool sign_root_hash = false;
  bool replace = false;
};

// The signatures to add: made with `key`, or elsewhere.
Outcome<std::vector<SealSection>> MakeSignatures(const SignRequest& request, const SigningKey* key,
                                                 const FsVerityDescriptor& descriptor) {
  if (key == nullptr) {
    auto bytes = ReadSmall(request.add, kMaxSignatureBytes);
    if (!bytes) return std::unexpected(bytes.error());
    return std::vector<SealSection>{{.type = request.sign_root_hash
                                                 ? SealSectionType::kRootHashSignature
                                                 : SealSectionType::kSignature,
                                     .bytes = *std::move(bytes)}};
  }
  return SignaturesBy(*key, descriptor, request.sign_root_hash);
}

Outcome<void> SignSeal(const SignRequest& request, const SigningKey* key) {
  const auto sealed = OpenSealed(request.image, request.seal);
  if (!sealed) return std::unexpected(sealed.error());
  const FsVerityDescriptor& descriptor = sealed->seal.descriptor();
  const auto shape = sealed->seal.CheckTree(*sealed->seal_source);
  if (!shape) return std::unexpected(Printable(sealed->seal_path) + ": " + Describe(shape.error()));
  if (const auto done = CheckDescribes(descriptor, *sealed->data); !done) return done;

  std::vector<SealSection> sections = sealed->seal.sections();
  if (request.replace)
    std::erase_if(sections, [](const SealSection& section) {
      return section.type == SealSectionType::kSignature ||
             section.type == SealSectionType::kRootHashSignature;
    });
  auto signatures = MakeSignatures(request, key, descriptor);
  if (!signatures) return std::unexpected(signatures.error());
  std::ranges::move(*signatures, std::back_inserter(sections));
  const auto metadata =
      SealLayout(*shape, sealed->seal.has_superblock()).Metadata(descriptor, sections);
  if (!metadata) return std::unexpected("no room for another signature; --replace removes others");

  // A copy of the seal; of a sealed image too, for its seal must never be half a one.
  const std::uint64_t kept = sealed->seal.metadata_offset();
  auto output = OutputFile::Create(sealed->seal_path, 0);
  if (!output) return std::unexpected(output.error());
  std::vector<std::byte> buffer(std::min<std::uint64_t>(kept, 1 << 20));
  for (std::uint64_t at = 0; at < kept; at += buffer.size()) {
    const ByteSpan piece =
        ByteSpan(buffer).first(std::min<std::uint64_t>(buffer.size(), kept - at));
    if (const auto read = sealed->seal_source->ReadAt(at, piece); !read)
      return std::unexpected(Describe(read.error()));
    if (const auto done = output->Append(piece); !done) return std::unexpected(output->failure());
  }
  if (const auto done = output->Append(*metadata); !done) return std::unexpected(output->failure());
  return output->Finish();
}

Outcome<void> SignDetached(const SignRequest& request, const SigningKey& key) {
  const auto image = OpenFile(request.image);
  if (!image) return std::unexpected(image.error());
  const auto options = OptionsOf(request.hash, FsVerityDescriptor::kMaxSaltBytes);
  if (!options) return std::unexpected(options.error());
  const auto descriptor = ComputeDescriptor(**image, *options);
  if (!descriptor) return std::unexpected(Describe(descriptor.error()));
  const std::string hex = Hex(descriptor->root_hash().bytes());
  const auto signature = request.sign_root_hash
                             ? key.Sign(AsBytes(hex), options->algorithm)
                             : key.Sign(descriptor->SignedMessage(), options->algorithm);
  if (!signature) return std::unexpected(signature.error());
  return WriteSmall(request.detached, *signature);
}

}  // namespace

int RunVeritySign(const Arguments& args, const std::string& name) {
  SignRequest request;
  CLI::App app("Puts a signature into the seal of an image.");
  app.add_option("IMAGE", request.image, "A sealed image")->required();
  DefineKeyOptions(app, request.key);
  app.add_option("--seal", request.seal, "The seal, if it is neither IMAGE.seal nor in IMAGE")
      ->type_name("FILE");
  app.add_flag("--sign-root-hash", request.sign_root_hash, "Sign for dm-verity as well");
  app.add_option("--add", request.add, "Instead of a key: a signature that was made elsewhere")
      ->type_name("FILE");
  app.add_flag("--replace", request.replace, "Remove the signatures that are there");
  app.add_option("--detached", request.detached,
                 "Write the signature to a file instead, as fsverity sign does")
      ->type_name("FILE");
  DefineHashOptions(app, request.hash);
  if (const auto status = ParseArguments(app, args, name, kVerityUsage)) return *status;
  if (request.key.given() == !request.add.empty() ||
      (!request.add.empty() && !request.detached.empty()))
    return VerityFailure(name, "either --key or --add", kVerityUsage);
  std::optional<SigningKey> key;
  if (request.key.given()) {
    auto loaded = LoadKey(request.key);
    if (!loaded) return VerityFailure(name, loaded.error(), kVerityUsage);
    key = *std::move(loaded);
  }
  const auto done = request.detached.empty() ? SignSeal(request, key ? &*key : nullptr)
                                             : SignDetached(request, *key);
  return done ? kVerityProven : VerityFailure(name, done.error(), kVerityIo);
}

}  // namespace amberfs
