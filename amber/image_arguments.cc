#include "amber/image_arguments.h"

#include <utility>

#include "amber/command.h"
#include "amber/size.h"
#include "base/text.h"
#include "io/byte_source.h"

namespace amberfs {
namespace {

SourcePtr OpenSource(const std::string& file, std::uint64_t start, const std::string& name) {
  auto source = FileSource::Open(file, start);
  if (source) return *source;
  PrintError("{}: {}: {}\n", name, Printable(file), Describe(source.error()));
  return nullptr;
}

}  // namespace

void AddImageOptions(CLI::App& app, ImageArguments& args) {
  app.add_option("IMAGE", args.image, "An EROFS image: a file or a block device")->required();
  app.add_option("--device", args.devices, "An extra device of the image, in the image's order")
      ->type_name("FILE")
      ->allow_extra_args(false);
  AddSizeOption(app, "--offset", args.offset, "Where the image starts in IMAGE, in bytes", "N");
}

std::optional<Image> OpenImage(const ImageArguments& args, const std::string& name) {
  SourcePtr primary = OpenSource(args.image, args.offset, name);
  if (primary == nullptr) return std::nullopt;
  std::vector<SourcePtr> extra;
  for (const std::string& device : args.devices) {
    extra.push_back(OpenSource(device, 0, name));
    if (extra.back() == nullptr) return std::nullopt;
  }
  auto image = Image::Open(std::move(primary), std::move(extra));
  if (image) return *std::move(image);
  PrintError("{}: {}: {}\n", name, Printable(args.image), Describe(image.error()));
  return std::nullopt;
}

void PrintPathError(const ImageArguments& args, const std::string& name, std::string_view path,
                    std::string_view why) {
  PrintError("{}: {}: {}: {}\n", name, Printable(args.image), Printable(path), why);
}

void PrintPathError(const ImageArguments& args, const std::string& name, std::string_view path,
                    const Error& error) {
  PrintPathError(args, name, path, Describe(error));
}

}  // namespace amberfs
