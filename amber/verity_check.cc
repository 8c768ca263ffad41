// amber verity verify and show.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "amber/size.h"
#include "amber/verity_command.h"
#include "base/hex.h"
#include "base/text.h"

namespace amberfs {
namespace {

// Reads all of a source with several threads. The failure at the lowest offset, if any.
class FullRead {
 public:
  explicit FullRead(const ByteSource& source) : source_(source) {}

  std::optional<Error> Run(unsigned threads) {
    {
      std::vector<std::jthread> helpers;
      for (unsigned i = 1; i < threads; ++i) helpers.emplace_back([this] { Work(); });
      Work();
    }
    const std::scoped_lock lock(mutex_);
    return first_ ? std::optional(first_->second) : std::nullopt;
  }

 private:
  static constexpr std::uint64_t kPieceBytes = 1 << 20;

  void Work() {
    std::vector<std::byte> buffer(std::min(kPieceBytes, source_.size()));
    // Pieces are taken in order, so no piece before a failed one is left out.
    while (!failed_.load(std::memory_order_relaxed)) {
      const std::uint64_t at = next_.fetch_add(kPieceBytes, std::memory_order_relaxed);
      if (at >= source_.size()) return;
      const ByteSpan piece = ByteSpan(buffer).first(std::min(kPieceBytes, source_.size() - at));
      if (const auto read = source_.ReadAt(at, piece); !read) Fail(at, read.error());
    }
  }

  void Fail(std::uint64_t at, const Error& error) {
    failed_.store(true, std::memory_order_relaxed);
    const std::scoped_lock lock(mutex_);
    if (!first_ || at < first_->first) first_ = {at, error};
  }

