// Walks a directory tree of any depth with any names: relative to open directories, without
// recursion, and without ever building a path for the kernel, so PATH_MAX does not matter.
#ifndef AMBERFS_TESTS_TOOLS_WALK_H_
#define AMBERFS_TESTS_TOOLS_WALK_H_

#include <sys/stat.h>

#include <functional>
#include <string>

namespace amberfs::tools {

struct Visit {
  int directory;            // an open directory that holds the entry
  const std::string& name;  // in that directory; "." for the top
  const std::string& path;  // from the top, without a leading slash; "." for the top
  const struct stat& st;    // of the entry itself, links not followed
};

// Calls visit for `top` and everything below: directories before their entries, entries of one
// directory in byte order of their names. Then leave, if given, for each directory once all below
// it is done. Ends the program with a message if something cannot be read.
void Walk(const char* top, const std::function<void(const Visit&)>& visit,
          const std::function<void(const Visit&)>& leave = nullptr);

// Prints "PROGRAM: what: errno's text" and exits with status 1.
[[noreturn]] void Die(const std::string& what);

}  // namespace amberfs::tools

#endif  // AMBERFS_TESTS_TOOLS_WALK_H_
