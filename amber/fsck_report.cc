#include "amber/fsck_report.h"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <iterator>
#include <limits>

#include "amber/size.h"
#include "amber/verity_options.h"
#include "base/text.h"

namespace amberfs {
namespace {

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

// --- SARIF ---

std::string_view SarifLevel(const Error& error) {
  switch (SeverityOf(error)) {
    case Severity::kWarning:
    case Severity::kUnchecked:
      return "warning";
    case Severity::kRefused:
    case Severity::kInconsistent:
    case Severity::kCorrupt:
      return "error";
  }
  return "error";
}

// A file name as a relative reference of RFC 3986.
std::string UriOf(std::string_view name) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  std::string uri;
  for (const char c : name)
    uri += kPlain.contains(c) ? std::string(1, c)
                              : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return uri;
}

nlohmann::ordered_json SarifRules() {
  auto rules = nlohmann::ordered_json::array();
  for (std::size_t i = 1; i < kRuleCount; ++i) {
    const Error error = Broken(static_cast<Rule>(i), Error::kNowhere).error();
    rules.push_back({{"id", RuleId(error.rule)},
                     {"shortDescription", {{"text", RuleSentence(error.rule)}}},
                     {"defaultConfiguration", {{"level", SarifLevel(error)}}}});
  }
  return rules;
}

}  // namespace

std::string ReportText(std::string_view name, const VerifiedImage& verified, const Report& report) {
  const std::string image = Printable(name);
  std::string text;
  const auto out = std::back_inserter(text);
  if (const std::string verity = VerityText(verified); !verity.empty())
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

  const std::uint64_t errors = report.Count(Severity::kCorrupt) +
                               report.Count(Severity::kInconsistent) +
                               report.Count(Severity::kRefused);
  std::string verdict(VerdictName(report.verdict()));
  if (report.cancelled) verdict += ", cancelled";
  if (errors > 0) verdict += ", " + CountText(errors, "error", "errors");
  if (const std::uint64_t warnings = report.Count(Severity::kWarning); warnings > 0)
    verdict += ", " + CountText(warnings, "warning", "warnings");
  fmt::format_to(out, "{}: {}: {}\n", image, verdict, Summary(report));
  return text;
}

std::string ReportJson(std::string_view name, const VerifiedImage& verified, const Report& report) {
  const Tally& tally = report.tally;
  auto findings = nlohmann::ordered_json::array();
  for (const Finding& finding : report.findings) findings.push_back(ToJson(finding));
  auto counts = nlohmann::ordered_json::object();
  for (std::size_t i = 0; i < kRuleCount; ++i)
    if (report.counts[i] > 0) counts[std::string(RuleId(static_cast<Rule>(i)))] = report.counts[i];
  const nlohmann::ordered_json json = {{"image", Printable(name)},
                                       {"verity", VerityJson(verified)},
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

void SarifLog::Add(std::string_view image, const Report& report) {
  const std::string uri = UriOf(image);
  artifacts_.push_back({{"location", {{"uri", uri}}}});
  for (const Finding& finding : report.findings) {
    const Error& error = finding.error;
    nlohmann::ordered_json physical = {
        {"artifactLocation", {{"uri", uri}, {"index", artifacts_.size() - 1}}}};
    if (error.offset <= std::numeric_limits<std::int64_t>::max())
      physical["region"] = {{"byteOffset", error.offset}};
    nlohmann::ordered_json location = {{"physicalLocation", std::move(physical)}};
    if (finding.nid)
      location["logicalLocations"] = nlohmann::ordered_json::array(
          {{{"fullyQualifiedName", finding.path}, {"kind", "member"}}});
    nlohmann::ordered_json result = {
        {"level", SarifLevel(error)},
        {"message", {{"text", Describe(finding)}}},
        {"locations", nlohmann::ordered_json::array({std::move(location)})}};
    if (error.rule != Rule::kNone) {
      result["ruleId"] = RuleId(error.rule);
      result["ruleIndex"] = static_cast<std::size_t>(error.rule) - 1;
    }
    results_.push_back(std::move(result));
  }
}

void SarifLog::AddFailure(std::string_view image, std::string_view why) {
  failures_.push_back(
      {{"level", "error"}, {"message", {{"text", fmt::format("{}: {}", Printable(image), why)}}}});
}

std::string SarifLog::Text(int exit_status) const {
  const nlohmann::ordered_json log = {
      {"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
      {"version", "2.1.0"},
      {"runs",
       nlohmann::ordered_json::array(
           {{{"tool",
              {{"driver",
                {{"name", "amber fsck"}, {"version", AMBERFS_VERSION}, {"rules", SarifRules()}}}}},
             {"invocations", nlohmann::ordered_json::array(
                                 {{{"executionSuccessful", (exit_status & ~kExitErrorsLeft) == 0},
                                   {"exitCode", exit_status},
                                   {"toolExecutionNotifications", failures_}}})},
             {"artifacts", artifacts_},
             {"results", results_}}})}};
  return log.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace amberfs
