// The window of a filter, and the part of it that lies inside an image.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_WINDOW_SIZE_H_
#define IMAGEADAPT_KERNELS_WINDOW_SIZE_H_

#include <algorithm>
#include <cstdint>

namespace imageadapt {

// Both sides are odd; the window's middle lies on the pixel it is for.
struct WindowSize {
  uint32_t width = 1;
  uint32_t height = 1;

  bool operator==(const WindowSize&) const = default;
};

// Positions [first, end) along one axis.
struct Extent {
  uint32_t first = 0;
  uint32_t end = 0;

  uint32_t size() const { return end - first; }
};

// The part of a window of `side` around `middle` that lies within [0, length).
inline Extent ClippedExtent(uint32_t middle, uint32_t side, uint32_t length) {
  const uint32_t radius = side / 2;
  return {.first = middle - std::min(middle, radius),
          .end = static_cast<uint32_t>(
              std::min<uint64_t>(uint64_t{middle} + radius + 1, length))};
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_WINDOW_SIZE_H_
