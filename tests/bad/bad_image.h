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
// reading all of the broken image ends. BAD_COMPRESSED_IMAGE is the same with the compressed image.
#ifndef AMBERFS_TESTS_BAD_BAD_IMAGE_H_
#define AMBERFS_TESTS_BAD_BAD_IMAGE_H_

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fsck/checker.h"
#include "tests/bad/compressed_image.h"
#include "tests/bad/good_image.h"

namespace amberfs {

// How a broken image is to be checked, and what comes of it.
struct Breakage {
  CheckOptions options;
  std::vector<SourcePtr> extra;  // what the checker is given
  bool seal = true;              // repair the checksum after breaking something
  std::vector<Rule> also;        // what cannot but break along with the rule
};

struct BadImage : GoodImage, Breakage {
  BadImage() { extra = Devices(); }
};

// Its data is read as well, so that a wrong index is not taken for a right one.
struct BadCompressedImage : CompressedImage, Breakage {
  BadCompressedImage() {
    options.level = CheckLevel::kData;
    options.jobs = 1;
  }
};

// Asserts what BAD_IMAGE promises of an image that was broken so that `offset` is where it shows.
void ExpectFinding(std::string_view rule_token, std::uint64_t offset, TestImage& image,
                   const Breakage& breakage);

// The rules that have a BAD_IMAGE, by token.
std::set<std::string, std::less<>>& RulesWithBadImage();

// Reads whatever the readers offer: the tree, each name once more by lookup, file data (the ends of
// long files), link targets, attributes. The first error that calls something corrupt, also a
// lookup that does not find a listed name; nothing if there was none. Ends on any image.
std::optional<Error> FirstCorruptRead(const Image& image);

}  // namespace amberfs

#define BAD_IMAGE(token, what) AMBERFS_BAD_IMAGE(BadImage, token, what)
#define BAD_COMPRESSED_IMAGE(token, what) AMBERFS_BAD_IMAGE(BadCompressedImage, token, what)

#define AMBERFS_BAD_IMAGE(Type, token, what)                                                 \
  static std::uint64_t Break_##token##_##what(Type& image);                                  \
  static const bool registered_##token##_##what = RulesWithBadImage().insert(#token).second; \
  TEST(BadImage, token##_##what) {                                                           \
    static_cast<void>(registered_##token##_##what);                                          \
    Type image;                                                                              \
    const std::uint64_t offset = Break_##token##_##what(image);                              \
    ExpectFinding(#token, offset, image, image);                                             \
  }                                                                                          \
  static std::uint64_t Break_##token##_##what([[maybe_unused]] Type& image)

#endif  // AMBERFS_TESTS_BAD_BAD_IMAGE_H_
