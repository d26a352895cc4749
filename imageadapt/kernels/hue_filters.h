// The mean and the median of each hue's window, around the circle.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_HUE_FILTERS_H_
#define IMAGEADAPT_KERNELS_HUE_FILTERS_H_

#include <cstddef>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/box_mean.h"
#include "imageadapt/kernels/window_median.h"

namespace imageadapt {

// Hue is the first channel of an image (of HSV, as in hsv.h); only the first
// channel of `target` is written. For both filters `source` has all rows of the
// windows, clipped to the image, `target` does not overlap it, and `scratch` is
// aligned to 64 bytes. Results do not depend on how an image is cut into bands.
// Float hues are taken modulo 360 as in HsvToRgb, and those that are not finite
// are left out; a window of nothing else gives NaN.

// Scratch that HueMean needs for a band of an image of this spec.
size_t HueMeanScratchBytes(const ImageSpec& spec, const MeanOptions& options);

// The circular mean: the direction of the sum of the unit vectors of all hues
// in the window, whatever their saturation (Mardia, "Statistics of directional
// data", 1972; Fisher, "Statistical analysis of circular data", 1993). Where
// the hues cancel each other, so that their mean vector is shorter than 2^-20,
// it is the hue in the middle of the window, or 0 if that one is left out.
//
// Integers are rounded to nearest, whatever options.rounding is; vectors are
// exact to 2^-29, and what is less than 2^-14 of a step below halfway goes up.
// By running sums of integers, so the cost does not depend on the window.
//
// Window sides are odd and at most 65535.
template <Sample T>
void HueMean(const RowBand<ImageView<const T>>& source,
             const MeanOptions& options, const RowBand<ImageView<T>>& target,
             std::span<std::byte> scratch);

// Scratch that HueMedian needs for a band of an image of this spec.
size_t HueMedianScratchBytes(const ImageSpec& spec,
                             const MedianOptions& options);

// The lower median of the window's hues in the order in which they come on a
// turn that begins opposite to their circular mean, as HueMean gives it: it is
// always one of them. That is the sample whose deviation from the mean is the
// median of all deviations, -180 degrees to 180.
//
// Fisher's median direction is one with the least mean distance to all hues. It
// too has half of them in the half turn on either side; this one is such a
// direction where no hue is more than a quarter turn from the mean. Where hues
// are spread more widely the two may differ, and Fisher's need not be unique.
//
// By sliding histograms (Huang, Yang and Tang, "A fast two-dimensional median
// filtering algorithm", 1979), for float of the hues' ranks within a tile: the
// cost grows with the window's height, and not with what is in the window.
//
// Window sides are odd and at most 255.
template <Sample T>
void HueMedian(const RowBand<ImageView<const T>>& source,
               const MedianOptions& options,
               const RowBand<ImageView<T>>& target,
               std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_HUE_FILTERS_H_
