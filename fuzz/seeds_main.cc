// Writes seeds for every target: whole images as they are, and the structures in them apart.
//
//   fuzz_seeds OUT_DIR [IMAGE[+DEVICE]...]
//
// The inputs' formats stand at the top of each target.
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "base/checked.h"
#include "codec/test_encoders.h"
#include "format/cluster_index.h"
#include "format/map_header.h"
#include "fuzz/codec_input.h"
#include "fuzz/some_superblock.h"
#include "fuzz/tiny_image.h"
#include "image/directory.h"
#include "image/file_reader.h"
#include "image/image.h"
#include "image/xattr_set.h"
#include "verity/dm_verity.h"
#include "verity/root_hash_file.h"
#include "verity/seal_writer.h"
#include "verity/test_vectors.h"

namespace amberfs::fuzz {
namespace {

namespace fs = std::filesystem;

// Small seeds mutate better.
constexpr std::size_t kLargest = 24576;
constexpr std::size_t kInodesPerImage = 12;

std::vector<std::byte> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const ByteView bytes = AsBytes(text);
  return {bytes.begin(), bytes.end()};
}

class Writer {
 public:
  explicit Writer(fs::path out) : out_(std::move(out)) {}

  // The parts of one input, one behind the other.
  void Write(const std::string& target, const std::string& name,
             std::initializer_list<ByteView> parts) {
    std::string bytes;
    for (const ByteView part : parts) bytes.append(AsText(part));
    if (!written_[target].insert(bytes).second) return;
    fs::create_directories(out_ / target);
    std::ofstream(out_ / target / name, std::ios::binary) << bytes;
  }

