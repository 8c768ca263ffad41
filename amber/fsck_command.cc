// amber fsck: opens an image, lets fsck/ judge it, and prints the report.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "amber/command.h"
#include "amber/progress_bar.h"
#include "amber/size.h"
#include "amber/stop_signal.h"
#include "amber/verity_options.h"
#include "base/text.h"
#include "fsck/checker.h"
#include "io/byte_source.h"

namespace amberfs {
namespace {

struct FsckArguments {
  std::string image;
  std::vector<std::string> devices;
  std::uint64_t offset = 0;
  VerityArguments verity;
  std::uint32_t max_seconds = 0;
  bool json = false;
  bool quiet = false;
  bool ignored_flag = false;
  std::string ignored_option;
  CheckOptions check;
};

void DefineOptions(CLI::App& app, FsckArguments& args) {
  app.add_option("IMAGE", args.image, "The image: a file or a block device")->required();
  app.add_flag("--json", args.json, "Print one JSON document instead of text");
  app.add_flag("-q,--quiet", args.quiet, "Print nothing; the exit status tells");
  app.add_option("--device", args.devices, "An extra device of the image, in the image's order")
      ->type_name("FILE")
      ->expected(1)
      ->take_all();
  AddSizeOption(app, "--offset", args.offset, "Where the image starts in IMAGE, in bytes", "N");
  app.add_flag("--data", args.check.data, "Read and decode the data of all files as well");
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
  app.add_flag("-a,-p,-n,-y,-f", args.ignored_flag, "Ignored, for fsck(8)");
  app.add_option("-C", args.ignored_option, "Ignored, for fsck(8)")->type_name("FD");
}

// What was checked, and what was not.
std::string Summary(const Report& report) {
  const Tally& tally = report.tally;
  std::string line = fmt::format("{} ({}, {}, {}, {} special), {} mapped",
                                 CountText(tally.inodes, "inode", "inodes"),
                                 CountText(tally.files, "file", "files"),
                                 CountText(tally.directories, "directory", "directories"),
                                 CountText(tally.symlinks, "symbolic link", "symbolic links"),
                                 tally.specials, SizeText(tally.data_bytes));
  if (tally.hole_bytes > 0) line += fmt::format(", {} of holes", SizeText(tally.hole_bytes));
  if (tally.read_bytes > 0) line += fmt::format(", {} read", SizeText(tally.read_bytes));
  std::string missed;
  if (tally.unchecked_inodes > 0)
    missed += ", the data of " + CountText(tally.unchecked_inodes, "inode", "inodes");
  if (!tally.link_counts_checked) missed += ", link counts";
  if (!tally.inode_count_checked) missed += ", the inode count";
  if (!tally.padding_checked) missed += ", what nothing owns";
  if (!missed.empty()) line += "; not checked: " + missed.substr(2);
  return line;
}

std::string ToText(const FsckArguments& args, const VerifiedImage& primary, const Report& report) {
  const std::string image = Printable(args.image);
  std::string text;
  const auto out = std::back_inserter(text);
  if (const std::string verity = VerityText(primary); !verity.empty())
    fmt::format_to(out, "{}: {}\n", image, verity);
  std::array<std::uint64_t, kRuleCount> shown{};
  for (const Finding& finding : report.findings) {
    ++shown[static_cast<std::size_t>(finding.error.rule)];
    fmt::format_to(out, "{}: {}\n", image, Describe(finding));
  }
  for (std::size_t i = 0; i < kRuleCount; ++i)
    if (const std::uint64_t more = report.counts[i] - shown[i]; more > 0)
      fmt::format_to(out, "{}: {} of rule {} not shown\n", image,
                     CountText(more, "more finding", "more findings"),
                     RuleId(static_cast<Rule>(i)));

  const std::uint64_t errors =
      report.Count(Severity::kCorrupt) + report.Count(Severity::kInconsistent);
  std::string verdict(VerdictName(report.verdict()));
  if (report.cancelled) verdict += ", cancelled";
  if (errors > 0) verdict += ", " + CountText(errors, "error", "errors");
  if (const std::uint64_t warnings = report.Count(Severity::kWarning); warnings > 0)
    verdict += ", " + CountText(warnings, "warning", "warnings");
  fmt::format_to(out, "{}: {}: {}\n", image, verdict, Summary(report));
  return text;
}

nlohmann::ordered_json ToJson(const Finding& finding) {
  const Error& error = finding.error;
  nlohmann::ordered_json json = {
      {"rule", nullptr},
      {"severity", SeverityName(error)},
      {"offset", nullptr},
      {"nid", nullptr},
      {"path", nullptr},
      {"message",
       error.rule == Rule::kNone ? Describe(error) : std::string(RuleSentence(error.rule))},
      {"detail", finding.detail}};
  if (error.rule != Rule::kNone) json["rule"] = RuleId(error.rule);
  if (error.offset != Error::kNowhere) json["offset"] = error.offset;
  if (finding.nid) {
    json["nid"] = finding.nid->v;
    json["path"] = finding.path;
  }
  return json;
}

std::string ToJson(const FsckArguments& args, const VerifiedImage& primary, const Report& report) {
  const Tally& tally = report.tally;
  auto findings = nlohmann::ordered_json::array();
  for (const Finding& finding : report.findings) findings.push_back(ToJson(finding));
  auto counts = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < kRuleCount; ++i)
    if (report.counts[i] > 0) counts[std::string(RuleId(static_cast<Rule>(i)))] = report.counts[i];
  const nlohmann::ordered_json json = {{"image", Printable(args.image)},
                                       {"verity", VerityJson(primary)},
                                       {"verdict", VerdictName(report.verdict())},
                                       {"exit_status", report.ExitStatus()},
                                       {"complete", report.complete()},
                                       {"cancelled", report.cancelled},
                                       {"findings", std::move(findings)},
                                       {"counts", std::move(counts)},
                                       {"checked",
                                        {{"inodes", tally.inodes},
                                         {"files", tally.files},
                                         {"directories", tally.directories},
                                         {"symlinks", tally.symlinks},
                                         {"specials", tally.specials},
                                         {"names", tally.names},
                                         {"xattrs", tally.xattrs},
                                         {"extents", tally.extents},
                                         {"data_bytes", tally.data_bytes},
                                         {"hole_bytes", tally.hole_bytes},
                                         {"read_bytes", tally.read_bytes},
                                         {"padding_bytes", tally.padding_bytes},
                                         {"unchecked_inodes", tally.unchecked_inodes},
                                         {"link_counts", tally.link_counts_checked},
                                         {"inode_count", tally.inode_count_checked},
                                         {"padding", tally.padding_checked}}}};
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

int RunFsck(const Arguments& arguments, const std::string& name) {
  FsckArguments args;
  CLI::App app("Checks an EROFS image; changes nothing.");
  DefineOptions(app, args);
  if (const auto status = ParseArguments(app, arguments, name, kExitUsage)) return *status;
  args.check.budget.max_time = std::chrono::seconds(args.max_seconds);

  const auto files = OpenImageFiles(args.image, args.offset, args.devices, args.verity);
  if (!files) {
    PrintError("{}: {}: {}\n", name, Printable(files.error().path), files.error().why);
    return files.error().error ? kExitNotChecked : kExitUsage;
  }

  args.check.stop = CatchStopSignals();
  std::optional<ProgressBar> bar(std::in_place, args.check.data && !args.quiet);
  // Fragments count where they are used, and once more where they lie.
  args.check.progress = [&](std::uint64_t bytes, std::uint64_t total) {
    bar->Show("reading", std::min(bytes, total), total);
  };
  const Report report = CheckImage(files->image.source, files->devices, args.check);
  bar.reset();
  const std::string text = args.quiet  ? ""
                           : args.json ? ToJson(args, files->image, report)
                                       : ToText(args, files->image, report);
  return report.ExitStatus() | (PrintOutput(text, name) ? 0 : kExitNotChecked);
}

}  // namespace amberfs
