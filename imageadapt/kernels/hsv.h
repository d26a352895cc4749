// Colours as hue, saturation and value.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_HSV_H_
#define IMAGEADAPT_KERNELS_HSV_H_

#include "imageadapt/image/image_view.h"

namespace imageadapt {

// RGB to HSV and back, by the hexcone of A. R. Smith, "Color gamut transform
// pairs", 1978. Images have the same shape and 3 channels, or 4 of which the
// last is copied. They may be the very same memory; otherwise they must not
// overlap.
//
// With max and min of a pixel's R, G and B, and D = max - min:
//
//   value = max                  saturation = D / max, 0 if max is 0
//   sixths of a turn = (G - B) / D      if max is R,
//                      (B - R) / D + 2  otherwise if max is G,
//                      (R - G) / D + 4  otherwise;  0 if D is 0
//
// Integers of N = 2^bits steps, M = N - 1: a whole turn of hue is N steps, so
// that hues wrap by themselves; saturation and value are 0 to M. All are
// rounded to nearest, halves up; with floor division
//
//   hue        = (N * h + 3 * D) / (6 * D) mod N,  h = sixths * D
//   saturation = (2 * M * D + max) / (2 * max)
//
// and back, where h, s, v are hue, saturation and value,
//
//   R = (2 * v * (M * N - s * k) + M * N) / (2 * M * N)
//       with k = clamp(2 * N - |6 * h - 3 * N|, 0, N)
//   G likewise with k = clamp(|6 * h - 2 * N| - N, 0, N)
//   B likewise with k = clamp(|6 * h - 4 * N| - N, 0, N)
//
// Float: hue is in degrees, at least 0 and below 360. Values may have any range
// and sign: the formulas hold as they stand, so that value * (1 - saturation)
// is min, except that saturation is 0 if max is 0. Back, hues are taken modulo
// 360, and as 0 from 2^24 on, where degrees can no longer be told apart. A
// pixel with a sample that is not finite, or with D = max - min, or back
// D = value * saturation, beyond the largest float, becomes three NaNs. The
// sign of zeros is left open.
//
// RgbToHsv gives the same bits on every processor, hues to 6e-5 degrees.
// HsvToRgb is exact to 2^-20 * |v| * max(1, |s|); processors with and without
// fused multiplication differ by at most half of that.
template <Sample T>
void RgbToHsv(const ImageView<const T>& source, const ImageView<T>& target);
template <Sample T>
void HsvToRgb(const ImageView<const T>& source, const ImageView<T>& target);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_HSV_H_
