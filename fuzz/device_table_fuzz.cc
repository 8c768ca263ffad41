// ParseDeviceTable(). Input: some_superblock.h's fields, then the slots (zeros past their end).
#include "format/device_table.h"

#include "fuzz/fuzz_input.h"
#include "fuzz/some_superblock.h"

namespace amberfs::fuzz {
namespace {

bool Overlap(const DeviceSlot& a, const DeviceSlot& b) {
  return a.first_block < b.first_block + b.blocks && b.first_block < a.first_block + a.blocks;
}

// Pair by pair what the code under test finds by sorting.
bool AnyOverlap(const Superblock& sb, std::vector<DeviceSlot> slots) {
  std::erase_if(slots,
                [](const DeviceSlot& slot) { return slot.first_block == 0 || slot.blocks == 0; });
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].first_block < sb.blocks()) return true;
    for (std::size_t j = 0; j < i; ++j)
      if (Overlap(slots[i], slots[j])) return true;
  }
  return false;
}

}  // namespace
}  // namespace amberfs::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amberfs;
  using namespace amberfs::fuzz;
  Input input(data, size);
  auto fields = input.Take<SuperblockFields>();
  fields.extra_devices = fields.extra_devices.get() % 32;
  const Superblock sb = SomeSuperblock(fields);
  FUZZ_CHECK(sb.extra_devices() == fields.extra_devices.get());

  std::vector<std::byte> table(sb.extra_devices() * sizeof(wire::DeviceSlot));
  const ByteView given = input.TakeBytes(table.size());
  std::ranges::copy(given, table.begin());
  const auto slots = ParseDeviceTable(sb, table);
  if (!slots) {
    FUZZ_CHECK(slots.error().rule == Rule::kDev4);
    FUZZ_CHECK(slots.error().offset >= sb.device_table_offset());
    FUZZ_CHECK(slots.error().offset < sb.device_table_offset() + table.size());
    return 0;
  }
  FUZZ_CHECK(slots->size() == sb.extra_devices());
  FUZZ_CHECK(!AnyOverlap(sb, *slots));
  for (const DeviceSlot& slot : *slots)
    FUZZ_CHECK((slot.blocks | slot.first_block) >> (fields.wide % 2 != 0 ? 48 : 32) == 0);
  return 0;
}
