#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "amber/command.h"
#include "base/fd.h"
#include "base/text.h"

namespace amberfs {
namespace {

namespace fs = std::filesystem;

constexpr int kUsageStatus = 1;
constexpr int kFailedStatus = 32;
constexpr std::size_t kHoldersShown = 5;

// The absolute path of a mount point. Only its parent is looked at: the mount itself may not answer
// any more.
std::string MountPointPath(const std::string& typed) {
  std::error_code error;
  fs::path path = fs::absolute(typed, error).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "dir/"
  const fs::path parent = fs::canonical(path.parent_path(), error);
  if (error) return path;
  fs::path place = parent / path.filename();
  // The name may be a link to the mount point; a mount point is none.
  if (fs::is_symlink(fs::symlink_status(place, error))) {
    if (fs::path target = fs::canonical(place, error); !error) place = target;
  }
  return place;
}

// Undoes the octal escapes of /proc/self/mountinfo.
std::string Unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      out.push_back(static_cast<char>((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 |
                                      (text[i + 3] - '0')));
      i += 3;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

// The type of the file system that is mounted last on `path`; empty if none is.
std::string MountedType(const std::string& path) {
  std::ifstream in("/proc/self/mountinfo");
  std::string type;
  for (std::string line; std::getline(in, line);) {
    // id parent major:minor subtree mount-point options [tags...] - type source options
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i) fields >> field;
    if (Unescaped(field) != path) continue;
    while (fields >> field && field != "-") {
    }
    fields >> type;
  }
  return type;
}

std::string LinkTarget(const fs::path& link) {
  std::error_code error;
  return fs::read_symlink(link, error);
}

// Whether `process`, a directory of /proc, has something beneath `directory` open. It looks at
// names only, for a file system that hangs would hang whoever asks it.
bool Holds(const fs::path& process, const std::string& directory) {
  const auto is_beneath = [&](std::string_view path) {
    return path.starts_with(directory) &&
           (path.size() == directory.size() || path[directory.size()] == '/');
  };
  for (const char* link : {"cwd", "root", "exe"})
    if (is_beneath(LinkTarget(process / link))) return true;
  std::error_code error;
  for (fs::directory_iterator fds(process / "fd", error), end; !error && fds != end;
       fds.increment(error))
    if (is_beneath(LinkTarget(fds->path()))) return true;
  std::ifstream maps(process / "maps");
  for (std::string line; std::getline(maps, line);)
    if (const auto path = line.find('/'); path != line.npos && is_beneath(line.substr(path)))
      return true;
  return false;
}

// "PID (NAME)" of the first processes that hold something beneath `directory`, as far as this user
// may see.
std::vector<std::string> Holders(const std::string& directory) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator processes("/proc", error), end; !error && processes != end;
       processes.increment(error)) {
    const std::string pid = processes->path().filename();
    if (pid.find_first_not_of("0123456789") != pid.npos) continue;
    if (!Holds(processes->path(), directory)) continue;
    std::string name;
    std::getline(std::ifstream(processes->path() / "comm"), name);
    out.push_back(fmt::format("{} ({})", pid, Printable(name)));
    if (out.size() == kHoldersShown) break;
  }
  return out;
}

// Runs fusermount3, which may unmount what its caller mounted. Returns whether it did, and in
// `message` what it said.
bool CallFusermount(const std::string& directory, bool lazy, std::string& message) {
  int pipe_fds[2];
  if (::pipe2(pipe_fds, O_CLOEXEC) != 0) return false;
  const UniqueFd reader(pipe_fds[0]);
  UniqueFd writer(pipe_fds[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, writer.get(), STDERR_FILENO);
  std::vector<std::string> words = {"fusermount3", "-u", "--", directory};
  if (lazy) words.insert(words.begin() + 2, "-z");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, "fusermount3", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  writer.reset();
  if (error != 0) {
    message = fmt::format("fusermount3: {}", std::strerror(error));
    return false;
  }
  char buffer[1024];
  for (ssize_t got = 0; (got = ::read(reader.get(), buffer, sizeof buffer)) != 0;) {
    if (got < 0 && errno != EINTR) break;
    if (got > 0) message.append(buffer, static_cast<std::size_t>(got));
  }
  message = message.substr(0, message.find('\n'));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int Unmount(const std::string& typed, bool lazy, const std::string& name) {
  const std::string directory = MountPointPath(typed);
  const std::string type = MountedType(directory);
  if (type != "fuse.amberfs") {
    PrintError("{}: {}: {}\n", name, Printable(typed),
               type.empty() ? "nothing is mounted here"
                            : fmt::format("this is a mount of {}, not of amberfs", type));
    return kFailedStatus;
  }
  if (::umount2(directory.c_str(), UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0) return 0;
  std::string why = std::strerror(errno);
  if (errno == EPERM && ::geteuid() != 0) {
    std::string message;
    if (CallFusermount(directory, lazy, message)) return 0;
    if (!message.empty()) why = message;
  }
  const std::vector<std::string> holders = Holders(directory);
  if (!holders.empty()) why = fmt::format("busy, in use by {}", fmt::join(holders, ", "));
  PrintError("{}: {}: {}\n", name, Printable(typed), why);
  return kFailedStatus;
}

}  // namespace

int RunUmount(const Arguments& args, const std::string& name) {
  std::vector<std::string> directories;
  bool lazy = false;
  CLI::App app("Unmount what 'amber mount' mounted.");
  app.add_option("DIR", directories, "where it is mounted")->required();
  app.add_flag("-l,--lazy", lazy, "unmount now, and let who uses it finish");
  if (const auto status = ParseArguments(app, args, name, kUsageStatus)) return *status;

  int status = 0;
  for (const std::string& directory : directories)
    if (const int failed = Unmount(directory, lazy, name); failed != 0) status = failed;
  return status;
}

}  // namespace amberfs
