// The median of large windows of integers.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_HISTOGRAM_MEDIAN_H_
#define IMAGEADAPT_KERNELS_HISTOGRAM_MEDIAN_H_

#include <cstddef>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/median_options.h"

namespace imageadapt {

// Scratch that HistogramMedian needs for a band of an image of this spec. For
// 8 bits about 280 bytes for each column of a strip, that is for each of the
// min(image width + window width, 2304) columns; for 16 bits see rank_median.h.
size_t HistogramMedianScratchBytes(const ImageSpec& spec,
                                   const MedianOptions& options);

// Each channel by itself; the lower median of an even number of samples. The
// cost hardly depends on the window: histograms of columns that slide down the
// image (column_histogram.h), strip by strip so that they stay in the cache. 16
// bits by ranks (rank_median.h).
//
// Window sides are odd and at most 255. Requires that `source` has all rows of
// the windows, and that `scratch` is aligned to 64 bytes. The result does not
// depend on how an image is cut into bands.
template <Sample T>
void HistogramMedian(const RowBand<ImageView<const T>>& source,
                     const MedianOptions& options,
                     const RowBand<ImageView<T>>& target,
                     std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_HISTOGRAM_MEDIAN_H_
