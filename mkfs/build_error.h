// Why an image could not be built.
//
// Unlike base/error.h's Error, which hostile images may cause by the million, a BuildError happens
// once and ends the build, so it carries a whole sentence that names the path.
#ifndef AMBERFS_MKFS_BUILD_ERROR_H_
#define AMBERFS_MKFS_BUILD_ERROR_H_

#include <expected>
#include <string>
#include <string_view>

namespace amberfs {

struct BuildError {
  std::string message;       // one line without a full stop, fit for a terminal
  int os_errno = 0;          // what the operating system said, if it was its fault
  bool interrupted = false;  // BuildOptions::stop became true
};

// A value or a BuildError; works with AMBERFS_TRY.
template <typename T>
class [[nodiscard]] BuildResult : public std::expected<T, BuildError> {
 public:
  using std::expected<T, BuildError>::expected;
};

// "cannot ACTION 'PATH': what OS_ERRNO means"; `path` is any bytes.
[[nodiscard]] std::unexpected<BuildError> OsFailure(std::string_view action, std::string_view path,
                                                    int os_errno);

// "cannot ACTION 'PATH': WHY".
[[nodiscard]] std::unexpected<BuildError> PathFailure(std::string_view action,
                                                      std::string_view path, std::string_view why);

// "cannot read 'PATH': it changed while being read".
[[nodiscard]] std::unexpected<BuildError> ChangedFailure(std::string_view path);

[[nodiscard]] std::unexpected<BuildError> Failure(std::string message);
[[nodiscard]] std::unexpected<BuildError> Interrupted();

}  // namespace amberfs

#endif  // AMBERFS_MKFS_BUILD_ERROR_H_
