// The subcommands of `amber verity`, and what they share.
#ifndef AMBERFS_AMBER_VERITY_COMMAND_H_
#define AMBERFS_AMBER_VERITY_COMMAND_H_

#include <string>

#include "amber/command.h"
#include "amber/verity_options.h"

namespace amberfs {

// Exit statuses.
inline constexpr int kVerityProven = 0;
inline constexpr int kVerityDiffers = 1;  // bytes are not those that were hashed
inline constexpr int kVerityUsage = 2;
inline constexpr int kVerityUntrusted = 3;  // well formed, but nobody trusted vouches for it
inline constexpr int kVerityMalformed = 4;  // the seal is broken, or missing though required
inline constexpr int kVerityIo = 5;

int RunVerityDigest(const Arguments& args, const std::string& name);
int RunVerityBuild(const Arguments& args, const std::string& name);
int RunVeritySign(const Arguments& args, const std::string& name);
int RunVerityVerify(const Arguments& args, const std::string& name);
int RunVerityShow(const Arguments& args, const std::string& name);

// Prints why and returns the status.
int VerityFailure(const std::string& name, const std::string& why, int status);
int VerityFailure(const std::string& name, const OpenFailure& failure);
int VerityStatusOf(const Error& error);

unsigned HashingThreads();

}  // namespace amberfs

#endif  // AMBERFS_AMBER_VERITY_COMMAND_H_
