#include "extract/maker.h"

#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "image/file_reader.h"

namespace amberfs {
namespace {

// A name for something that is not complete, which goes if it never becomes so.
class Temporary {
 public:
  Temporary(const SafeDir& directory, std::string name)
      : directory_(directory), name_(std::move(name)) {}
  ~Temporary() {
    if (!published_) directory_.Remove(name_);
  }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  const std::string& name() const { return name_; }
  Result<void> Publish(const std::string& name, Existing existing) {
    AMBERFS_TRY_VOID(directory_.Publish(name_, name, existing));
    published_ = true;
    return {};
  }

 private:
  const SafeDir& directory_;
  const std::string name_;
  bool published_ = false;
};

mode_t FormatOf(FileType type) {
  switch (type) {
    case FileType::kCharDevice:
      return S_IFCHR;
    case FileType::kBlockDevice:
      return S_IFBLK;
    case FileType::kFifo:
      return S_IFIFO;
    default:
      return S_IFSOCK;
  }
}

}  // namespace

Maker::Maker(const Image& image, const ExtractOptions& options, Ledger& ledger)
    : image_(image), options_(options), ledger_(ledger) {
  // The names must differ from others', and need not be secret: who knows one gains nothing.
  if (::getrandom(&random_, sizeof random_, 0) != static_cast<ssize_t>(sizeof random_))
    random_ = static_cast<std::uint64_t>(::getpid());
}

std::string Maker::TemporaryName() {
  return fmt::format(".amber-extract.{:016x}.{}", random_, temporaries_++);
}

std::optional<FileId> Maker::Make(const Place& place, const Inode& inode, CopyBuffer& buffer) {
  if (ledger_.Ended()) return std::nullopt;
  const auto attributes = ReadAttributes(image_, inode, options_.attributes);
  if (!attributes) {
    ledger_.Report(place.path(), attributes.error());
    return std::nullopt;
  }
  const auto cannot = [&](std::string_view what, const Error& error) {
    ledger_.Report(place.path(), what, error);
    return std::nullopt;
  };
  const std::uint64_t target_bytes =
      inode.type() == FileType::kSymlink ? std::min<std::uint64_t>(inode.size(), PATH_MAX) : 0;
  if (!ledger_.MayWrite(attributes->bytes() + target_bytes)) return std::nullopt;

  Temporary temporary(*place.directory, TemporaryName());
  auto fd = MakeEmpty(*place.directory, temporary.name(), inode);
  if (!fd) return cannot("be made", fd.error());
  const auto id = IdOf(fd->get());
  if (!id) return cannot("be made", id.error());
  if (inode.type() == FileType::kRegular && !Fill(place, inode, fd->get(), buffer))
    return std::nullopt;
  if (!Apply(*attributes, fd->get(), place.path())) return std::nullopt;
  // Where writing is put off, as by NFS, it may fail now.
  if (::close(fd->release()) != 0) return cannot("be written", IoError(errno).error());
  if (const auto published = temporary.Publish(place.name, options_.existing); !published)
    return cannot("be made", published.error());
  return *id;
}

Result<UniqueFd> Maker::MakeEmpty(const SafeDir& directory, const std::string& name,
                                  const Inode& inode) {
  if (inode.type() == FileType::kRegular) return directory.MakeFile(name);
  if (inode.type() == FileType::kSymlink) {
    AMBERFS_TRY(const std::string target, ReadSymlink(image_, inode));
    return directory.MakeSymlink(name, target);
  }
  return directory.MakeNode(name, FormatOf(inode.type()),
                            makedev(inode.device_major(), inode.device_minor()));
}

bool Maker::Fill(const Place& place, const Inode& inode, int fd, CopyBuffer& buffer) {
  const auto holes = CopyFile(image_, inode, fd, buffer, [&](std::uint64_t bytes) {
    if (!ledger_.MayWrite(bytes)) return false;
    ledger_.Add(&ExtractSummary::data_bytes, bytes);
    return true;
  });
  if (holes) {
    if (*holes > 0) ledger_.Add(&ExtractSummary::hole_bytes, *holes);
    return true;
  }
  switch (holes.error().step) {
    case CopyStep::kReading:
      ledger_.Report(place.path(), holes.error().error);
      break;
    case CopyStep::kWriting:
      ledger_.Report(place.path(), "be written", holes.error().error);
      break;
    case CopyStep::kStopped:
      break;
  }
  return false;
}

Result<void> Maker::Link(const Place& place, const SafeDir& from, const std::string& name,
                         FileId id) {
  Temporary temporary(*place.directory, TemporaryName());
  AMBERFS_TRY_VOID(place.directory->MakeLink(temporary.name(), from, name, id));
  return temporary.Publish(place.name, options_.existing);
}

bool Maker::Apply(const Attributes& attributes, int fd, const std::string& path) {
  return ApplyAttributes(attributes, fd, [&](const std::string& what, const Error& error) {
    ledger_.Report(path, "have " + what, error);
  });
}

}  // namespace amberfs
