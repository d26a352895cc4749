// Rotation by any angle, resampled.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_WARP_H_
#define IMAGEADAPT_KERNELS_WARP_H_

#include <array>

#include "imageadapt/image/image_view.h"

namespace imageadapt {

struct Rotation {
  // Of the angle, counter-clockwise positive.
  double cosine = 1;
  double sine = 0;
  // Samples of what lies outside the source, in the sample type's own units.
  std::array<double, kMaxChannels> background = {};
};

// Turns `source` about its middle onto a canvas of any size. Bilinear, pixel
// centres at half-integer coordinates; what lies outside the source is
// background, and colour is weighted by alpha with 2 or 4 channels (Porter and
// Duff, "Compositing digital images", 1984).
template <Sample T>
void Rotate(const ImageView<const T>& source, const Rotation& rotation,
            const ImageShape& canvas, const RowBand<ImageView<T>>& target);

// Turns `source` counter-clockwise by `quarter_turns` (1 or 3) onto a canvas of
// its own size: pixels are moved exactly, what does not fit is cut off, what is
// missing is background.
template <Sample T>
void QuarterTurnOntoSameCanvas(
    const ImageView<const T>& source, int quarter_turns,
    const std::array<double, kMaxChannels>& background,
    const RowBand<ImageView<T>>& target);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_WARP_H_
