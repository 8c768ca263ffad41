#include "fuse/server.h"

#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <string>
#include <vector>

#include "fuse/libfuse.h"
#include "fuse/node_id.h"
#include "image/directory.h"
#include "image/file_reader.h"
#include "image/xattr_set.h"

namespace amberfs {
namespace {

// Seconds for which the kernel may keep an answer: for ever, as far as FUSE can say it.
constexpr double kForever = 0x7FFFFFFF;
constexpr std::size_t kMaxName = 255;

constexpr std::array<mode_t, 8> kModeOfType = {0,       S_IFREG, S_IFDIR,  S_IFCHR,
                                               S_IFBLK, S_IFIFO, S_IFSOCK, S_IFLNK};

struct stat StatOf(const Inode& inode) {
  struct stat st = {};
  st.st_ino = inode.nid().v;
  st.st_mode = inode.mode();
  st.st_nlink = inode.nlink();
  st.st_uid = inode.uid();
  st.st_gid = inode.gid();
  st.st_rdev = makedev(inode.device_major(), inode.device_minor());
  st.st_size = static_cast<off_t>(inode.size());
  st.st_blocks = static_cast<blkcnt_t>(inode.blocks_512());
  st.st_mtim = {.tv_sec = inode.mtime(), .tv_nsec = inode.mtime_nsec()};
  st.st_atim = st.st_ctim = st.st_mtim;
  return st;
}

bool IsTrusted(std::string_view name) { return name.starts_with("trusted."); }

}  // namespace

int ErrnoOf(const Error& error) {
  switch (error.code) {
    case Errc::kIo:
      return error.os_errno != 0 ? error.os_errno : EIO;
    case Errc::kCorrupt:
      return EUCLEAN;
    case Errc::kUnsupported:
      return EOPNOTSUPP;
    case Errc::kLimit:
      return EFBIG;
    case Errc::kNotFound:
      return ENOENT;
    case Errc::kUsage:
      return EINVAL;
  }
  return EIO;
}

// One request: who asked, about which node.
struct Handlers {
  static FuseServer& Server(fuse_req_t req) {
    return *static_cast<FuseServer*>(fuse_req_userdata(req));
  }
  static const Image& ImageOf(fuse_req_t req) { return Server(req).image_; }
  static Nid NidOf(fuse_req_t req, fuse_ino_t node) {
    return ToNid(node, ImageOf(req).sb().root_nid());
  }

  static void Fail(fuse_req_t req, std::string_view operation, Nid nid, const Error& error) {
    Server(req).log_.Report(operation, nid, error);
    fuse_reply_err(req, ErrnoOf(error));
  }

  // Runs answer(inode), which replies or returns the error to reply with.
  template <typename Answer>
  static void WithInode(fuse_req_t req, fuse_ino_t node, std::string_view operation,
                        Answer answer) {
    const Nid nid = NidOf(req, node);
    const auto inode = ImageOf(req).ReadInode(nid);
    if (!inode) return Fail(req, operation, nid, inode.error());
    if (Result<void> result = answer(*inode); !result) Fail(req, operation, nid, result.error());
  }

  static fuse_entry_param EntryOf(const Image& image, const Inode& inode) {
    fuse_entry_param entry = {};
    entry.ino = ToNodeId(inode.nid(), image.sb().root_nid());
    entry.generation = 1;
    entry.attr = StatOf(inode);
    entry.attr_timeout = kForever;
    entry.entry_timeout = kForever;
    return entry;
  }

  static void Init(void* userdata, fuse_conn_info* conn);
  static void AddEntries(fuse_req_t req, fuse_ino_t node, std::size_t size, off_t offset,
                         bool plus);

  static void Lookup(fuse_req_t req, fuse_ino_t parent, const char* name) {
    if (std::string_view(name).size() > kMaxName) {
      fuse_reply_err(req, ENAMETOOLONG);
      return;
    }
    WithInode(req, parent, "lookup", [&](const Inode& directory) -> Result<void> {
      const Image& image = ImageOf(req);
      // Asked when a file handle is opened (NFS, overlayfs), of any inode; never by a path.
      if (std::string_view(name) == ".") {
        const fuse_entry_param entry = EntryOf(image, directory);
        fuse_reply_entry(req, &entry);
        return {};
      }
      if (!directory.is_directory()) {
        fuse_reply_err(req, ENOTDIR);
        return {};
      }
      AMBERFS_TRY(const auto nid, Directory(image, directory).Find(name));
      if (!nid) {
        fuse_entry_param missing = {};
        missing.entry_timeout = kForever;
        fuse_reply_entry(req, &missing);
        return {};
      }
      const auto inode = image.ReadInode(*nid);
      if (!inode) {
        Fail(req, "lookup", *nid, inode.error());
        return {};
      }
      const fuse_entry_param entry = EntryOf(image, *inode);
      fuse_reply_entry(req, &entry);
      return {};
    });
  }

