// odd_tree [--small] [--tame] DIR
//
// Makes the new directory DIR and fills it with one of everything that a filesystem may hold and a
// program may get wrong. The same bytes, owners, times and attributes on every run. Needs root:
// device nodes, foreign owners and the xattr namespaces trusted. and security. are part of it.
//
// --small makes a directory of 3000 entries where there are 100000 otherwise. --tame leaves out
// what Debian 12's mkfs.erofs cannot put into an image: names of 255 bytes, paths beyond PATH_MAX
// and, because it writes them out, holes of gigabytes.
#include <endian.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/tools/walk.h"

using amberfs::tools::Die;
using amberfs::tools::Visit;
using amberfs::tools::Walk;

namespace {

// --- times ---

// Whole seconds that 32 bits, signed or not, get wrong, and all nanoseconds that count. ext4 holds
// times from 1901 to 2446.
constexpr auto kTimes = std::to_array<timespec>({
    {1'700'000'000, 123'456'789},  // 2023
    {-1, 999'999'999},             // the last nanosecond before 1970
    {0, 0},
    {-86'400, 1},
    {-2'147'483'648, 0},           // 1901
    {2'147'483'648, 5},            // 2038
    {4'294'967'295, 999'999'999},  // 2106, the end of unsigned 32 bits
    {4'294'967'296, 0},
    {9'000'000'000, 7},  // 2255
});

std::uint32_t HashOf(std::string_view text) {  // FNV-1a
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

void SetTime(int directory, const std::string& name, timespec time) {
  const timespec times[2] = {time, time};
  if (::utimensat(directory, name.c_str(), times, AT_SYMLINK_NOFOLLOW) != 0)
    Die("set time of " + name);
}

// --- content ---

// A small generator with fixed output: not random, but nothing compresses it.
std::string Noise(std::size_t size, std::uint64_t seed) {
  std::string out;
  out.reserve(size + 8);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15U + 1;
  while (out.size() < size) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    out.append(reinterpret_cast<const char*>(&state), sizeof state);
  }
  out.resize(size);
  return out;
}

std::string Prose(std::size_t size) {
  std::string out;
  for (std::size_t line = 0; out.size() < size; ++line)
    out += "line " + std::to_string(line) + ": the same words again and again\n";
  out.resize(size);
  return out;
}

// --- entries ---

// An open directory of the tree. All entries are made relative to it.
class Dir {
 public:
  explicit Dir(int fd) : fd_(fd) {}
  ~Dir() { ::close(fd_); }
  Dir(const Dir&) = delete;
  Dir(Dir&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Dir& operator=(const Dir&) = delete;
  Dir& operator=(Dir&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int fd() const { return fd_; }

  Dir Sub(const std::string& name, mode_t mode = 0755) const {
    if (::mkdirat(fd_, name.c_str(), 0700) != 0) Die("mkdir " + name);
    Mode(name, mode);
    const int fd = ::openat(fd_, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) Die("open " + name);
    return Dir(fd);
  }

  void File(const std::string& name, std::string_view content = {}, mode_t mode = 0644) const {
    const int fd = Create(name, mode);
    Write(fd, content, 0, name);
    ::close(fd);
    SetTime(fd_, name, TimeFor(name));
  }

  struct Piece {
    off_t at;
    std::size_t size;
  };
  // A file of `size` bytes that is a hole but for the pieces.
  void Sparse(const std::string& name, off_t size, const std::vector<Piece>& pieces) const {
    const int fd = Create(name, 0644);
    if (::ftruncate(fd, size) != 0) Die("truncate " + name);
    for (const Piece& piece : pieces)
      Write(fd, Noise(piece.size, static_cast<std::uint64_t>(piece.at) + 1), piece.at, name);
    ::close(fd);
    SetTime(fd_, name, TimeFor(name));
  }

  void Link(const std::string& target, const std::string& name) const {
    if (::symlinkat(target.c_str(), fd_, name.c_str()) != 0) Die("symlink " + name);
    SetTime(fd_, name, TimeFor(name));
  }

  void Node(const std::string& name, mode_t mode, dev_t device = 0) const {
    if (::mknodat(fd_, name.c_str(), mode, device) != 0) Die("mknod " + name);
    Mode(name, mode & 07777);
    SetTime(fd_, name, TimeFor(name));
  }

  void HardLink(const std::string& from, const Dir& to_dir, const std::string& to) const {
    if (::linkat(fd_, from.c_str(), to_dir.fd_, to.c_str(), 0) != 0) Die("link " + to);
  }

  void Mode(const std::string& name, mode_t mode) const {
    if (::fchmodat(fd_, name.c_str(), mode, 0) != 0) Die("chmod " + name);
  }

  void Owner(const std::string& name, uid_t uid, gid_t gid) const {
    if (::fchownat(fd_, name.c_str(), uid, gid, AT_SYMLINK_NOFOLLOW) != 0) Die("chown " + name);
  }

  void Xattr(const std::string& name, const std::string& key, std::string_view value) const {
    if (!TryXattr(name, key, value)) Die("set xattr " + key + " of " + name);
  }

  bool TryXattr(const std::string& name, const std::string& key, std::string_view value) const {
    const std::string path = "/proc/self/fd/" + std::to_string(fd_) + "/" + name;
    return ::lsetxattr(path.c_str(), key.c_str(), value.data(), value.size(), 0) == 0;
  }

 private:
  static timespec TimeFor(const std::string& name) { return kTimes[HashOf(name) % kTimes.size()]; }

  int Create(const std::string& name, mode_t mode) const {
    const int fd =
        ::openat(fd_, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || ::fchmod(fd, mode) != 0) Die("create " + name);
    return fd;
  }

  static void Write(int fd, std::string_view content, off_t at, const std::string& name) {
    while (!content.empty()) {
      const ssize_t put = ::pwrite(fd, content.data(), content.size(), at);
      if (put < 0) Die("write " + name);
      content.remove_prefix(static_cast<std::size_t>(put));
      at += put;
    }
  }

  int fd_;
};

// --- the oddities, a folder each ---

void Sizes(const Dir& top) {
  const Dir dir = top.Sub("sizes");
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  const std::vector<std::size_t> sizes = {
      0,    1,    2,    31,   32,   33,    63,    64,    65,       511,  512,
      513,  1023, 1024, 1025, 4031, 4032,  4033,  4063,  4064,     4065, 4095,
      4096, 4097, 8191, 8192, 8193, 65535, 65536, 65537, kMiB - 1, kMiB, kMiB + 1};
  for (const std::size_t size : sizes) {
    dir.File("noise-" + std::to_string(size), Noise(size, size));
    dir.File("prose-" + std::to_string(size), Prose(size));
    dir.File("zeros-" + std::to_string(size), std::string(size, '\0'));
  }
}

void Sparse(const Dir& top, bool tame) {
  const Dir dir = top.Sub("sparse");
  constexpr off_t kMiB = off_t{1} << 20;
  constexpr off_t kGiB = off_t{1} << 30;
  dir.Sparse("all-hole-4096", 4096, {});
  dir.Sparse("all-hole-1", 1, {});
  dir.Sparse("leading", kMiB + 100, {{kMiB, 100}});
  dir.Sparse("trailing", 8 * kMiB, {{0, 4096}});
  dir.Sparse("trailing-unaligned", 8 * kMiB + 77, {{0, 5000}});
  dir.Sparse("middle", 3 * kMiB, {{0, 65536}, {2 * kMiB, 65536}});
  std::vector<Dir::Piece> comb;
  for (off_t at = 0; at < 4 * kMiB; at += 65536) comb.push_back({at, 4096});
  dir.Sparse("comb", 4 * kMiB + 1, comb);
  if (tame) return;
  dir.Sparse("all-hole-3GiB", 3 * kGiB, {});
  dir.Sparse("5GiB", 5 * kGiB + 5,
             {{0, 10}, {kGiB, 70'000}, {4 * kGiB - 2048, 4096}, {5 * kGiB, 5}});
}

void HardLinks(const Dir& top) {
  const Dir a = top.Sub("links-a");
  const Dir b = top.Sub("links-b");
  a.File("file", "one file, four names\n");
  a.HardLink("file", a, "again");
  a.HardLink("file", b, "across");
  a.HardLink("file", top, "!first-in-the-root");
  a.File("empty");
  a.HardLink("empty", b, "empty");
  a.File("large", Noise(100'000, 3));
  a.HardLink("large", b, "large");
  a.Link("file", "symlink");
  a.HardLink("symlink", b, "symlink");
  a.Node("device", S_IFCHR | 0600, makedev(1, 3));
  a.HardLink("device", b, "device");
  a.Node("fifo", S_IFIFO | 0600);
  a.HardLink("fifo", b, "fifo");
  a.File("many", "300 names");
  for (int i = 0; i < 299; ++i) a.HardLink("many", b, "many-" + std::to_string(i));
  // Equal content is no link.
  a.File("twin-1", "twins");
  a.File("twin-2", "twins");
}

void Nodes(const Dir& top) {
  const Dir dir = top.Sub("nodes");
  dir.Node("fifo", S_IFIFO | 0640);
  dir.Node("socket", S_IFSOCK | 0777);
  dir.Node("char-0-0", S_IFCHR | 0000, makedev(0, 0));
  dir.Node("char-null", S_IFCHR | 0666, makedev(1, 3));
  dir.Node("char-255-255", S_IFCHR | 0600, makedev(255, 255));
  dir.Node("char-256-256", S_IFCHR | 0600, makedev(256, 256));
  dir.Node("char-4095-1048575", S_IFCHR | 0600, makedev(4095, 1'048'575));
  dir.Node("block-8-1", S_IFBLK | 0660, makedev(8, 1));
  dir.Node("block-259-70000", S_IFBLK | 0660, makedev(259, 70'000));
}

void Names(const Dir& top, std::size_t longest_name) {
  const Dir dir = top.Sub("names");
  for (int byte = 1; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (c == '/') continue;
    dir.File(std::string("with-") + c + "-inside");
    if (c != '.') dir.File(std::string(1, c), {}, 0600);
  }
  for (const char* name : {"!", "#", "+", "-", " "}) {
    const Dir before = top.Sub(std::string(name) + "before-dot");
    for (const char* inner : {"!", "#", "+", "-", " ", "-.", "!.", "\x01", "+x"})
      before.File(inner, inner);
  }
  for (const char* name : {".-", ".!", ".a", "...", "..a", "....", ". ", ".\x01", "..-", ".\xFF"})
    dir.File(name, name);
  const std::string longest(longest_name, 'L');
  dir.File(longest, "longest");
  dir.File(longest.substr(1) + "M");
  dir.File(std::string(longest_name, '\xFF'));
  dir.Sub(longest.substr(1) + "D").File(std::string(longest_name, 'x'), "deeper");
  // Prefixes of each other, on both sides of any block border.
  for (std::size_t size = 1; size < longest_name; ++size)
    dir.File("p" + std::string(size - 1, 'p') + "q");
  dir.File(".wh.whiteout");
  dir.File(".wh..wh..opq");
  dir.File("caf\xC3\xA9");
  dir.File("cafe\xCC\x81");
  top.Sub("empty");
  top.Sub("one-entry").File("only");
}

void Large(const Dir& top, int entries) {
  const Dir dir = top.Sub("large");
  char name[64];
  for (int i = 0; i < entries; ++i) {
    std::snprintf(name, sizeof name, "entry-%06d%.*s", i, i % 11, "-and-longer");
    dir.File(name, i % 1000 == 0 ? std::string_view(name) : std::string_view());
  }
}

void Deep(const Dir& top) {
  Dir dir = top.Sub("deep");
  for (int level = 0; level < 60; ++level) {
    dir.File("level-" + std::to_string(level));
    dir = dir.Sub("d");
  }
  dir.File("bottom", "sixty levels down\n");
}

void Far(const Dir& top) {
  Dir far = top.Sub("far");  // 40 * 200 bytes: past PATH_MAX
  for (int level = 0; level < 40; ++level)
    far = far.Sub(std::string(200, static_cast<char>('a' + level % 26)));
  far.File("bottom", "no path leads here\n");
  far.Link(std::string(1000, 'y'), "link");
  far.Xattr("bottom", "user.depth", "40");
  far.File("links", "two names past PATH_MAX");
  far.HardLink("links", top, "name-of-a-far-file");
}

void Modes(const Dir& top) {
  const Dir dir = top.Sub("modes");
  for (const mode_t mode :
       {0U, 0111U, 0222U, 0444U, 0777U, 01644U, 02755U, 04755U, 06711U, 07777U}) {
    char name[32];
    std::snprintf(name, sizeof name, "%04o", mode);
    dir.File(std::string("file-") + name, name, mode);
    dir.Sub(std::string("dir-") + name, mode);
  }
}

void Owners(const Dir& top) {
  const Dir dir = top.Sub("owners");
  constexpr auto kIds = std::to_array<uid_t>({0, 1, 1000, 65534, 65535, 65536, 131'071});
  for (const uid_t uid : kIds)
    for (const uid_t gid : kIds) {
      const std::string name = std::to_string(uid) + "-" + std::to_string(gid);
      dir.File(name);
      dir.Owner(name, uid, gid);
      dir.Link("target", "link-" + name);
      dir.Owner("link-" + name, uid, gid);
    }
  dir.Sub("dir-65536");
  dir.Owner("dir-65536", 65536, 65536);
  // chown clears these bits, so they come last.
  dir.File("setuid-1000");
  dir.Owner("setuid-1000", 1000, 1000);
  dir.Mode("setuid-1000", 06755);
}

void Times(const Dir& top) {
  const Dir dir = top.Sub("times");
  int number = 0;
  for (const timespec& time : kTimes) {
    const std::string name = "time-" + std::to_string(number++);
    dir.File(name);
    SetTime(dir.fd(), name, time);
    dir.Link("x", "link-" + name);
    SetTime(dir.fd(), "link-" + name, time);
  }
  // The same second everywhere and no nanoseconds: what a compact inode can hold.
  for (int i = 0; i < 20; ++i) {
    const std::string name = "same-" + std::to_string(i);
    dir.File(name, name);
    SetTime(dir.fd(), name, {1'500'000'000, 0});
  }
}

void Symlinks(const Dir& top) {
  const Dir dir = top.Sub("symlinks");
  for (const std::size_t size :
       {1U, 31U, 32U, 59U, 60U, 255U, 256U, 1000U, 4000U, 4032U, 4064U, 4094U, 4095U})
    dir.Link(std::string(size, 't'), "size-" + std::to_string(size));
  dir.Link("loop", "loop");
  dir.Link("b", "a");
  dir.Link("a", "b");
  dir.Link("../sizes/prose-1024", "relative");
  dir.Link("/absolute/and/absent", "absolute");
  dir.Link("with space and \xFF\x01\n bytes", "bytes");
  dir.Link("/", "root");
  dir.Link("..", "up");
}

// Version 2 of the POSIX ACL xattr: a 32-bit version, then tag, permission, id for each entry.
std::string Acl(std::initializer_list<std::array<std::uint32_t, 3>> entries) {
  std::string out;
  const auto add = [&](const auto little_endian) {
    out.append(reinterpret_cast<const char*>(&little_endian), sizeof little_endian);
  };
  add(htole32(2));
  for (const auto& [tag, permission, id] : entries) {
    add(htole16(static_cast<std::uint16_t>(tag)));
    add(htole16(static_cast<std::uint16_t>(permission)));
    add(htole32(id));
  }
  return out;
}

void Acls(const Dir& top) {
  constexpr std::uint32_t kNoId = 0xFFFFFFFF;
  enum : std::uint32_t {
    kUserObj = 1,
    kUser = 2,
    kGroupObj = 4,
    kGroup = 8,
    kMask = 16,
    kOther = 32
  };
  const std::string acl = Acl({{kUserObj, 6, kNoId},
                               {kUser, 4, 1000},
                               {kUser, 7, 65536},
                               {kGroupObj, 4, kNoId},
                               {kGroup, 2, 131'071},
                               {kMask, 7, kNoId},
                               {kOther, 0, kNoId}});
  const std::string none = Acl({{kUserObj, 7, kNoId},
                                {kUser, 0, 1000},
                                {kGroupObj, 0, kNoId},
                                {kMask, 0, kNoId},
                                {kOther, 0, kNoId}});
  const Dir dir = top.Sub("acls");
  for (const char* name : {"file", "same", "same-again"}) {
    dir.File(name, name);
    dir.Xattr(name, "system.posix_acl_access", acl);
  }
  dir.Sub("dir").File("inside");
  dir.Xattr("dir", "system.posix_acl_access", none);
  dir.Xattr("dir", "system.posix_acl_default", acl);
  dir.File("none");
  dir.Xattr("none", "system.posix_acl_access", none);
}

// VFS_CAP_REVISION_2 with the effective bit: cap_net_raw=ep. Revision 3 adds the root's id.
std::string Capability(bool revision3) {
  std::string out;
  const auto add = [&](std::uint32_t value) {
    value = htole32(value);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  add((revision3 ? 0x03000000U : 0x02000000U) | 1U);
  add(1U << 13);
  add(0);
  add(0);
  add(0);
  if (revision3) add(1000);
  return out;
}

void Xattrs(const Dir& top) {
  const Dir dir = top.Sub("xattrs");
  dir.File("user");
  dir.Xattr("user", "user.plain", "value");
  dir.Xattr("user", "user.empty", "");
  dir.Xattr("user", "user.binary", std::string_view("\0\xFF\n=", 4));
  dir.Xattr("user", "user.\xFFname with bytes\x01", "v");
  dir.Xattr("user", "user.x", "short name");
  dir.Xattr("user", "user." + std::string(240, 'n'), "long name");
  dir.Xattr("user", "user." + std::string(249, 'n') + "m", "a name of 255 bytes");
  dir.File("trusted");
  dir.Xattr("trusted", "trusted.secret", "only for root");
  dir.Xattr("trusted", "user.beside", "for all");
  dir.File("security");
  dir.Xattr("security", "security.selinux", std::string_view("system_u:object_r:etc_t:s0", 27));
  dir.Xattr("security", "security.anything", "else");
  dir.File("capability", "#!/bin/true\n", 0755);
  dir.Xattr("capability", "security.capability", Capability(false));
  dir.File("capability-3", "#!/bin/true\n", 0755);
  dir.Xattr("capability-3", "security.capability", Capability(true));
  dir.Link("user", "link");
  dir.Xattr("link", "trusted.on-a-link", "yes");
  dir.Xattr("link", "security.on-a-link", "yes");
  dir.Node("fifo", S_IFIFO | 0600);
  dir.Xattr("fifo", "trusted.on-a-fifo", "yes");
  dir.Node("device", S_IFCHR | 0600, makedev(5, 0));
  dir.Xattr("device", "security.on-a-device", "yes");

  dir.File("fifty");
  for (int i = 0; i < 50; ++i)
    dir.Xattr("fifty", "user.number-" + std::to_string(i), std::to_string(i * i));
  // Whatever this filesystem takes, up to 64 KiB, in a file each. ext4 takes some 3.9 KiB.
  for (const std::size_t size : {1U, 2U, 3U, 4U, 255U, 1024U, 3900U, 4096U, 16384U, 65535U}) {
    const std::string name = "value-" + std::to_string(size);
    dir.File(name, name);
    if (!dir.TryXattr(name, "user.value", Noise(size, size)) && size <= 1024)
      Die("set an xattr of " + name);
  }

  const Dir shared = dir.Sub("shared");
  for (int i = 0; i < 300; ++i) {
    const std::string name = "file-" + std::to_string(i);
    shared.File(name, i % 3 == 0 ? name : std::string());
    shared.Xattr(name, "user.shared", "the same value on three hundred files");
    shared.Xattr(name, "security.selinux", std::string_view("system_u:object_r:usr_t:s0", 27));
    if (i % 2 == 0) shared.Xattr(name, "user.own", name);
    if (i % 5 == 0) shared.Xattr(name, "trusted.shared", "root's");
  }
  // The same value under two names and the same name with two values are not the same xattr.
  shared.Xattr("file-0", "user.other", "the same value on three hundred files");
  shared.Xattr("file-1", "user.shared", "another value");
  dir.Xattr("shared", "user.on-a-dir", "yes");
}

}  // namespace

int main(int argc, char** argv) {
  int entries = 100'000;
  bool tame = false;
  const char* top = nullptr;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--small")
      entries = 3000;
    else if (std::string_view(argv[i]) == "--tame")
      tame = true;
    else
      top = argv[i];
  }
  if (top == nullptr) {
    std::fprintf(stderr, "usage: odd_tree [--small] [--tame] DIR\n");
    return 2;
  }
  ::umask(0);
  if (::mkdir(top, 0755) != 0) Die(std::string("mkdir ") + top);
  {
    const Dir root(::open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (root.fd() < 0) Die(std::string("open ") + top);
    Sizes(root);
    Sparse(root, tame);
    HardLinks(root);
    Nodes(root);
    Names(root, tame ? 253 : 255);
    Large(root, entries);
    Deep(root);
    if (!tame) Far(root);
    Modes(root);
    Owners(root);
    Times(root);
    Symlinks(root);
    Acls(root);
    Xattrs(root);
    root.Xattr(".", "user.on-the-root", "yes");
  }
  // Making entries touched their directories: directories get their times when all is made.
  Walk(
      top, [](const Visit&) {},
      [](const Visit& visit) {
        SetTime(visit.directory, visit.name, kTimes[HashOf(visit.path) % kTimes.size()]);
      });
  return 0;
}
