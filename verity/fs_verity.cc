#include "verity/fs_verity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>

#include "base/hex.h"

namespace amberfs {
namespace {

constexpr std::uint8_t kVersion = 1;
// The block sizes of images; `fsverity digest` knows more.
constexpr unsigned kMinBlockBits = 9;
constexpr unsigned kMaxBlockBits = 16;

}  // namespace

std::vector<std::byte> FsVerityPrefix(HashAlgorithm algorithm, ByteView salt) {
  std::vector<std::byte> prefix(salt.begin(), salt.end());
  // No salt is not a salt of zeros.
  if (!salt.empty()) prefix.resize(algorithm == HashAlgorithm::kSha256 ? 64 : 128);
  return prefix;
}

std::string FileDigest::text() const {
  return fmt::format("{}:{}", NameOf(algorithm), Hex(digest.bytes()));
}

std::string FileDigest::id() const {
  return fmt::format("{}-{}:{}", NameOf(algorithm), block_bits, Hex(digest.bytes()));
}

std::optional<PinnedDigest> PinnedDigest::FromText(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  std::string_view name = text.substr(0, colon);
  PinnedDigest pin;
  if (const auto dash = name.find('-'); dash != name.npos) {
    unsigned bits = 0;
    const char* end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + dash + 1, end, bits);
    if (error != std::errc() || rest != end || bits > 63) return std::nullopt;
    pin.block_bits = bits;
    name = name.substr(0, dash);
  }
  const auto algorithm = HashAlgorithmFromName(name);
  const auto digest = FromHex(text.substr(colon + 1));
  if (!algorithm || !digest || digest->size() != DigestBytes(*algorithm)) return std::nullopt;
  pin.algorithm = *algorithm;
  pin.digest = Digest(*digest);
  return pin;
}

bool PinnedDigest::Matches(const FileDigest& file) const {
  return algorithm == file.algorithm && digest == file.digest &&
         block_bits.value_or(file.block_bits) == file.block_bits;
}

FsVerityDescriptor::FsVerityDescriptor(const TreeShape& shape, ByteView salt,
                                       const Digest& root_hash)
    : params_(shape.params()),
      data_bytes_(shape.data_bytes()),
      root_hash_(root_hash),
      salt_(salt.begin(), salt.end()) {
  assert(salt.size() <= kMaxSaltBytes);
  assert(params_.data_block_bits == params_.hash_block_bits);
}

Result<FsVerityDescriptor> FsVerityDescriptor::Parse(ByteView bytes, std::uint64_t offset) {
  const auto raw = CopyWire<wire::FsVerityDescriptor>(bytes, 0);
  if (!raw || raw->version != kVersion || raw->reserved1.get() != 0 || !AllZero(raw->reserved2))
    return Broken(Rule::kFsv1, offset);
  const auto algorithm = HashAlgorithmFromNumber(raw->hash_algorithm);
  if (!algorithm)
    return Broken(Rule::kFsv2, offset + offsetof(wire::FsVerityDescriptor, hash_algorithm));
  const std::size_t digest_bytes = DigestBytes(*algorithm);
  const unsigned bits = raw->log_blocksize;
  if (bits < kMinBlockBits || bits > kMaxBlockBits || digest_bytes * 2 > std::size_t{1} << bits)
    return Broken(Rule::kFsv3, offset + offsetof(wire::FsVerityDescriptor, log_blocksize));
  if (raw->salt_size > kMaxSaltBytes)
    return Broken(Rule::kFsv4, offset + offsetof(wire::FsVerityDescriptor, salt_size));
  if (!AllZero(ByteView(raw->root_hash).subspan(digest_bytes)))
    return Broken(Rule::kFsv1, offset + offsetof(wire::FsVerityDescriptor, root_hash));
  if (!AllZero(ByteView(raw->salt).subspan(raw->salt_size)))
    return Broken(Rule::kFsv1, offset + offsetof(wire::FsVerityDescriptor, salt));

  FsVerityDescriptor descriptor;
  descriptor.params_ = {.algorithm = *algorithm, .data_block_bits = bits, .hash_block_bits = bits};
  descriptor.data_bytes_ = raw->data_size.get();
  descriptor.root_hash_ = Digest(ByteView(raw->root_hash).first(digest_bytes));
  descriptor.salt_.assign(raw->salt.begin(), raw->salt.begin() + raw->salt_size);
  return descriptor;
}

std::array<std::byte, FsVerityDescriptor::kBytes> FsVerityDescriptor::Encode() const {
  wire::FsVerityDescriptor raw{};
  raw.version = kVersion;
  raw.hash_algorithm = static_cast<std::uint8_t>(params_.algorithm);
  raw.log_blocksize = static_cast<std::uint8_t>(params_.data_block_bits);
  raw.salt_size = static_cast<std::uint8_t>(salt_.size());
  raw.data_size = data_bytes_;
  std::ranges::copy(root_hash_.bytes(), raw.root_hash.begin());
  std::ranges::copy(salt_, raw.salt.begin());
  std::array<std::byte, kBytes> out;
  PutWire(out, 0, raw);
  return out;
}

Result<TreeShape> FsVerityDescriptor::Shape(std::uint64_t offset) const {
  const auto shape = TreeShape::Make(params_, data_bytes_);
  if (!shape || shape->levels() > kMaxLevels)
    return Broken(Rule::kFsv5, offset + offsetof(wire::FsVerityDescriptor, data_size));
  return *shape;
}

FileDigest FsVerityDescriptor::file_digest() const {
  return {.algorithm = params_.algorithm,
          .block_bits = params_.data_block_bits,
          .digest = HashOf(params_.algorithm, Encode())};
}

std::vector<std::byte> FsVerityDescriptor::SignedMessage() const {
  const Digest digest = file_digest().digest;
  constexpr std::string_view kMagic = "FSVerity";
  std::vector<std::byte> message(kMagic.size() + 4 + digest.size());
  std::ranges::copy(AsBytes(kMagic), message.begin());
  PutWire(message, kMagic.size(), Le16(static_cast<std::uint16_t>(params_.algorithm)));
  PutWire(message, kMagic.size() + 2, Le16(static_cast<std::uint16_t>(digest.size())));
  std::ranges::copy(digest.bytes(), message.begin() + kMagic.size() + 4);
  return message;
}

}  // namespace amberfs
