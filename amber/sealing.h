// What the commands that make seals and hash trees have in common.
#ifndef AMBERFS_AMBER_SEALING_H_
#define AMBERFS_AMBER_SEALING_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "amber/output_file.h"
#include "verity/seal_writer.h"
#include "verity/signing_key.h"

namespace amberfs {

// The error is a sentence for people.
template <typename T>
using Outcome = std::expected<T, std::string>;

struct HashArguments {
  std::string algorithm = "sha256";
  std::uint64_t block_size = 4096;
  std::string salt;
};

// Of a private key that signs.
struct KeyArguments {
  std::string key;
  std::string certificate;
  std::string passphrase_file;

  bool given() const { return !key.empty(); }
};

void DefineHashOptions(CLI::App& app, HashArguments& args);
// Adds --PREFIXkey, --PREFIXcert and --PREFIXpassphrase-file.
void DefineKeyOptions(CLI::App& app, KeyArguments& args, const std::string& prefix = "");

// The parameters that were asked for, if they make sense.
Outcome<SealOptions> OptionsOf(const HashArguments& args, std::size_t max_salt_bytes);
Outcome<SigningKey> LoadKey(const KeyArguments& args);

Outcome<std::shared_ptr<const ByteSource>> OpenFile(const std::string& path);
// All of a small file.
Outcome<std::vector<std::byte>> ReadSmall(const std::string& path, std::size_t max_bytes);
Outcome<void> WriteSmall(const std::string& path, ByteView bytes);
// Why something that was to go to `output` failed.
std::string OfSink(const OutputFile& output, const Error& error);

// A sealed image: its data, and where its seal is.
struct SealedFile {
  std::shared_ptr<const ByteSource> data;
  std::string seal_path;
  std::shared_ptr<const ByteSource> seal_source;
  Seal seal;
  bool is_appended = false;
};
// `seal` may be empty: then it is looked for.
Outcome<SealedFile> OpenSealed(const std::string& image, const std::string& seal);

// A signature says "these bytes", so they are hashed, whatever the seal says that they are.
Outcome<void> CheckDescribes(const FsVerityDescriptor& descriptor, const ByteSource& data);

Outcome<std::vector<SealSection>> SignaturesBy(const SigningKey& key,
                                               const FsVerityDescriptor& descriptor,
                                               bool sign_root_hash);

// What is printed about a seal or tree that was made.
void PrintBuilt(const std::string& what, std::string_view value);

}  // namespace amberfs

#endif  // AMBERFS_AMBER_SEALING_H_
