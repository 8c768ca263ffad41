#include "mkfs/build_error.h"

#include <fmt/format.h>

#include <cstring>

#include "base/text.h"

namespace amberfs {

std::unexpected<BuildError> BuildFailure(std::string_view path, std::string_view what) {
  return std::unexpected(BuildError{fmt::format("{}: {}", Printable(path), what)});
}

std::unexpected<BuildError> SystemFailure(std::string_view path, std::string_view what,
                                          int os_errno) {
  return BuildFailure(path, fmt::format("{}: {}", what, std::strerror(os_errno)));
}

}  // namespace amberfs