  static void GetAttr(fuse_req_t req, fuse_ino_t node, fuse_file_info*) {
    WithInode(req, node, "getattr", [&](const Inode& inode) -> Result<void> {
      const struct stat st = StatOf(inode);
      fuse_reply_attr(req, &st, kForever);
      return {};
    });
  }

  static void ReadLink(fuse_req_t req, fuse_ino_t node) {
    WithInode(req, node, "readlink", [&](const Inode& inode) -> Result<void> {
      AMBERFS_TRY(const std::string target, ReadSymlink(ImageOf(req), inode));
      fuse_reply_readlink(req, target.c_str());
      return {};
    });
  }

  // To a kernel that knows it, ENOSYS means "never ask again, keep the cache"; Linux before 5.1
  // does not for directories, and would fail.
  static void Open(fuse_req_t req, fuse_ino_t, fuse_file_info* file) {
    if (Server(req).no_open_) {
      fuse_reply_err(req, ENOSYS);
      return;
    }
    file->keep_cache = 1;
    fuse_reply_open(req, file);
  }
  static void OpenDir(fuse_req_t req, fuse_ino_t, fuse_file_info* file) {
    if (Server(req).no_opendir_) {
      fuse_reply_err(req, ENOSYS);
      return;
    }
    file->keep_cache = 1;
    file->cache_readdir = 1;
    fuse_reply_open(req, file);
  }

  static void Read(fuse_req_t req, fuse_ino_t node, std::size_t size, off_t offset,
                   fuse_file_info*) {
    WithInode(req, node, "read", [&](const Inode& inode) -> Result<void> {
      // One buffer for each of libfuse's threads, as large as the largest request so far (1 MiB).
      thread_local std::vector<std::byte> buffer;
      if (buffer.size() < size) buffer.resize(size);
      Server(req).read_ahead_.Note(inode, static_cast<std::uint64_t>(offset), size);
      AMBERFS_TRY(const std::size_t got,
                  FileReader(ImageOf(req), inode)
                      .Read(static_cast<std::uint64_t>(offset), std::span(buffer).first(size)));
      fuse_reply_buf(req, AsText(buffer).data(), got);
      return {};
    });
  }

  static void ReadDir(fuse_req_t req, fuse_ino_t node, std::size_t size, off_t offset,
                      fuse_file_info*) {
    AddEntries(req, node, size, offset, false);
  }
  static void ReadDirPlus(fuse_req_t req, fuse_ino_t node, std::size_t size, off_t offset,
                          fuse_file_info*) {
    AddEntries(req, node, size, offset, true);
  }

  static bool ShowsTrusted(fuse_req_t req) {
    return Server(req).options_.show_trusted_xattrs && fuse_req_ctx(req)->uid == 0;
  }

  // Replies with `value`, or with its size if the caller asked for that.
  static void ReplySized(fuse_req_t req, std::string_view value, std::size_t size) {
    if (size == 0)
      fuse_reply_xattr(req, value.size());
    else if (value.size() > size)
      fuse_reply_err(req, ERANGE);
    else
      fuse_reply_buf(req, value.data(), value.size());
  }

  static void GetXattr(fuse_req_t req, fuse_ino_t node, const char* name, std::size_t size) {
    WithInode(req, node, "getxattr", [&](const Inode& inode) -> Result<void> {
      AMBERFS_TRY(const XattrSet set, XattrSet::Read(ImageOf(req), inode));
      AMBERFS_TRY(const auto xattr, set.Find(name));
      // Never EOPNOTSUPP: for an ACL that would fail the caller's permission check.
      if (!xattr || (IsTrusted(name) && !ShowsTrusted(req))) {
        fuse_reply_err(req, ENODATA);
        return {};
      }
      AMBERFS_TRY(const std::string value, set.Value(*xattr));
      ReplySized(req, value, size);
      return {};
    });
  }

