#include "image/test_image.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "image/directory.h"
#include "image/mapper.h"

namespace amberfs {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void GiveUp(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

template <typename T>
T Must(Result<T> result, const std::string& what) {
  if (!result) GiveUp(what + ": " + Describe(result.error()));
  return *std::move(result);
}

}  // namespace

Result<void> TestSource::ReadAt(std::uint64_t offset, ByteSpan out) const {
  ++reads;
  read_bytes += out.size();
  if (broken || offset > size() || out.size() > size() - offset) return IoError(EIO, offset);
  std::ranges::copy(std::span(bytes).subspan(offset, out.size()), out.begin());
  return {};
}

bool CanMakeImages() {
  return std::system("command -v mkfs.erofs >/dev/null") == 0;  // NOLINT: a test
}

std::shared_ptr<TestSource> MakeImage(const std::string& options, const TestFiles& files) {
  std::string dir = (fs::temp_directory_path() / "amberfs-image-XXXXXX").string();
  if (::mkdtemp(dir.data()) == nullptr) GiveUp("mkdtemp");
  fs::create_directory(dir + "/files");
  for (const auto& [name, content] : files)
    std::ofstream(dir + "/files/" + name, std::ios::binary) << content;
  const std::string command =
      "mkfs.erofs --quiet -T0 " + options + " '" + dir + "/image' '" + dir + "/files' >&2";
  if (std::system(command.c_str()) != 0) GiveUp(command);  // NOLINT: a test
  std::ifstream in(dir + "/image", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  fs::remove_all(dir);
  const ByteView bytes = AsBytes(text);
  return std::make_shared<TestSource>(std::vector(bytes.begin(), bytes.end()));
}

std::shared_ptr<const FileSource> InFile(const TestSource& source) {
  UniqueFd fd(::memfd_create("image", MFD_CLOEXEC));
  ByteView left = source.bytes;
  while (!left.empty()) {
    const ssize_t put = ::write(fd.get(), left.data(), left.size());
    if (put <= 0) GiveUp("memfd");
    left = left.subspan(static_cast<std::size_t>(put));
  }
  return std::make_shared<const FileSource>(std::move(fd), 0, source.size());
}

Image OpenImage(std::shared_ptr<const ByteSource> source, const Limits& limits) {
  return Must(Image::Open(std::move(source), {}, limits), "open");
}

Inode InodeOf(const Image& image, const std::string& name) {
  const Inode root = Must(image.ReadInode(image.sb().root_nid()), "root");
  const auto nid = Must(Directory(image, root).Find(name), name);
  if (!nid) GiveUp("no " + name);
  return Must(image.ReadInode(*nid), name);
}

std::vector<Extent> ExtentsOf(const Image& image, const Inode& inode) {
  std::vector<Extent> extents;
  Mapper mapper(image, inode);
  for (std::uint64_t pos = 0; pos < inode.size(); pos = extents.back().pos + extents.back().length)
    extents.push_back(Must(mapper.Map(pos, inode.size() - pos), "extent"));
  return extents;
}

std::string SomeText(std::size_t bytes) {
  std::string text;
  for (std::uint64_t line = 0; text.size() < bytes; ++line)
    text += "line " + std::to_string(line * 7919 % 10007) + " of " + std::to_string(line) + "\n";
  text.resize(bytes);
  return text;
}

std::string SomeNoise(std::size_t bytes) {
  std::mt19937 random(static_cast<unsigned>(bytes));
  std::string noise(bytes, '\0');
  for (char& c : noise) c = static_cast<char>(random());
  return noise;
}

}  // namespace amberfs
