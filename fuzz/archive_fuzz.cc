// ReadArchive(): libarchive's tar reader, and the tree that its members become.
//
// Input: the archive, which must not be compressed: a few bytes could be gigabytes.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/fd.h"
#include "fuzz/fuzz_input.h"
#include "mkfs/archive_source.h"

namespace {

using namespace amberfs;

bool IsCompressed(ByteView bytes) {
  constexpr std::array<std::string_view, 4> kMagics = {"\x1F\x8B", "\x28\xB5\x2F\xFD",
                                                       "\xFD"
                                                       "7z",
                                                       "BZh"};
  return std::ranges::any_of(
      kMagics, [&](std::string_view magic) { return AsText(bytes).starts_with(magic); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = std::as_bytes(std::span(data, size));
  if (IsCompressed(bytes)) return 0;
  const UniqueFd file(::memfd_create("archive", MFD_CLOEXEC));
  FUZZ_CHECK(::write(file.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  auto contents = ArchiveContents::Create("/dev/shm");
  FUZZ_CHECK(contents);
  BuildOptions options;
  options.whiteouts = size % 2 == 0 ? Whiteouts::kBoth : Whiteouts::kAsTheyAre;
  const auto tree = ReadArchive("/proc/self/fd/" + std::to_string(file.get()), options, **contents);
  if (!tree) {
    FUZZ_CHECK(!tree.error().message.empty() && !tree.error().message.contains('\n'));
    return 0;
  }
  std::vector<std::byte> buffer(4096);
  for (InodeIndex i = 0; i < tree->inodes.size(); ++i) {
    const TreeInode& inode = tree->inodes[i];
    FUZZ_CHECK(!WhyNotStorable(inode) && inode.mtime_nsec < 1'000'000'000 && inode.nlink > 0);
    std::string_view previous;
    for (const TreeEntry& entry : inode.entries) {
      FUZZ_CHECK(entry.name > previous && entry.name.size() <= 255 && entry.name != "." &&
                 entry.name != ".." && !entry.name.contains('/'));
      FUZZ_CHECK(entry.inode > 0 && entry.inode < tree->inodes.size());
      previous = entry.name;
    }
    if (inode.type() != FileType::kRegular) continue;
    const auto content = (*contents)->Open("", inode);
    FUZZ_CHECK(content);
    // From its start, and around its end.
    for (const std::uint64_t pos :
         {std::uint64_t{0}, inode.size - std::min<std::uint64_t>(inode.size, 4096)})
      FUZZ_CHECK((*content)->Read(
          pos, std::span(buffer).first(std::min<std::uint64_t>(inode.size, 4096))));
    std::uint64_t end = 0;
    while (const auto stretch = (*content)->NextData(end)) {
      FUZZ_CHECK(stretch->start >= end && stretch->end > stretch->start &&
                 stretch->end <= inode.size);
      end = stretch->end;
    }
  }
  return 0;
}
