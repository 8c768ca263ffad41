#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "amber/command.h"
#include "amber/size.h"
#include "amber/verity_options.h"
#include "base/fd.h"
#include "base/text.h"
#include "fsck/checker.h"
#include "fuse/session.h"
#include "image/image.h"
#include "io/byte_source.h"

namespace amberfs {
namespace {

// As mount(8).
constexpr int kUsageStatus = 1;
constexpr int kFailedStatus = 32;

struct MountRequest {
  std::string image;
  std::string directory;
  std::vector<std::string> devices;
  std::uint64_t offset = 0;
  Limits limits;
  VerityArguments verity;
  std::string on_corruption = "eio";
  std::string check;
  std::vector<std::string> fuse_options;
  bool foreground = false;
  bool debug = false;
  bool fake = false;
};

// Options that say something to fstab's readers, or nothing new about an image.
bool IsIgnored(std::string_view option) {
  constexpr std::array<std::string_view, 14> kIgnored = {
      // mount(8) adds rw unless told otherwise; an image is read-only all the same.
      "ro",    "rw",     "defaults", "auto",    "noauto", "nofail",  "user",
      "users", "nouser", "owner",    "noowner", "group",  "nogroup", "_netdev"};
  return option.empty() || option.starts_with("x-") || option.starts_with("X-") ||
         option.starts_with("comment=") ||
         std::find(kIgnored.begin(), kIgnored.end(), option) != kIgnored.end();
}

// Sorts what stood behind -o into ours and libfuse's. The option that is no size where it should
// be, if there is one.
std::optional<std::string> TakeOptions(const std::string& list, MountRequest& request) {
  const auto take_size = [](std::string_view option, std::string_view name, std::uint64_t& value) {
    const auto size = ParseSize(option.substr(name.size()));
    if (size) value = *size;
    return size.has_value();
  };
  for (std::size_t start = 0; start <= list.size();) {
    const std::size_t comma = std::min(list.find(',', start), list.size());
    const std::string option = list.substr(start, comma - start);
    start = comma + 1;
    if (IsIgnored(option)) continue;
    if (option.starts_with("device=")) {
      request.devices.push_back(option.substr(std::strlen("device=")));
    } else if (option.starts_with("offset=")) {
      if (!take_size(option, "offset=", request.offset)) return option;
    } else if (option.starts_with("cache=")) {
      if (!take_size(option, "cache=", request.limits.cache_bytes)) return option;
    } else if (option.starts_with("on-corruption=")) {
      request.on_corruption = option.substr(std::strlen("on-corruption="));
    } else if (option.starts_with("check=")) {
      request.check = option.substr(std::strlen("check="));
    } else if (TakeVerityOption(option, request.verity)) {
      continue;
    } else {
      request.fuse_options.push_back(option);
    }
  }
  return std::nullopt;
}

// What decoded data may take unless --cache says something else: a part of the memory there is, for
// as long as it is used.
std::uint64_t DefaultCacheBytes() {
  constexpr std::uint64_t kPart = 32;
  constexpr std::uint64_t kLeast = std::uint64_t{64} << 20;
  constexpr std::uint64_t kMost = std::uint64_t{512} << 20;
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page_bytes <= 0) return kLeast;
  return std::clamp(
      static_cast<std::uint64_t>(pages) / kPart * static_cast<std::uint64_t>(page_bytes), kLeast,
      kMost);
}

// The absolute path of `path`, or nothing with errno set.
std::optional<std::string> Absolute(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return std::nullopt;
  std::string out(resolved);
  std::free(resolved);
  return out;
}

bool IsInPath(const std::string& program) {
  const char* variable = std::getenv("PATH");
  // libfuse looks where it was installed first.
  const std::string path = std::string("/usr/bin:/bin:") + (variable != nullptr ? variable : "");
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t colon = std::min(path.find(':', start), path.size());
    if (::access((path.substr(start, colon - start) + "/" + program).c_str(), X_OK) == 0)
      return true;
    start = colon + 1;
  }
  return false;
}

// Why a mount cannot work here, in words that say what to do; empty if nothing speaks against it.
std::string Obstacle() {
  const UniqueFd device(::open("/dev/fuse", O_RDWR | O_CLOEXEC));
  if (!device) {
    switch (errno) {
      case EACCES:
      case EPERM:
        return "/dev/fuse: not permitted to this user; as root: chmod 0666 /dev/fuse (in a "
               "container also: start it with --device /dev/fuse)";
      case ENOENT:
      case ENODEV:
      case ENXIO:
        return "/dev/fuse: missing; as root: modprobe fuse (in a container: start it with "
               "--device /dev/fuse)";
      default:
        return fmt::format("/dev/fuse: {}", std::strerror(errno));
    }
  }
  if (::geteuid() != 0 && !IsInPath("fusermount3"))
    return "fusermount3 is missing, without which only root may mount: install the package fuse3, "
           "or run this in a user namespace (unshare -Urm)";
  return {};
}

int FailedAt(const std::string& name, const std::string& path, const std::string& why) {
  PrintError("{}: {}: {}\n", name, Printable(path), why);
  return kFailedStatus;
}

