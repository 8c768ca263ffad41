// What the commands that look into an image have in common: how it is named, opened and complained
// about.
#ifndef AMBERFS_AMBER_IMAGE_ARGUMENTS_H_
#define AMBERFS_AMBER_IMAGE_ARGUMENTS_H_

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amber/verity_options.h"
#include "base/error.h"
#include "image/image.h"

namespace amberfs {

// Exit statuses of these commands, besides 0.
inline constexpr int kPartFailed = 1;  // something could not be read; the rest was done
inline constexpr int kBadUsage = 2;    // the command line makes no sense

struct ImageArguments {
  std::string image;
  std::vector<std::string> devices;
  std::uint64_t offset = 0;
  VerityArguments verity;
};

// Adds IMAGE, --device, --offset and what has the image verified to `app`.
void AddImageOptions(CLI::App& app, ImageArguments& args);

struct OpenedImage {
  Image image;
  VerifiedImage files;  // what stands below it, and how far that is trusted
};
// The image; or nothing, and a line on standard error. `name` is the command's.
std::optional<OpenedImage> OpenVerifiedImage(const ImageArguments& args, const std::string& name);
std::optional<Image> OpenImage(const ImageArguments& args, const std::string& name);

// Prints "NAME: IMAGE: PATH: why" to standard error. `path` may be hostile.
void PrintPathError(const ImageArguments& args, const std::string& name, std::string_view path,
                    std::string_view why);
void PrintPathError(const ImageArguments& args, const std::string& name, std::string_view path,
                    const Error& error);

}  // namespace amberfs

#endif  // AMBERFS_AMBER_IMAGE_ARGUMENTS_H_
