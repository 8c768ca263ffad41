// amber cat: what files of an image hold, to standard output.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "amber/command.h"
#include "amber/image_arguments.h"
#include "image/file_reader.h"
#include "image/path.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kBufferBytes = std::uint64_t{1} << 20;

// False, with errno set, if standard output takes no more.
bool WriteAll(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return true;
}

class Cat {
 public:
  Cat(const Image& image, const ImageArguments& args, const std::string& name)
      : image_(image), args_(args), name_(name), buffer_(kBufferBytes) {}

  // False once there is no point in going on.
  bool Print(const std::string& path) {
    const auto found = ResolvePath(image_, path, LastLink::kFollow);
    if (!found) return Complain(path, Describe(found.error()));
    if (found->inode.is_directory()) return Complain(path, std::strerror(EISDIR));
    if (found->inode.type() != FileType::kRegular) return Complain(path, "not a regular file");
    FileReader reader(image_, found->inode);
    for (std::uint64_t pos = 0; pos < found->inode.size();) {
      const auto got = reader.Read(pos, buffer_);
      if (!got) return Complain(path, Describe(got.error()));
      if (!WriteAll(std::span(buffer_).first(*got))) {
        PrintError("{}: standard output: {}\n", name_, std::strerror(errno));
        status_ = kPartFailed;
        return false;
      }
      pos += *got;
    }
    return true;
  }

  int status() const { return status_; }

 private:
  bool Complain(const std::string& path, std::string_view why) {
    PrintPathError(args_, name_, path, why);
    status_ = kPartFailed;
    return true;
  }

  const Image& image_;
  const ImageArguments& args_;
  const std::string& name_;
  std::vector<std::byte> buffer_;
  int status_ = 0;
};

}  // namespace

int RunCat(const Arguments& arguments, const std::string& name) {
  ImageArguments args;
  std::vector<std::string> paths;
  CLI::App app("Print files of an image.");
  AddImageOptions(app, args);
  app.add_option("PATH", paths, "A file in the image")->required();
  if (const auto status = ParseArguments(app, arguments, name, kBadUsage)) return *status;

  const auto image = OpenImage(args, name);
  if (!image) return kPartFailed;
  Cat cat(*image, args, name);
  for (const std::string& path : paths)
    if (!cat.Print(path)) break;
  return cat.status();
}

}  // namespace amberfs
