// The subcommands of the `amber` program.
//
// Each is a function from arguments to an exit status: it parses the arguments, calls the libraries
// below, and prints. `args` is what follows the subcommand; `name` is what the program was called
// ("amber mkfs", "mkfs.amber"), for messages and --help. They may throw nothing.
#ifndef AMBERFS_AMBER_COMMAND_H_
#define AMBERFS_AMBER_COMMAND_H_

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace amberfs {

using Arguments = std::vector<std::string>;

int RunMkfs(const Arguments& args, const std::string& name);
int RunFsck(const Arguments& args, const std::string& name);
int RunMount(const Arguments& args, const std::string& name);
int RunUmount(const Arguments& args, const std::string& name);
int RunCat(const Arguments& args, const std::string& name);
int RunLs(const Arguments& args, const std::string& name);
int RunInfo(const Arguments& args, const std::string& name);
int RunStat(const Arguments& args, const std::string& name);
int RunMap(const Arguments& args, const std::string& name);
int RunExtract(const Arguments& args, const std::string& name);
int RunVerity(const Arguments& args, const std::string& name);

// Adds --version, and parses `args` into `app`. Returns the status to exit with at once, if any: 0
// after --help or --version, `usage_status` after arguments that make no sense, which standard
// error tells.
std::optional<int> ParseArguments(CLI::App& app, const Arguments& args, const std::string& name,
                                  int usage_status);

// Prints to standard error. Not fmt::print(), which throws if nobody can read it.
template <typename... Args>
void PrintError(fmt::format_string<Args...> format, Args&&... args) {
  std::fputs(fmt::format(format, std::forward<Args>(args)...).c_str(), stderr);
}

// Prints all of `text` to standard output; false, and a line on standard error, if that fails.
bool PrintOutput(const std::string& text, const std::string& name);

}  // namespace amberfs

#endif  // AMBERFS_AMBER_COMMAND_H_
