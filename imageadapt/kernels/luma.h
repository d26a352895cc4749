// Colour images made grey.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_LUMA_H_
#define IMAGEADAPT_KERNELS_LUMA_H_

#include "imageadapt/image/image_view.h"

namespace imageadapt {

// Luma by the weights of Recommendation ITU-R BT.601: 0.299 R + 0.587 G +
// 0.114 B. Three channels become one, four become two of which the last is
// copied; images of one or two channels are copied. The images have the same
// size and do not overlap.
//
// Integers: rounded to nearest, with weights that sum to exactly one, so that
// grey stays what it is. 8 bits:
//
//   (19595 R + 38470 G + 7471 B + 2^15) / 2^16, rounded down
//
// at most 1/2 + 1/600 from the exact sum. 16 bits, with weights of 32 bits:
//
//   low = (17302 R + 41419 G + 6815 B) / 2^16, rounded down
//   (19595 R + 38469 G + 7471 B + low + 2^15) / 2^16, rounded down
//
// at most 1/2 + 2^-15 from it. Float: within 2^-22 of the sum of the terms'
// sizes; processors with and without fused multiplication may differ by that.
// NaN and infinities spread as they do in sums.
template <Sample T>
void Grayscale(const ImageView<const T>& source, const ImageView<T>& target);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_LUMA_H_
