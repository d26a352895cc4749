// Sums of rows, each times a weight: what separable filters are made of.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_WEIGHTED_ROWS_H_
#define IMAGEADAPT_KERNELS_WEIGHTED_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/image/image_spec.h"

namespace imageadapt {

// The nearest number of 28 significant bits. Its product with a float is exact
// as a double; therefore it does not matter whether a processor rounds between
// multiplication and addition, and all processors yield the same sums.
double ShortWeight(double weight);

// Weights of 16 bits: weight i is values[i] / 2^shift. An even number of them,
// because SIMD multiplies them in pairs; the last may be zero.
struct FixedWeights {
  std::span<const int16_t> values;
  int shift = 0;
};

// The most bits after the point for sums of 8-bit rows, and for sums of rows of
// kFixedBits more bits, that do not overflow 32 bits as long as the magnitudes
// of the weights sum to at most 1.6 (all filters here; 1 in the last case).
constexpr int kFixedBits = 6;
constexpr int kMostShiftOf8Bits = 22;
constexpr int kMostShiftOfFixed = 15;
constexpr int kMostShiftOfFixedMeans = 17;

constexpr size_t EvenCount(size_t count) { return count + count % 2; }

// Rounds weights that sum to one (each less than 2 in magnitude) so that they
// still sum to exactly one, with as many bits as they can have: what rounding
// leaves over goes to the largest. Requires EvenCount(weights.size()) values.
FixedWeights MakeFixedWeights(std::span<const double> weights, int most_shift,
                              std::span<int16_t> values);

// sums[i] = the sum over t of weights.values[t] * rows[t][i], rounded to the
// nearest: with kFixedBits bits after the point when sums are int16_t. Requires
// as many rows as weights, each with a sample for each sum.
void WeightedRows(std::span<const uint8_t* const> rows,
                  const FixedWeights& weights, std::span<int16_t> sums);
void WeightedRows(std::span<const uint8_t* const> rows,
                  const FixedWeights& weights, std::span<float> sums);

// Likewise of rows that have kFixedBits bits after the point.
void WeightedRows(std::span<const int16_t* const> rows,
                  const FixedWeights& weights, std::span<uint8_t> sums);
void WeightedRows(std::span<const int16_t* const> rows,
                  const FixedWeights& weights, std::span<float> sums);

// Likewise by ShortWeights, summed in double in the order of the rows and
// rounded once to float (and then to an integer).
template <Sample T>
void WeightedRows(std::span<const T* const> rows,
                  std::span<const double> weights, std::span<float> sums);
void WeightedRows(std::span<const float* const> rows,
                  std::span<const double> weights, std::span<uint16_t> sums);

// Likewise of pixels of 2 or 4 channels whose colours are multiplied by alpha
// first (in float; a pixel without alpha has no colour, not even NaN).
template <Sample T>
void WeightedPremultipliedRows(std::span<const T* const> rows,
                               std::span<const double> weights,
                               uint32_t channels, std::span<float> sums);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_WEIGHTED_ROWS_H_
