// The means of windows of 8-bit samples, in lanes of 16 bits.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BOX_SHORT_H_
#define IMAGEADAPT_KERNELS_BOX_SHORT_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/box_mean.h"

namespace imageadapt {

// Whether windows are from 3 to 255 columns wide, up to 257 rows tall and of up
// to about 65500 samples (255 x 255 are 65025), and not wider than about twice
// the image.
bool ShortBoxFits(const ImageShape& shape, const MeanOptions& options);

// Requires ShortBoxFits.
size_t ShortBoxScratchBytes(const ImageShape& shape,
                            const MeanOptions& options);

// As BoxMean; requires ShortBoxFits. Sums of columns slide down (McDonnell,
// "Box-filtering techniques", 1981), and are summed along the row once for all
// windows, modulo 2^16. Where sums of windows do not fit in 16 bits, only their
// differences from row to row are summed, and each window keeps quotient and
// remainder of the division by the number of samples, which move by little;
// in two halves where those do not fit either (square windows from 95 x 95 on).
void MeanOfShortBoxes(const RowBand<ImageView<const uint8_t>>& source,
                      const MeanOptions& options,
                      const RowBand<ImageView<uint8_t>>& target,
                      std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_SHORT_H_
