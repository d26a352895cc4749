// Medians of 3 x 3 integers.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_MEDIAN_3X3_H_
#define IMAGEADAPT_KERNELS_MEDIAN_3X3_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace imageadapt {

// medians[i] = the median of samples i, i + channels and i + 2 * channels of
// the three rows. Requires that each row has medians.size() + 2 * channels
// samples, that the rows do not overlap `medians`, and 1 to 4 channels.
//
// Columns are sorted once and shared by the windows they stand in; the median
// is that of the largest of the lows, the middle of the middles and the
// smallest of the highs (Smith, "Implementing median filters in XC4000E FPGAs",
// 1996; Kolte, Smith and Su, "A fast median filter using AltiVec", 1999).
void MediansOf3x3(std::span<const uint8_t> above,
                  std::span<const uint8_t> middle,
                  std::span<const uint8_t> below, size_t channels,
                  std::span<uint8_t> medians);
void MediansOf3x3(std::span<const uint16_t> above,
                  std::span<const uint16_t> middle,
                  std::span<const uint16_t> below, size_t channels,
                  std::span<uint16_t> medians);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_MEDIAN_3X3_H_
