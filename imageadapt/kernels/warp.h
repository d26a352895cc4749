// Rotation by any angle, resampled.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_WARP_H_
#define IMAGEADAPT_KERNELS_WARP_H_

#include <array>
#include <cstdint>

#include "imageadapt/image/image_view.h"

namespace imageadapt {

// How a value between pixel centres comes about. What "error" says is the
// largest difference to the same formula in double precision, for 8 and 16 bits
// in units of the last place (that of the mean in brackets, for a photograph),
// for float as a part of the largest magnitude among the samples. With alpha,
// that of a colour is up to 2 (error + 1/2) * full alpha / alpha: nearly
// transparent colours are less exact.
enum class Interpolation : uint8_t {
  // The pixel whose area holds the point; samples are copied.
  kNearest,
  // Between four pixels. Error: 2 (0.03) | 6 | 2e-6.
  kBilinear,
  // 4 x 4 pixels, Keys, "Cubic convolution interpolation for digital image
  // processing", 1981, with a = -0.5, the one that has third-order accuracy.
  // Error: 3 (0.05) | 100 | 2e-6.
  kBicubic,
  // 6 x 6 pixels, Duchon, "Lanczos filtering in one and two dimensions", 1979;
  // the weights are scaled to sum to one. Error: 4 (0.06) | 150 | 1e-5.
  kLanczos3,
};

// What lies outside the source: the background, or its own samples as the modes
// of the same names in border.h find them.
enum class WarpBorder : uint8_t { kConstant, kReplicate, kReflect101 };

struct Rotation {
  // Of the angle, counter-clockwise positive.
  double cosine = 1;
  double sine = 0;
  Interpolation interpolation = Interpolation::kBilinear;
  WarpBorder border = WarpBorder::kConstant;
  // Samples of what lies outside the source, in the sample type's own units.
  std::array<double, kMaxChannels> background = {};
};

// Turns `source` about its middle onto a canvas of any size: each target pixel
// is looked up in the source by the inverse rotation, pixel centres being at
// half-integer coordinates. What lies outside the source takes part with the
// border's samples, so edges against a background come out smooth.
//
// With 2 or 4 channels colour is weighted by alpha (Porter and Duff,
// "Compositing digital images", 1984): transparent pixels lend their colour to
// nobody, and where nothing is visible the colour is the background's.
//
// Integers are rounded to the nearest and limited to their range; all
// processors give the same bytes. Float results may differ in the last places
// between processors that fuse a multiplication with an addition and those that
// do not. A float sample of weight zero has no influence, even if it is not
// finite, so points that are pixel centres give exactly that pixel.
template <Sample T>
void Rotate(const ImageView<const T>& source, const Rotation& rotation,
            const ImageShape& canvas, const RowBand<ImageView<T>>& target);

// Turns `source` counter-clockwise by `quarter_turns` (1 or 3) onto a canvas of
// its own size: pixels are moved exactly, what does not fit is cut off, what is
// missing is as `border` says.
template <Sample T>
void QuarterTurnOntoSameCanvas(
    const ImageView<const T>& source, int quarter_turns, WarpBorder border,
    const std::array<double, kMaxChannels>& background,
    const RowBand<ImageView<T>>& target);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_WARP_H_
