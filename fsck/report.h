// What a check found, what it looked at, and what it can therefore say.
#ifndef AMBERFS_FSCK_REPORT_H_
#define AMBERFS_FSCK_REPORT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "format/units.h"

namespace amberfs {

inline constexpr std::size_t kRuleCount = 1
#define AMBERFS_RULE(name, id, kind, sentence) +1
#include "base/rules.def"
#undef AMBERFS_RULE
    ;

// From bad to worse.
enum class Severity : std::uint8_t {
  kWarning,       // nothing is lost; a check with nothing worse says "clean"
  kUnchecked,     // whatever is there, nobody looked: unsupported, over a limit, unreadable
  kRefused,       // well formed, and against the policy
  kInconsistent,  // two structures disagree
  kCorrupt,       // a structure cannot be decoded
};

struct Finding {
  Error error;
  std::optional<Nid> nid;  // the inode it is about, or that an entry names
  std::string path;        // printable (base/text.h); empty if no inode is meant
  std::string detail;      // printable; what was there instead; may be empty
};

Severity SeverityOf(const Error& error);
// "corrupt", "inconsistent", "refused", "warning", "unsupported", "limit", "not verified" or
// "input/output error".
std::string_view SeverityName(const Error& error);

// One line without a full stop, e.g. "corrupt (rule DIR-4 at byte 4120): names ascend strictly over
// the whole directory: /usr/bin (nid 36): 'awk' follows 'bash'".
std::string Describe(const Finding& finding);

// What was looked at. Each inode counts once, however many names lead to it.
struct Tally {
  std::uint64_t inodes = 0;  // decoded; the sum of the next four
  std::uint64_t files = 0;
  std::uint64_t directories = 0;
  std::uint64_t symlinks = 0;
  std::uint64_t specials = 0;  // devices, fifos and sockets
  std::uint64_t names = 0;     // directory entries without "." and ".."
  std::uint64_t xattrs = 0;    // that users may see
  std::uint64_t extents = 0;
  // Of files, directories and links, as far as extents map them to bytes; and as far as not.
  std::uint64_t data_bytes = 0;
  std::uint64_t hole_bytes = 0;
  std::uint64_t read_bytes = 0;  // of file data, if asked for
  // Decoded, but with data that could not be judged: unsupported, or on a device that is not there.
  std::uint64_t unchecked_inodes = 0;
  // Whether the whole tree was seen, without which links and inodes cannot be counted.
  bool link_counts_checked = false;
  bool inode_count_checked = false;
  // Whether everything is known that lies somewhere, without which nothing can be called unused.
  bool padding_checked = false;
  std::uint64_t padding_bytes = 0;  // of the image's blocks, that belong to nothing
};

// The bits of an exit status, as fsck(8) has them.
inline constexpr int kExitErrorsLeft = 4;
inline constexpr int kExitNotChecked = 8;
inline constexpr int kExitUsage = 16;
inline constexpr int kExitCancelled = 32;

struct Report {
  enum class Verdict : std::uint8_t {
    kClean,       // all that was asked for was checked, and nothing but warnings was found
    kCorrupt,     // something is wrong, whether all was checked or not
    kRefused,     // nothing is wrong, but something is not as it was asked to be
    kIncomplete,  // nothing wrong was found, but not all was checked
  };

  std::vector<Finding> findings;  // no more of a rule than asked for
  // How often each rule was broken, also where findings leaves it out. Rule::kNone counts what the
  // operating system could not read.
  std::array<std::uint64_t, kRuleCount> counts{};
  Tally tally;
  bool cancelled = false;
  bool strict = false;  // warnings are reasons to refuse

  std::uint64_t Count(Rule rule) const { return counts[static_cast<std::size_t>(rule)]; }
  std::uint64_t Count(Severity severity) const;
  bool complete() const { return !cancelled && Count(Severity::kUnchecked) == 0; }
  Verdict verdict() const;
  int ExitStatus() const;  // 0, or some of the bits above

  // Puts the worst findings first; those alike stay in the order of discovery.
  void Sort();

  // Counts a finding. True if it is one of the first `limit` of its rule, which are kept.
  bool CountUpTo(const Error& error, std::uint64_t limit);
};

std::string_view VerdictName(
    Report::Verdict verdict);  // "clean", "corrupt", "refused", "incomplete"

}  // namespace amberfs

#endif  // AMBERFS_FSCK_REPORT_H_
