// Bytes from an image, and the little-endian integers that lie in them.
//
// Le<T> is an array of bytes: alignment 1, no padding, no host order. A wire struct made of them
// may be copied out of any buffer at any offset (CopyWire), which is the one door from raw bytes to
// fields: no pointer is ever cast over image bytes.
#ifndef AMBERFS_BASE_BYTES_H_
#define AMBERFS_BASE_BYTES_H_

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace amberfs {

using ByteView = std::span<const std::byte>;
using ByteSpan = std::span<std::byte>;

template <std::unsigned_integral T>
class Le {
 public:
  constexpr Le() = default;
  constexpr Le(T value) { set(value); }  // NOLINT: fields are assigned from plain numbers

  constexpr T get() const {
    T value = std::bit_cast<T>(bytes_);
    if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
    return value;
  }
  constexpr void set(T value) {
    if constexpr (std::endian::native == std::endian::big) value = std::byteswap(value);
    bytes_ = std::bit_cast<std::array<std::byte, sizeof(T)>>(value);
  }

 private:
  std::array<std::byte, sizeof(T)> bytes_{};
};

using Le16 = Le<std::uint16_t>;
using Le32 = Le<std::uint32_t>;
using Le64 = Le<std::uint64_t>;

template <typename T>
concept Wire = std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> && alignof(T) == 1;

// A copy of the T that starts at `offset` of `bytes`, or nothing if it does not lie in there whole.
template <Wire T>
std::optional<T> CopyWire(ByteView bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

// Puts `value` at `offset` of `bytes`, where it must fit (our own buffers only).
template <Wire T>
void PutWire(ByteSpan bytes, std::size_t offset, const T& value) {
  std::memcpy(bytes.subspan(offset, sizeof(T)).data(), &value, sizeof(T));
}

template <Wire T>
ByteView WireBytes(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

// The same bytes as text and back; neither copies.
inline std::string_view AsText(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline ByteView AsBytes(std::string_view text) { return std::as_bytes(std::span(text)); }

inline bool AllZero(ByteView bytes) {
  // The first byte is zero and each byte equals its neighbour.
  return bytes.empty() || (bytes.front() == std::byte{0} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace amberfs

#endif  // AMBERFS_BASE_BYTES_H_
