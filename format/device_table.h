// The table of extra devices.
//
//   DEV-4  address ranges overlap neither each other nor the primary device
#ifndef AMBERFS_FORMAT_DEVICE_TABLE_H_
#define AMBERFS_FORMAT_DEVICE_TABLE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "format/superblock.h"

namespace amberfs {

struct DeviceSlot {
  std::array<std::byte, 64> tag;
  std::uint64_t blocks;       // the device's size; below 2^48
  std::uint64_t first_block;  // in the unified address space; 0 means not mapped there
};

// Decodes the sb.extra_devices() slots in `bytes` (untrusted, exactly as long), which lie at
// sb.device_table_offset(). Fails with DEV-4.
Result<std::vector<DeviceSlot>> ParseDeviceTable(const Superblock& sb, ByteView bytes);

}  // namespace amberfs

#endif  // AMBERFS_FORMAT_DEVICE_TABLE_H_
