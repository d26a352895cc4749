// How steep an image is.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_EDGE_MAGNITUDE_H_
#define IMAGEADAPT_KERNELS_EDGE_MAGNITUDE_H_

#include <cstdint>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/border.h"

namespace imageadapt {

struct EdgeOptions {
  BorderMode border = BorderMode::kReplicate;  // kClip is taken for kReplicate
};

// The length of each sample's gradient by the operator of Sobel and Feldman ("A
// 3x3 isotropic gradient operator for image processing", 1968): the square root
// of gx^2 + gy^2, with gx the differences of the columns to the right and left,
// summed with weights 1, 2, 1, and gy likewise of rows. Each channel by itself,
// alpha too; a step of height h yields 4 h.
//
// Integers: the nearest to the true root, at most the type's largest. Float:
// made in double and rounded once; processors may differ in the last bit.
//
// Requires that `source` has the rows above and below the target's as far as
// they exist, and that source and target do not overlap.
template <Sample T>
void EdgeMagnitude(const RowBand<ImageView<const T>>& source,
                   const EdgeOptions& options,
                   const RowBand<ImageView<T>>& target);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_EDGE_MAGNITUDE_H_
