#include "tests/bad/bad_image.h"

#include <algorithm>

#include "image/directory.h"
#include "image/file_reader.h"
#include "image/xattr_set.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kMaxNames = 10'000;  // of which a hostile image may show more
constexpr std::uint64_t kReadAtOnce = 65536;

std::string Token(Rule rule) {
  std::string token(RuleId(rule));
  std::erase(token, '-');
  return token;
}

Rule RuleOfToken(std::string_view token) {
  for (std::size_t i = 1; i < kRuleCount; ++i)
    if (Token(static_cast<Rule>(i)) == token) return static_cast<Rule>(i);
  return Rule::kNone;
}

int StatusFor(Rule rule) {
  switch (SeverityOf(Error{.rule = rule})) {
    case Severity::kWarning:
      return 0;
    case Severity::kUnchecked:
      return kExitNotChecked;
    case Severity::kCorrupt:
    case Severity::kRefused:
    case Severity::kInconsistent:
      return kExitErrorsLeft;
  }
  return -1;
}

// The walk of FirstCorruptRead().
class Reading {
 public:
  explicit Reading(const Image& image) : image_(image) {}

  std::optional<Error> Run() {
    queue_.push_back(image_.sb().root_nid());
    seen_.insert(queue_.back());
    for (std::size_t i = 0; i < queue_.size(); ++i) {
      const auto inode = image_.ReadInode(queue_[i]);
      if (!Note(inode)) continue;
      ReadXattrs(*inode);
      if (inode->type() == FileType::kRegular) ReadFile(*inode);
      if (inode->type() == FileType::kSymlink) Note(ReadSymlink(image_, *inode));
      if (inode->is_directory()) ReadDirectory(*inode);
    }
    return first_;
  }

 private:
  template <typename T>
  bool Note(const Result<T>& result) {
    if (!result && result.error().code == Errc::kCorrupt && !first_) first_ = result.error();
    return result.has_value();
  }

  void ReadFile(const Inode& inode) {
    FileReader reader(image_, inode);
    std::vector<std::byte> buffer(std::min(inode.size(), kReadAtOnce));
    Note(reader.Read(0, buffer));
    Note(reader.Read(inode.size() - buffer.size(), buffer));
    Note(reader.SeekHole(0));
    Note(reader.SeekData(0));
  }

  void ReadXattrs(const Inode& inode) {
    const auto set = XattrSet::Read(image_, inode);
    if (!Note(set)) return;
    const auto list = set->List();
    if (!Note(list)) return;
    for (const Xattr& xattr : *list) {
      Note(set->Value(xattr));
      const auto found = set->Find(xattr.name);
      if (Note(found) && !*found) NoteMissing(Rule::kXa10, inode);
    }
  }

  void ReadDirectory(const Inode& inode) {
    const Directory directory(image_, inode);
    Directory::Iterator entries(directory);
    while (++names_ < kMaxNames) {
      const auto entry = entries.Next();
      if (!Note(entry)) {
        entries.SkipBlock();
        continue;
      }
      if (!*entry) return;
      const Nid nid = (*entry)->nid;
      const auto found = directory.Find((*entry)->name);
      if (Note(found) && *found != nid) NoteMissing(Rule::kDir4, inode);
      if (seen_.insert(nid).second) queue_.push_back(nid);
    }
  }

  void NoteMissing(Rule rule, const Inode& inode) {
    if (!first_) first_ = Broken(rule, inode.offset()).error();
  }

  const Image& image_;
  std::optional<Error> first_;
  std::vector<Nid> queue_;
  std::set<Nid> seen_;
  std::uint64_t names_ = 0;
};

}  // namespace

std::set<std::string, std::less<>>& RulesWithBadImage() {
  static std::set<std::string, std::less<>> rules;
  return rules;
}

std::optional<Error> FirstCorruptRead(const Image& image) { return Reading(image).Run(); }

void ExpectFinding(std::string_view rule_token, std::uint64_t offset, TestImage& image,
                   const Breakage& breakage) {
  const Rule rule = RuleOfToken(rule_token);
  ASSERT_NE(rule, Rule::kNone) << "base/rules.def has no " << rule_token;

  if (breakage.seal) image.Seal();
  const Report report = CheckImage(image.Primary(), breakage.extra, breakage.options);

  bool found = false;
  for (const Finding& finding : report.findings) {
    const Rule broken = finding.error.rule;
    found = found || (broken == rule && finding.error.offset == offset);
    EXPECT_TRUE(broken == rule || std::ranges::count(breakage.also, broken) > 0)
        << "unexpected: " << Describe(finding);
  }
  EXPECT_TRUE(found) << "nothing at byte " << offset << "; rule found " << report.Count(rule)
                     << " times"
                     << (report.findings.empty() ? "" : ": " + Describe(report.findings[0]));
  int status = StatusFor(rule);
  for (const Rule other : breakage.also) {
    EXPECT_GT(report.Count(other), 0U) << RuleId(other);
    status |= StatusFor(other);
  }
  if (breakage.options.level == CheckLevel::kStrict) status |= kExitErrorsLeft;
  EXPECT_EQ(report.ExitStatus(), status);

  if (const auto opened = Image::Open(image.Primary(), breakage.extra)) FirstCorruptRead(*opened);
}

TEST(BadImage, EveryRuleHasOne) {
  for (std::size_t i = 1; i < kRuleCount; ++i)
    EXPECT_TRUE(RulesWithBadImage().contains(Token(static_cast<Rule>(i))))
        << RuleId(static_cast<Rule>(i));
}

}  // namespace amberfs
