// amber verity digest and build.
#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <iterator>
#include <nlohmann/json.hpp>

#include "amber/output_file.h"
#include "amber/sealing.h"
#include "amber/size.h"
#include "amber/verity_command.h"
#include "base/checked.h"
#include "base/config_file.h"
#include "base/hex.h"
#include "base/text.h"
#include "verity/dm_verity.h"
#include "verity/root_hash_file.h"
#include "verity/seal_writer.h"

namespace amberfs {
namespace {

// --- digest ---

std::string DigestJson(const std::string& path, const FsVerityDescriptor& descriptor) {
  const FileDigest digest = descriptor.file_digest();
  const nlohmann::ordered_json json = {{"file", Printable(path)},
                                       {"digest", digest.text()},
                                       {"id", digest.id()},
                                       {"root_hash", Hex(descriptor.root_hash().bytes())},
                                       {"data_bytes", descriptor.data_bytes()}};
  return json.dump(2) + "\n";
}

// --- build ---

struct BuildRequest {
  std::string image;
  std::string format = "seal";
  std::string output;
  HashArguments hash;
  KeyArguments key;
  std::vector<std::string> certificates;
  std::vector<std::string> devices;
  std::string uuid;
  std::uint64_t hash_block_size = 0;
  bool no_superblock = false;
  bool append = false;
  bool sign_root_hash = false;
};

// Signatures and certificates for the seal of `descriptor`.
Outcome<std::vector<SealSection>> MakeSections(const BuildRequest& request,
                                               const FsVerityDescriptor& descriptor) {
  std::vector<SealSection> sections;
  if (request.key.given()) {
    const auto key = LoadKey(request.key);
    if (!key) return std::unexpected(key.error());
    auto signatures = SignaturesBy(*key, descriptor, request.sign_root_hash);
    if (!signatures) return std::unexpected(signatures.error());
    sections = *std::move(signatures);
  }
  for (const std::string& path : request.certificates) {
    const auto bytes = ReadSmall(path, kMaxConfigBytes);
    if (!bytes) return std::unexpected(bytes.error());
    const auto found = Certificate::FromFile(*bytes);
    if (found.empty())
      return std::unexpected(Printable(path) + ": not a certificate in PEM or DER");
    for (const Certificate& certificate : found)
      sections.push_back({.type = SealSectionType::kCertificate, .bytes = certificate.der()});
  }
  return sections;
}

// The digest of a device that has its seal already, after reading all of it.
Outcome<FileDigest> DigestOfSealed(const std::string& path) {
  const auto sealed = OpenSealed(path, {});
  if (!sealed) return std::unexpected(sealed.error());
  if (const auto done = CheckDescribes(sealed->seal.descriptor(), *sealed->data); !done)
    return std::unexpected(Printable(path) + ": " + done.error());
  return sealed->seal.descriptor().file_digest();
}

Outcome<FsVerityDescriptor> WriteSeal(const BuildRequest& request, const ByteSource& image,
                                      const SealOptions& options,
                                      std::optional<SealSection> devices);

// Seals each device that has no seal, and names all of them.
Outcome<SealSection> SealDevices(const BuildRequest& request, const SealOptions& options) {
  std::vector<FileDigest> digests;
  for (const std::string& path : request.devices) {
    const auto source = OpenFile(path);
    if (!source) return std::unexpected(source.error());
    const auto is_sealed = Seal::IsAtEndOf(**source);
    if (!is_sealed) return std::unexpected(Printable(path) + ": " + Describe(is_sealed.error()));
    if (*is_sealed || ::access((path + ".seal").c_str(), F_OK) == 0) {
      const auto digest = DigestOfSealed(path);
      if (!digest) return std::unexpected(digest.error());
      digests.push_back(*digest);
    } else {
      BuildRequest own;
      own.image = path;
      const auto descriptor = WriteSeal(own, **source, options, std::nullopt);
      if (!descriptor) return std::unexpected(descriptor.error());
      digests.push_back(descriptor->file_digest());
    }
    PrintBuilt("device", digests.back().id());
  }
  return NameDevices(digests);
}

Outcome<void> BuildSeal(const BuildRequest& request, const ByteSource& image,
                        const SealOptions& options) {
  SealOptions salted = options;
  std::optional<SealSection> devices;
  if (!request.devices.empty()) {
    const auto named = SealDevices(request, options);
    if (!named) return std::unexpected(named.error());
    devices = *named;
    salted.salt = SaltOf(*devices);
  }
  const auto descriptor = WriteSeal(request, image, salted, std::move(devices));
  if (!descriptor) return std::unexpected(descriptor.error());
  PrintBuilt("digest", descriptor->file_digest().id());
  PrintBuilt("root-hash", Hex(descriptor->root_hash().bytes()));
  return {};
}

Outcome<FsVerityDescriptor> WriteSeal(const BuildRequest& request, const ByteSource& image,
                                      const SealOptions& options,
                                      std::optional<SealSection> devices) {
  const bool append = request.format == "append";
  const auto is_sealed = Seal::IsAtEndOf(image);
  if (!is_sealed || *is_sealed)
    return std::unexpected(Printable(request.image) + ": it ends with a seal already");
  if (image.size() < Seal::kMinDataBytes)
    return std::unexpected(Printable(request.image) + ": too small to be an image");
  if (append && image.size() % (std::uint64_t{1} << options.block_bits) != 0)
    return std::unexpected(Printable(request.image) +
                           ": its size is no multiple of the block size; only a sidecar fits it");
  const auto shape = TreeShape::Make({.algorithm = options.algorithm,
                                      .data_block_bits = options.block_bits,
                                      .hash_block_bits = options.block_bits},
                                     image.size());
  if (!shape || shape->levels() > FsVerityDescriptor::kMaxLevels)
    return std::unexpected(std::string(RuleSentence(Rule::kFsv5)));
  const SealLayout layout(*shape, options.has_superblock);
  const std::string path = append                   ? request.image
                           : request.output.empty() ? request.image + ".seal"
                                                    : request.output;
  auto output = append ? OutputFile::Extend(path, image.size(), layout.metadata_offset())
                       : OutputFile::Create(path, layout.metadata_offset());
  if (!output) return std::unexpected(output.error());

  const auto sink = [&](std::uint64_t offset, ByteView bytes) {
    return output->Write(layout.tree_offset() + offset, bytes);
  };
  const auto descriptor = ComputeDescriptor(image, options, sink);
  if (!descriptor) return std::unexpected(OfSink(*output, descriptor.error()));
  auto sections = MakeSections(request, *descriptor);
  if (!sections) return std::unexpected(sections.error());
  if (devices) sections->push_back(*std::move(devices));
  const auto metadata = layout.Metadata(*descriptor, *sections);
  if (!metadata)
    return std::unexpected("too many or too large signatures, certificates and devices");
  if (const auto done = output->Write(0, layout.SuperblockBlock(*descriptor)); !done)
    return std::unexpected(output->failure());
  if (const auto done = output->Append(*metadata); !done) return std::unexpected(output->failure());
  if (const auto done = output->Finish(); !done) return std::unexpected(done.error());
  return *descriptor;
}

Outcome<Uuid> UuidOf(const std::string& text) {
  Uuid uuid{};
  if (text.empty()) {
    // Random, version 4.
    if (::getrandom(uuid.data(), uuid.size(), 0) != static_cast<ssize_t>(uuid.size()))
      return std::unexpected("no random bytes for a UUID");
    uuid[6] = (uuid[6] & std::byte{0x0F}) | std::byte{0x40};
    uuid[8] = (uuid[8] & std::byte{0x3F}) | std::byte{0x80};
    return uuid;
  }
  std::string digits = text;
  std::erase(digits, '-');
  const auto bytes = FromHex(digits);
  if (!bytes || bytes->size() != uuid.size())
    return std::unexpected("not a UUID: " + Printable(text));
  std::ranges::copy(*bytes, uuid.begin());
  return uuid;
}

struct DmVerityTree {
  Digest root_hash;
  std::uint64_t offset = 0;  // of the superblock, or of the tree without one
};

// The tree of whole blocks of `image`, in `path`; behind the data if `append`.
Outcome<DmVerityTree> WriteDmVerity(const std::string& path, const ByteSource& image,
                                    const DmVeritySuperblock& superblock, bool with_superblock,
                                    bool append, unsigned threads) {
  const std::uint64_t data_bytes = superblock.data_blocks << superblock.params.data_block_bits;
  const auto shape = TreeShape::Make(superblock.params, data_bytes);
  if (!shape || superblock.data_blocks == 0)
    return std::unexpected(Printable(path) + ": no tree for so much data");
  // Inside what is written, which starts behind the file's data.
  const std::uint64_t start = append ? data_bytes : 0;
  const std::uint64_t tree_offset =
      (with_superblock ? superblock.TreeOffset(start)
                       : RoundUp(start, superblock.params.hash_block_bytes())) -
      start;
  auto output =
      append ? OutputFile::Extend(path, image.size(),
                                  data_bytes - image.size() + tree_offset + shape->tree_bytes())
             : OutputFile::Create(path, tree_offset + shape->tree_bytes());
  if (!output) return std::unexpected(output.error());
  const std::uint64_t base = append ? data_bytes - image.size() : 0;

  // The last block of an image that is filled up to blocks is not in the file yet.
  class Padded final : public ByteSource {
   public:
    Padded(const ByteSource& source, std::uint64_t size) : source_(source), size_(size) {}
    std::uint64_t size() const override { return size_; }
    Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override {
      const std::uint64_t present =
          std::min<std::uint64_t>(out.size(), source_.size() - std::min(offset, source_.size()));
      std::ranges::fill(out.subspan(present), std::byte{0});
      return source_.ReadAt(std::min(offset, source_.size()), out.first(present));
    }

   private:
    const ByteSource& source_;
    std::uint64_t size_;
  };
  const BlockHasher hasher(superblock.params.algorithm, superblock.salt);
  const auto sink = [&](std::uint64_t offset, ByteView bytes) {
    return output->Write(base + tree_offset + offset, bytes);
  };
  const auto root_hash = BuildTree(Padded(image, data_bytes), *shape, hasher, sink, threads);
  if (!root_hash) return std::unexpected(OfSink(*output, root_hash.error()));
  if (with_superblock)
    if (const auto done = output->Write(base, superblock.Encode()); !done)
      return std::unexpected(output->failure());
  if (const auto done = output->Finish(); !done) return std::unexpected(done.error());
  return DmVerityTree{.root_hash = *root_hash, .offset = start};
}

Outcome<DmVeritySuperblock> SuperblockFor(const BuildRequest& request, const ByteSource& image,
                                          const SealOptions& options) {
  const auto uuid = UuidOf(request.uuid);
  if (!uuid) return std::unexpected(uuid.error());
  const std::uint64_t hash_block = request.hash_block_size == 0
                                       ? std::uint64_t{1} << options.block_bits
                                       : request.hash_block_size;
  if (!std::has_single_bit(hash_block) || hash_block < 512 || hash_block > 524288 ||
      options.block_bits < 9 || options.block_bits > 19)
    return std::unexpected("dm-verity has block sizes from 512 to 524288, powers of two");
  return DmVeritySuperblock{
      .params = {.algorithm = options.algorithm,
                 .data_block_bits = options.block_bits,
                 .hash_block_bits = static_cast<unsigned>(std::countr_zero(hash_block))},
      .data_blocks = image.size() >> options.block_bits,
      .salt = options.salt,
      .uuid = *uuid};
}

Outcome<void> BuildDmVerity(const BuildRequest& request, const ByteSource& image,
                            const SealOptions& options) {
  auto superblock = SuperblockFor(request, image, options);
  if (!superblock) return std::unexpected(superblock.error());
  // veritysetup leaves such a rest unprotected, silently.
  if (image.size() % superblock->params.data_block_bytes() != 0)
    return std::unexpected(Printable(request.image) +
                           ": its size is no multiple of the block size");
  const std::string path = request.append           ? request.image
                           : request.output.empty() ? request.image + ".verity"
                                                    : request.output;
  const auto tree = WriteDmVerity(path, image, *superblock, !request.no_superblock, request.append,
                                  options.threads);
  if (!tree) return std::unexpected(tree.error());
  PrintBuilt("root-hash", Hex(tree->root_hash.bytes()));
  if (request.append) PrintBuilt("hash-offset", std::to_string(tree->offset));
  return {};
}

// As its EROFS differ does: zeros up to a block, superblock and tree behind them, JSON beside.
Outcome<void> BuildContainerd(const BuildRequest& request, const ByteSource& image,
                              const SealOptions& options) {
  auto superblock = SuperblockFor(request, image, options);
  if (!superblock) return std::unexpected(superblock.error());
  superblock->data_blocks = CeilShift(image.size(), options.block_bits);
  superblock->salt.assign(32, std::byte{0});
  const auto tree = WriteDmVerity(request.image, image, *superblock, true, true, options.threads);
  if (!tree) return std::unexpected(tree.error());
  const std::string path = request.output.empty() ? request.image + ".dmverity" : request.output;
  const std::string json = RootHashFile::Containerd(tree->root_hash, tree->offset);
  if (const auto done = WriteSmall(path, AsBytes(json)); !done) return done;
  PrintBuilt("root-hash", Hex(tree->root_hash.bytes()));
  PrintBuilt("hash-offset", std::to_string(tree->offset));
  return {};
}

Outcome<void> BuildBareTree(const BuildRequest& request, const ByteSource& image,
                            const SealOptions& options) {
  const auto shape = TreeShape::Make({.algorithm = options.algorithm,
                                      .data_block_bits = options.block_bits,
                                      .hash_block_bits = options.block_bits},
                                     image.size());
  if (!shape) return std::unexpected(std::string(RuleSentence(Rule::kFsv5)));
  const std::string path = request.output.empty() ? request.image + ".tree" : request.output;
  auto output = OutputFile::Create(path, shape->tree_bytes());
  if (!output) return std::unexpected(output.error());
  const auto descriptor = ComputeDescriptor(
      image, options,
      [&output](std::uint64_t offset, ByteView bytes) { return output->Write(offset, bytes); });
  if (!descriptor) return std::unexpected(OfSink(*output, descriptor.error()));
  if (const auto done = output->Finish(); !done) return done;
  PrintBuilt("digest", descriptor->file_digest().id());
  PrintBuilt("root-hash", Hex(descriptor->root_hash().bytes()));
  return {};
}

// What systemd-dissect and veritysetup's users expect beside an image.
Outcome<void> BuildSystemd(const BuildRequest& request, const ByteSource& image,
                           const SealOptions& options) {
  if (!request.key.given()) return std::unexpected("--format=systemd needs --key");
  const auto key = LoadKey(request.key);
  if (!key) return std::unexpected(key.error());
  auto superblock = SuperblockFor(request, image, options);
  if (!superblock) return std::unexpected(superblock.error());
  if (image.size() % superblock->params.data_block_bytes() != 0)
    return std::unexpected(Printable(request.image) +
                           ": its size is no multiple of the block size");
  const std::string base = request.output.empty() ? request.image : request.output;
  const auto tree =
      WriteDmVerity(base + ".verity", image, *superblock, true, false, options.threads);
  if (!tree) return std::unexpected(tree.error());
  const std::string hex = Hex(tree->root_hash.bytes());
  const auto signature = key->Sign(AsBytes(hex), options.algorithm);
  if (!signature) return std::unexpected(signature.error());
  const std::string json =
      RootHashFile::Systemd(tree->root_hash, *signature, key->certificate().fingerprint());
  const std::pair<std::string, ByteView> files[] = {{base + ".roothash", AsBytes(hex)},
                                                    {base + ".roothash.p7s", *signature},
                                                    {base + ".verity-sig", AsBytes(json)}};
  for (const auto& [path, bytes] : files)
    if (const auto done = WriteSmall(path, bytes); !done) return done;
  PrintBuilt("root-hash", hex);
  return {};
}

struct Format {
  const char* name;
  Outcome<void> (*build)(const BuildRequest&, const ByteSource&, const SealOptions&);
};
constexpr Format kFormats[] = {{"seal", BuildSeal},         {"append", BuildSeal},
                               {"dmverity", BuildDmVerity}, {"containerd", BuildContainerd},
                               {"tree", BuildBareTree},     {"systemd", BuildSystemd}};

}  // namespace

int RunVerityDigest(const Arguments& args, const std::string& name) {
  std::vector<std::string> files;
  HashArguments hash;
  bool json = false;
  bool id = false;
  bool message = false;
  CLI::App app("Prints the fs-verity digest of files.");
  app.add_option("IMAGE", files, "Regular files or block devices")->required();
  DefineHashOptions(app, hash);
  app.add_flag("--id", id, "Print it as sha256-12:HEX, with the block size");
  app.add_flag("--message", message, "Print what a signature is over, in hex");
  app.add_flag("--json", json, "Print a JSON object for each file");
  if (const auto status = ParseArguments(app, args, name, kVerityUsage)) return *status;
  const auto options = OptionsOf(hash, FsVerityDescriptor::kMaxSaltBytes);
  if (!options) return VerityFailure(name, options.error(), kVerityUsage);

  for (const std::string& path : files) {
    const auto source = OpenFile(path);
    if (!source) return VerityFailure(name, source.error(), kVerityIo);
    const auto descriptor = ComputeDescriptor(**source, *options);
    if (!descriptor)
      return VerityFailure(name, Printable(path) + ": " + Describe(descriptor.error()), kVerityIo);
    const FileDigest digest = descriptor->file_digest();
    const std::string line =
        json      ? DigestJson(path, *descriptor)
        : message ? Hex(descriptor->SignedMessage()) + "\n"
                  : fmt::format("{} {}\n", id ? digest.id() : digest.text(), Printable(path));
    if (!PrintOutput(line, name)) return kVerityIo;
  }
  return kVerityProven;
}

int RunVerityBuild(const Arguments& args, const std::string& name) {
  BuildRequest request;
  CLI::App app("Makes the seal or the hash tree of an image.");
  app.add_option("IMAGE", request.image, "An image: a regular file, or a block device")->required();
  app.add_option("--format", request.format,
                 "seal (default), append, dmverity, containerd, tree, systemd")
      ->type_name("NAME");
  app.add_option("-o,--output", request.output, "Where to write (default: beside IMAGE)")
      ->type_name("FILE");
  DefineHashOptions(app, request.hash);
  DefineKeyOptions(app, request.key);
  app.add_flag("--sign-root-hash", request.sign_root_hash, "Sign for dm-verity as well");
  app.add_option("--add-cert", request.certificates, "Put a certificate of the chain into the seal")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--device", request.devices, "seal, append: an extra device of IMAGE, to seal too")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_flag("--no-superblock", request.no_superblock, "No dm-verity superblock before the tree");
  app.add_flag("--append", request.append, "dmverity: behind the data of IMAGE");
  AddSizeOption(app, "--hash-block-size", request.hash_block_size,
                "dmverity: bytes of a hash block (default: --block-size)");
  app.add_option("--uuid", request.uuid, "dmverity, containerd, systemd: default is random");
  if (const auto status = ParseArguments(app, args, name, kVerityUsage)) return *status;

  const auto format = std::ranges::find_if(
      kFormats, [&request](const Format& known) { return request.format == known.name; });
  if (format == std::end(kFormats))
    return VerityFailure(name, "no such format: " + Printable(request.format), kVerityUsage);
  const bool for_seal = format->build == BuildSeal || format->build == BuildBareTree;
  auto options = OptionsOf(request.hash, for_seal ? FsVerityDescriptor::kMaxSaltBytes
                                                  : DmVeritySuperblock::kMaxSaltBytes);
  if (!options) return VerityFailure(name, options.error(), kVerityUsage);
  if (format->build == BuildSeal && (options->block_bits < 9 || options->block_bits > 16))
    return VerityFailure(name, "a seal has blocks of 512 to 65536 bytes", kVerityUsage);
  if (!request.devices.empty() && (format->build != BuildSeal || !options->salt.empty()))
    return VerityFailure(name, "--device goes with seal and append, and makes the salt",
                         kVerityUsage);
  options->has_superblock = !request.no_superblock;
  const auto image = OpenFile(request.image);
  if (!image) return VerityFailure(name, image.error(), kVerityIo);
  if (const auto done = format->build(request, **image, *options); !done)
    return VerityFailure(name, done.error(), kVerityIo);
  return PrintOutput("", name) ? kVerityProven : kVerityIo;
}

}  // namespace amberfs
