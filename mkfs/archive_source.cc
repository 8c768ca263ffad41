#include "mkfs/archive_source.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <locale.h>
#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/fd.h"
#include "base/text.h"
#include "format/wire.h"
#include "mkfs/layer_tree.h"
#include "mkfs/path_filter.h"

namespace amberfs {
namespace {

constexpr std::size_t kReadBytes = std::size_t{1} << 20;
constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kWhiteoutMeta = ".wh..wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";

// libarchive takes names in pax headers for UTF-8, turns them into the characters of the locale,
// and brings those into a normal form. In this locale it cannot, and gives the bytes as they are.
class AsciiLocale {
 public:
  AsciiLocale()
      : locale_(::newlocale(LC_CTYPE_MASK, "C", nullptr)),
        old_(locale_ != nullptr ? ::uselocale(locale_) : nullptr) {}
  ~AsciiLocale() {
    if (locale_ == nullptr) return;
    ::uselocale(old_);
    ::freelocale(locale_);
  }
  AsciiLocale(const AsciiLocale&) = delete;
  AsciiLocale& operator=(const AsciiLocale&) = delete;

 private:
  const locale_t locale_;
  const locale_t old_;
};

struct FreeArchive {
  void operator()(archive* a) const { ::archive_read_free(a); }
};

class ArchiveReader {
 public:
  // Borrows all but the path. `must_be`: null if the archive may be anything.
  ArchiveReader(std::string path, const BuildOptions& options, ArchiveContents& contents,
                LayerTree& tree, const Layer* must_be)
      : path_(std::move(path)),
        options_(options),
        contents_(contents),
        tree_(tree),
        must_be_(must_be) {
    if (must_be != nullptr) hasher_.emplace(HashAlgorithm::kSha256);
  }

  // Adds one layer to the tree.
  BuildResult<void> Read();

 private:
  BuildResult<void> Open();
  static la_ssize_t ReadMore(archive* a, void* self, const void** bytes);
  bool Stopped() const { return options_.stop != nullptr && *options_.stop; }
  BuildResult<void> ExpectZeros();
  // Reads what is left behind the archive's end, and compares all with the digest.
  BuildResult<void> ExpectDigest();
  // The next member; null at the end.
  BuildResult<archive_entry*> Next();
  BuildResult<void> AddMember(archive_entry* entry);
  BuildResult<void> AddWhiteout(std::string_view directory, std::string_view name,
                                archive_entry* entry);
  BuildResult<NewFile> Describe(archive_entry* entry) const;
  BuildResult<void> AddAcl(archive_entry* entry, int type, const char* name, NewFile& file) const;
  BuildResult<void> ReadContent(NewFile& file);

  // "ARCHIVE: MEMBER: what".
  std::unexpected<BuildError> Failure(std::string_view what) const {
    if (member_.empty()) return BuildFailure(path_, what);
    return BuildFailure(path_, fmt::format("{}: {}", Printable(member_), what));
  }
  std::string_view error_text() const {
    const char* text = ::archive_error_string(archive_.get());
    return text != nullptr ? text : "unknown error";
  }
  std::unexpected<BuildError> ArchiveFailure() const {
    if (Stopped()) return std::unexpected(BuildError{"interrupted", true});
    return Failure(fmt::format("not a tar archive that can be read: {}", Printable(error_text())));
  }
  template <typename T>
  BuildResult<T> OfMember(BuildResult<T> result) const {
    if (result || result.error().cancelled) return result;
    return BuildFailure(path_, result.error().message);
  }

