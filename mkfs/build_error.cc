#include "mkfs/build_error.h"

#include <fmt/format.h>
#include <string.h>

#include <utility>

#include "base/text.h"

namespace amberfs {

std::unexpected<BuildError> OsFailure(std::string_view action, std::string_view path,
                                      int os_errno) {
  const char* text = strerrordesc_np(os_errno);  // unlike strerror(), any thread may call it
  auto failure = PathFailure(action, path, text != nullptr ? text : "unknown error");
  failure.error().os_errno = os_errno;
  return failure;
}

std::unexpected<BuildError> PathFailure(std::string_view action, std::string_view path,
                                        std::string_view why) {
  return Failure(fmt::format("cannot {} '{}': {}", action, Printable(path), why));
}

std::unexpected<BuildError> ChangedFailure(std::string_view path) {
  return PathFailure("read", path, "it changed while being read");
}

std::unexpected<BuildError> Failure(std::string message) {
  return std::unexpected(BuildError{.message = std::move(message)});
}

std::unexpected<BuildError> Interrupted() {
  return std::unexpected(BuildError{.message = "interrupted", .interrupted = true});
}

}  // namespace amberfs
