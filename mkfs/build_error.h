// Why an image could not be built: one line for people, which names the file and the reason.
#ifndef AMBERFS_MKFS_BUILD_ERROR_H_
#define AMBERFS_MKFS_BUILD_ERROR_H_

#include <expected>
#include <string>
#include <string_view>

namespace amberfs {

struct BuildError {
  std::string message;
  bool cancelled = false;  // the caller's stop flag was raised
};

template <typename T>
class [[nodiscard]] BuildResult : public std::expected<T, BuildError> {
 public:
  using std::expected<T, BuildError>::expected;
};

// "PATH: WHAT", where PATH is made printable.
std::unexpected<BuildError> BuildFailure(std::string_view path, std::string_view what);
// "PATH: WHAT: No such file or directory".
std::unexpected<BuildError> SystemFailure(std::string_view path, std::string_view what,
                                          int os_errno);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_BUILD_ERROR_H_
