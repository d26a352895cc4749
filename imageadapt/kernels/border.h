// What a window sees beyond the edges of an image.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BORDER_H_
#define IMAGEADAPT_KERNELS_BORDER_H_

#include <algorithm>
#include <cstdint>

namespace imageadapt {

enum class BorderMode : uint8_t {
  kClip,        // nothing: only the samples that exist count
  kReplicate,   // aaa|abcd|ddd
  kReflect101,  // dcb|abcd|cba, again and again; a single sample stays itself
};

// The position in [0, length) that stands for `position`, which may be beyond
// either edge. Requires length > 0, and a mode other than kClip.
inline uint32_t BorderPosition(int64_t position, uint32_t length,
                               BorderMode mode) {
  const int64_t last = int64_t{length} - 1;
  if (mode == BorderMode::kReplicate || last == 0) {
    return static_cast<uint32_t>(std::clamp<int64_t>(position, 0, last));
  }
  const int64_t period = 2 * last;
  int64_t folded = position % period;
  if (folded < 0) folded += period;
  return static_cast<uint32_t>(folded <= last ? folded : period - folded);
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BORDER_H_
