// Hues as directions.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_HUE_VECTORS_H_
#define IMAGEADAPT_KERNELS_HUE_VECTORS_H_

#include <cstdint>

#include "imageadapt/image/image_spec.h"

namespace imageadapt {

// A sum of unit vectors, in units of 2^-30, and how many they are. Integers, so
// that what was added can be taken away again without a trace. Enough for 2^32
// vectors.
struct HueSum {
  int64_t x = 0;
  int64_t y = 0;
  int64_t count = 0;

  void Add(const HueSum& other, int64_t times) {
    x += other.x * times;
    y += other.y * times;
    count += other.count * times;
  }
};

// The unit vector of a hue (hsv.h has the scales), to 2^-29. Those of opposite
// integers sum to zero. Nothing for float hues that are not finite.
template <Sample T>
HueSum HueVector(T hue);

// The hue of a sum's direction. If it has none, because the mean of the vectors
// is shorter than 2^-20, that of `middle`, or 0 if `middle` is not finite.
// Integers are rounded to nearest; what is less than 2^-14 of a step below
// halfway goes up as halfway does. NaN if the sum is of nothing.
template <Sample T>
T HueOfSum(const HueSum& sum, T middle);

// The same direction within [0, 360); 0 for hues from 2^24 on. NaN for hues
// that are not finite.
float CanonicalHue(float hue);
inline uint8_t CanonicalHue(uint8_t hue) { return hue; }
inline uint16_t CanonicalHue(uint16_t hue) { return hue; }

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_HUE_VECTORS_H_
