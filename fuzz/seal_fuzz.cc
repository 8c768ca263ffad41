// Seal::ReadSidecar() and ReadAppended(), and what follows: CheckTree().
//
// Input: the image's size (8 bytes), then a seal. Its checksum is made right, or nothing behind it
// would ever be reached.
#include <vector>

#include "base/crc32c.h"
#include "fuzz/fuzz_input.h"
#include "verity/seal.h"
#include "verity/trusted_root.h"

namespace amberfs::fuzz {
namespace {

void FixChecksum(ByteSpan bytes) {
  if (bytes.size() < sizeof(wire::SealFooter)) return;
  const auto footer = *CopyWire<wire::SealFooter>(bytes, bytes.size() - sizeof(wire::SealFooter));
  if (footer.metadata_size.get() < 64 || footer.metadata_size.get() > bytes.size()) return;
  const ByteSpan metadata = bytes.last(footer.metadata_size.get());
  const std::size_t at = metadata.size() - 16;
  PutWire(metadata, at, Le32(0));
  PutWire(metadata, at, Le32(~Crc32c(kCrc32cSeed, metadata)));
}

void CheckSeal(const Seal& seal, const ByteSource& source, std::uint64_t image_bytes) {
  FUZZ_CHECK(seal.descriptor().data_bytes() == image_bytes && image_bytes >= Seal::kMinDataBytes);
  FUZZ_CHECK(seal.offset() + seal.size() == source.size());
  FUZZ_CHECK(seal.metadata_offset() >= seal.offset());
  FUZZ_CHECK(seal.sections().size() < Seal::kMaxSections);
  for (const SealSection& section : seal.sections())
    FUZZ_CHECK(section.bytes.size() <= Seal::kMaxMetadataBytes);
  const auto shape = seal.CheckTree(source);
  if (!shape) return;
  FUZZ_CHECK(seal.tree_offset() + shape->tree_bytes() == seal.metadata_offset());
  // Such a seal is what a writer would have made, but for sections that this version skips.
  const SealLayout layout(*shape, seal.has_superblock());
  FUZZ_CHECK(seal.offset() + layout.metadata_offset() == seal.metadata_offset());
  FUZZ_CHECK(layout.Metadata(seal.descriptor(), seal.sections()).has_value());
  FUZZ_CHECK(ClaimOf(seal, TrustStore()).has_value());
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Input input(data, size);
  const std::uint64_t image_bytes = input.Take<Le64>().get();
  std::vector<std::byte> bytes(input.rest().begin(), input.rest().end());
  FixChecksum(bytes);
  const MemorySource sidecar(bytes);
  if (const auto seal = Seal::ReadSidecar(sidecar, image_bytes))
    CheckSeal(*seal, sidecar, image_bytes);
  if (image_bytes > 65536) return 0;
  bytes.insert(bytes.begin(), image_bytes, std::byte{0});
  const MemorySource appended(bytes);
  if (const auto seal = Seal::ReadAppended(appended)) CheckSeal(*seal, appended, seal->offset());
  return 0;
}