 private:
  fs::path out_;
  std::map<std::string, std::set<std::string>> written_;
};

SuperblockFields FieldsOf(const Superblock& sb) {
  return {.block_bits = static_cast<std::uint8_t>(sb.block_bits() - 9),
          .wide = sb.has_incompat(wire::kIncompat48Bit) ? std::uint8_t{1} : std::uint8_t{0},
          .extra_devices = sb.extra_devices(),
          .blocks = static_cast<std::uint32_t>(sb.blocks()),
          .meta_block = 0,
          .fixed_nsec = sb.fixed_nsec(),
          .epoch = static_cast<std::uint64_t>(sb.epoch())};
}

// The map header and the index of a compressed file, as far as the metadata's own place holds them.
void SplitIndex(const Image& image, const Inode& inode, ByteView bytes, const std::string& name,
                Writer& writer) {
  const std::uint64_t offset = MapHeader::OffsetOf(inode);
  if (InMetabox(offset) || offset + sizeof(wire::MapHeader) > bytes.size()) return;
  const bool compact = inode.layout() == DataLayout::kCompressedCompact;
  const bool configs = image.sb().has_incompat(wire::kIncompatCompressionConfigs);
  const SuperblockFields fields = FieldsOf(image.sb());
  const ByteView raw = bytes.subspan(offset, sizeof(wire::MapHeader));
  const auto flags = static_cast<std::uint8_t>((compact ? 1 : 0) | (configs ? 2 : 0));
  writer.Write("map_header", name,
               {WireBytes(fields), std::as_bytes(std::span(&flags, 1)),
                WireBytes(Le64(inode.size() << 1)), raw});
  const auto header = MapHeader::Parse(image.sb(), inode, raw, offset);
  if (!header ||
      (header->form != MapHeader::Form::kFull && header->form != MapHeader::Form::kCompact))
    return;
  const ClusterIndexLayout layout(image.sb(), inode, *header);
  if (layout.end() > bytes.size() || inode.body_end() % wire::kSlotBytes != 0) return;
  const std::array<std::uint8_t, 4> shape = {
      static_cast<std::uint8_t>(image.sb().block_bits() - 9),
      static_cast<std::uint8_t>((compact ? 1 : 0) | (header->big_head1 ? 2 : 0) |
                                (header->two_byte ? 4 : 0)),
      0, 0};
  // The target's inode is an extended one without attributes, that ends where this one does.
  const Le32 slot(static_cast<std::uint32_t>((inode.body_end() - sizeof(wire::InodeExtended)) /
                                             wire::kSlotBytes));
  const Le32 last(static_cast<std::uint32_t>(inode.size() - 1));
  writer.Write("cluster_index", name,
               {std::as_bytes(std::span(shape)), WireBytes(slot), WireBytes(last),
                bytes.subspan(layout.start(), layout.end() - layout.start())});
}

// What mkfs.erofs 1.5 does not make, in the form that encoded_extents_fuzz.cc reads. Literals alone
// are a good LZ4 stream: a token that counts them, and they.
void WriteEncodedExtents(Writer& writer) {
  constexpr std::uint64_t kRest = 1704;  // where its input's last part comes to lie
  constexpr std::uint32_t kExtent = 512;
  for (const unsigned code : {0U, 1U, 2U, 3U}) {
    const std::uint64_t record_bytes = 4U << code;
    const std::uint64_t records = RoundUp(kRest, record_bytes) + (code == 0 ? sizeof(Le64) : 0);
    const std::uint64_t data = records + 3 * record_bytes;
    const std::string plain(kExtent, 'p');
    const std::string stream = "\xF0\xFF\xF2" + std::string(512, 's');  // 15 + 255 + 242
    std::string rest(records - kRest, '\0');
    if (code == 0) {
      const Le64 start(data);
      std::ranges::copy(AsText(WireBytes(start)), rest.end() - sizeof start);
    }
    std::uint64_t address = data;
    for (std::uint32_t i = 0; i < 3; ++i) {
      const std::uint32_t length = static_cast<std::uint32_t>(i == 0   ? plain.size()
                                                              : i == 1 ? stream.size()
                                                                       : 0);
      wire::ExtentRecord record{};
      record.plen = length | (i == 1 ? 1U << wire::kExtentFormatShift : 0U);
      record.pstart_lo = static_cast<std::uint32_t>(address);
      record.lstart_lo = i * kExtent;
      rest += AsText(WireBytes(record)).substr(0, record_bytes);
      address += length;
    }
    rest += plain + stream;
    wire::MapHeader header{};
    header.advise = static_cast<std::uint16_t>(wire::kMapExtents | code << 1);
    if (code >= 2) header.low = 3;
    writer.Write("encoded_extents", "records-" + std::to_string(record_bytes),
                 {WireBytes(Le64((3 * kExtent - 100) << 1)), WireBytes(header), AsBytes(rest)});
  }
}

// Streams of each encoder, to be decoded whole and in part.
void WriteStreams(Writer& writer) {
  std::string numbers;
  for (int i = 0; i < 300; ++i) numbers += std::to_string(i * 7919 % 1000) + '\n';
  std::string noise;
  for (std::uint64_t i = 0, x = 1; i < 600; ++i, x = x * 69069 % 65521)
    noise += static_cast<char>(x);
  std::string long_one;  // of several blocks, which look back far
  for (int i = 0; i < 150; ++i) long_one += std::string(1000, static_cast<char>('a' + i % 26));
  const std::pair<const char*, std::string> plains[] = {
      {"byte", "x"}, {"numbers", numbers}, {"noise", noise}, {"long", long_one}};
  for (const TestEncoder& encoder : kEncoders) {
    for (const auto& [name, plain] : plains) {
      const std::vector<std::byte> stream = encoder.encode(AsBytes(plain));
      for (const int whole : {0, 1}) {
        CodecHead head;
        head.how = static_cast<std::uint8_t>(static_cast<int>(encoder.algorithm) | whole << 2);
        head.window_log = 10;
        head.size = static_cast<std::uint32_t>(plain.size());
        head.part = static_cast<std::uint32_t>(plain.size() / 2);
        writer.Write("codec", std::string(encoder.name) + "-" + name + (whole != 0 ? "" : "-part"),
                     {WireBytes(head), stream});
      }
    }
  }
}

void SplitInode(const Image& image, const Inode& inode, ByteView bytes, const std::string& name,
                Writer& writer) {
  const SuperblockFields fields = FieldsOf(image.sb());
  writer.Write("inode", name,
               {WireBytes(fields), WireBytes(Le64(inode.offset() << 2)),
                bytes.subspan(inode.offset(), inode.is_extended() ? 64 : 32)});
  if (inode.xattr_bytes() > 0) {
    const auto count = static_cast<std::uint8_t>(image.sb().xattr_prefix_count());
    ByteView table;
    if (count > 0) table = bytes.subspan(image.sb().xattr_prefixes_offset()).first(64);
    const Le16 table_bytes(static_cast<std::uint16_t>(table.size()));
    writer.Write("xattr", name,
                 {std::as_bytes(std::span(&count, 1)), WireBytes(table_bytes), table,
                  bytes.subspan(inode.xattr_offset(), inode.xattr_bytes())});
    const auto set = XattrSet::Read(image, inode);
    const auto list = set ? set->List() : std::vector<Xattr>();
    for (const Xattr& xattr : list ? *list : std::vector<Xattr>())
      if (xattr.name.starts_with("system."))
        writer.Write("xattr", name + "-acl",
                     {WireBytes(Le16(0)), AsBytes(std::string_view("\0", 1)),
                      AsBytes(set->Value(xattr).value_or(""))});
  }
  if (inode.is_compressed()) SplitIndex(image, inode, bytes, name, writer);
  if (!inode.is_directory()) return;
  for (std::uint64_t pos = 0; pos < inode.size(); pos += image.sb().block_size()) {
    std::vector<std::byte> block(image.sb().block_size());
    const auto got = FileReader(image, inode).Read(pos, block);
    if (got)
      writer.Write("dir_block", name + "-" + std::to_string(pos), {ByteView(block).first(*got)});
  }
}

void Split(const std::string& name, const std::vector<std::byte>& bytes,
           const std::vector<std::byte>& extra, Writer& writer) {
  const Le64 size(bytes.size());
  const std::size_t head = std::min<std::size_t>(bytes.size(), 4096);
  writer.Write("superblock", name, {WireBytes(size), ByteView(bytes).subspan(1024, head - 1024)});
  writer.Write("compression_configs", name, {ByteView(bytes).subspan(1024, head - 1024)});
  if (bytes.size() <= kLargest) writer.Write("image", name, {bytes});
  for (const int flags : {0, 1}) {  // the second: as large as it likes
    const Le32 extra_bytes(static_cast<std::uint32_t>(extra.size()));
    const Le16 how(static_cast<std::uint16_t>(flags | (extra.empty() ? 0 : 1 << 8)));
    if (bytes.size() + extra.size() <= (flags == 0 ? kLargest : kLargest / 4))
      writer.Write("image_devices", name + (flags != 0 ? "-sparse" : ""),
                   {WireBytes(extra_bytes), WireBytes(how), WireBytes(Le16(0)), bytes, extra});
  }

  const auto image = Image::Open(std::make_shared<const MemorySource>(bytes));
  if (!image) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), Describe(image.error()).c_str());
    return;
  }
  if (image->sb().extra_devices() > 0) {
    const SuperblockFields fields = FieldsOf(image->sb());
    writer.Write("device_table", name,
                 {WireBytes(fields), ByteView(bytes).subspan(image->sb().device_table_offset(),
                                                             image->sb().extra_devices() * 128U)});
  }
  std::vector<Nid> todo = {image->sb().root_nid()};
  std::set<Nid> seen(todo.begin(), todo.end());
  for (std::size_t at = 0; at < todo.size() && at < kInodesPerImage; ++at) {
    const auto inode = image->ReadInode(todo[at]);
    if (!inode) continue;
    SplitInode(*image, *inode, bytes, name + "-" + std::to_string(todo[at].v), writer);
    if (!inode->is_directory()) continue;
    const Directory directory(*image, *inode);
    Directory::Iterator entries(directory);
    while (const auto next = entries.Next().value_or(std::nullopt))
      if (seen.insert(next->nid).second) todo.push_back(next->nid);
  }
}

