// Blurs an image.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_GAUSSIAN_H_
#define IMAGEADAPT_KERNELS_GAUSSIAN_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/border.h"

namespace imageadapt {

struct GaussianOptions {
  double sigma = 1;  // in pixels, 0.1 to 100
  BorderMode border = BorderMode::kClip;
};

// The window has 2 * radius + 1 rows and columns: 4 sigma to each side.
uint32_t GaussianRadius(double sigma);

// Scratch that GaussianBlur needs for a band of an image of this spec.
size_t GaussianBlurScratchBytes(const ImageSpec& spec,
                                const GaussianOptions& options);

// Each channel by itself, alpha too. Samples of the Gaussian, divided by their
// sum; kClip divides by the sum over what exists.
//
// Integers are the nearest to the true sum, or where that lies within 0.4 of
// the middle between two, one of them. Float sums are made in double and
// rounded to float after each axis; NaN spreads over its window. All targets
// yield the same bits from the same weights, which std::exp makes.
//
// Requires that `source` has all rows of the windows (clipped to the image),
// that source and target do not overlap, and that `scratch` is aligned to 64
// bytes.
template <Sample T>
void GaussianBlur(const RowBand<ImageView<const T>>& source,
                  const GaussianOptions& options,
                  const RowBand<ImageView<T>>& target,
                  std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_GAUSSIAN_H_
