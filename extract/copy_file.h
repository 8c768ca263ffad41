// Copies the bytes of a file of an image into one of the host.
#ifndef AMBERFS_EXTRACT_COPY_FILE_H_
#define AMBERFS_EXTRACT_COPY_FILE_H_

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <vector>

#include "base/error.h"
#include "format/inode.h"
#include "image/image.h"

namespace amberfs {

enum class CopyStep : std::uint8_t { kReading, kWriting, kStopped };

struct CopyError {
  CopyStep step;
  Error error = {};  // except for kStopped
};

// For one thread, which uses it again. Grows to the longest piece: a compressed extent, at most
// 12 MiB, is one; without such ones they are 1 MiB.
using CopyBuffer = std::vector<std::byte>;

// Copies all of `inode` through `buffer` into the empty file `fd`, and leaves out its holes;
// returns their bytes. Calls may_write(bytes) before each piece, with 0 before a hole, and stops
// where it says no.
std::expected<std::uint64_t, CopyError> CopyFile(
    const Image& image, const Inode& inode, int fd, CopyBuffer& buffer,
    const std::function<bool(std::uint64_t bytes)>& may_write);

}  // namespace amberfs

#endif  // AMBERFS_EXTRACT_COPY_FILE_H_
