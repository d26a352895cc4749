// The window of a filter and its border as callers give them.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_OPS_FILTER_WINDOW_H_
#define IMAGEADAPT_OPS_FILTER_WINDOW_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "imageadapt/kernels/border.h"
#include "imageadapt/kernels/window_size.h"
#include "imageadapt/ops/operation.h"

namespace imageadapt {

// A side of 0 is the other's. INVALID_ARGUMENT about "kernel_width" or
// "kernel_height" if both are 0, or one is even or above `largest`.
absl::StatusOr<WindowSize> FilterWindow(uint32_t kernel_width,
                                        uint32_t kernel_height,
                                        uint32_t largest);

// `unspecified` if none is given. INVALID_ARGUMENT about "border" for a number
// without meaning.
absl::StatusOr<BorderMode> FilterBorder(v1::BorderMode border,
                                        BorderMode unspecified);

// A plan to keep the spec and to need the rows that the window touches.
OperationPlan FilterPlan(const ImageSpec& input, WindowSize window,
                         uint64_t scratch_bytes);

}  // namespace imageadapt

#endif  // IMAGEADAPT_OPS_FILTER_WINDOW_H_
