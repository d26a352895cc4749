// The median of each sample's window, for small square windows.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_MEDIAN_NETWORK_H_
#define IMAGEADAPT_KERNELS_MEDIAN_NETWORK_H_

#include <cstddef>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/median_options.h"

namespace imageadapt {

// Whether NetworkMedian can do it: square windows of 3 x 3 to 15 x 15, in an
// image (the whole image, not a band of it) that is no smaller.
bool HasMedianNetwork(const MedianOptions& options, uint32_t image_width,
                      uint32_t image_height);

// Scratch that NetworkMedian needs for a band of an image of this spec.
size_t NetworkMedianScratchBytes(const ImageSpec& spec,
                                 const MedianOptions& options);

// As WindowMedian (window_median.h), by the networks of median_network_rows.h.
//
// A clipped window is filled up, so that its median is in the middle again: of
// the samples that it lacks, one half is taken as lower than all others and one
// half as higher, in the pattern of a chessboard whose square is low in the
// window's corner. Then the lower median of an even number remains, too.
//
// Float: a window with NaN is done by itself, and a block of rows with many of
// them by ranks (rank_median.h), which take the same time whatever they find.
//
// Requires HasMedianNetwork, that `source` has all rows of the windows, and
// that `scratch` is aligned to 64 bytes.
template <Sample T>
void NetworkMedian(const RowBand<ImageView<const T>>& source,
                   const MedianOptions& options,
                   const RowBand<ImageView<T>>& target,
                   std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_MEDIAN_NETWORK_H_