// Checks the very image that is going to be served. Why it is not fit for that; empty if it is.
std::string Unfit(const ImageFiles& files, CheckLevel level) {
  CheckOptions options;
  options.level = level;
  const Report report = CheckImage(files.image.source, files.devices, options);
  if (report.ExitStatus() == 0) return {};
  if (report.findings.empty()) return std::string(VerdictName(report.verdict()));
  std::string why = Describe(report.findings.front());  // the worst
  if (report.findings.size() > 1)
    why += fmt::format("; and {}, which amber fsck shows",
                       CountText(report.findings.size() - 1, "more finding", "more findings"));
  return why;
}

int Mount(const MountRequest& request, const std::string& name) {
  const auto files = OpenImageFiles(request.image, request.offset, request.devices, request.verity);
  if (!files) {
    FailedAt(name, files.error().path, files.error().why);
    return files.error().error ? kFailedStatus : kUsageStatus;
  }
  if (const auto level = CheckLevelFromName(request.check)) {
    if (const std::string why = Unfit(*files, *level); !why.empty())
      return FailedAt(name, request.image, why);
  }
  const auto image = Image::Open(files->image.source, files->devices, request.limits);
  if (!image) return FailedAt(name, request.image, Describe(image.error()));

  // Absolute, because the server leaves this directory when it goes to the background.
  const auto directory = Absolute(request.directory);
  struct stat st;
  if (!directory || ::stat(directory->c_str(), &st) != 0)
    return FailedAt(name, request.directory, std::strerror(errno));
  if (!S_ISDIR(st.st_mode)) return FailedAt(name, request.directory, std::strerror(ENOTDIR));
  if (const std::string why = Obstacle(); !why.empty()) {
    PrintError("{}: {}\n", name, why);
    return kFailedStatus;
  }
  if (request.fake) return 0;
  if (const std::string verity = VerityText(files->image); !verity.empty())
    PrintOutput(fmt::format("{}: {}: {}\n", name, Printable(request.image), verity), name);

  MountOptions options{.image_path = Absolute(request.image).value_or(request.image),
                       .mount_point = *directory,
                       .fuse_options = {"nosuid", "nodev"},
                       .foreground = request.foreground,
                       .debug = request.debug,
                       .stop_when_unverified = request.on_corruption == "stop"};
  // Later options win, so suid and dev can be asked for.
  options.fuse_options.insert(options.fuse_options.end(), request.fuse_options.begin(),
                              request.fuse_options.end());
  switch (MountAndServe(*image, options)) {
    case MountOutcome::kDone:
      return 0;
    case MountOutcome::kBadOption:
      return kUsageStatus;
    case MountOutcome::kMountFailed:
    case MountOutcome::kServeFailed:
      break;
    case MountOutcome::kUnverified:
      return FailedAt(name, request.image, "changed since it was sealed; the mount has ended");
  }
  return kFailedStatus;
}

}  // namespace

int RunMount(const Arguments& args, const std::string& name) {
  MountRequest request;
  request.limits.cache_bytes = DefaultCacheBytes();
  std::vector<std::string> lists;
  std::string offset;
  std::string cache;
  std::string ignored;
  bool ignored_flag = false;
  const bool is_helper = name == "mount.amber";

  CLI::App app("Mount an image, read-only, as any user.");
  app.add_option("IMAGE", request.image, "an EROFS image: a file or a block device")->required();
  app.add_option("DIR", request.directory, "an existing directory")->required();
  app.add_option("-o", lists, "options for mount and FUSE, comma separated: allow_other, ...")
      ->allow_extra_args(false);
  app.add_option("--device", request.devices, "an extra device, in the order of the image's table")
      ->allow_extra_args(false);
  app.add_option("--offset", offset, "where in IMAGE the image starts: 4096, 1M");
  app.add_option("--cache", cache,
                 "memory for what was decompressed (default: by the memory there is)");
  DefineVerityOptions(app, request.verity);
  app.add_option("--on-corruption", request.on_corruption,
                 "What bytes that are not the sealed ones do: eio (default) or stop")
      ->type_name("WHAT");
  app.add_option(
         "--check", request.check,
         "Check the image first, and do not mount what is not clean: quick, structure, data "
         "or strict, as fsck's options")
      ->type_name("LEVEL");
  // mount(8) gives its helpers -f for "fake".
  if (is_helper)
    app.add_flag("-f", request.fake, "do everything but mount");
  else
    app.add_flag("-f,--foreground", request.foreground, "stay in the foreground");
  app.add_flag("-d,--debug", request.debug, "print every request; implies -f");
  app.add_flag("-n,-s,-v,-r", ignored_flag, "accepted, as mount(8) passes them; no effect");
  app.add_option("-t", ignored, "the same, with a value");
  app.add_option("-N", ignored, "the same, with a value");
  if (const auto status = ParseArguments(app, args, name, kUsageStatus)) return *status;

  if (!offset.empty()) lists.push_back("offset=" + offset);
  if (!cache.empty()) lists.push_back("cache=" + cache);
  for (const std::string& list : lists) {
    if (const auto bad = TakeOptions(list, request)) {
      PrintError("{}: not a number of bytes: {}\n", name, Printable(*bad));
      return kUsageStatus;
    }
  }
  if (request.on_corruption != "eio" && request.on_corruption != "stop") {
    PrintError("{}: --on-corruption is eio or stop, not {}\n", name,
               Printable(request.on_corruption));
    return kUsageStatus;
  }
  if (!request.check.empty() && !CheckLevelFromName(request.check)) {
    PrintError("{}: --check is quick, structure, data or strict, not {}\n", name,
               Printable(request.check));
    return kUsageStatus;
  }
  return Mount(request, name);
}

}  // namespace amberfs
