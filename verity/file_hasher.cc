#include "verity/file_hasher.h"

#include <algorithm>

namespace amberfs {

FileHasher::FileHasher() { PrepareOpenSsl(); }

void FileHasher::Add(ByteView bytes) {
  bytes_ += bytes.size();
  Level& data = levels_[0];
  while (!bytes.empty()) {
    if (data.open.empty() && bytes.size() >= kBlockBytes) {
      ++data.blocks;
      AddHash(1, hasher_.Hash(bytes.first(kBlockBytes)));
      bytes = bytes.subspan(kBlockBytes);
      continue;
    }
    const ByteView piece = bytes.first(std::min(bytes.size(), kBlockBytes - data.open.size()));
    data.open.insert(data.open.end(), piece.begin(), piece.end());
    bytes = bytes.subspan(piece.size());
    if (data.open.size() == kBlockBytes) CloseBlock(0);
  }
}

void FileHasher::AddZeros(std::uint64_t bytes) {
  static constexpr std::array<std::byte, kBlockBytes> kZeros{};
  const std::uint64_t to_boundary = (kBlockBytes - bytes_ % kBlockBytes) % kBlockBytes;
  const std::uint64_t first = std::min(bytes, to_boundary);
  Add(ByteView(kZeros).first(first));
  bytes -= first;
  std::uint64_t blocks = bytes >> kBlockBits;
  bytes_ += blocks << kBlockBits;
  while (blocks > 0) {
    // The highest block that starts here and has nothing but such zeros below it.
    unsigned level = 0;
    while (blocks >> (level + 1) * kHashesPerBlockBits != 0 && levels_[level + 1].open.empty())
      ++level;
    for (unsigned i = 0; i <= level; ++i)
      levels_[i].blocks += std::uint64_t{1} << (level - i) * kHashesPerBlockBits;
    AddHash(level + 1, ZeroHash(level));
    blocks -= std::uint64_t{1} << level * kHashesPerBlockBits;
  }
  Add(ByteView(kZeros).first(bytes % kBlockBytes));
}

const Digest& FileHasher::ZeroHash(std::size_t level) {
  for (std::size_t i = 0; i <= level; ++i) {
    if (levels_[i].zeros.size() != 0) continue;
    std::vector<std::byte> block(kBlockBytes);
    for (std::size_t at = 0; i > 0 && at < kBlockBytes; at += kHashBytes)
      std::ranges::copy(levels_[i - 1].zeros.bytes(), block.begin() + static_cast<long>(at));
    levels_[i].zeros = hasher_.Hash(block);
  }
  return levels_[level].zeros;
}

void FileHasher::AddHash(std::size_t level, const Digest& hash) {
  std::vector<std::byte>& open = levels_[level].open;
  open.insert(open.end(), hash.bytes().begin(), hash.bytes().end());
  if (open.size() == kBlockBytes) CloseBlock(level);
}

// With AddHash() it goes up as many levels as the tree has.
void FileHasher::CloseBlock(std::size_t level) {
  Level& closing = levels_[level];
  closing.open.resize(kBlockBytes);
  const Digest hash = hasher_.Hash(closing.open);
  closing.open.clear();
  ++closing.blocks;
  AddHash(level + 1, hash);
}

std::optional<FileDigest> FileHasher::Finish() {
  const auto shape = TreeShape::Make({}, bytes_);
  if (!shape) return std::nullopt;
  Digest root(std::array<std::byte, kHashBytes>{});  // of a file without bytes
  if (bytes_ > 0) {
    // The root hash is that of the only block of a level.
    std::size_t level = 0;
    while (true) {
      if (!levels_[level].open.empty()) CloseBlock(level);
      if (levels_[level].blocks == 1) break;
      ++level;
    }
    root = Digest(levels_[level + 1].open);
  }
  return FsVerityDescriptor(*shape, {}, root).file_digest();
}

}  // namespace amberfs
