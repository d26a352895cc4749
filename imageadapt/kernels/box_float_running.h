// Means of windows of float samples by sums that run along, where that is
// exact.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BOX_FLOAT_RUNNING_H_
#define IMAGEADAPT_KERNELS_BOX_FLOAT_RUNNING_H_

#include <cstddef>
#include <cstdint>

#include "imageadapt/kernels/box_float_plan.h"

namespace imageadapt {

// The extremes of the magnitudes of samples, zeros left out of the smallest, as
// exponent fields: 1 for subnormal numbers, 255 for infinities and NaN. Without
// any number but zero the smallest is 255 and the largest 0. `smallest` may be
// larger, up to 23 more than the field of the last bit that any sample has.
struct FloatExtremes {
  uint32_t smallest = 255;
  uint32_t largest = 0;
};

// Whether all sums and differences of sums of such samples, with at most
// `count` samples in each, are exact in double in whatever order: all are
// multiples of the last bit of the smallest, and have to fit in 53 bits.
bool SumsAreExact(const FloatExtremes& extremes, uint64_t count);

// The means of the target's rows [y, end), of a tile's columns, by running
// sums: the result is at most `end`, and a row whose windows these sums are not
// exact for; the means of the rows before it have been stored. They are the
// same, bit for bit, as by additions alone. Requires a plan without folds.
uint32_t RunningFloatMeans(const FloatJob& job, const FloatTile& tile,
                           uint32_t y, double* scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_FLOAT_RUNNING_H_
