#include "mkfs/excludes.h"

#include <fmt/format.h>
#include <regex.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace amberfs {

struct Excludes::Regex {
  regex_t compiled;
};

void Excludes::FreeRegex::operator()(Regex* regex) const {
  ::regfree(&regex->compiled);
  delete regex;
}

BuildResult<Excludes> Excludes::Create(const std::vector<std::string>& paths,
                                       const std::vector<std::string>& regexes) {
  Excludes excludes;
  for (std::string_view path : paths) {
    while (path.starts_with('/') || path.starts_with("./")) path.remove_prefix(1);
    while (path.ends_with('/')) path.remove_suffix(1);
    if (!path.empty()) excludes.paths_.emplace(path);
  }
  for (const std::string& pattern : regexes) {
    auto regex = std::make_unique<Regex>();
    const int error = ::regcomp(&regex->compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB);
    if (error != 0) {
      std::array<char, 128> why{};
      ::regerror(error, &regex->compiled, why.data(), why.size());
      return Failure(fmt::format("bad regular expression '{}': {}", Printable(pattern),
                                 static_cast<const char*>(why.data())));
    }
    excludes.regexes_.emplace_back(regex.release());
  }
  return excludes;
}

bool Excludes::Match(const std::string& path) const {
  return paths_.contains(path) || std::ranges::any_of(regexes_, [&path](const auto& regex) {
           return ::regexec(&regex->compiled, path.c_str(), 0, nullptr, 0) == 0;
         });
}

}  // namespace amberfs
