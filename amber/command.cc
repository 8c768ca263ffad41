#include "amber/command.h"

#include <cerrno>
#include <cstring>

namespace amberfs {

std::optional<int> ParseArguments(CLI::App& app, const Arguments& args, const std::string& name,
                                  int usage_status) {
  app.name(name);
  app.set_version_flag("--version", std::string("amberfs ") + AMBERFS_VERSION);
  try {
    app.parse(Arguments(args.rbegin(), args.rend()));  // CLI11 takes them last first
  } catch (const CLI::Success& success) {
    return app.exit(success);  // prints the help or the version
  } catch (const CLI::ParseError& error) {
    PrintError("{}: {}\nTry '{} --help'.\n", name, error.what(), name);
    return usage_status;
  }
  return std::nullopt;
}

bool PrintOutput(const std::string& text, const std::string& name) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0)
    return true;
  PrintError("{}: standard output: {}\n", name, std::strerror(errno));
  return false;
}

}  // namespace amberfs
