// A digest of everything an image holds, from which its UUID is made.
//
// Three streams, each fed in a fixed order: the non-zero blocks of the files, where the zero blocks
// between them lie, and the metadata. Equal images have equal digests, and the digest does not
// depend on which zero blocks came from holes of the host's filesystem. Not cryptographic.
#ifndef AMBERFS_MKFS_CONTENT_HASH_H_
#define AMBERFS_MKFS_CONTENT_HASH_H_

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "mkfs/options.h"

namespace amberfs {

class ContentHash {
 public:
  ContentHash();
  ~ContentHash();
  ContentHash(const ContentHash&) = delete;
  ContentHash& operator=(const ContentHash&) = delete;

  void AddData(ByteView bytes);
  void AddZeros(std::uint64_t file_number, std::uint64_t first_block, std::uint64_t blocks);
  void AddMetadata(ByteView bytes);

  // The digest in the form of an RFC 9562 UUID, version 8.
  Uuid ToUuid() const;

 private:
  struct Streams;
  std::unique_ptr<Streams> streams_;
};

}  // namespace amberfs

#endif  // AMBERFS_MKFS_CONTENT_HASH_H_
