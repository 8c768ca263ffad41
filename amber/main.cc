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
    {"info", nullptr, RunInfo, "show what an image says about itself, and who vouches for it"},
    {"ls", nullptr, RunLs, "list what an image holds"},
    {"cat", nullptr, RunCat, "print files of an image"},
    {"stat", nullptr, RunStat, "show everything about a file of an image"},
    {"map", nullptr, RunMap, "show where files lie in an image"},
    {"extract", nullptr, RunExtract, "copy what an image holds into a directory"},
    {"verity", nullptr, RunVerity, "seal, sign and verify an image"},
};
constexpr int kUsageStatus = 1;
constexpr int kFailedStatus = 1;

std::string Help() {
  std::string text = "Usage: amber COMMAND [OPTION]...\n\nImmutable EROFS images.\n\nCommands:\n";
  for (const Command& command : kCommands)
    text += fmt::format("  {:<8} {}\n", command.name, command.help);
  return text + "\n'amber COMMAND --help' tells more; 'amber --version' prints the version.\n";
}

int Run(std::string_view program, Arguments args) {
  program.remove_prefix(std::min(program.size(), program.rfind('/') + 1));
  for (const Command& command : kCommands)
    if (command.link != nullptr && program == command.link)
      return command.run(args, std::string(program));
  if (program == "amberfs") return RunMount(args, "amberfs");

  const std::string first = args.empty() ? "" : args.front();
  if (first == "--help" || first == "-h") return PrintOutput(Help(), "amber") ? 0 : kFailedStatus;
  if (first == "--version")
    return PrintOutput("amberfs " AMBERFS_VERSION "\n", "amber") ? 0 : kFailedStatus;
  for (const Command& command : kCommands) {
    if (first != command.name) continue;
    args.erase(args.begin());
    return command.run(args, std::string("amber ") + command.name);
  }
  if (!first.empty()) PrintError("amber: there is no command '{}'\n", first);
  PrintError("{}", Help());
  return kUsageStatus;
}

}  // namespace
}  // namespace amberfs

int main(int argc, char** argv) {
  return amberfs::Run(argc > 0 ? argv[0] : "amber", {argv + std::min(argc, 1), argv + argc});
}
