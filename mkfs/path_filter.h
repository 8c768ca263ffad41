// Which paths of the source are left out.
#ifndef AMBERFS_MKFS_PATH_FILTER_H_
#define AMBERFS_MKFS_PATH_FILTER_H_

#include <regex.h>

#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "mkfs/build_error.h"

namespace amberfs {

class PathFilter {
 public:
  // `paths` are relative to the source's top, "./" and slashes around them do not count; `regexes`
  // are POSIX extended regular expressions. Fails on one that does not compile.
  static BuildResult<PathFilter> Make(const std::vector<std::string>& paths,
                                      const std::vector<std::string>& regexes);

  bool empty() const { return paths_.empty() && regexes_.empty(); }
  bool Excludes(const std::string& path) const;

 private:
  struct RegexDeleter {
    void operator()(regex_t* regex) const;
  };

  std::unordered_set<std::string> paths_;
  std::vector<std::unique_ptr<regex_t, RegexDeleter>> regexes_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_PATH_FILTER_H_
