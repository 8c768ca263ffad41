#include "amber/image_arguments.h"

#include <utility>

#include "amber/command.h"
#include "amber/size.h"
#include "base/text.h"

namespace amberfs {

void AddImageOptions(CLI::App& app, ImageArguments& args) {
  app.add_option("IMAGE", args.image, "An EROFS image: a file or a block device")->required();
  app.add_option("--device", args.devices, "An extra device of the image, in the image's order")
      ->type_name("FILE")
      ->allow_extra_args(false);
  AddSizeOption(app, "--offset", args.offset, "Where the image starts in IMAGE, in bytes", "N");
  DefineVerityOptions(app, args.verity);
}

std::optional<OpenedImage> OpenVerifiedImage(const ImageArguments& args, const std::string& name) {
  auto files = OpenImageFiles(args.image, args.offset, args.devices, args.verity);
  if (!files) {
    PrintError("{}: {}: {}\n", name, Printable(files.error().path), files.error().why);
    return std::nullopt;
  }
  auto image = Image::Open(files->image.source, std::move(files->devices));
  if (image) return OpenedImage{*std::move(image), std::move(files->image)};
  PrintError("{}: {}: {}\n", name, Printable(args.image), Describe(image.error()));
  return std::nullopt;
}

std::optional<Image> OpenImage(const ImageArguments& args, const std::string& name) {
  auto opened = OpenVerifiedImage(args, name);
  if (!opened) return std::nullopt;
  return std::move(opened->image);
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
