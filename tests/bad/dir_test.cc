// Broken directories.
#include "tests/bad/bad_image.h"

namespace amberfs {
namespace {

constexpr std::uint64_t kNameOff = 8;
constexpr std::uint64_t kFileType = 10;

std::string LongName(std::string_view prefix) {
  return std::string(prefix) + std::string(232, 'x');
}

// Where the name of an entry lies.
std::uint64_t NameAt(const BadImage& image, std::string_view path, std::size_t block,
                     std::string_view name) {
  const auto entry = *CopyWire<wire::Dirent>(image.bytes, image.EntryAt(path, name));
  return image.DirBlockAt(path, block) + entry.nameoff.get();
}

BAD_IMAGE(DIR1, NamesStartInsideAnEntry) {
  image.Edit<wire::Dirent>(image.DirBlockAt("/dir", 0), [](auto& entry) { entry.nameoff = 13; });
  return image.DirBlockAt("/dir", 0) + kNameOff;
}

BAD_IMAGE(DIR1, NoEntries) {
  image.Edit<wire::Dirent>(image.DirBlockAt("/dir", 0), [](auto& entry) { entry.nameoff = 0; });
  return image.DirBlockAt("/dir", 0) + kNameOff;
}

BAD_IMAGE(DIR1, DirectoryInAHole) {
  image.EditExtended("/dir/sub", [](auto& inode) {
    inode.u = 0xFFFFFFFF;
    inode.nb = 0xFFFF;
  });
  return image.InodeAt("/dir/sub");
}

BAD_IMAGE(DIR2, EmptyName) {
  const auto second = *CopyWire<wire::Dirent>(image.bytes, image.EntryAt("/dir/sub", ".."));
  image.EditEntry("/dir/sub", "link", [&](auto& entry) { entry.nameoff = second.nameoff; });
  return image.DirBlockAt("/dir/sub", 0) + 12 + kNameOff;
}

BAD_IMAGE(DIR2, NameBehindTheBlock) {
  image.EditEntry("/dir/sub", "link", [](auto& entry) { entry.nameoff = 0xFFFF; });
  return image.DirBlockAt("/dir/sub", 0) + 12 + kNameOff;
}

BAD_IMAGE(DIR3, NameWithASlash) {
  image.SetByte(NameAt(image, "/dir/sub", 0, "link") + 2, '/');
  return NameAt(image, "/dir/sub", 0, "li/k");
}

BAD_IMAGE(DIR3, NameWithANul) {
  const std::uint64_t name = NameAt(image, "/", 0, "chunks");
  image.SetByte(name + 2, 0);
  return name;
}

BAD_IMAGE(DIR4, NamesDescend) {
  const std::uint64_t entry = image.EntryAt("/", "null");
  image.SetByte(NameAt(image, "/", 0, "null"), 'a');
  return entry;
}

BAD_IMAGE(DIR4, NameTwice) {
  const std::uint64_t entry = image.EntryAt("/dir", LongName("name-01-"));
  image.SetByte(NameAt(image, "/dir", 0, LongName("name-01-")) + 6, '0');
  return entry;
}

// Each block by itself is in order.
BAD_IMAGE(DIR4, NamesDescendFromOneBlockToTheNext) {
  const std::uint64_t second = image.DirBlockAt("/dir", 1);
  const auto first_name = *CopyWire<wire::Dirent>(image.bytes, second);
  image.SetByte(second + first_name.nameoff.get(), 'a');
  return second;
}

BAD_IMAGE(DIR5, DotNamesTheParent) {
  const std::uint64_t parent = image.NidOf("/dir");
  image.EditEntry("/dir/sub", ".", [&](auto& entry) { entry.nid = parent; });
  return image.EntryAt("/dir/sub", ".");
}

BAD_IMAGE(DIR5, DotDotNamesTheRootInode) {
  const std::uint64_t root_nid = image.NidOf("/");
  image.EditEntry("/dir/sub", "..", [&](auto& entry) { entry.nid = root_nid; });
  return image.EntryAt("/dir/sub", "..");
}

BAD_IMAGE(DIR5, RootInodesDotDotLeadsDown) {
  const std::uint64_t dir = image.NidOf("/dir");
  image.EditEntry("/", "..", [&](auto& entry) { entry.nid = dir; });
  return image.EntryAt("/", "..");
}

BAD_IMAGE(DIR5, NoDotDot) {
  const std::uint64_t name = NameAt(image, "/dir/sub", 0, "..");
  image.SetByte(name, '/' + 1);  // "0.": a second name for the parent
  image.also = {Rule::kDir7, Rule::kIno9};
  return image.InodeAt("/dir/sub");
}

BAD_IMAGE(DIR5, OmittedDotIsStored) {
  image.EditCompact("/dir", [](auto& inode) { inode.format = inode.format.get() | 0x10; });
  return image.InodeAt("/dir");
}

BAD_IMAGE(DIR6, FileCalledADirectory) {
  image.EditEntry("/", "plain", [](auto& entry) { entry.file_type = 2; });
  return image.EntryAt("/", "plain") + kFileType;
}

BAD_IMAGE(DIR6, SecondNameOfAFileCalledALink) {
  image.EditEntry("/dir/sub", "link", [](auto& entry) { entry.file_type = 7; });
  return image.EntryAt("/dir/sub", "link") + kFileType;
}

BAD_IMAGE(DIR6, DotCalledAFile) {
  image.EditEntry("/dir", ".", [](auto& entry) { entry.file_type = 1; });
  return image.EntryAt("/dir", ".") + kFileType;
}

BAD_IMAGE(DIR6, TypeThatDoesNotExist) {
  image.EditEntry("/", "null", [](auto& entry) { entry.file_type = 255; });
  return image.EntryAt("/", "null") + kFileType;
}

// Makes the entry for /dir/sub/link lead to `path`, with the links counted as if that were right.
void LinkDirectory(BadImage& image, std::string_view path) {
  const std::uint64_t nid = image.NidOf(path);
  image.EditEntry("/dir/sub", "link", [&](auto& entry) {
    entry.nid = nid;
    entry.file_type = 2;
  });
  image.EditCompact("/file", [](auto& inode) { inode.nb = 1; });
  image.EditExtended("/dir/sub", [](auto& inode) { inode.nlink = 3; });
}

BAD_IMAGE(DIR7, CycleToTheRootInode) {
  LinkDirectory(image, "/");
  return image.EntryAt("/dir/sub", "link");
}

BAD_IMAGE(DIR7, CycleToItself) {
  LinkDirectory(image, "/dir/sub");
  return image.EntryAt("/dir/sub", "link");
}

BAD_IMAGE(DIR7, DirectoryWithTwoNames) {
  // Another name, which comes before "sub" is reached.
  const std::uint64_t nid = image.NidOf("/dir/sub");
  image.EditEntry("/", "null", [&](auto& entry) {
    entry.nid = nid;
    entry.file_type = 2;
  });
  image.EditCompact("/", [](auto& inode) { inode.nb = 4; });
  image.EditEntry("/dir/sub", "..", [&](auto& entry) { entry.nid = image.NidOf("/"); });
  image.EditSuperblock([](auto& sb) { sb.inos = sb.inos.get() - 1; });
  image.also = {Rule::kSpc2};  // the inode that has lost its name
  return image.EntryAt("/dir", "sub");
}

BAD_IMAGE(DIR8, NoData) {
  image.EditExtended("/dir/sub", [](auto& inode) { inode.size = 0; });
  // /file has lost a name, and the names are still there.
  image.also = {Rule::kIno9, Rule::kSpc2};
  return image.InodeAt("/dir/sub") + 8;
}

BAD_IMAGE(DIR9, BytesBehindTheLastName) {
  const std::uint64_t block = image.DirBlockAt("/dir", 0);
  image.SetByte(block + GoodImage::kBlock - 1, 1);
  return block;
}

BAD_IMAGE(DIR9, ReservedByteOfAnEntry) {
  image.EditEntry("/", "null", [](auto& entry) { entry.reserved = 1; });
  return image.DirBlockAt("/", 0);
}

}  // namespace
}  // namespace amberfs
