// amber extract: copies what an image holds into a directory.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "amber/command.h"
#include "amber/image_arguments.h"
#include "amber/inode_text.h"
#include "amber/progress_bar.h"
#include "amber/size.h"
#include "amber/stop_signal.h"
#include "base/checked.h"
#include "base/text.h"
#include "extract/extractor.h"

namespace amberfs {
namespace {

using End = ExtractSummary::End;

constexpr unsigned kMaxThreads = 64;

struct ExtractArguments {
  ImageArguments image;
  std::string directory;
  std::string owner;
  std::string xattrs = "user";
  bool force = false;
  bool quiet = false;
  bool json = false;
  ExtractOptions options;
};

void DefineOptions(CLI::App& app, ExtractArguments& args) {
  ExtractOptions& options = args.options;
  AddImageOptions(app, args.image);
  app.add_option("DIR", args.directory, "Where it goes: absent or empty")->required();
  app.add_option("PATH", options.paths, "What to extract (default: everything)");
  app.add_flag("--force", args.force, "DIR may hold things, which are replaced");
  app.add_option("--owner", args.owner, "keep: the image's owners, as root by default; me: yours")
      ->type_name("WHO")
      ->check(CLI::IsMember({"keep", "me"}));
  app.add_option("--xattrs", args.xattrs, "Extended attributes: none, user (default) or all")
      ->type_name("WHICH")
      ->check(CLI::IsMember({"none", "user", "all"}));
  app.add_flag("--setid", options.attributes.set_id,
               "Keep set-user-id, set-group-id, capabilities");
  app.add_flag("--devices", options.devices, "Make device nodes");
  options.threads = std::clamp(std::thread::hardware_concurrency(), 1U, kMaxThreads);
  app.add_option("-j", options.threads, "Threads that copy files (default: one per processor)")
      ->type_name("N")
      ->check(CLI::Range(1U, kMaxThreads));
  options.max_bytes = 0;
  AddSizeOption(app, "--max-bytes", options.max_bytes,
                "Bytes to write (default 0: 1G and 100 times the image)");
  options.max_entries = 100'000'000;
  app.add_option("--max-entries", options.max_entries, "Names to look at (default 100000000)")
      ->type_name("N");
  app.add_flag("-q,--quiet", args.quiet, "Print errors only");
  app.add_flag("--json", args.json, "Print the summary as JSON");
}

// Bytes that IMAGE and its devices really have.
Checked ImageBytes(const Image& image, bool has_devices) {
  Checked sum(image.primary_size());
  // Without sources of their own their sizes are mere claims.
  if (has_devices)
    for (const DeviceSlot& slot : image.device_slots())
      sum = sum + (Checked(slot.blocks) << image.sb().block_bits());
  return sum;
}

std::uint64_t ValueOrMax(Checked number) {
  constexpr std::uint64_t kMax = ~std::uint64_t{0};
  return number.AtMost(kMax) ? number.get() : kMax;
}

void Complete(ExtractArguments& args, const Image& image) {
  ExtractOptions& options = args.options;
  options.existing = args.force ? Existing::kIsReplaced : Existing::kIsError;
  const bool keep = args.owner.empty() ? ::geteuid() == 0 : args.owner == "keep";
  options.attributes.owner = keep ? OwnerPolicy::kKeep : OwnerPolicy::kMe;
  options.attributes.xattrs = args.xattrs == "none"  ? XattrPolicy::kNone
                              : args.xattrs == "all" ? XattrPolicy::kAll
                                                     : XattrPolicy::kUser;
  if (options.max_bytes == 0)
    options.max_bytes =
        ValueOrMax(ImageBytes(image, !args.image.devices.empty()) * 100 + (std::uint64_t{1} << 30));
}

// Why it ended early; empty if it did not.
std::string WhyEnded(const ExtractArguments& args, End end) {
  switch (end) {
    case End::kDone:
      return {};
    case End::kStopped:
      return "interrupted";
    case End::kBytes:
      return fmt::format("it would write more than {} (--max-bytes)",
                         SizeText(args.options.max_bytes));
    case End::kEntries:
      return fmt::format("it has more than {} names (--max-entries)", args.options.max_entries);
    case End::kFull:
      return "no space";
  }
  return {};
}

std::string ToText(const ExtractArguments& args, const ExtractSummary& summary) {
  std::string text = fmt::format(
      "{}: {}, {}, {}, {} special, {}; {}", Printable(args.directory),
      CountText(summary.files, "file", "files"),
      CountText(summary.directories, "directory", "directories"),
      CountText(summary.symlinks, "symbolic link", "symbolic links"), summary.specials,
      CountText(summary.hard_links, "hard link", "hard links"), SizeText(summary.data_bytes));
  if (summary.hole_bytes > 0) text += fmt::format(", {} of holes", SizeText(summary.hole_bytes));
  if (summary.devices_left_out > 0)
    text += fmt::format("; {} left out (--devices)",
                        CountText(summary.devices_left_out, "device node", "device nodes"));
  if (summary.errors > 0) text += "; " + CountText(summary.errors, "error", "errors");
  return text + "\n";
}

std::string ToJson(const ExtractArguments& args, const ExtractSummary& summary) {
  return JsonLine({{"image", JsonBytes(args.image.image)},
                   {"directory", JsonBytes(args.directory)},
                   {"complete", summary.end == End::kDone && summary.errors == 0},
                   {"files", summary.files},
                   {"directories", summary.directories},
                   {"symlinks", summary.symlinks},
                   {"special_files", summary.specials},
                   {"hard_links", summary.hard_links},
                   {"devices_left_out", summary.devices_left_out},
                   {"data_bytes", summary.data_bytes},
                   {"hole_bytes", summary.hole_bytes},
                   {"errors", summary.errors}});
}

}  // namespace

int RunExtract(const Arguments& arguments, const std::string& name) {
  ExtractArguments args;
  ExtractOptions& options = args.options;
  CLI::App app("Copy what an image holds into a directory.");
  DefineOptions(app, args);
  if (const auto status = ParseArguments(app, arguments, name, kBadUsage)) return *status;

  const auto image = OpenImage(args.image, name);
  if (!image) return kPartFailed;
  Complete(args, *image);
  auto target = SafeDir::OpenTop(args.directory, args.force);
  if (!target) {
    const bool not_empty = target.error().os_errno == ENOTEMPTY;
    PrintError("{}: {}: {}{}\n", name, Printable(args.directory), Describe(target.error()),
               not_empty ? " (--force)" : "");
    return kPartFailed;
  }

  options.stop = CatchStopSignals();
  ExtractSummary summary;
  {
    ProgressBar bar(!args.quiet && !args.json);
    options.report = [&](const std::string& path, const std::string& what) {
      bar.Erase();
      PrintPathError(args.image, name, path, what);
    };
    const std::uint64_t image_bytes = ValueOrMax(ImageBytes(*image, !args.image.devices.empty()));
    options.progress = [&](const ExtractSummary& so_far) {
      // Of a part, or of what is stored in less space than it takes, nobody knows the whole.
      const bool is_known = options.paths.empty() && so_far.data_bytes <= image_bytes;
      bar.Show("extracting", so_far.data_bytes, is_known ? image_bytes : 0);
    };
    summary = Extract(*image, *std::move(target), options);
  }
  if (const std::string why = WhyEnded(args, summary.end); !why.empty())
    PrintError("{}: {}: {}; {} is incomplete\n", name, Printable(args.image.image), why,
               Printable(args.directory));
  std::string text;
  if (args.json)
    text = ToJson(args, summary);
  else if (!args.quiet && summary.end == End::kDone)
    text = ToText(args, summary);
  if (!PrintOutput(text, name)) return kPartFailed;
  if (summary.end == End::kStopped) return StopStatus();
  return summary.end == End::kDone && summary.errors == 0 ? 0 : kPartFailed;
}

}  // namespace amberfs