  static void ListXattr(fuse_req_t req, fuse_ino_t node, std::size_t size) {
    WithInode(req, node, "listxattr", [&](const Inode& inode) -> Result<void> {
      AMBERFS_TRY(const XattrSet set, XattrSet::Read(ImageOf(req), inode));
      AMBERFS_TRY(const std::vector<Xattr> xattrs, set.List());
      std::string names;
      for (const Xattr& xattr : xattrs)
        if (!IsTrusted(xattr.name) || ShowsTrusted(req)) names.append(xattr.name).push_back('\0');
      ReplySized(req, names, size);
      return {};
    });
  }

  static void StatFs(fuse_req_t req, fuse_ino_t) {
    const Image& image = ImageOf(req);
    struct statvfs st = {};
    st.f_bsize = st.f_frsize = image.sb().block_size();
    st.f_blocks = image.sb().blocks();
    for (const DeviceSlot& slot : image.device_slots()) st.f_blocks += slot.blocks;
    st.f_files = image.sb().inodes();
    st.f_namemax = kMaxName;
    fuse_reply_statfs(req, &st);
  }

  static void LSeek(fuse_req_t req, fuse_ino_t node, off_t offset, int whence, fuse_file_info*) {
    WithInode(req, node, "lseek", [&](const Inode& inode) -> Result<void> {
      FileReader reader(ImageOf(req), inode);
      const auto pos = static_cast<std::uint64_t>(offset);
      if (whence != SEEK_DATA && whence != SEEK_HOLE) {
        fuse_reply_err(req, EINVAL);
        return {};
      }
      AMBERFS_TRY(const auto found,
                  whence == SEEK_DATA ? reader.SeekData(pos) : reader.SeekHole(pos));
      if (found)
        fuse_reply_lseek(req, static_cast<off_t>(*found));
      else
        fuse_reply_err(req, ENXIO);
      return {};
    });
  }

  // Copy-up asks for inode flags; an error here fails it on some kernels.
  static void Ioctl(fuse_req_t req, fuse_ino_t, unsigned command, void*, fuse_file_info*, unsigned,
                    const void*, std::size_t, std::size_t out_size) {
    const bool known =
        command == FS_IOC_GETFLAGS || command == FS_IOC32_GETFLAGS || command == FS_IOC_FSGETXATTR;
    constexpr std::array<char, sizeof(fsxattr)> kNoFlags{};
    if (known && out_size <= kNoFlags.size())
      fuse_reply_ioctl(req, 0, kNoFlags.data(), out_size);
    else
      fuse_reply_err(req, ENOTTY);
  }

