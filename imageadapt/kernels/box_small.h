// The means of windows of 3 x 3 and 5 x 5 samples of 8 bits.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BOX_SMALL_H_
#define IMAGEADAPT_KERNELS_BOX_SMALL_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/box_mean.h"

namespace imageadapt {

// Whether windows are of these sizes, and the image not narrower.
bool SmallBoxFits(const ImageShape& shape, const MeanOptions& options);

size_t SmallBoxScratchBytes(const ImageShape& shape);

// As BoxMean; requires SmallBoxFits. Rows in groups, which share sums.
void MeanOfSmallBoxes(const RowBand<ImageView<const uint8_t>>& source,
                      const MeanOptions& options,
                      const RowBand<ImageView<uint8_t>>& target,
                      std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_SMALL_H_
