// Which source samples a resized one is made of, and by which weights.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_RESAMPLE_WEIGHTS_H_
#define IMAGEADAPT_KERNELS_RESAMPLE_WEIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/kernels/window_size.h"

namespace imageadapt {

enum class ResizeFilter : uint8_t {
  kArea,      // the mean of the source over the target pixel's own area
  kBilinear,  // a triangle
  kBicubic,   // a = -1/2 (Keys, "Cubic convolution interpolation", 1981)
  kLanczos3,  // (Duchon, "Lanczos filtering in one and two dimensions", 1979)
};

// One axis of an image, resized. Pixel centres lie at half-integer coordinates,
// and both images cover the same ground. When the image shrinks, filters grow
// by the same ratio, so that no source sample is passed over (as in Heckbert,
// "Fundamentals of texture mapping and image warping", 1989); weights of what
// lies outside the source are left out, and the others sum to one.
struct ResizeAxis {
  uint32_t source_length = 1;  // both at most 2^31
  uint32_t target_length = 1;
  ResizeFilter filter = ResizeFilter::kArea;

  // The source positions that a target position is made of: at least one. Both
  // ends grow with the position.
  Extent Taps(uint32_t position) const;

  // No Taps() are longer.
  size_t MostTaps() const;

  // Sets weights[i] to that of Taps(position).first + i: doubles of at most 28
  // significant bits, so that products with float are exact. A weight that is
  // zero by the filter's definition is exactly zero. Requires
  // weights.size() == Taps(position).size().
  void Weigh(uint32_t position, std::span<double> weights) const;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_RESAMPLE_WEIGHTS_H_
