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

// Each channel by itself. Clipped windows count the samples that exist; with
// the other borders the mean is always of width * height samples, repeated ones
// counted as often as they stand in the window. Windows may be larger than the
// image. The cost depends little on the window, and the result not at all on
// how an image is cut into bands.
//
// Integers are exact, with halves rounded up for kNearest.
//
// Float: NaN is left out, and a window of nothing else is NaN; infinities
// follow IEEE 754. Sums are of doubles. No sample has any influence outside its
// windows: where sums in double are exact, as they are of samples whose
// exponents are not too far apart, they run along; elsewhere they are made by
// additions alone (blocks of sums from both ends, as in the filters of van
// Herk, 1992, and Gil and Werman, 1993), to the same bits. The error is at most
// half a unit in the last place, and 2^-38 of the mean of the samples'
// magnitudes (2^-44 for windows up to 255 x 255 inside the image).
//
// Window sides are odd and at most 65535. Requires that `source` has all rows
// of the windows, and that `scratch` is aligned to 64 bytes.
template <Sample T>
void BoxMean(const RowBand<ImageView<const T>>& source,
             const MeanOptions& options, const RowBand<ImageView<T>>& target,
             std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_MEAN_H_
