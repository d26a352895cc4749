// The median of each sample's window.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_WINDOW_MEDIAN_H_
#define IMAGEADAPT_KERNELS_WINDOW_MEDIAN_H_

#include <cstddef>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/median_options.h"

namespace imageadapt {

// Scratch that WindowMedian needs for a band of an image of this spec.
size_t WindowMedianScratchBytes(const ImageSpec& spec,
                                const MedianOptions& options);

// Each channel by itself, of the samples of the window that exist (clipped
// border); the lower median of an even number. Integers: by sliding histograms
// (Huang, Yang and Tang, "A fast two-dimensional median filtering algorithm",
// 1979), 3 x 3 by SIMD (median_3x3.h). Float: by selection; NaN is left out.
//
// Window sides are odd and at most 255. Requires that `source` has all rows of
// the windows, and that `scratch` is aligned to 64 bytes.
template <Sample T>
void WindowMedian(const RowBand<ImageView<const T>>& source,
                  const MedianOptions& options,
                  const RowBand<ImageView<T>>& target,
                  std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_WINDOW_MEDIAN_H_
