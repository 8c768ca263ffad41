// manifest [--no-trusted] [--no-xattrs] [--no-sha] [--no-nlink] [--owner=UID:GID] DIR
//
// Prints everything that a program can learn about the tree at DIR, one line per entry in byte
// order of the paths, so that two trees are the same if and only if their manifests are:
//
//   PATH TYPE MODE UID:GID nlink=N size=N mtime=SEC.NSEC rdev=MAJOR:MINOR ->TARGET
//   sha256=HEX NAME=HEXVALUE... same=PATH
//
// Bytes of names that are not printable ASCII appear as \xHH, and so do space and backslash.
// same=PATH names the first path that leads to the same inode: it compares which names are hard
// links of each other without comparing inode numbers. A directory has no size, since each
// filesystem has its own idea of that. --no-nlink leaves out link counts and same=PATH, and --owner
// prints this owner everywhere.
//
// The digest of a file larger than 1 GiB is that of its 64 KiB blocks that are not all zero, each
// behind its offset, and is called sparse-sha256: a function of the content alone, as the plain
// one is, but one that does not have to read terabytes of hole.
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/tools/walk.h"

using amberfs::tools::Die;
using amberfs::tools::Visit;
using amberfs::tools::Walk;

namespace {

struct Options {
  bool trusted = true;
  bool xattrs = true;
  bool sha = true;
  bool nlink = true;
  std::string owner;  // instead of the real one, unless empty
};

constexpr char kHexDigits[] = "0123456789abcdef";

std::string Hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += kHexDigits[byte >> 4];
    out += kHexDigits[byte & 15];
  }
  return out;
}

std::string Escape(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    if (c > ' ' && c < 0x7F && c != '\\')
      out += c;
    else
      out += "\\x" + Hex({&c, 1});
  }
  return out;
}

class Sha256 {
 public:
  Sha256() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr);
  }
  void Add(const void* data, std::size_t size) { EVP_DigestUpdate(context_.get(), data, size); }
  std::string Finish() {
    std::array<char, 32> digest;
    EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
    return Hex({digest.data(), digest.size()});
  }

 private:
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context_;
};

constexpr std::size_t kBuffer = std::size_t{1} << 20;
constexpr off_t kSparseAbove = off_t{1} << 30;
constexpr std::size_t kSparseBlock = std::size_t{64} << 10;

std::string DigestOfAll(int fd, const std::string& path) {
  Sha256 sha;
  static std::vector<char> buffer(kBuffer);
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) Die("read " + path);
    if (got == 0) break;
    sha.Add(buffer.data(), static_cast<std::size_t>(got));
  }
  return "sha256=" + sha.Finish();
}

std::string DigestOfData(int fd, off_t size, const std::string& path) {
  Sha256 sha;
  std::vector<char> block(kSparseBlock);
  const std::vector<char> zeros(kSparseBlock);
  off_t at = 0;
  while (at < size) {
    const off_t data = ::lseek(fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // a hole up to the end
    if (data < 0) Die("seek in " + path);
    at = data - data % static_cast<off_t>(kSparseBlock);
    const ssize_t got = ::pread(fd, block.data(), block.size(), at);
    if (got < 0) Die("read " + path);
    if (got == 0) break;
    const auto bytes = static_cast<std::size_t>(got);
    if (std::memcmp(block.data(), zeros.data(), bytes) != 0) {
      sha.Add(&at, sizeof at);
      sha.Add(block.data(), bytes);
    }
    at += static_cast<off_t>(kSparseBlock);
  }
  return "sparse-sha256=" + sha.Finish();
}

std::string Content(const Visit& visit) {
  const int fd = ::openat(visit.directory, visit.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) Die("open " + visit.path);
  std::string digest = visit.st.st_size > kSparseAbove
                           ? DigestOfData(fd, visit.st.st_size, visit.path)
                           : DigestOfAll(fd, visit.path);
  ::close(fd);
  return digest;
}

std::string LinkTarget(const Visit& visit) {
  std::string target(65536, '\0');
  const ssize_t size =
      ::readlinkat(visit.directory, visit.name.c_str(), target.data(), target.size());
  if (size < 0) Die("read link " + visit.path);
  target.resize(static_cast<std::size_t>(size));
  return target;
}

// There is no lgetxattrat() yet: /proc/self/fd makes a short path for any depth.
std::string ProcPath(const Visit& visit) {
  return "/proc/self/fd/" + std::to_string(visit.directory) + "/" + visit.name;
}

std::string Xattrs(const Visit& visit, const Options& options) {
  const std::string proc_path = ProcPath(visit);
  static std::string list(65536, '\0');
  static std::string value(65536, '\0');
  const ssize_t list_size = ::llistxattr(proc_path.c_str(), list.data(), list.size());
  if (list_size < 0) {
    if (errno == EOPNOTSUPP) return {};
    Die("list xattrs of " + visit.path);
  }
  std::vector<std::string> names;
  for (std::size_t at = 0; at < static_cast<std::size_t>(list_size); at += names.back().size() + 1)
    names.emplace_back(list.c_str() + at);
  std::sort(names.begin(), names.end());
  std::string out;
  for (const std::string& name : names) {
    if (!options.trusted && name.starts_with("trusted.")) continue;
    const ssize_t size = ::lgetxattr(proc_path.c_str(), name.c_str(), value.data(), value.size());
    if (size < 0) Die("get xattr " + name + " of " + visit.path);
    out += " " + Escape(name) + "=" +
           Hex(std::string_view(value).substr(0, static_cast<std::size_t>(size)));
  }
  return out;
}

char TypeLetter(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return 'f';
    case S_IFDIR:
      return 'd';
    case S_IFLNK:
      return 'l';
    case S_IFCHR:
      return 'c';
    case S_IFBLK:
      return 'b';
    case S_IFIFO:
      return 'p';
    case S_IFSOCK:
      return 's';
    default:
      return '?';
  }
}

