// The UUID that an image has if nobody chose one: a hash of all that is in it. Equal images have
// equal UUIDs, and whoever reads an image can tell whether it still is what was written.
//
// Hashed is what lies between the blocks of the superblock and the image's last block, behind zeros
// for those first blocks, and before the superblock with neither UUID nor checksum and the
// compression configurations that follow it.
#ifndef AMBERFS_FORMAT_CONTENT_UUID_H_
#define AMBERFS_FORMAT_CONTENT_UUID_H_

#include <xxhash.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "format/wire.h"

namespace amberfs {

using Uuid = std::array<std::byte, 16>;

// XXH3 with 128 bits, of bytes that come in pieces. A copy goes on from the same point.
class ContentHash {
 public:
  ContentHash();
  ContentHash(const ContentHash& other);
  ContentHash& operator=(const ContentHash& other);

  void Update(ByteView bytes);
  std::array<std::byte, 16> Digest() const;

 private:
  struct Deleter {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Deleter> state_;
};

// The bytes of the blocks that hold the superblock and what lies before it.
std::uint64_t HeadBytes(unsigned block_bits);

// RFC 9562: version 8 is "our own way of making it", 4 is random; the variant is 10 in bits.
void StampUuid(Uuid& uuid, unsigned version);

// `content` has been given HeadBytes() of zeros and all that follows them; `superblock` may have a
// UUID and a checksum already.
Uuid ContentUuid(ContentHash content, wire::Superblock superblock, ByteView configurations);

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_CONTENT_UUID_H_
