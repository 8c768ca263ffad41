// Which paths the user wants left out.
#ifndef AMBERFS_MKFS_EXCLUDES_H_
#define AMBERFS_MKFS_EXCLUDES_H_

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mkfs/build_error.h"

namespace amberfs {

class Excludes {
 public:
  // `paths` are literal and relative to the source; a leading "./" or "/" and trailing slashes do
  // not matter. `regexes` are POSIX extended and match anywhere in the relative path. Fails on a
  // regex that does not compile.
  static BuildResult<Excludes> Create(const std::vector<std::string>& paths,
                                      const std::vector<std::string>& regexes);

  bool empty() const { return paths_.empty() && regexes_.empty(); }

  // `path` is relative to the source, without a leading slash. The caller never asks about what
  // lies below an excluded directory, so that goes too.
  bool Match(const std::string& path) const;

 private:
  struct Regex;
  struct FreeRegex {
    void operator()(Regex* regex) const;
  };

  std::set<std::string, std::less<>> paths_;
  std::vector<std::unique_ptr<Regex, FreeRegex>> regexes_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_EXCLUDES_H_
