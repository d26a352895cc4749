// The means of windows of integers, row after row.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BOX_SLIDING_H_
#define IMAGEADAPT_KERNELS_BOX_SLIDING_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/box_mean.h"

namespace imageadapt {

// Whether windows are small enough for MeanOfSlidingBoxes: their sums fit in 32
// bits, and beyond the edges they see each column once more at most.
bool SlidingBoxFits(const ImageSpec& spec, const MeanOptions& options);

// Requires SlidingBoxFits.
size_t SlidingBoxScratchBytes(const ImageSpec& spec,
                              const MeanOptions& options);

// As BoxMean; requires SlidingBoxFits. From row to row the sum of a window
// grows by what one row has more than another one (McDonnell, "Box-filtering
// techniques", 1981): differences of rows, summed along the row once for all
// windows, so the cost does not depend on the window. Smaller windows of 8-bit
// samples are left to box_short.h.
template <typename T>
void MeanOfSlidingBoxes(const RowBand<ImageView<const T>>& source,
                        const MeanOptions& options,
                        const RowBand<ImageView<T>>& target,
                        std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_SLIDING_H_
