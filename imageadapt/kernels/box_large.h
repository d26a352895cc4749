// The means of windows of any size, for integers.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BOX_LARGE_H_
#define IMAGEADAPT_KERNELS_BOX_LARGE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/box_mean.h"

namespace imageadapt {

size_t LargeBoxScratchBytes(const ImageShape& shape);

// As BoxMean. Running sums of columns, and prefix sums along rows (Crow,
// "Summed-area tables for texture mapping", 1984, one row at a time), modulo
// 2^64: the cost does not depend on the window, however often a window larger
// than the image repeats it.
template <typename T>
void MeanOfLargeBoxes(const RowBand<ImageView<const T>>& source,
                      const MeanOptions& options,
                      const RowBand<ImageView<T>>& target,
                      std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_LARGE_H_
