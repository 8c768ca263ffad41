#include "amber/sealing.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "amber/size.h"
#include "amber/verity_command.h"
#include "base/hex.h"
#include "base/text.h"

namespace amberfs {
namespace {

using SourcePtr = std::shared_ptr<const ByteSource>;

constexpr std::size_t kMaxPassphraseBytes = 1024;

// The first bytes of a source.
class Prefix final : public ByteSource {
 public:
  Prefix(SourcePtr source, std::uint64_t size) : source_(std::move(source)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  Result<void> ReadAt(std::uint64_t offset, ByteSpan out) const override {
    if (offset > size_ || out.size() > size_ - offset) return IoError(EIO, offset);
    return source_->ReadAt(offset, out);
  }

 private:
  SourcePtr source_;
  std::uint64_t size_;
};

}  // namespace

void DefineHashOptions(CLI::App& app, HashArguments& args) {
  app.add_option("--algorithm", args.algorithm, "sha256 (default) or sha512")->type_name("NAME");
  AddSizeOption(app, "--block-size", args.block_size, "Bytes hashed at once (default 4096)");
  app.add_option("--salt", args.salt, "What is hashed before each block, in hex")->type_name("HEX");
}

void DefineKeyOptions(CLI::App& app, KeyArguments& args, const std::string& prefix) {
  const auto add = [&](const char* name, std::string& value, const char* help, const char* type) {
    app.add_option("--" + prefix + name, value, help)->type_name(type);
  };
  add("key", args.key, "The private key: PEM, DER, PKCS#12 or a URI", "FILE|URI");
  add("cert", args.certificate, "Its certificate, if it is not beside the key", "FILE|URI");
  add("passphrase-file", args.passphrase_file, "Holds the passphrase of the key", "FILE");
}

Outcome<SealOptions> OptionsOf(const HashArguments& args, std::size_t max_salt_bytes) {
  const auto algorithm = HashAlgorithmFromName(args.algorithm);
  if (!algorithm) return std::unexpected("no such algorithm: " + Printable(args.algorithm));
  SealOptions options{.algorithm = *algorithm, .threads = HashingThreads()};
  const std::uint64_t size = args.block_size;
  if (!std::has_single_bit(size) || size < 2 * DigestBytes(*algorithm) ||
      size > std::uint64_t{1} << TreeShape::kMaxBlockBits)
    return std::unexpected(fmt::format("not a block size for {}: {}", args.algorithm, size));
  options.block_bits = static_cast<unsigned>(std::countr_zero(size));
  const auto salt = FromHex(args.salt == "-" ? "" : args.salt);
  if (!salt || salt->size() > max_salt_bytes)
    return std::unexpected(fmt::format("not a salt of at most {} bytes in hex: {}", max_salt_bytes,
                                       Printable(args.salt)));
  options.salt = *salt;
  return options;
}

Outcome<SourcePtr> OpenFile(const std::string& path) {
  const auto source = FileSource::Open(path);
  if (!source) return std::unexpected(Printable(path) + ": " + Describe(source.error()));
  return *source;
}

std::string OfSink(const OutputFile& output, const Error& error) {
  return output.failure().empty() ? Describe(error) : output.failure();
}

Outcome<std::vector<std::byte>> ReadSmall(const std::string& path, std::size_t max_bytes) {
  const auto source = OpenFile(path);
  if (!source) return std::unexpected(source.error());
  if ((*source)->size() > max_bytes)
    return std::unexpected(fmt::format("{}: larger than {} bytes", Printable(path), max_bytes));
  std::vector<std::byte> bytes((*source)->size());
  if (const auto read = (*source)->ReadAt(0, bytes); !read)
    return std::unexpected(Printable(path) + ": " + Describe(read.error()));
  return bytes;
}

Outcome<void> WriteSmall(const std::string& path, ByteView bytes) {
  auto output = OutputFile::Create(path, 0);
  if (!output) return std::unexpected(output.error());
  if (const auto done = output->Append(bytes); !done) return std::unexpected(output->failure());
  return output->Finish();
}

// The passphrase is the file's first line.
Outcome<SigningKey> LoadKey(const KeyArguments& args) {
  std::string passphrase;
  if (!args.passphrase_file.empty()) {
    const auto bytes = ReadSmall(args.passphrase_file, kMaxPassphraseBytes);
    if (!bytes) return std::unexpected(bytes.error());
    passphrase = AsText(*bytes);
    passphrase.resize(std::min(passphrase.find('\n'), passphrase.size()));
  }
  return SigningKey::Load(args.key, args.certificate, passphrase);
}

Outcome<SealedFile> OpenSealed(const std::string& image_path, const std::string& named) {
  const auto image = OpenFile(image_path);
  if (!image) return std::unexpected(image.error());
  const auto at_end = Seal::IsAtEndOf(**image);
  if (!at_end) return std::unexpected(Describe(at_end.error()));
  const bool is_appended = *at_end && named.empty();
  const std::string path = is_appended ? image_path : named.empty() ? image_path + ".seal" : named;
  const auto source = is_appended ? image : OpenFile(path);
  if (!source) return std::unexpected(source.error() + " (amber verity build makes a seal)");
  const auto seal =
      is_appended ? Seal::ReadAppended(**source) : Seal::ReadSidecar(**source, (*image)->size());
  if (!seal) return std::unexpected(Printable(path) + ": " + Describe(seal.error()));
  return SealedFile{.data = std::make_shared<Prefix>(*image, seal->descriptor().data_bytes()),
                    .seal_path = path,
                    .seal_source = *source,
                    .seal = *seal,
                    .is_appended = is_appended};
}

Outcome<void> CheckDescribes(const FsVerityDescriptor& descriptor, const ByteSource& data) {
  const ByteView salt = descriptor.salt();
  const auto computed = ComputeDescriptor(data, {.algorithm = descriptor.params().algorithm,
                                                 .block_bits = descriptor.params().data_block_bits,
                                                 .salt = {salt.begin(), salt.end()},
                                                 .threads = HashingThreads()});
  if (!computed) return std::unexpected(Describe(computed.error()));
  if (computed->Encode() != descriptor.Encode())
    return std::unexpected("the seal is of another image");
  return {};
}

Outcome<std::vector<SealSection>> SignaturesBy(const SigningKey& key,
                                               const FsVerityDescriptor& descriptor,
                                               bool sign_root_hash) {
  const HashAlgorithm algorithm = descriptor.params().algorithm;
  std::vector<SealSection> sections;
  auto signature = key.Sign(descriptor.SignedMessage(), algorithm);
  if (!signature) return std::unexpected(signature.error());
  sections.push_back({.type = SealSectionType::kSignature, .bytes = *std::move(signature)});
  if (!sign_root_hash) return sections;
  const std::string hex = Hex(descriptor.root_hash().bytes());
  signature = key.Sign(AsBytes(hex), algorithm);
  if (!signature) return std::unexpected(signature.error());
  sections.push_back({.type = SealSectionType::kRootHashSignature, .bytes = *std::move(signature)});
  return sections;
}

void PrintBuilt(const std::string& what, std::string_view value) {
  std::fputs(fmt::format("{} {}\n", what, value).c_str(), stdout);
}

}  // namespace amberfs
