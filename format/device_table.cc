#include "format/device_table.h"

#include <algorithm>
#include <cassert>

namespace amberfs {

Result<std::vector<DeviceSlot>> ParseDeviceTable(const Superblock& sb, ByteView bytes) {
  const bool wide = sb.has_incompat(wire::kIncompat48Bit);
  std::vector<DeviceSlot> slots;
  struct Range {
    std::uint64_t begin, end, offset;
  };
  std::vector<Range> ranges = {{0, sb.blocks(), 0}};
  for (unsigned i = 0; i < sb.extra_devices(); ++i) {
    const std::uint64_t at = std::uint64_t{i} * sizeof(wire::DeviceSlot);
    const auto raw = CopyWire<wire::DeviceSlot>(bytes, at);
    assert(raw.has_value());
    DeviceSlot slot{raw->tag, raw->blocks_lo.get(), raw->uniaddr_lo.get()};
    if (wide) {
      slot.blocks |= std::uint64_t{raw->blocks_hi.get()} << 32;
      slot.first_block |= std::uint64_t{raw->uniaddr_hi.get()} << 32;
    }
    slots.push_back(slot);
    if (slot.first_block != 0 && slot.blocks != 0)
      ranges.push_back(
          {slot.first_block, slot.first_block + slot.blocks, sb.device_table_offset() + at});
  }
  std::ranges::sort(ranges, {}, &Range::begin);
  for (std::size_t i = 1; i < ranges.size(); ++i)
    if (ranges[i].begin < ranges[i - 1].end)
      return Broken(Rule::kDev4, std::max(ranges[i].offset, ranges[i - 1].offset));
  return slots;
}

}  // namespace amberfs
