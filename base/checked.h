// Arithmetic on numbers from an image.
//
// A Checked is an exact number or one that is known to have overflowed; overflow sticks. The number
// leaves only through AtMost(), which is false after an overflow, so forgetting the test is hard.
#ifndef AMBERFS_BASE_CHECKED_H_
#define AMBERFS_BASE_CHECKED_H_

#include <cassert>
#include <cstdint>

namespace amberfs {

class Checked {
 public:
  constexpr explicit Checked(std::uint64_t value) : value_(value) {}

  friend constexpr Checked operator+(Checked a, Checked b) {
    a.overflow_ |= b.overflow_;
    a.overflow_ |= __builtin_add_overflow(a.value_, b.value_, &a.value_);
    return a;
  }
  friend constexpr Checked operator*(Checked a, Checked b) {
    a.overflow_ |= b.overflow_;
    a.overflow_ |= __builtin_mul_overflow(a.value_, b.value_, &a.value_);
    return a;
  }
  friend constexpr Checked operator+(Checked a, std::uint64_t b) { return a + Checked(b); }
  friend constexpr Checked operator*(Checked a, std::uint64_t b) { return a * Checked(b); }
  friend constexpr Checked operator<<(Checked a, unsigned bits) {
    if (bits >= 64 || (bits > 0 && (a.value_ >> (64 - bits)) != 0)) a.overflow_ = true;
    a.value_ = bits >= 64 ? 0 : a.value_ << bits;
    return a;
  }

  // Exact, and not more than `limit`.
  constexpr bool AtMost(std::uint64_t limit) const { return !overflow_ && value_ <= limit; }

  // The number; only after AtMost() said yes.
  constexpr std::uint64_t get() const {
    assert(!overflow_);
    return value_;
  }

 private:
  std::uint64_t value_;
  bool overflow_ = false;
};

// Rounds up to a multiple of `unit`, a power of two.
constexpr Checked RoundUp(Checked value, std::uint64_t unit) {
  const Checked sum = value + (unit - 1);
  return sum.AtMost(~std::uint64_t{0}) ? Checked(sum.get() & ~(unit - 1)) : sum;
}

// The same for numbers of our own that cannot overflow.
constexpr std::uint64_t RoundUp(std::uint64_t value, std::uint64_t unit) {
  return (value + (unit - 1)) & ~(unit - 1);
}
constexpr std::uint64_t CeilShift(std::uint64_t value, unsigned bits) {
  return (value >> bits) + ((value & ((std::uint64_t{1} << bits) - 1)) != 0 ? 1 : 0);
}

}  // namespace amberfs

#endif  // AMBERFS_BASE_CHECKED_H_
