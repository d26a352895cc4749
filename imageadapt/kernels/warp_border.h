// What lies beyond the source of a rotation.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_WARP_BORDER_H_
#define IMAGEADAPT_KERNELS_WARP_BORDER_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/border.h"
#include "imageadapt/kernels/warp.h"

namespace imageadapt {

// The nearest sample, halves up.
template <typename T>
T ToSample(double value) {
  if constexpr (std::is_same_v<T, float>) {
    return static_cast<float>(value);
  } else {
    constexpr double kMost = std::numeric_limits<T>::max();
    return static_cast<T>(std::clamp(std::floor(value + 0.5), 0.0, kMost));
  }
}

// A background's samples, of as many channels as there are.
template <Sample T>
std::array<T, kMaxChannels> BackgroundSamples(
    const std::array<double, kMaxChannels>& background, uint32_t channels) {
  std::array<T, kMaxChannels> samples = {};
  for (size_t c = 0; c < channels; ++c) samples[c] = ToSample<T>(background[c]);
  return samples;
}

// What the border modes do, without the one that has no samples.
inline BorderMode BorderModeOf(WarpBorder border) {
  return border == WarpBorder::kReflect101 ? BorderMode::kReflect101
                                           : BorderMode::kReplicate;
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_WARP_BORDER_H_
