// The bytes of an image in memory, and ways to change them.
#ifndef AMBERFS_TESTS_BAD_TEST_IMAGE_H_
#define AMBERFS_TESTS_BAD_TEST_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "format/wire.h"
#include "image/image.h"

namespace amberfs {

class TestImage {
 public:
  static constexpr std::uint64_t kBlock = 4096;
  static constexpr std::uint64_t kSb = wire::kSuperblockOffset;

  // Changes the T at `offset`.
  template <Wire T, typename Change>
  void Edit(std::uint64_t offset, Change change) {
    T value = CopyWire<T>(bytes, offset).value();
    change(value);
    PutWire(bytes, offset, value);
  }
  template <typename Change>
  void EditSuperblock(Change change) {
    Edit<wire::Superblock>(kSb, change);
  }
  void SetByte(std::uint64_t offset, int value) { bytes.at(offset) = std::byte(value); }

  // Makes the checksum right again.
  void Seal();

  SourcePtr Primary() const;
  std::vector<SourcePtr> Devices() const;

  std::vector<std::byte> bytes;
  std::vector<std::vector<std::byte>> devices;

 protected:
  explicit TestImage(std::uint64_t blocks) : bytes(blocks * kBlock) {}
};

}  // namespace amberfs

#endif  // AMBERFS_TESTS_BAD_TEST_IMAGE_H_
