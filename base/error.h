// Errors are values: what the caller can do about it, which rule was broken, and where.
//
// An Error is 16 bytes, trivially copyable and never allocates, because a hostile image may cause
// millions of them. Its text is made only when somebody wants to read it (Describe()).
#ifndef AMBERFS_BASE_ERROR_H_
#define AMBERFS_BASE_ERROR_H_

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace amberfs {

// What the caller can do about a failure.
enum class Errc : std::uint8_t {
  kIo,           // the operating system refused; Error::os_errno says why
  kCorrupt,      // the bytes break a rule of the format; retrying does not help
  kUnsupported,  // a well-formed thing that this build cannot do
  kLimit,        // past a budget that the caller set
  kNotFound,     // no such name
  kUsage,        // the caller asked for something that makes no sense
  kUnverified,   // the bytes are not those that somebody vouched for, or nobody trusted did
};

// How a broken rule is judged; see rules.def.
enum class RuleKind : std::uint8_t {
  Corrupt,
  Unsupported,
  Limit,
  Cross,
  Warning,
  Policy,
  Untrusted
};

enum class Rule : std::uint8_t {
  kNone,
#define AMBERFS_RULE(name, id, kind, sentence) name,
#include "base/rules.def"
#undef AMBERFS_RULE
};

std::string_view RuleId(Rule rule);        // "SB-3"; "-" for kNone
std::string_view RuleSentence(Rule rule);  // what holds when the rule is kept
RuleKind KindOf(Rule rule);
std::optional<Rule> RuleFromId(std::string_view id);

struct Error {
  // Byte offset in the primary image (or in the device named by the message) of what broke the
  // rule; for kIo the offset that was being read. kNowhere if no place is meant.
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

  std::uint64_t offset = kNowhere;
  std::int32_t os_errno = 0;
  Rule rule = Rule::kNone;
  Errc code = Errc::kIo;

  friend bool operator==(const Error&, const Error&) = default;
};
static_assert(sizeof(Error) == 16);

// One line without a full stop, e.g.
//   "corrupt (rule SB-3 at byte 1036): the block size is 2^9 to 2^16 bytes".
std::string Describe(const Error& error);

// A value or an Error. std::expected, made [[nodiscard]] (libstdc++ 12's is not).
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

// The error for a broken rule; its code follows from the rule's kind.
[[nodiscard]] std::unexpected<Error> Broken(Rule rule, std::uint64_t offset);

[[nodiscard]] inline std::unexpected<Error> IoError(int os_errno,
                                                    std::uint64_t offset = Error::kNowhere) {
  return std::unexpected(
      Error{.offset = offset, .os_errno = os_errno, .rule = Rule::kNone, .code = Errc::kIo});
}

[[nodiscard]] inline std::unexpected<Error> Fail(Errc code) {
  return std::unexpected(Error{.code = code});
}

}  // namespace amberfs

#define AMBERFS_CAT_(a, b) a##b
#define AMBERFS_CAT(a, b) AMBERFS_CAT_(a, b)

// AMBERFS_TRY(const auto inode, image.ReadInode(nid));
// Declares (or assigns) the value, or returns the error from the enclosing function.
#define AMBERFS_TRY(declaration, expression) \
  AMBERFS_TRY_(AMBERFS_CAT(amberfs_try_, __LINE__), declaration, expression)
#define AMBERFS_TRY_(result, declaration, expression)  \
  auto result = (expression);                          \
  if (!result) return std::unexpected(result.error()); \
  declaration = *std::move(result)

// The same for an expression whose value does not matter.
#define AMBERFS_TRY_VOID(expression)                                 \
  do {                                                               \
    if (auto amberfs_try_result = (expression); !amberfs_try_result) \
      return std::unexpected(amberfs_try_result.error());            \
  } while (false)

#endif  // AMBERFS_BASE_ERROR_H_
