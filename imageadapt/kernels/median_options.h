// What a median is taken of.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_MEDIAN_OPTIONS_H_
#define IMAGEADAPT_KERNELS_MEDIAN_OPTIONS_H_

#include "imageadapt/kernels/border.h"
#include "imageadapt/kernels/window_size.h"

namespace imageadapt {

// The window of each sample, and what it sees beyond the edges.
struct MedianOptions {
  WindowSize window;
  BorderMode border = BorderMode::kClip;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_MEDIAN_OPTIONS_H_
