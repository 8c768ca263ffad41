#include "fsck/report.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace amberfs {
namespace {

Severity SeverityOf(RuleKind kind) {
  switch (kind) {
    case RuleKind::Corrupt:
    case RuleKind::Untrusted:
      return Severity::kCorrupt;
    case RuleKind::Cross:
      return Severity::kInconsistent;
    case RuleKind::Warning:
      return Severity::kWarning;
    case RuleKind::Policy:
      return Severity::kRefused;
    case RuleKind::Unsupported:
    case RuleKind::Limit:
      return Severity::kUnchecked;
  }
  return Severity::kCorrupt;
}

}  // namespace

Severity SeverityOf(const Error& error) {
  return error.rule == Rule::kNone ? Severity::kUnchecked : SeverityOf(KindOf(error.rule));
}

std::string_view SeverityName(const Error& error) {
  if (error.rule == Rule::kNone) return "input/output error";
  switch (KindOf(error.rule)) {
    case RuleKind::Corrupt:
      return "corrupt";
    case RuleKind::Cross:
      return "inconsistent";
    case RuleKind::Warning:
      return "warning";
    case RuleKind::Unsupported:
      return "unsupported";
    case RuleKind::Limit:
      return "limit";
    case RuleKind::Policy:
      return "refused";
    case RuleKind::Untrusted:
      return "not verified";
  }
  return "corrupt";
}

std::string Describe(const Finding& finding) {
  const Error& error = finding.error;
  std::string line(SeverityName(error));
  const auto out = std::back_inserter(line);
  if (error.rule == Rule::kNone) {
    fmt::format_to(out, ": {}", Describe(error));
  } else {
    fmt::format_to(out, " (rule {}", RuleId(error.rule));
    if (error.offset != Error::kNowhere) fmt::format_to(out, " at byte {}", error.offset);
    fmt::format_to(out, "): {}", RuleSentence(error.rule));
  }
  if (finding.nid) fmt::format_to(out, ": {} (nid {})", finding.path, finding.nid->v);
  if (!finding.detail.empty()) fmt::format_to(out, ": {}", finding.detail);
  return line;
}

std::uint64_t Report::Count(Severity severity) const {
  std::uint64_t sum = severity == Severity::kUnchecked ? Count(Rule::kNone) : 0;
  for (std::size_t i = 1; i < kRuleCount; ++i)
    if (SeverityOf(KindOf(static_cast<Rule>(i))) == severity) sum += counts[i];
  return sum;
}

Report::Verdict Report::verdict() const {
  if (Count(Severity::kCorrupt) + Count(Severity::kInconsistent) > 0) return Verdict::kCorrupt;
  if (Count(Severity::kRefused) > 0 || (strict && Count(Severity::kWarning) > 0))
    return Verdict::kRefused;
  return complete() ? Verdict::kClean : Verdict::kIncomplete;
}

int Report::ExitStatus() const {
  const bool bad = verdict() == Verdict::kCorrupt || verdict() == Verdict::kRefused;
  return (bad ? kExitErrorsLeft : 0) | (Count(Severity::kUnchecked) > 0 ? kExitNotChecked : 0) |
         (cancelled ? kExitCancelled : 0);
}

void Report::Sort() {
  std::vector<Finding> sorted;
  sorted.reserve(findings.size());
  for (const Severity severity : {Severity::kCorrupt, Severity::kInconsistent, Severity::kRefused,
                                  Severity::kUnchecked, Severity::kWarning})
    for (Finding& finding : findings)
      if (SeverityOf(finding.error) == severity) sorted.push_back(std::move(finding));
  findings = std::move(sorted);
}

bool Report::CountUpTo(const Error& error, std::uint64_t limit) {
  return counts[static_cast<std::size_t>(error.rule)]++ < limit;
}

std::string_view VerdictName(Report::Verdict verdict) {
  switch (verdict) {
    case Report::Verdict::kClean:
      return "clean";
    case Report::Verdict::kCorrupt:
      return "corrupt";
    case Report::Verdict::kRefused:
      return "refused";
    case Report::Verdict::kIncomplete:
      return "incomplete";
  }
  return "incomplete";
}

}  // namespace amberfs
