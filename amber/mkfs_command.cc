#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "amber/command.h"
#include "amber/compression_options.h"
#include "amber/image_sealer.h"
#include "amber/progress_bar.h"
#include "amber/size.h"
#include "amber/stop_signal.h"
#include "mkfs/build.h"
#include "mkfs/path_filter.h"

namespace amberfs {
namespace {

constexpr int kFailed = 1;
constexpr int kUsage = 2;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// "3fa1...-....": 32 hex digits with dashes behind 8, 12, 16 and 20 of them.
std::optional<std::array<std::byte, 16>> ParseUuid(std::string_view text) {
  if (text.size() != 36) return std::nullopt;
  std::array<std::byte, 16> uuid;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = HexDigit(text[i]);
    if (value < 0) return std::nullopt;
    std::byte& target = uuid[digits / 2];
    target = digits % 2 == 0 ? std::byte(value << 4) : target | std::byte(value);
    ++digits;
  }
  return uuid;
}

// The command line as text, before it is turned into BuildOptions.
struct Flags {
  std::string image;
  std::string source;
  std::string tar;  // its form; empty: what the source is shows
  bool aufs = false;
  std::string whiteout;
  std::uint32_t block_size = 4096;
  std::string uuid;
  std::int64_t xattr_tolerance = 2;
  bool all_root = false;
  std::vector<std::string> extended;
  CompressionArguments compression;
  std::string verity;  // where the seal goes; empty: there is none
  KeyArguments key;
  bool quiet = false;
  bool json = false;
};

void AddOptions(CLI::App& app, Flags& flags, BuildOptions& options) {
  app.add_option("IMAGE", flags.image, "The image to make")->required();
  app.add_option("SOURCE", flags.source,
                 "What goes into it: a directory, a tar archive (- or nothing with --tar: standard "
                 "input), or oci:LAYOUT[:TAG]");
  app.add_flag("--tar{f}", flags.tar, "SOURCE is a tar archive")->type_name("f");
  app.add_flag("--aufs", flags.aufs, "Turn .wh. whiteouts of an archive into those of overlayfs");
  app.add_option("--whiteout", flags.whiteout,
                 "The same, for mounts by root, in user namespaces or both: trusted, user, both")
      ->type_name("FORM");
  app.add_option("-b", flags.block_size, "Block size, 512 to 65536 (default 4096)")
      ->type_name("BYTES");
  app.add_option("-L,--label", options.volume_name, "Volume name, at most 15 bytes")
      ->type_name("NAME");
  app.add_option("-U,--uuid", flags.uuid, "UUID, or clear, random; default: from the contents")
      ->type_name("UUID");
  app.add_option("-T", options.timestamp, "Give every file this time, in seconds since 1970")
      ->type_name("TIME");
  app.add_flag("--preserve-mtime", options.preserve_mtime, "With -T: keep the files' own times");
  app.add_flag("--ignore-mtime", options.ignore_mtime,
               "Give every file one time: that of -T or $SOURCE_DATE_EPOCH, or 0");
  app.add_flag("--all-root", flags.all_root, "Make everything root's");
  app.add_option("--force-uid", options.force_uid, "Make everything this user's")->type_name("UID");
  app.add_option("--force-gid", options.force_gid, "Make everything this group's")
      ->type_name("GID");
  app.add_option("--uid-offset", options.uid_offset, "Add this to user ids")->type_name("N");
  app.add_option("--gid-offset", options.gid_offset, "Add this to group ids")->type_name("N");
  app.add_option("--exclude-path", options.exclude_paths, "Leave out this path (repeatable)")
      ->type_name("PATH")
      ->allow_extra_args(false);
  app.add_option("--exclude-regex", options.exclude_regexes,
                 "Leave out paths that match (repeatable)")
      ->type_name("REGEX")
      ->allow_extra_args(false);
  app.add_option("-x", flags.xattr_tolerance,
                 "Store xattrs of more than N inodes once; -1: no xattrs (default 2)")
      ->type_name("N");
  app.add_flag("--file-digests", options.file_digests,
               "Give each file an attribute with its fs-verity digest");
  app.add_flag("--hard-dereference", options.hard_dereference, "Store each hard link as a file");
  app.add_flag("--ignore-vanished", options.ignore_vanished,
               "Leave out what vanishes while it is read");
  DefineCompressionOptions(app, flags.compression);
  app.add_option("-E", flags.extended,
                 "noinline_data, ztailpacking, force-inode-compact, force-inode-extended; comma "
                 "separated")
      ->type_name("OPTION")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_flag("--verity{sidecar}", flags.verity,
               "Seal the image: sidecar (IMAGE.seal), or append (at its end)");
  DefineKeyOptions(app, flags.key, "sign-");
  app.add_flag("-q,--quiet", flags.quiet, "Print errors only");
  app.add_flag("--json", flags.json, "Print the summary as JSON");
}

std::string CompleteSource(Flags& flags, BuildOptions& options) {
  if (!flags.tar.empty() && flags.tar != "f")
    return fmt::format("--tar: '{}' is not supported, only f (all of the archive goes in)",
                       flags.tar);
  if (flags.source.empty()) {
    if (flags.tar.empty()) return "SOURCE is missing";
    flags.source = "-";
  }
  if (flags.whiteout == "user")
    options.whiteouts = Whiteouts::kUser;
  else if (flags.whiteout == "both")
    options.whiteouts = Whiteouts::kBoth;
  else if (flags.whiteout == "trusted" || (flags.whiteout.empty() && flags.aufs))
    options.whiteouts = Whiteouts::kTrusted;
  else if (!flags.whiteout.empty())
    return fmt::format("--whiteout: '{}' is not trusted, user or both", flags.whiteout);
  return "";
}

// Completes `options`; returns what is wrong, or nothing.
std::string Complete(Flags& flags, BuildOptions& options) {
  if (std::string wrong = CompleteSource(flags, options); !wrong.empty()) return wrong;
  options.block_bits = 0;
  for (unsigned bits = 9; bits <= 16; ++bits)
    if (flags.block_size == 1U << bits) options.block_bits = bits;
  if (options.block_bits == 0) return "-b: the block size is a power of two from 512 to 65536";
  if (options.volume_name.size() > 15) return "-L: a volume name has at most 15 bytes";

  if (flags.uuid == "clear") {
    options.uuid_choice = UuidChoice::kZero;
  } else if (flags.uuid == "random") {
    options.uuid_choice = UuidChoice::kRandom;
  } else if (!flags.uuid.empty()) {
    const auto uuid = ParseUuid(flags.uuid);
    if (!uuid) return fmt::format("-U: '{}' is not a UUID, clear or random", flags.uuid);
    options.uuid_choice = UuidChoice::kGiven;
    options.uuid = *uuid;
  }
  if (const auto filter = PathFilter::Make({}, options.exclude_regexes); !filter)
    return "--exclude-regex: " + filter.error().message;
  if (const char* text = std::getenv("SOURCE_DATE_EPOCH"); text != nullptr && *text != '\0') {
    options.latest = ParseNumber<std::int64_t>(text);
    if (!options.latest)
      return fmt::format("SOURCE_DATE_EPOCH: '{}' is not a number of seconds", text);
  }
  if (flags.all_root) {
    if (options.force_uid.value_or(0) != 0 || options.force_gid.value_or(0) != 0)
      return "--all-root contradicts --force-uid or --force-gid";
    options.force_uid = options.force_gid = 0;
  }
  if (flags.xattr_tolerance < 0)
    options.xattr_tolerance.reset();
  else
    options.xattr_tolerance =
        static_cast<std::uint32_t>(std::min<std::int64_t>(flags.xattr_tolerance, 0xFFFFFFFF));
  if (options.file_digests && !options.xattr_tolerance)
    return "--file-digests contradicts -x -1, which leaves out all attributes";
  auto compression = ParseCompression(flags.compression, options.block_bits);
  if (!compression) return compression.error();
  options.compression = *std::move(compression);
  bool inline_tails = false;
  for (const std::string& name : flags.extended) {
    if (name == "noinline_data")
      options.inline_data = false;
    else if (name == "ztailpacking")
      inline_tails = true;
    else if (name == "force-inode-compact")
      options.inode_form = InodeForm::kCompact;
    else if (name == "force-inode-extended")
      options.inode_form = InodeForm::kExtended;
    else
      return fmt::format("-E: there is no extended option '{}'", name);
  }
  if (options.compression) options.compression->inline_tails = inline_tails;
  if (!flags.verity.empty() && flags.verity != "sidecar" && flags.verity != "append")
    return fmt::format("--verity: a seal goes to sidecar or append, not to '{}'", flags.verity);
  return "";
}

std::string ToJson(const Flags& flags, const BuildOptions& options, const BuildSummary& summary,
                   const std::optional<FileDigest>& digest) {
  nlohmann::ordered_json json = {
      {"image", flags.image},
      {"source", flags.source},
      {"image_bytes", summary.image_bytes},
      {"block_bytes", 1U << options.block_bits},
      {"uuid", summary.uuid},
      {"epoch", summary.epoch},
      {"inodes", summary.inodes},
      {"files", summary.files},
      {"directories", summary.directories},
      {"symlinks", summary.symlinks},
      {"special_files", summary.special_files},
      {"hard_links", summary.hard_links},
      {"shared_xattrs", summary.shared_xattrs},
      {"source_bytes", summary.source_bytes},
      {"data_bytes", summary.data_bytes},
      {"inline_bytes", summary.inline_bytes},
      {"hole_bytes", summary.hole_bytes},
      {"compressed_files", summary.compressed_files},
      {"metadata_bytes", summary.metadata_bytes},
  };
  if (digest) json["digest"] = digest->id();
  // Paths need not be UTF-8.
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

int RunMkfs(const Arguments& args, const std::string& name) {
  CLI::App app("Make an image from a directory or an archive. See mkfs.amber(8).");
  Flags flags;
  BuildOptions options;
  AddOptions(app, flags, options);
  if (const auto status = ParseArguments(app, args, name, kUsage)) return *status;
  if (const std::string wrong = Complete(flags, options); !wrong.empty()) {
    PrintError("{}: {}\n", name, wrong);
    return kUsage;
  }

  std::optional<ImageSealer> sealer;
  if (!flags.verity.empty() || flags.key.given()) {
    ImageSealer::Request request{.image = flags.image, .append = flags.verity == "append"};
    // Before all else: a key that cannot be read should not cost a build.
    if (flags.key.given()) {
      auto key = LoadKey(flags.key);
      if (!key) {
        PrintError("{}: {}\n", name, key.error());
        return kUsage;
      }
      request.key = *std::move(key);
    }
    sealer.emplace(std::move(request));
    options.watcher = &*sealer;
  }

  BuildResult<BuildSummary> summary;
  {
    ProgressBar bar(!flags.quiet && !flags.json);
    options.stop = CatchStopSignals();
    options.warn = [&](const std::string& text) { PrintError("{}: warning: {}\n", name, text); };
    options.progress = [&](const Progress& progress) {
      bar.Show(progress.phase, progress.done_bytes, progress.total_bytes);
    };
    summary = Build(flags.image, flags.source, options);
  }
  if (!summary && summary.error().cancelled) {
    PrintError("{}: interrupted; {} was not made\n", name, flags.image);
    return StopStatus();
  }
  if (!summary) {
    PrintError("{}: {}\n", name, summary.error().message);
    return kFailed;
  }
  const auto digest = sealer ? sealer->digest() : std::nullopt;
  std::string text;
  if (flags.json)
    text = ToJson(flags, options, *summary, digest);
  else if (!flags.quiet)
    text = fmt::format("{}: {}, {} inodes, UUID {}\n", flags.image, SizeText(summary->image_bytes),
                       summary->inodes, summary->uuid);
  if (digest && !flags.json && !flags.quiet) text += fmt::format("digest {}\n", digest->id());
  return PrintOutput(text, name) ? 0 : kFailed;
}

}  // namespace amberfs
