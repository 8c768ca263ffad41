// An open directory of the host in which names that an image chose are made.
//
// Nothing done through a SafeDir happens outside the directory that it holds open, whatever the
// image says and whoever renames things meanwhile:
//
//   * a name is one plain component: not "", ".", "..", without '/' and NUL, at most 255 bytes;
//   * no symbolic link is followed: not one that the image made, nor one that somebody put there;
//   * something new is made under a temporary name, which must be free, worked on through its own
//     descriptor, and gets its name when it is complete;
//   * a directory further down is reached by openat2(2) beneath this one.
//
// Who may write to the directory can of course move and remove what is made in it, or put something
// else there.
#ifndef AMBERFS_EXTRACT_SAFE_DIR_H_
#define AMBERFS_EXTRACT_SAFE_DIR_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"

namespace amberfs {

// Which file `fd` is.
Result<FileId> IdOf(int fd);

bool IsPlainName(std::string_view name);

// What becomes of something that has the name already.
enum class Existing : std::uint8_t { kIsError, kIsReplaced };

// Everything fails with kIo: EINVAL for a name that is not plain, ESTALE for something that is not
// what was made just now, else what the system says. All methods may be called by any thread.
class SafeDir {
 public:
  explicit SafeDir(UniqueFd fd) : fd_(std::move(fd)) {}

  // The directory at `path`, which is the user's own word: links in it are followed. Made, with
  // mode 0700, if there is none. Fails with ENOTEMPTY if it holds anything, unless that may be.
  struct Top;
  static Result<Top> OpenTop(const std::string& path, bool may_hold_things);

  int fd() const { return fd_.get(); }

  // The directory that `path` leads to: plain names joined by '/', less than PATH_MAX bytes.
  Result<SafeDir> OpenBelow(const std::string& path) const;

  // Makes a directory with mode 0700; EEXIST if the name is taken.
  Result<void> MakeDirectory(const std::string& name) const;

  // Make something new with mode 0600 and return a descriptor of it: a file's can be written to,
  // the others' are O_PATH. EEXIST if the name is taken, also by a link to nowhere.
  Result<UniqueFd> MakeFile(const std::string& name) const;
  Result<UniqueFd> MakeSymlink(const std::string& name, const std::string& target) const;
  // `type` is S_IFCHR, S_IFBLK, S_IFIFO or S_IFSOCK.
  Result<UniqueFd> MakeNode(const std::string& name, mode_t type, dev_t device) const;

  // One more name for `from_name` in `from`, which is `expected`; anything else is not linked.
  Result<void> MakeLink(const std::string& name, const SafeDir& from, const std::string& from_name,
                        FileId expected) const;

  // Gives `temporary` its name. A directory is never replaced.
  Result<void> Publish(const std::string& temporary, const std::string& name,
                       Existing existing) const;

  // Removes something that is no directory; what cannot be removed stays.
  void Remove(const std::string& name) const;

 private:
  Result<UniqueFd> OpenMade(const std::string& name, mode_t type) const;

  UniqueFd fd_;
};

struct SafeDir::Top {
  SafeDir directory;
  bool made;  // by OpenTop()
};

}  // namespace amberfs

#endif  // AMBERFS_EXTRACT_SAFE_DIR_H_
