// Floats of 16 bits, the binary16 of IEEE 754.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_HALF_FLOAT_H_
#define IMAGEADAPT_CODECS_HALF_FLOAT_H_

#include <bit>
#include <cstdint>

namespace imageadapt {

// The nearest, ties to even; infinity where `value` is too large for others.
constexpr uint16_t HalfOf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) {
    // Not a number; its upper bits stay, and one of them is set.
    return static_cast<uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  }
  if (magnitude >= 0x47800000) return static_cast<uint16_t>(sign | 0x7c00);
  if (magnitude < 0x33000000) return static_cast<uint16_t>(sign);
  const uint32_t exponent = magnitude >> 23;
  // Below the normal ones, the hidden bit is written out.
  const bool is_small = exponent < 113;
  const uint32_t shift = is_small ? 126 - exponent : 13;
  const uint32_t full = is_small ? (magnitude & 0x7fffff) | 0x800000
                                 : magnitude - (uint32_t{112} << 23);
  const uint32_t kept = full >> shift;
  const uint32_t rest = full & ((1u << shift) - 1);
  const uint32_t tie = 1u << (shift - 1);
  const bool is_up = rest > tie || (rest == tie && (kept & 1) != 0);
  // Carries into the exponent, and into infinity, as it should.
  return static_cast<uint16_t>(sign | (kept + (is_up ? 1 : 0)));
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_HALF_FLOAT_H_