  const ByteSource& source_;
  std::atomic<std::uint64_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // guards all below
  std::optional<std::pair<std::uint64_t, Error>> first_;
};

std::string_view NameOf(SealSectionType type) {
  switch (type) {
    case SealSectionType::kDescriptor:
      return "descriptor";
    case SealSectionType::kSignature:
      return "signature";
    case SealSectionType::kRootHashSignature:
      return "root-hash-signature";
    case SealSectionType::kCertificate:
      return "certificate";
    case SealSectionType::kDevices:
      return "devices";
  }
  return "unknown";
}

nlohmann::ordered_json Describe(const SealSection& section) {
  nlohmann::ordered_json json = {{"type", NameOf(section.type)}, {"bytes", section.bytes.size()}};
  if (section.type == SealSectionType::kCertificate) {
    const auto certificate = Certificate::FromDer(section.bytes);
    json["subject"] = certificate ? certificate->subject() : "not a certificate";
    if (certificate) json["fingerprint"] = Hex(certificate->fingerprint().bytes());
  }
  return json;
}

std::string ShowText(const std::string& image, const Seal& seal, bool is_appended) {
  const FsVerityDescriptor& descriptor = seal.descriptor();
  std::string text = fmt::format(
      "{}: {} of {}, not checked against anything\n"
      "digest      {}\nroot hash   {}\nalgorithm   {}, blocks of {}\nsalt        {}\n"
      "data        {} bytes\nsuperblock  {}\n",
      Printable(image), is_appended ? "appended seal" : "seal", SizeText(seal.size()),
      descriptor.file_digest().id(), Hex(descriptor.root_hash().bytes()),
      NameOf(descriptor.params().algorithm), descriptor.params().data_block_bytes(),
      descriptor.salt().empty() ? "none" : Hex(descriptor.salt()), descriptor.data_bytes(),
      seal.has_superblock() ? "yes" : "no");
  for (const SealSection& section : seal.sections()) {
    const auto json = Describe(section);
    text += fmt::format(
        "section     {}, {} bytes{}\n", NameOf(section.type), section.bytes.size(),
        json.contains("subject") ? ": " + json["subject"].get_ref<const std::string&>() : "");
  }
  return text;
}

std::string ShowJson(const std::string& image, const Seal& seal, bool is_appended) {
  const FsVerityDescriptor& descriptor = seal.descriptor();
  auto sections = nlohmann::ordered_json::array();
  for (const SealSection& section : seal.sections()) sections.push_back(Describe(section));
  const nlohmann::ordered_json json = {{"image", Printable(image)},
                                       {"appended", is_appended},
                                       {"seal_bytes", seal.size()},
                                       {"digest", descriptor.file_digest().id()},
                                       {"root_hash", Hex(descriptor.root_hash().bytes())},
                                       {"algorithm", NameOf(descriptor.params().algorithm)},
                                       {"block_bytes", descriptor.params().data_block_bytes()},
                                       {"salt", Hex(descriptor.salt())},
                                       {"data_bytes", descriptor.data_bytes()},
                                       {"hash_offset", seal.offset()},
                                       {"superblock", seal.has_superblock()},
                                       {"sections", std::move(sections)}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// The line that dmsetup(8) makes a device of, on which Linux verifies the image: `data` holds it,
// and `hashes` the seal, at the same places as our files.
std::string DmTable(const Seal& seal, std::string_view data, std::string_view hashes) {
  const FsVerityDescriptor& descriptor = seal.descriptor();
  const std::uint64_t block = descriptor.params().data_block_bytes();
  const std::uint64_t blocks = descriptor.data_bytes() / block;
  // What stands before each block: dm-verity's salt is not filled up by itself.
  const std::string salt = Hex(descriptor.prefix());
  return fmt::format("0 {} verity 1 {} {} {} {} {} {} {} {} {}\n", blocks * (block / 512), data,
                     hashes, block, block, blocks, seal.tree_offset() / block,
                     NameOf(descriptor.params().algorithm), Hex(descriptor.root_hash().bytes()),
                     salt.empty() ? "-" : salt);
}

}  // namespace

int RunVerityVerify(const Arguments& arguments, const std::string& name) {
  std::string image;
  VerityArguments args;
  std::vector<std::string> devices;
  std::uint64_t offset = 0;
  bool json = false;
  bool quiet = false;
  CLI::App app("Checks every byte of an image against its seal, and who vouches for it.");
  app.add_option("IMAGE", image, "An image: a file or a block device")->required();
  DefineVerityOptions(app, args);
  app.add_option("--device", devices, "An extra device of the image, in the image's order")
      ->type_name("FILE")
      ->allow_extra_args(false);
  AddSizeOption(app, "--offset", offset, "Where the image starts in IMAGE, in bytes", "N");
  app.add_flag("--json", json, "Print one JSON object instead of text");
  app.add_flag("-q,--quiet", quiet, "Print nothing if all is well");
  if (const auto status = ParseArguments(app, arguments, name, kVerityUsage)) return *status;
  // A check that accepts anything is none.
  if (args.level.empty()) args.level = "integrity";
  const auto level = TrustLevelFromName(args.level);
  if (!level || *level == TrustLevel::kNone)
    return VerityFailure(name, "--verity=" + Printable(args.level) + " checks nothing",
                         kVerityUsage);

  const auto opened = OpenImageFiles(image, offset, devices, args);
  if (!opened) return VerityFailure(name, opened.error());
  const auto check = [&name](const std::string& path, const ByteSource& source) {
    const auto error = FullRead(source).Run(HashingThreads());
    return error ? VerityFailure(name, OpenFailure{path, amberfs::Describe(*error), *error})
                 : kVerityProven;
  };
  if (const int status = check(image, *opened->image.source); status != kVerityProven)
    return status;
  for (std::size_t i = 0; i < devices.size(); ++i)
    if (const int status = check(devices[i], *opened->devices[i]); status != kVerityProven)
      return status;
  auto report = VerityJson(opened->image);
  report["image"] = Printable(image);
  report["data_bytes"] = opened->image.source->size();
  const std::string text =
      json ? report.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n"
           : fmt::format("{}: {}\n", Printable(image), VerityText(opened->image));
  return quiet || PrintOutput(text, name) ? kVerityProven : kVerityIo;
}

int RunVerityShow(const Arguments& arguments, const std::string& name) {
  std::string image;
  std::string sidecar;
  bool json = false;
  std::vector<std::string> table;
  CLI::App app("Prints what the seal of an image says. Believes it; 'verify' checks it.");
  app.add_option("IMAGE", image, "A sealed image")->required();
  app.add_option("--seal", sidecar, "The seal, if it is neither IMAGE.seal nor in IMAGE")
      ->type_name("FILE");
  app.add_flag("--json", json, "Print one JSON object instead of text");
  app.add_option("--dm-table", table, "Print the dm-verity table for the image on this device")
      ->type_name("DEVICE[,DEVICE]")
      ->delimiter(',')
      ->expected(1, 2)
      ->allow_extra_args(false);
  if (const auto status = ParseArguments(app, arguments, name, kVerityUsage)) return *status;

  const auto failed = [&name](const std::string& path, const Error& error) {
    return VerityFailure(name, OpenFailure{path, amberfs::Describe(error), error});
  };
  const auto source = FileSource::Open(image);
  if (!source) return failed(image, source.error());
  const auto at_end = Seal::IsAtEndOf(**source);
  if (!at_end) return failed(image, at_end.error());
  const bool is_appended = *at_end && sidecar.empty();
  if (sidecar.empty()) sidecar = image + ".seal";
  const auto seal_source = is_appended ? source : FileSource::Open(sidecar);
  if (!seal_source) return failed(sidecar, seal_source.error());
  const auto seal = is_appended ? Seal::ReadAppended(**source)
                                : Seal::ReadSidecar(**seal_source, (*source)->size());
  if (!seal) return failed(is_appended ? image : sidecar, seal.error());
  if (!table.empty()) {
    const std::uint64_t block = seal->descriptor().params().data_block_bytes();
    if (block < 512 || seal->descriptor().data_bytes() % block != 0)
      return VerityFailure(name, Printable(image) + ": not of whole blocks that dm-verity takes",
                           kVerityUsage);
    if (table.size() == 1 && !is_appended)
      return VerityFailure(name, "--dm-table: the seal is on a device of its own: name both",
                           kVerityUsage);
    return PrintOutput(DmTable(*seal, table.front(), table.back()), name) ? kVerityProven
                                                                          : kVerityIo;
  }
  const std::string text =
      json ? ShowJson(image, *seal, is_appended) : ShowText(image, *seal, is_appended);
  return PrintOutput(text, name) ? kVerityProven : kVerityIo;
}

}  // namespace amberfs