// What proves an image, in each form.
void WriteVerity(Writer& writer) {
  const MemorySource image(std::vector<std::byte>(40'000, std::byte{'x'}));
  const std::vector<std::byte> certificate = FromBase64(kVectorCertificate);
  const std::vector<std::byte> signature = FromBase64(kVectorRootHashSignature);
  const std::vector<std::byte> other_signature = FromBase64(kVectorSignature);
  const std::vector<SealSection> sections = {
      {.type = SealSectionType::kSignature, .bytes = other_signature},
      {.type = SealSectionType::kRootHashSignature, .bytes = signature},
      {.type = SealSectionType::kCertificate, .bytes = certificate}};
  const Le64 size(image.size());
  const std::pair<const char*, SealOptions> kSeals[] = {
      {"plain", {}},
      {"salted", {.salt = {std::byte{1}, std::byte{2}}}},
      {"sha512", {.algorithm = HashAlgorithm::kSha512, .block_bits = 10}},
      {"small-blocks", {.block_bits = 9, .has_superblock = false}}};
  for (const auto& [name, options] : kSeals) {
    writer.Write("seal", name, {WireBytes(size), *MakeSeal(image, options)});
    writer.Write("seal", std::string(name) + "-signed",
                 {WireBytes(size), *MakeSeal(image, options, sections)});
    const auto descriptor = *ComputeDescriptor(image, options);
    writer.Write("fs_verity", name, {descriptor.Encode()});
    writer.Write("dm_verity", name, {DmVeritySuperblock::FromDescriptor(descriptor).Encode()});
  }
  const std::byte with_helper{0};
  const std::byte alone{1};
  const Le16 helper_bytes(static_cast<std::uint16_t>(certificate.size()));
  writer.Write("signature", "alone", {std::as_bytes(std::span(&alone, 1)), signature});
  writer.Write("signature", "other-message",
               {std::as_bytes(std::span(&alone, 1)), other_signature});
  writer.Write(
      "signature", "with-helper",
      {std::as_bytes(std::span(&with_helper, 1)), WireBytes(helper_bytes), certificate, signature});
  const Digest hash = HashOf(HashAlgorithm::kSha256, {});
  writer.Write("root_hash_file", "containerd", {AsBytes(RootHashFile::Containerd(hash, 524288))});
  writer.Write("root_hash_file", "systemd",
               {AsBytes(RootHashFile::Systemd(hash, signature, hash))});
  // Reads all over, then after a change of the image, then of the seal.
  std::string steps("\x04", 1);
  const auto add = [&steps](char what, char length, std::uint32_t at) {
    const Le32 place(at);
    steps += what;
    steps += length;
    steps += AsText(WireBytes(place));
  };
  for (const std::uint32_t at : {0U, 511U, 12'000U, 39'999U}) add(0, 100, at);
  writer.Write("verified_source", "reads", {AsBytes(steps)});
  add(2, 0, 12'001);
  for (const std::uint32_t at : {0U, 11'999U, 12'000U, 13'000U}) add(0, 20, at);
  writer.Write("verified_source", "changed-image", {AsBytes(steps)});
  add(3, 0, 600);
  add(0, 127, 0);
  writer.Write("verified_source", "changed-seal", {AsBytes(steps)});
}

}  // namespace
}  // namespace amberfs::fuzz

int main(int argc, char** argv) {
  using namespace amberfs::fuzz;
  if (argc < 2) {
    std::fprintf(stderr, "Usage: fuzz_seeds OUT_DIR [IMAGE[+DEVICE]...]\n");
    return 1;
  }
  Writer writer(argv[1]);
  WriteVerity(writer);
  WriteEncodedExtents(writer);
  WriteStreams(writer);
  for (const TinyImage& image : MakeTinyImages())
    Split(image.name, image.primary, image.extra, writer);
  for (int i = 2; i < argc; ++i) {
    const std::string spec = argv[i];
    const auto plus = spec.find('+');
    const std::string path = spec.substr(0, plus);
    Split(fs::path(path).stem(), ReadFile(path),
          plus == spec.npos ? std::vector<std::byte>() : ReadFile(spec.substr(plus + 1)), writer);
  }
  return 0;
}
