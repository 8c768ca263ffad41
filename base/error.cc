#include "base/error.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace amberfs {
namespace {

struct RuleRow {
  Rule rule;
  std::string_view id;
  RuleKind kind;
  std::string_view sentence;
};

constexpr auto kRules = std::to_array<RuleRow>({
    {Rule::kNone, "-", RuleKind::Corrupt, ""},
#define AMBERFS_RULE(name, id, kind, sentence) {Rule::name, id, RuleKind::kind, sentence},
#include "base/rules.def"
#undef AMBERFS_RULE
});

const RuleRow& Row(Rule rule) { return kRules.at(static_cast<std::size_t>(rule)); }

Errc CodeFor(RuleKind kind) {
  switch (kind) {
    case RuleKind::Unsupported:
      return Errc::kUnsupported;
    case RuleKind::Limit:
      return Errc::kLimit;
    case RuleKind::Untrusted:
      return Errc::kUnverified;
    case RuleKind::Corrupt:
    case RuleKind::Cross:
    case RuleKind::Warning:
    case RuleKind::Policy:
      return Errc::kCorrupt;
  }
  return Errc::kCorrupt;
}

std::string_view NameOf(Errc code) {
  switch (code) {
    case Errc::kIo:
      return "input/output error";
    case Errc::kCorrupt:
      return "corrupt";
    case Errc::kUnsupported:
      return "not supported";
    case Errc::kLimit:
      return "over a limit";
    case Errc::kNotFound:
      return "not found";
    case Errc::kUsage:
      return "invalid request";
    case Errc::kUnverified:
      return "not verified";
  }
  return "error";
}

std::string Place(std::uint64_t offset) {
  return offset == Error::kNowhere ? std::string() : fmt::format(" at byte {}", offset);
}

}  // namespace

std::string_view RuleId(Rule rule) { return Row(rule).id; }
std::string_view RuleSentence(Rule rule) { return Row(rule).sentence; }
RuleKind KindOf(Rule rule) { return Row(rule).kind; }

std::optional<Rule> RuleFromId(std::string_view id) {
  for (const RuleRow& row : kRules)
    if (row.rule != Rule::kNone && row.id == id) return row.rule;
  return std::nullopt;
}

std::unexpected<Error> Broken(Rule rule, std::uint64_t offset) {
  return std::unexpected(
      Error{.offset = offset, .os_errno = 0, .rule = rule, .code = CodeFor(KindOf(rule))});
}

std::string Describe(const Error& error) {
  if (error.code == Errc::kIo) {
    // strerrordesc_np() is thread-safe and never null for a known number.
    const char* text = ::strerrordesc_np(error.os_errno);
    return fmt::format("{}{}", text != nullptr ? text : "unknown error", Place(error.offset));
  }
  if (error.rule == Rule::kNone)
    return fmt::format("{}{}", NameOf(error.code), Place(error.offset));
  return fmt::format("{} (rule {}{}): {}", NameOf(error.code), RuleId(error.rule),
                     Place(error.offset), RuleSentence(error.rule));
}

}  // namespace amberfs
