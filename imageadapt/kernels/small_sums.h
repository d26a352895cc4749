// Sums over small windows of 8-bit samples, which fit in 16 bits.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_SMALL_SUMS_H_
#define IMAGEADAPT_KERNELS_SMALL_SUMS_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace imageadapt {

// A window of at most this many samples: 256 * 255, and half of 256 for
// rounding, is below 2^16.
constexpr size_t kMaxSmallWindow = 256;

// What the arrays of 16-bit sums must hold beyond their samples.
constexpr size_t kSmallSumsPadding = 64;

// sums[i] += row[i].
void AddToSums(std::span<const uint8_t> row, std::span<uint16_t> sums);

// sums[i] -= row[i].
void SubtractFromSums(std::span<const uint8_t> row, std::span<uint16_t> sums);

// sums[i] += entering[i] - leaving[i].
void SlideSums(std::span<const uint8_t> entering,
               std::span<const uint8_t> leaving, std::span<uint16_t> sums);

// How sums become means: floor((sum + half) / count) for every sum below 2^16,
// by a multiplication (Granlund and Montgomery, "Division by invariant integers
// using multiplication", 1994, figure 4.1).
struct SmallDivision {
  uint16_t half = 0;
  uint16_t multiplier = 0;
  int first_shift = 0;
  int second_shift = 0;

  uint8_t Divide(uint16_t sum) const {
    const uint32_t n = sum + uint32_t{half};
    const uint32_t high = n * multiplier >> 16;
    return static_cast<uint8_t>((high + ((n - high) >> first_shift)) >>
                                second_shift);
  }
};

// Requires 1 <= count <= kMaxSmallWindow and half <= count / 2.
SmallDivision MakeSmallDivision(uint32_t count, uint32_t half);

// means[i] = the division of the sum over t in [0, window) of
// columns[i + t * channels]. Requires that `columns`, and `first` and `second`
// for work in between, have room for kSmallSumsPadding samples more than
// means.size() + (window - 1) * channels.
void MeansOfSums(const uint16_t* columns, size_t channels, size_t window,
                 const SmallDivision& division, uint16_t* first,
                 uint16_t* second, std::span<uint8_t> means);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_SMALL_SUMS_H_
