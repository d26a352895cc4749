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

// Each channel by itself. With a clipped border, of the samples of the window
// that exist, and the lower median of an even number; otherwise of all samples
// of the window. Float: NaN is left out, a window of nothing else gives NaN;
// which zero it is among zeros of either sign is left open.
//
// Small square windows by networks of minima and maxima (median_network.h), the
// others by histograms of columns (histogram_median.h), of ranks where samples
// have more than 8 bits (rank_median.h).
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