  template <typename... Args>
  static void ReadOnly(fuse_req_t req, Args...) {
    fuse_reply_err(req, EROFS);
  }
};

namespace {

struct Feature {
  const char* name;
  decltype(FUSE_CAP_ASYNC_READ) bit;
};

// What the server wants if the kernel has it. Without readdirplus_auto, by which the kernel would
// guess when attributes are wanted: ls and find list a directory to its end before they ask for the
// first attribute, so it would guess wrong and look up every name. Attributes cost us a copy.
constexpr Feature kFeatures[] = {
    {"async_read", FUSE_CAP_ASYNC_READ},         {"parallel_dirops", FUSE_CAP_PARALLEL_DIROPS},
    {"readdirplus", FUSE_CAP_READDIRPLUS},       {"cache_symlinks", FUSE_CAP_CACHE_SYMLINKS},
    {"posix_acl", FUSE_CAP_POSIX_ACL},           {"ioctl_dir", FUSE_CAP_IOCTL_DIR},
    {"export", FUSE_CAP_EXPORT_SUPPORT},         {"no_open", FUSE_CAP_NO_OPEN_SUPPORT},
    {"no_opendir", FUSE_CAP_NO_OPENDIR_SUPPORT},
};

bool Want(fuse_conn_info* conn, decltype(FUSE_CAP_ASYNC_READ) bit) {
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
  return fuse_set_feature_flag(conn, static_cast<std::uint64_t>(bit));
#else
  const auto flag = static_cast<unsigned>(bit);
  if ((conn->capable & flag) == 0) return false;
  conn->want |= flag;
  return true;
#endif
}

// Takes back what libfuse asks for by itself.
void Unwant(fuse_conn_info* conn, decltype(FUSE_CAP_ASYNC_READ) bit) {
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
  fuse_unset_feature_flag(conn, static_cast<std::uint64_t>(bit));
#else
  conn->want &= ~static_cast<unsigned>(bit);
#endif
}

}  // namespace

void Handlers::Init(void* userdata, fuse_conn_info* conn) {
  FuseServer& server = *static_cast<FuseServer*>(userdata);
  std::string features;
  for (const Feature& feature : kFeatures)
    if (Want(conn, feature.bit)) features.append(" ").append(feature.name);
  Unwant(conn, FUSE_CAP_READDIRPLUS_AUTO);
  server.no_open_ = Want(conn, FUSE_CAP_NO_OPEN_SUPPORT);
  server.no_opendir_ = Want(conn, FUSE_CAP_NO_OPENDIR_SUPPORT);
  conn->max_background = 64;
  conn->congestion_threshold = 48;
  conn->time_gran = 1;
  if (server.options_.debug)
    std::fputs(fmt::format("FUSE {}.{}:{}; readahead {} KiB; cache {} KiB\n", conn->proto_major,
                           conn->proto_minor, features, conn->max_readahead / 1024,
                           server.image_.cache().max_bytes() / 1024)
                   .c_str(),
               stderr);
}

void Handlers::AddEntries(fuse_req_t req, fuse_ino_t node, std::size_t size, off_t offset,
                          bool plus) {
  WithInode(req, node, "readdir", [&](const Inode& inode) -> Result<void> {
    const Image& image = ImageOf(req);
    if (!inode.is_directory()) {
      fuse_reply_err(req, ENOTDIR);
      return {};
    }
    const Directory directory(image, inode);
    Directory::Iterator entries(directory, static_cast<std::uint64_t>(offset));
    std::vector<char> buffer(size);
    std::size_t used = 0;
    while (true) {
      const auto next = entries.Next();
      // Entries before the broken place are worth having; the next call meets it first.
      if (!next && used == 0) return std::unexpected(next.error());
      if (!next || !*next) break;

      const std::string name((*next)->name);
      fuse_entry_param entry = {};
      const std::uint8_t type = (*next)->raw_type;
      entry.attr.st_ino = (*next)->nid.v;
      entry.attr.st_mode = type < kModeOfType.size() ? kModeOfType[type] : 0;
      // Without a node id the kernel takes name and type only: right for "." and "..", which it
      // knows, and for what cannot be read, which then fails at its own lookup.
      if (plus && name != "." && name != "..")
        if (const auto child = image.ReadInode((*next)->nid)) entry = EntryOf(image, *child);

      const std::span<char> rest = std::span(buffer).subspan(used);
      const auto cookie = static_cast<off_t>(entries.cookie());
      const std::size_t need =
          plus
              ? fuse_add_direntry_plus(req, rest.data(), rest.size(), name.c_str(), &entry, cookie)
              : fuse_add_direntry(req, rest.data(), rest.size(), name.c_str(), &entry.attr, cookie);
      if (need > rest.size()) break;
      used += need;
    }
    fuse_reply_buf(req, buffer.data(), used);
    return {};
  });
}

const fuse_lowlevel_ops& FuseServer::Operations() {
  static const fuse_lowlevel_ops ops = [] {
    fuse_lowlevel_ops o = {};
    o.init = Handlers::Init;
    o.lookup = Handlers::Lookup;
    o.getattr = Handlers::GetAttr;
    o.readlink = Handlers::ReadLink;
    o.open = Handlers::Open;
    o.opendir = Handlers::OpenDir;
    o.read = Handlers::Read;
    o.readdir = Handlers::ReadDir;
    o.readdirplus = Handlers::ReadDirPlus;
    o.getxattr = Handlers::GetXattr;
    o.listxattr = Handlers::ListXattr;
    o.statfs = Handlers::StatFs;
    o.lseek = Handlers::LSeek;
    o.ioctl = Handlers::Ioctl;
    // The mount is read-only and the kernel refuses these itself; should it ever ask, say so too.
    o.setattr = Handlers::ReadOnly;
    o.mknod = Handlers::ReadOnly;
    o.mkdir = Handlers::ReadOnly;
    o.unlink = Handlers::ReadOnly;
    o.rmdir = Handlers::ReadOnly;
    o.symlink = Handlers::ReadOnly;
    o.rename = Handlers::ReadOnly;
    o.link = Handlers::ReadOnly;
    o.write = Handlers::ReadOnly;
    o.create = Handlers::ReadOnly;
    o.setxattr = Handlers::ReadOnly;
    o.removexattr = Handlers::ReadOnly;
    o.fallocate = Handlers::ReadOnly;
    return o;
  }();
  return ops;
}

}  // namespace amberfs