  const std::string path_;
  const BuildOptions& options_;
  ArchiveContents& contents_;
  LayerTree& tree_;
  const Layer* const must_be_;
  std::optional<StreamHasher> hasher_;
  std::uint64_t read_bytes_ = 0;
  UniqueFd fd_;
  std::uint64_t total_bytes_ = 0;  // of the archive, 0 if it is not known
  std::unique_ptr<archive, FreeArchive> archive_;
  std::vector<std::byte> buffer_ = std::vector<std::byte>(kReadBytes);
  std::string member_;  // that is being read
};

BuildResult<void> ArchiveReader::Open() {
  // A blob that is a fifo must not stop us.
  const int wait = must_be_ == nullptr ? 0 : O_NONBLOCK;
  fd_ = UniqueFd(path_ == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                              : ::open(path_.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC | wait));
  struct stat st;
  if (!fd_ || ::fstat(fd_.get(), &st) != 0) return SystemFailure(path_, "cannot open", errno);
  if (S_ISREG(st.st_mode))
    total_bytes_ = static_cast<std::uint64_t>(st.st_size);
  else if (must_be_ != nullptr)
    return BuildFailure(path_, "is no file");
  archive_.reset(::archive_read_new());
  archive* const a = archive_.get();
  if (a == nullptr) return BuildFailure(path_, "not enough memory");
  // None of them through another program.
  const bool ready = ::archive_read_support_filter_gzip(a) == ARCHIVE_OK &&
                     ::archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
                     ::archive_read_support_filter_xz(a) == ARCHIVE_OK &&
                     ::archive_read_support_filter_bzip2(a) == ARCHIVE_OK &&
                     ::archive_read_support_format_tar(a) == ARCHIVE_OK &&
                     ::archive_read_open(a, this, nullptr, ReadMore, nullptr) == ARCHIVE_OK;
  return ready ? BuildResult<void>() : ArchiveFailure();
}

la_ssize_t ArchiveReader::ReadMore(archive* a, void* self, const void** bytes) {
  auto& reader = *static_cast<ArchiveReader*>(self);
  // Whoever writes a pipe may think for long, and the user change his mind.
  constexpr int kPatienceMs = 200;
  pollfd waiting = {reader.fd_.get(), POLLIN, 0};
  while (!reader.Stopped()) {
    if (::poll(&waiting, 1, kPatienceMs) <= 0) continue;
    const ssize_t got = ::read(reader.fd_.get(), reader.buffer_.data(), reader.buffer_.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) ::archive_set_error(a, errno, "%s", std::strerror(errno));
    *bytes = reader.buffer_.data();
    if (got > 0 && reader.hasher_) {
      reader.hasher_->Add(ByteView(reader.buffer_).first(static_cast<std::size_t>(got)));
      reader.read_bytes_ += static_cast<std::uint64_t>(got);
    }
    return got;
  }
  ::archive_set_error(a, EINTR, "interrupted");
  return -1;
}

// Zeros end an archive, and so many files that are none begin with some.
BuildResult<void> ArchiveReader::ExpectZeros() {
  constexpr int kWithoutFilters = 1;
  if (::archive_filter_count(archive_.get()) > kWithoutFilters) return {};
  const void* bytes = nullptr;
  ByteView read = buffer_;
  do {
    if (!AllZero(read)) return Failure("not a tar archive that can be read: it begins with zeros");
    const la_ssize_t got = ReadMore(archive_.get(), this, &bytes);
    if (got < 0) return ArchiveFailure();
    read = ByteView(buffer_).first(static_cast<std::size_t>(got));
  } while (!read.empty());
  return {};
}

BuildResult<void> ArchiveReader::ExpectDigest() {
  member_.clear();
  const void* bytes = nullptr;
  la_ssize_t got = 0;
  while ((got = ReadMore(archive_.get(), this, &bytes)) > 0)
    if (read_bytes_ > must_be_->size) break;
  if (got < 0) return ArchiveFailure();
  if (read_bytes_ != must_be_->size || hasher_->Finish() != must_be_->sha256)
    return BuildFailure(path_, "is not what its digest says");
  return {};
}

BuildResult<archive_entry*> ArchiveReader::Next() {
  member_.clear();
  if (Stopped()) return std::unexpected(BuildError{"interrupted", true});
  if (options_.progress)
    options_.progress({"archive",
                       static_cast<std::uint64_t>(::archive_filter_bytes(archive_.get(), -1)),
                       total_bytes_});
  archive_entry* entry = nullptr;
  const int status = ::archive_read_next_header(archive_.get(), &entry);
  if (status == ARCHIVE_EOF) return nullptr;
  if (entry != nullptr)
    if (const char* name = ::archive_entry_pathname(entry); name != nullptr) member_ = name;
  // A warning says that something was not understood; but see AsciiLocale.
  if (status == ARCHIVE_WARN && error_text().contains("can't be converted from")) return entry;
  if (status != ARCHIVE_OK) return ArchiveFailure();
  return entry;
}

BuildResult<void> ArchiveReader::Read() {
  const AsciiLocale locale;
  AMBERFS_TRY_VOID(Open());
  bool is_empty = true;
  while (true) {
    AMBERFS_TRY(archive_entry* const entry, Next());
    if (entry == nullptr) break;
    AMBERFS_TRY_VOID(AddMember(entry));
    is_empty = false;
  }
  if (is_empty) AMBERFS_TRY_VOID(ExpectZeros());
  if (must_be_ != nullptr) AMBERFS_TRY_VOID(ExpectDigest());
  return OfMember(tree_.EndLayer());
}

BuildResult<void> ArchiveReader::AddMember(archive_entry* entry) {
  if (::archive_entry_pathname(entry) == nullptr) return Failure("a member without a usable name");
  const auto path = LayerTree::NormalPath(member_);
  if (!path) return Failure(path.error());
  const std::size_t slash = path->rfind('/');
  const std::string_view name = std::string_view(*path).substr(slash == path->npos ? 0 : slash + 1);
  if (options_.whiteouts != Whiteouts::kAsTheyAre && name.starts_with(kWhiteout))
    return AddWhiteout(std::string_view(*path).substr(0, slash == path->npos ? 0 : slash), name,
                       entry);
  if (const char* target = ::archive_entry_hardlink(entry); target != nullptr) {
    const auto target_path = LayerTree::NormalPath(target);
    if (!target_path) return Failure(fmt::format("a hard link to {}", target_path.error()));
    return OfMember(tree_.Link(*path, *target_path));
  }
  AMBERFS_TRY(NewFile file, Describe(entry));
  if (file.inode.type() == FileType::kRegular) AMBERFS_TRY_VOID(ReadContent(file));
  return OfMember(tree_.Put(*path, std::move(file)));
}

BuildResult<void> ArchiveReader::AddWhiteout(std::string_view directory, std::string_view name,
                                             archive_entry* entry) {
  if (name == kOpaque) {
    tree_.MakeOpaque(std::string(directory));
    return {};
  }
  if (name.starts_with(kWhiteoutMeta)) return {};  // what aufs keeps for itself
  name.remove_prefix(kWhiteout.size());
  if (name.empty() || name == "." || name == "..") return Failure("a whiteout of no name");
  AMBERFS_TRY(NewFile file, Describe(entry));
  std::string path(directory);
  if (!path.empty()) path += '/';
  path += name;
  tree_.Whiteout(path, std::move(file));
  return {};
}

BuildResult<NewFile> ArchiveReader::Describe(archive_entry* entry) const {
  NewFile file;
  TreeInode& inode = file.inode;
  const mode_t mode = ::archive_entry_mode(entry);
  switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFDIR:
    case S_IFLNK:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
      break;
    default:
      return Failure("a member of a type that is no file's");
  }
  inode.mode = mode & (S_IFMT | 07777);
  const la_int64_t uid = ::archive_entry_uid(entry);
  const la_int64_t gid = ::archive_entry_gid(entry);
  if (uid < 0 || gid < 0 || uid > 0xFFFFFFFF || gid > 0xFFFFFFFF)
    return Failure("an owner that no 32 bits hold");
  inode.uid = static_cast<std::uint32_t>(uid);
  inode.gid = static_cast<std::uint32_t>(gid);
  inode.mtime = ::archive_entry_mtime(entry);
  const long nanoseconds = ::archive_entry_mtime_nsec(entry);
  if (nanoseconds < 0 || nanoseconds > 999'999'999) return Failure("a time that is none");
  inode.mtime_nsec = static_cast<std::uint32_t>(nanoseconds);
  // "-1.5" in a pax header: libarchive gives -1 and 5 tenths, which are behind the point. Of "-0.5"
  // it loses the sign.
  if (inode.mtime < 0 && nanoseconds > 0) {
    --inode.mtime;
    inode.mtime_nsec = 1'000'000'000 - inode.mtime_nsec;
  }
  if (S_ISREG(mode)) {
    const la_int64_t size = ::archive_entry_size(entry);
    if (size < 0) return Failure("a size below 0");
    inode.size = static_cast<std::uint64_t>(size);
  }
  if (S_ISLNK(mode))
    if (const char* target = ::archive_entry_symlink(entry); target != nullptr)
      inode.target = target;
  if (S_ISCHR(mode) || S_ISBLK(mode)) {
    inode.device_major = static_cast<std::uint32_t>(::archive_entry_rdevmajor(entry));
    inode.device_minor = static_cast<std::uint32_t>(::archive_entry_rdevminor(entry));
  }
  AMBERFS_TRY_VOID(AddAcl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access", file));
  AMBERFS_TRY_VOID(AddAcl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, "system.posix_acl_default", file));
  ::archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (::archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
    file.xattrs.insert_or_assign(name, std::string(static_cast<const char*>(value), size));
  return file;
}

// The attribute that Linux makes of such an ACL.
BuildResult<void> ArchiveReader::AddAcl(archive_entry* entry, int type, const char* name,
                                        NewFile& file) const {
  std::vector<wire::AclEntry> acl;
  if (::archive_entry_acl_reset(entry, type) == 0) return {};
  int kind = 0;
  int permissions = 0;
  int tag = 0;
  int id = 0;
  const char* owner = nullptr;
  while (::archive_entry_acl_next(entry, type, &kind, &permissions, &tag, &id, &owner) ==
         ARCHIVE_OK) {
    const auto allowed = static_cast<std::uint16_t>(permissions & 7);
    const auto number = static_cast<std::uint32_t>(id);
    switch (tag) {
      case ARCHIVE_ENTRY_ACL_USER_OBJ:
        acl.push_back({wire::kAclUserObj, allowed, wire::kAclNoId});
        break;
      case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
        acl.push_back({wire::kAclGroupObj, allowed, wire::kAclNoId});
        break;
      case ARCHIVE_ENTRY_ACL_OTHER:
        acl.push_back({wire::kAclOther, allowed, wire::kAclNoId});
        break;
      case ARCHIVE_ENTRY_ACL_MASK:
        acl.push_back({wire::kAclMask, allowed, wire::kAclNoId});
        // The group's bits of the mode are the mask then.
        if (type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS)
          file.inode.mode = (file.inode.mode & ~070U) | unsigned{allowed} << 3;
        break;
      case ARCHIVE_ENTRY_ACL_USER:
      case ARCHIVE_ENTRY_ACL_GROUP:
        if (id < 0) return Failure("an ACL that says names of users or groups, and no numbers");
        acl.push_back(
            {tag == ARCHIVE_ENTRY_ACL_USER ? wire::kAclUser : wire::kAclGroup, allowed, number});
        break;
      default:
        return Failure("an ACL that is not one of POSIX");
    }
  }
  std::ranges::sort(acl, {},
                    [](const wire::AclEntry& e) { return std::pair(e.tag.get(), e.id.get()); });
  std::string value(AsText(WireBytes(Le32(wire::kAclVersion))));
  for (const wire::AclEntry& e : acl) value.append(AsText(WireBytes(e)));
  file.xattrs.insert_or_assign(name, std::move(value));
  return {};
}

BuildResult<void> ArchiveReader::ReadContent(NewFile& file) {
  file.inode.content = contents_.Begin();
  std::uint64_t end = 0;
  while (true) {
    const void* bytes = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    const int status = ::archive_read_data_block(archive_.get(), &bytes, &size, &offset);
    if (status == ARCHIVE_EOF) return {};
    if (status != ARCHIVE_OK) return ArchiveFailure();
    if (size == 0) continue;
    const auto pos = static_cast<std::uint64_t>(offset);
    if (offset < 0 || pos < end || pos > file.inode.size || size > file.inode.size - pos)
      return Failure("data that does not fit into the size");
    if (const auto added = contents_.Add(pos, ByteView(static_cast<const std::byte*>(bytes), size));
        !added)
      return SystemFailure(path_, "cannot keep the contents of the archive", added.error());
    end = pos + size;
  }
}

}  // namespace

BuildResult<Tree> ReadArchive(const std::string& path, const BuildOptions& options,
                              ArchiveContents& contents) {
  AMBERFS_TRY(const PathFilter filter,
              PathFilter::Make(options.exclude_paths, options.exclude_regexes));
  LayerTree tree(options.whiteouts);
  AMBERFS_TRY_VOID(ArchiveReader(path, options, contents, tree, nullptr).Read());
  return tree.Finish(options, filter);
}

BuildResult<Tree> ReadLayers(const std::vector<Layer>& layers, const BuildOptions& options,
                             ArchiveContents& contents) {
  AMBERFS_TRY(const PathFilter filter,
              PathFilter::Make(options.exclude_paths, options.exclude_regexes));
  LayerTree tree(options.whiteouts);
  for (const Layer& layer : layers)
    AMBERFS_TRY_VOID(ArchiveReader(layer.path, options, contents, tree, &layer).Read());
  return tree.Finish(options, filter);
}

}  // namespace amberfs
