// The means of windows of float samples.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BOX_FLOAT_H_
#define IMAGEADAPT_KERNELS_BOX_FLOAT_H_

#include <cstddef>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/box_mean.h"

namespace imageadapt {

size_t FloatBoxScratchBytes(const ImageShape& shape,
                            const MeanOptions& options);

// As BoxMean.
void MeanOfFloatBoxes(const RowBand<ImageView<const float>>& source,
                      const MeanOptions& options,
                      const RowBand<ImageView<float>>& target,
                      std::span<std::byte> scratch);

// The same, bit for bit, by additions alone, whatever the samples are.
void MeanOfFloatBoxesByAdding(const RowBand<ImageView<const float>>& source,
                              const MeanOptions& options,
                              const RowBand<ImageView<float>>& target,
                              std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_FLOAT_H_
