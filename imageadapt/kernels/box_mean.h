// The mean of each sample's window.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BOX_MEAN_H_
#define IMAGEADAPT_KERNELS_BOX_MEAN_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/border.h"
#include "imageadapt/kernels/window_size.h"

namespace imageadapt {

// How a mean of integers becomes an integer.
enum class MeanRounding : uint8_t { kNearest, kTruncate };

struct MeanOptions {
  WindowSize window;
  BorderMode border = BorderMode::kClip;
  MeanRounding rounding = MeanRounding::kNearest;  // of integers
};

// Scratch that BoxMean needs for a band of an image of this spec.
size_t BoxMeanScratchBytes(const ImageSpec& spec, const MeanOptions& options);

// Each channel by itself, of the samples of the window that exist (clipped
// border). Integers: exact, by running sums (McDonnell, "Box-filtering
// techniques", 1981), so the cost does not depend on the window; 8-bit windows
// of at most 256 samples by SIMD, in 16-bit sums. Float: NaN is left out, and
// no sample has any influence outside its windows: sums are never undone by
// subtraction (blocks of prefix and suffix sums along rows, as in van Herk's
// and Gil and Werman's filters of 1992 and 1993).
//
// Window sides are odd and at most 65535. Requires that `source` has all rows
// of the windows, and that `scratch` is aligned to 64 bytes.
template <Sample T>
void BoxMean(const RowBand<ImageView<const T>>& source,
             const MeanOptions& options, const RowBand<ImageView<T>>& target,
             std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_MEAN_H_
