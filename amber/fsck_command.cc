// amber fsck: opens images, lets fsck/ judge them, and prints what it says.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "amber/command.h"
#include "amber/fsck_report.h"
#include "amber/progress_bar.h"
#include "amber/size.h"
#include "amber/stop_signal.h"
#include "amber/verity_options.h"
#include "base/text.h"
#include "fsck/audit_policy.h"
#include "fsck/checker.h"
#include "io/byte_source.h"

namespace amberfs {
namespace {

struct FsckArguments {
  std::vector<std::string> images;
  std::vector<std::string> devices;
  std::uint64_t offset = 0;
  VerityArguments verity;
  std::uint32_t max_seconds = 0;
  std::string policy;
  bool quick = false;
  bool data = false;
  bool strict = false;
  bool json = false;
  bool sarif = false;
  bool quiet = false;
  bool ignored_flag = false;
  std::string ignored_option;
  CheckOptions check;
};

void DefineOptions(CLI::App& app, FsckArguments& args) {
  app.add_option("IMAGE", args.images, "The images: files or block devices")->required();
  auto* const quick = app.add_flag("--quick", args.quick, "Look only at what a mount looks at");
  auto* const data =
      app.add_flag("--data", args.data, "Read and decode the data of all files as well");
  auto* const strict = app.add_flag(
      "--strict", args.strict, "As --data, and refuse all that amber mkfs would not have written");
  quick->excludes(data, strict);
  app.add_option("--policy", args.policy,
                 "Refuse what this file says is not wanted, or what 'hardened' does")
      ->type_name("FILE")
      ->excludes(quick);
  auto* const json = app.add_flag("--json", args.json, "Print a JSON document for each image");
  app.add_flag("--sarif", args.sarif, "Print one SARIF 2.1.0 log for all images")->excludes(json);
  app.add_flag("-q,--quiet", args.quiet, "Print nothing; the exit status tells");
  app.add_option("--device", args.devices, "An extra device of the image, in the image's order")
      ->type_name("FILE")
      ->allow_extra_args(false);
  AddSizeOption(app, "--offset", args.offset, "Where the image starts in IMAGE, in bytes", "N");
  app.add_option("-j,--jobs", args.check.jobs,
                 "Threads that read data (default 0: one for each processor)")
      ->type_name("N");
  DefineVerityOptions(app, args.verity);
  app.add_option("--max-findings", args.check.max_findings,
                 "Findings to print of each rule; the rest are counted (default 100)")
      ->type_name("N");
  Budget& budget = args.check.budget;
  app.add_option("--max-time", args.max_seconds, "Seconds to spend (default 0: no limit)")
      ->type_name("SECONDS");
  AddSizeOption(app, "--max-memory", budget.max_memory_bytes,
                "Memory for inodes seen (default 1G)");
  app.add_option("--max-entries", budget.max_entries,
                 "Directory entries to look at (default 100000000)")
      ->type_name("N");
  AddSizeOption(app, "--max-read", budget.max_read_bytes,
                "Metadata to read (default 0: 64M and 16 times the image)");
  AddSizeOption(app, "--max-data", budget.max_data_bytes,
                "Bytes to decode, and to read of data (default 0: 64G and 64 times the image)");
  // What fsck(8) and scripts pass to any checker. An image is never changed, so all mean the same.
  app.add_flag("-a,-A,-p,-n,-y,-f", args.ignored_flag, "Ignored, for fsck(8)");
  app.add_option("-C", args.ignored_option, "Ignored, for fsck(8)")->type_name("FD");
}

CheckLevel LevelOf(const FsckArguments& args) {
  if (args.quick) return CheckLevel::kQuick;
  if (args.strict) return CheckLevel::kStrict;
  return args.data ? CheckLevel::kData : CheckLevel::kStructure;
}

Report CheckWithProgress(const ImageFiles& files, const FsckArguments& args) {
  ProgressBar bar(!args.quiet);
  CheckOptions options = args.check;
  options.progress = [&bar](CheckOptions::Phase phase, std::uint64_t done, std::uint64_t total) {
    // Fragments count where they are used, and once more where they lie; inodes are claimed.
    if (phase == CheckOptions::Phase::kInodes)
      bar.Show("checking", std::min(done, total), total, ProgressBar::Unit::kThings);
    else
      bar.Show("reading", std::min(done, total), total);
  };
  return CheckImage(files.image.source, files.devices, options);
}

}  // namespace

int RunFsck(const Arguments& arguments, const std::string& name) {
  FsckArguments args;
  CLI::App app("Checks EROFS images; changes nothing.");
  DefineOptions(app, args);
  if (const auto status = ParseArguments(app, arguments, name, kExitUsage)) return *status;
  if (args.images.size() > 1 && !args.devices.empty()) {
    PrintError("{}: --device is for one image at a time\n", name);
    return kExitUsage;
  }
  AuditPolicy policy;
  if (!args.policy.empty()) {
    auto loaded = AuditPolicy::Load(args.policy);
    if (!loaded) {
      PrintError("{}: {}\n", name, loaded.error());
      return kExitUsage;
    }
    policy = *std::move(loaded);
    args.check.policy = &policy;
  }
  args.check.level = LevelOf(args);
  args.check.budget.max_time = std::chrono::seconds(args.max_seconds);
  args.check.stop = CatchStopSignals();

  int status = 0;
  SarifLog sarif;
  for (const std::string& image : args.images) {
    const auto files = OpenImageFiles(image, args.offset, args.devices, args.verity);
    if (!files) {
      PrintError("{}: {}: {}\n", name, Printable(files.error().path), files.error().why);
      sarif.AddFailure(files.error().path, files.error().why);
      status |= files.error().error ? kExitNotChecked : kExitUsage;
      continue;
    }
    const Report report = CheckWithProgress(*files, args);
    status |= report.ExitStatus();
    if (args.sarif) sarif.Add(image, report);
    const std::string text = args.quiet || args.sarif ? ""
                             : args.json              ? ReportJson(image, files->image, report)
                                                      : ReportText(image, files->image, report);
    if (!PrintOutput(text, name)) return status | kExitNotChecked;
    if (report.cancelled) break;
  }
  if (args.sarif && !args.quiet && !PrintOutput(sarif.Text(status), name))
    status |= kExitNotChecked;
  return status;
}

}  // namespace amberfs
