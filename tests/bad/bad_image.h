// BAD_IMAGE: one broken image, and the rule that must be found broken in it.
//
//   BAD_IMAGE(SB3, BlocksOf256Bytes) {
//     image.EditSuperblock([](auto& sb) { sb.blkszbits = 8; });
//     return GoodImage::kSb + 12;
//   }
//
// The first argument is a rule's id without its dash. The body breaks this rule in a good image,
// and nothing but it, and returns the byte at which the checker must report it. The test asserts
// that it does, that the verdict and the exit status are what the rule's kind wants, and that
// reading all of the broken image ends.
#ifndef AMBERFS_TESTS_BAD_BAD_IMAGE_H_
#define AMBERFS_TESTS_BAD_BAD_IMAGE_H_

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fsck/checker.h"
#include "tests/bad/good_image.h"

namespace amberfs {

struct BadImage : GoodImage {
  CheckOptions options;
  std::vector<SourcePtr> extra = Devices();  // what the checker is given
  bool seal = true;                          // repair the checksum after breaking something
  std::vector<Rule> also;                    // what cannot but break along with the rule
};

using BreakImage = std::uint64_t (*)(BadImage& image);

// Breaks a good image and asserts what BAD_IMAGE promises.
void ExpectFinding(std::string_view rule_token, BreakImage break_image);

// The rules that have a BAD_IMAGE, by token.
std::set<std::string, std::less<>>& RulesWithBadImage();

// Reads whatever the readers offer: the tree, each name once more by lookup, file data (the ends of
// long files), link targets, attributes. The first error that calls something corrupt, also a
// lookup that does not find a listed name; nothing if there was none. Ends on any image.
std::optional<Error> FirstCorruptRead(const Image& image);

}  // namespace amberfs

#define BAD_IMAGE(token, what)                                                               \
  static std::uint64_t Break_##token##_##what(BadImage& image);                              \
  static const bool registered_##token##_##what = RulesWithBadImage().insert(#token).second; \
  TEST(BadImage, token##_##what) {                                                           \
    static_cast<void>(registered_##token##_##what);                                          \
    ExpectFinding(#token, Break_##token##_##what);                                           \
  }                                                                                          \
  static std::uint64_t Break_##token##_##what([[maybe_unused]] BadImage& image)

#endif  // AMBERFS_TESTS_BAD_BAD_IMAGE_H_
