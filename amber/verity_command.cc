// amber verity: makes, signs, checks and shows what proves an image.
#include "amber/verity_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "amber/command.h"
#include "base/text.h"

namespace amberfs {
namespace {

struct Subcommand {
  const char* name;
  int (*run)(const Arguments&, const std::string&);
  const char* help;
};

constexpr Subcommand kSubcommands[] = {
    {"digest", RunVerityDigest, "print the digest of a file, as fsverity digest does"},
    {"build", RunVerityBuild, "make the seal or the hash tree of an image"},
    {"sign", RunVeritySign, "sign a sealed image"},
    {"verify", RunVerityVerify, "check all bytes of an image"},
    {"show", RunVerityShow, "print what a seal says"},
};

std::string Help() {
  std::string text =
      "Usage: amber verity COMMAND [OPTION]... IMAGE\n\nDigests, seals and "
      "signatures.\n\nCommands:\n";
  for (const Subcommand& command : kSubcommands)
    text += fmt::format("  {:<8} {}\n", command.name, command.help);
  return text + "\n'amber verity COMMAND --help' tells more.\n";
}

}  // namespace

int RunVerity(const Arguments& args, const std::string& name) {
  const std::string first = args.empty() ? "" : args.front();
  if (first == "--help" || first == "-h")
    return PrintOutput(Help(), name) ? kVerityProven : kVerityIo;
  for (const Subcommand& command : kSubcommands)
    if (first == command.name)
      return command.run(Arguments(args.begin() + 1, args.end()), name + " " + first);
  if (!first.empty()) PrintError("{}: there is no command '{}'\n", name, Printable(first));
  PrintError("{}", Help());
  return kVerityUsage;
}

int VerityFailure(const std::string& name, const std::string& why, int status) {
  PrintError("{}: {}\n", name, why);
  return status;
}

int VerityFailure(const std::string& name, const OpenFailure& failure) {
  return VerityFailure(name, fmt::format("{}: {}", Printable(failure.path), failure.why),
                       failure.error ? VerityStatusOf(*failure.error) : kVerityUsage);
}

int VerityStatusOf(const Error& error) {
  switch (error.rule) {
    case Rule::kNone:
      return error.code == Errc::kIo ? kVerityIo : kVerityUsage;
    case Rule::kVer1:
    case Rule::kVer2:
    case Rule::kVer3:
      return kVerityDiffers;
    case Rule::kTrust6:
      return kVerityMalformed;
    default:
      return KindOf(error.rule) == RuleKind::Untrusted ? kVerityUntrusted : kVerityMalformed;
  }
}

unsigned HashingThreads() { return std::clamp(std::thread::hardware_concurrency(), 1U, 64U); }

}  // namespace amberfs
