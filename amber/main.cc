// amber: one program, whose subcommands are also its names.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iterator>
#include <string>
#include <string_view>

#include "amber/command.h"

namespace amberfs {
namespace {

struct Command {
  const char* name;
  const char* link;  // the name under which it is installed as well
  int (*run)(const Arguments&, const std::string&);
  const char* help;
};

constexpr Command kCommands[] = {
    {"mkfs", "mkfs.amber", RunMkfs, "make an image from a directory"},
    {"fsck", "fsck.amber", RunFsck, "check an image"},
    {"mount", "mount.amber", RunMount, "mount an image, as any user"},
    {"umount", nullptr, RunUmount, "unmount it"},
};
constexpr int kUsageStatus = 1;

void PrintHelp(std::FILE* out) {
  fmt::print(out, "Usage: amber COMMAND [OPTION]...\n\nImmutable EROFS images.\n\nCommands:\n");
  for (const Command& command : kCommands)
    fmt::print(out, "  {:<8} {}\n", command.name, command.help);
  fmt::print(out, "\n'amber COMMAND --help' tells more; 'amber --version' prints the version.\n");
}

int Run(std::string_view program, Arguments args) {
  program.remove_prefix(std::min(program.size(), program.rfind('/') + 1));
  for (const Command& command : kCommands)
    if (command.link != nullptr && program == command.link)
      return command.run(args, std::string(program));
  if (program == "amberfs") return RunMount(args, "amberfs");

  const std::string first = args.empty() ? "" : args.front();
  if (first == "--help" || first == "-h") return PrintHelp(stdout), 0;
  if (first == "--version") return fmt::print("amberfs {}\n", AMBERFS_VERSION), 0;
  for (const Command& command : kCommands) {
    if (first != command.name) continue;
    args.erase(args.begin());
    return command.run(args, std::string("amber ") + command.name);
  }
  if (!first.empty()) fmt::print(stderr, "amber: there is no command '{}'\n", first);
  PrintHelp(stderr);
  return kUsageStatus;
}

}  // namespace
}  // namespace amberfs

int main(int argc, char** argv) {
  return amberfs::Run(argc > 0 ? argv[0] : "amber", {argv + std::min(argc, 1), argv + argc});
}
