#include "format/content_uuid.h"

#include <algorithm>
#include <span>

#include "base/checked.h"

namespace amberfs {

ContentHash::ContentHash() : state_(XXH3_createState()) { XXH3_128bits_reset(state_.get()); }
ContentHash::ContentHash(const ContentHash& other) : state_(XXH3_createState()) { *this = other; }
ContentHash& ContentHash::operator=(const ContentHash& other) {
  XXH3_copyState(state_.get(), other.state_.get());
  return *this;
}

void ContentHash::Update(ByteView bytes) {
  XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
}

std::array<std::byte, 16> ContentHash::Digest() const {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state_.get()));
  std::array<std::byte, 16> out;
  std::ranges::copy(std::as_bytes(std::span(canonical.digest)), out.begin());
  return out;
}

std::uint64_t HeadBytes(unsigned block_bits) {
  return RoundUp(wire::kSuperblockOffset + sizeof(wire::Superblock),
                 std::uint64_t{1} << block_bits);
}

void StampUuid(Uuid& uuid, unsigned version) {
  uuid[6] = (uuid[6] & std::byte{0x0F}) | std::byte{static_cast<unsigned char>(version << 4)};
  uuid[8] = (uuid[8] & std::byte{0x3F}) | std::byte{0x80};
}

Uuid ContentUuid(ContentHash content, wire::Superblock superblock, ByteView configurations) {
  superblock.uuid = {};
  superblock.checksum = 0;
  content.Update(WireBytes(superblock));
  content.Update(configurations);
  Uuid uuid = content.Digest();
  StampUuid(uuid, 8);
  return uuid;
}

}  // namespace amberfs
