#include "mkfs/xattr_reader.h"

#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <iterator>

#include "format/xattr_filter.h"

namespace amberfs {
namespace {

constexpr std::size_t kFirstListBytes = 4096;
constexpr std::size_t kFirstValueBytes = 256;
constexpr int kMaxTries = 16;  // attributes may grow between the two calls, but not for ever

// Calls `get(data, size)`, a *xattr() call, with a growing buffer. Returns 0 or an errno.
template <typename Get>
int GrowAndRetry(std::string& buffer, std::size_t first_bytes, Get get) {
  buffer.resize(std::max(buffer.capacity(), first_bytes));
  for (int tries = 0; tries < kMaxTries; ++tries) {
    const ssize_t bytes = get(buffer.data(), buffer.size());
    if (bytes >= 0) {
      buffer.resize(static_cast<std::size_t>(bytes));
      return 0;
    }
    if (errno != ERANGE) return errno;
    const ssize_t needed = get(nullptr, 0);
    if (needed < 0) return errno;
    buffer.resize(static_cast<std::size_t>(needed) + first_bytes);
  }
  return ERANGE;
}

}  // namespace

bool XattrReader::Works() { return ::access("/proc/self/fd", X_OK) == 0; }

int XattrReader::Read(int directory_fd, std::string_view name, std::vector<Xattr>& attributes) {
  attributes.clear();
  path_.clear();
  fmt::format_to(std::back_inserter(path_), "/proc/self/fd/{}/{}", directory_fd, name);
  if (const int error = List(); error != 0) return error == ENOTSUP ? 0 : error;

  for (std::size_t start = 0; start < names_.size();) {
    const std::string_view attribute(names_.c_str() + start);
    start += attribute.size() + 1;
    if (SplitAtShortPrefix(attribute).index == 0) {
      if (skipped_name_.empty()) skipped_name_ = attribute;
      continue;
    }
    std::string value;
    const int error = ReadValue(attribute.data(), value);
    if (error == ENODATA) continue;  // removed since it was listed
    if (error != 0) return error;
    attributes.push_back({std::string(attribute), std::move(value)});
  }
  return 0;
}

int XattrReader::List() {
  return GrowAndRetry(names_, kFirstListBytes, [this](char* data, std::size_t size) {
    return ::llistxattr(path_.c_str(), data, size);
  });
}

int XattrReader::ReadValue(const char* name, std::string& value) {
  return GrowAndRetry(value, kFirstValueBytes, [this, name](char* data, std::size_t size) {
    return ::lgetxattr(path_.c_str(), name, data, size);
  });
}

}  // namespace amberfs
