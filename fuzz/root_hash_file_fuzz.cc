// RootHashFile::Parse().
//
// Input: the file.
#include "fuzz/fuzz_input.h"
#include "verity/root_hash_file.h"
#include "verity/signature.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  const auto file = RootHashFile::Parse(AsText(std::as_bytes(std::span(data, size))));
  if (!file) return 0;
  FUZZ_CHECK(file->root_hash.size() == 32 || file->root_hash.size() == 64);
  FUZZ_CHECK(file->hash_offset.has_value() == file->signature.empty());
  FUZZ_CHECK(file->signature.size() <= kMaxSignatureBytes);
  const std::string text =
      file->hash_offset ? RootHashFile::Containerd(file->root_hash, *file->hash_offset)
                        : RootHashFile::Systemd(file->root_hash, file->signature, file->root_hash);
  const auto again = RootHashFile::Parse(text);
  FUZZ_CHECK(again && again->root_hash == file->root_hash &&
             again->hash_offset == file->hash_offset && again->signature == file->signature);
  return 0;
}
