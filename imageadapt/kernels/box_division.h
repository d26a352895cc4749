// Division by the same number many times.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BOX_DIVISION_H_
#define IMAGEADAPT_KERNELS_BOX_DIVISION_H_

#include <algorithm>
#include <bit>
#include <cstdint>

namespace imageadapt {

// floor(n / divisor) for n of 16 bits. Where one multiplication is enough:
// (n * multiplier >> 16) >> second_shift. Otherwise, with high = n *
// multiplier >> 16: (high + ((n - high) >> first_shift)) >> second_shift
// (Granlund and Montgomery, "Division by invariant integers using
// multiplication", 1994, figure 4.1).
struct Division16 {
  bool is_plain = false;
  uint16_t multiplier = 0;
  int first_shift = 0;
  int second_shift = 0;

  uint32_t Divide(uint32_t n) const {
    const uint32_t high = n * multiplier >> 16;
    return is_plain ? high >> second_shift
                    : (high + ((n - high) >> first_shift)) >> second_shift;
  }
};

// Exact up to `largest`. Requires 0 < divisor < 2^16.
inline Division16 MakeDivision16(uint32_t divisor, uint32_t largest = 65535) {
  // With m = ceil(2^k / d), floor(n * m / 2^k) is floor(n / d) as long as
  // n * (m * d - 2^k) < 2^k.
  for (int shift = 0; divisor >> shift > 0; ++shift) {
    const uint64_t power = uint64_t{1} << (16 + shift);
    const uint64_t multiplier = (power + divisor - 1) / divisor;
    if (multiplier < 65536 &&
        largest * (multiplier * divisor - power) < power) {
      return {.is_plain = true,
              .multiplier = static_cast<uint16_t>(multiplier),
              .first_shift = 0,
              .second_shift = shift};
    }
  }
  const int log = std::bit_width(divisor - 1);  // rounded up
  const uint64_t multiplier =
      (((uint64_t{1} << log) - divisor) << 16) / divisor + 1;
  return {.is_plain = false,
          .multiplier = static_cast<uint16_t>(multiplier),
          .first_shift = std::min(log, 1),
          .second_shift = std::max(log - 1, 0)};
}

// floor(n / divisor) = ((n + more) * multiplier >> 32) >> shift.
struct Division32 {
  uint32_t multiplier = 0;
  uint32_t more = 0;
  int shift = 0;

  uint32_t Divide(uint32_t n) const {
    return static_cast<uint32_t>(uint64_t{n + more} * multiplier >> 32) >>
           shift;
  }
};

// Exact for n < divisor << bits if divisor < 2^(32 - bits). With d the divisor
// and k = 32 + log2(d), rounded down, the multiplier m is 2^k / d rounded up or
// down, by whichever changes m * d less: by e <= d / 2. Rounded up, floor(n * m
// / 2^k) is right as long as n * e < 2^k; rounded down, floor((n + 1) * m /
// 2^k) is as long as (n + 1) * e <= 2^k (Robison, "N-bit unsigned division via
// N-bit multiply-add", 2005). Both are at most d * 2^bits * d / 2 <= 2^31 * d <
// 2^k.
inline Division32 MakeDivision32(uint32_t divisor) {
  if (divisor == 1) return {.multiplier = 0xffffffff, .more = 1, .shift = 0};
  int shift = std::bit_width(divisor) - 1;
  // A power of 2 takes a multiplier of 2^31.
  if ((divisor & (divisor - 1)) == 0) --shift;
  const uint64_t power = uint64_t{1} << (32 + shift);
  const uint64_t below = power / divisor;
  const uint64_t rest = power % divisor;
  const bool goes_up = rest == 0 || divisor - rest <= rest;
  return {.multiplier = static_cast<uint32_t>(below + (goes_up && rest != 0)),
          .more = goes_up ? 0U : 1U,
          .shift = shift};
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_DIVISION_H_
