#include "mkfs/path_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace amberfs {
namespace {

std::string_view Trimmed(std::string_view path) {
  while (path.starts_with('/') || path.starts_with("./"))
    path.remove_prefix(path.starts_with('/') ? 1 : 2);
  while (path.ends_with('/')) path.remove_suffix(1);
  return path;
}

}  // namespace

void PathFilter::RegexDeleter::operator()(regex_t* regex) const {
  ::regfree(regex);
  delete regex;
}

BuildResult<PathFilter> PathFilter::Make(const std::vector<std::string>& paths,
                                         const std::vector<std::string>& regexes) {
  PathFilter filter;
  for (const std::string& path : paths) filter.paths_.emplace(Trimmed(path));
  for (const std::string& text : regexes) {
    auto compiled = std::make_unique<regex_t>();
    if (const int code = ::regcomp(compiled.get(), text.c_str(), REG_EXTENDED | REG_NOSUB)) {
      std::array<char, 256> why{};
      ::regerror(code, compiled.get(), why.data(), why.size());
      return BuildFailure(text, fmt::format("not a regular expression: {}", why.data()));
    }
    filter.regexes_.emplace_back(compiled.release());
  }
  return filter;
}

bool PathFilter::Excludes(const std::string& path) const {
  return paths_.contains(path) || std::ranges::any_of(regexes_, [&](const auto& regex) {
           return ::regexec(regex.get(), path.c_str(), 0, nullptr, 0) == 0;
         });
}

}  // namespace amberfs
