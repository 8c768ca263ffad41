#include "tests/bad/test_image.h"

#include <memory>

#include "format/crc32c.h"

namespace amberfs {

void TestImage::Seal() {
  if (bytes.size() < kBlock) return;
  EditSuperblock([](auto& sb) { sb.checksum = 0; });
  const std::uint32_t checksum = SuperblockChecksum(bytes, 12);
  EditSuperblock([&](auto& sb) { sb.checksum = checksum; });
}

SourcePtr TestImage::Primary() const { return std::make_shared<const MemorySource>(bytes); }

std::vector<SourcePtr> TestImage::Devices() const {
  std::vector<SourcePtr> out;
  for (const auto& device : devices) out.push_back(std::make_shared<const MemorySource>(device));
  return out;
}

}  // namespace amberfs
