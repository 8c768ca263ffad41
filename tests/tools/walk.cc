#include "tests/tools/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

namespace amberfs::tools {
namespace {

std::vector<std::string> SortedNames(int directory, const std::string& path) {
  // A second descriptor: closedir() closes what fdopendir() was given.
  const int fd = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = fd < 0 ? nullptr : ::fdopendir(fd);
  if (stream == nullptr) Die("open " + path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  if (errno != 0) Die("read directory " + path);
  ::closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

// A directory on the way down from the top.
struct Level {
  std::string name;
  struct stat st;
  std::size_t parent_path_size;  // path.resize() to this leads back to the parent
  std::vector<std::string> names;
  std::size_t next = 0;
};

struct stat StatAt(int directory, const std::string& name, const std::string& path) {
  struct stat st;
  if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) Die("stat " + path);
  return st;
}

int OpenDirectory(int directory, const char* name, const std::string& path) {
  const int fd = ::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) Die("open " + path);
  return fd;
}

}  // namespace

void Die(const std::string& what) {
  const int error = errno;
  std::fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what.c_str(),
               std::strerror(error));
  std::exit(1);
}

void Walk(const char* top, const std::function<void(const Visit&)>& visit,
          const std::function<void(const Visit&)>& leave) {
  int directory = ::open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) Die(std::string("open ") + top);
  const std::string dot = ".";
  const struct stat top_stat = StatAt(directory, dot, top);
  visit({directory, dot, dot, top_stat});

  std::string path;
  std::vector<Level> levels;
  levels.push_back({dot, top_stat, 0, SortedNames(directory, top)});
  for (;;) {
    Level& level = levels.back();
    if (level.next == level.names.size()) {
      const Level done = std::move(levels.back());
      levels.pop_back();
      if (levels.empty()) {
        if (leave) leave({directory, dot, dot, done.st});
        break;
      }
      const int parent = OpenDirectory(directory, "..", path);
      ::close(std::exchange(directory, parent));
      if (leave) leave({directory, done.name, path, done.st});
      path.resize(done.parent_path_size);
      continue;
    }
    const std::string& name = level.names[level.next++];
    const std::size_t parent_path_size = path.size();
    if (!path.empty()) path += '/';
    path += name;
    const struct stat st = StatAt(directory, name, path);
    visit({directory, name, path, st});
    if (!S_ISDIR(st.st_mode)) {
      path.resize(parent_path_size);
      continue;
    }
    const int child = OpenDirectory(directory, name.c_str(), path);
    ::close(std::exchange(directory, child));
    levels.push_back({name, st, parent_path_size, SortedNames(directory, path)});
  }
  ::close(directory);
}

}  // namespace amberfs::tools
