// Hues as directions.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_HUE_VECTORS_H_
#define IMAGEADAPT_KERNELS_HUE_VECTORS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include "imageadapt/image/image_spec.h"

namespace imageadapt {

// A sum of unit vectors, in units of 2^-30. Integers, so that what was added
// can be taken away again without a trace. Enough for 2^32 vectors.
struct HueSum {
  int64_t x = 0;
  int64_t y = 0;

  void Add(const HueSum& other, int64_t times) {
    x += other.x * times;
    y += other.y * times;
  }
};

// Whether hues of a type can be left out.
template <Sample T>
constexpr bool kHueMayBeMissing = std::is_same_v<T, float>;

// One sum for each of some columns, and how many vectors are in it, which
// nobody counts if hues of the type are never left out.
struct HueColumns {
  std::span<HueSum> sums;
  std::span<int64_t> counts;
};

// Adds the unit vectors of a row's hues (hsv.h has the scales) to those of its
// columns, each `times` times, which may be negative. Hue x is at
// row[x * channels]. Vectors are exact to 2^-30 (the rounding, and for float
// 2^-29 in all); those of opposite integers sum to zero. Nothing for float hues
// that are not finite. All processors give the same.
template <Sample T>
void AddHues(const T* row, size_t channels, int64_t times,
             const HueColumns& columns);

// So many sums are made hues in one call, at most.
constexpr size_t kHuesAtOnce = 128;

// What windows sum up to. All elements are initialized, as far as they are
// counted or not.
struct HueWindows {
  HueSum sums[kHuesAtOnce] = {};
  double counts[kHuesAtOnce] = {};  // whole numbers
};

// The hues of the first `count` sums' directions, into target[x * channels]. If
// a sum has none, because the mean of its vectors is shorter than 2^-20, that
// of middles[x * channels], or 0 if that one is not finite. Integers are
// rounded to nearest; what is less than 2^-14 of a step below halfway goes up
// as halfway does. NaN if a sum is of nothing. All processors give the same.
template <Sample T>
void HuesOfWindows(const HueWindows& windows, size_t count, const T* middles,
                   size_t channels, T* target);

// The same direction within [0, 360); 0 for hues from 2^24 on. NaN for hues
// that are not finite.
float CanonicalHue(float hue);
inline uint8_t CanonicalHue(uint8_t hue) { return hue; }
inline uint16_t CanonicalHue(uint16_t hue) { return hue; }

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_HUE_VECTORS_H_