using InodeKey = std::pair<dev_t, ino_t>;

struct Entry {
  std::string path;
  std::string text;
  InodeKey inode;
  bool linked;  // has further names, or says so
};

Entry Describe(const Visit& visit, const Options& options) {
  const struct stat& st = visit.st;
  const bool device = S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode);
  char mode[8];
  std::snprintf(mode, sizeof mode, "%c %04o", TypeLetter(st.st_mode), st.st_mode & 07777);
  char mtime[64];
  std::snprintf(mtime, sizeof mtime, "%jd.%09ld", static_cast<std::intmax_t>(st.st_mtime),
                st.st_mtim.tv_nsec);
  std::string text = mode;
  text += " " + (options.owner.empty() ? std::to_string(st.st_uid) + ":" + std::to_string(st.st_gid)
                                       : options.owner);
  if (options.nlink) text += " nlink=" + std::to_string(st.st_nlink);
  text += std::string(" mtime=") + mtime;
  if (S_ISREG(st.st_mode) || S_ISLNK(st.st_mode)) text += " size=" + std::to_string(st.st_size);
  if (device)
    text += " rdev=" + std::to_string(major(st.st_rdev)) + ":" + std::to_string(minor(st.st_rdev));
  if (S_ISLNK(st.st_mode)) text += " ->" + Escape(LinkTarget(visit));
  if (S_ISREG(st.st_mode) && options.sha) text += " " + Content(visit);
  if (options.xattrs) text += Xattrs(visit, options);
  return {
      visit.path, std::move(text), {st.st_dev, st.st_ino}, st.st_nlink > 1 && !S_ISDIR(st.st_mode)};
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  const char* top = nullptr;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--no-trusted")
      options.trusted = false;
    else if (argument == "--no-xattrs")
      options.xattrs = false;
    else if (argument == "--no-sha")
      options.sha = false;
    else if (argument == "--no-nlink")
      options.nlink = false;
    else if (argument.starts_with("--owner="))
      options.owner = argument.substr(argument.find('=') + 1);
    else
      top = argv[i];
  }
  if (top == nullptr) {
    std::fprintf(stderr,
                 "usage: manifest [--no-trusted] [--no-xattrs] [--no-sha] [--no-nlink] "
                 "[--owner=UID:GID] DIR\n");
    return 2;
  }

  std::vector<Entry> entries;
  Walk(top, [&](const Visit& visit) { entries.push_back(Describe(visit, options)); });
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.path < b.path; });
  std::map<InodeKey, const std::string*> first_path;
  for (const Entry& entry : entries) first_path.try_emplace(entry.inode, &entry.path);
  for (const Entry& entry : entries) {
    std::string line = Escape(entry.path) + " " + entry.text;
    const std::string& first = *first_path.at(entry.inode);
    if (options.nlink && (entry.linked || first != entry.path)) line += " same=" + Escape(first);
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stdout);
  }
  if (std::fflush(stdout) != 0) Die("write");
  return 0;
}
