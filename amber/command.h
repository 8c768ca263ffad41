// The subcommands of the `amber` program.
//
// Each is a function from arguments to an exit status: it parses the arguments, calls the libraries
// below, and prints. `args` is what follows the subcommand; `name` is what the program was called
// ("amber mkfs", "mkfs.amber"), for messages and --help. They may throw nothing.
#ifndef AMBERFS_AMBER_COMMAND_H_
#define AMBERFS_AMBER_COMMAND_H_

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace amberfs {

using Arguments = std::vector<std::string>;

int RunMkfs(const Arguments& args, const std::string& name);
int RunFsck(const Arguments& args, const std::string& name);
int RunMount(const Arguments& args, const std::string& name);
int RunUmount(const Arguments& args, const std::string& name);

// Adds --version, and parses `args` into `app`. Returns the status to exit with at once, if any: 0
// after --help or --version, `usage_status` after arguments that make no sense, which standard
// error tells.
std::optional<int> ParseArguments(CLI::App& app, const Arguments& args, const std::string& name,
                                  int usage_status);

}  // namespace amberfs

#endif  // AMBERFS_AMBER_COMMAND_H_
