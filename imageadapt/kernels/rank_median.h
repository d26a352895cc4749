// The median of large windows of samples of many values.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_RANK_MEDIAN_H_
#define IMAGEADAPT_KERNELS_RANK_MEDIAN_H_

#include <cstddef>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/median_options.h"

namespace imageadapt {

// Scratch that RankMedian needs for a band of an image of this spec: for each
// sample of a tile about 9 bytes for 16 bits and 25 for float, and a quarter of
// a MiB. A tile has at most 256 x 256 samples, or 512 x 512 if a side of the
// window is longer than 101.
size_t RankMedianScratchBytes(const ImageSpec& spec,
                              const MedianOptions& options);

// Each channel by itself; the lower median of an even number of samples.
// Exact, for uint16_t and float. NaN is left out; the median of nothing but NaN
// is NaN. Infinities are numbers like others.
//
// Tile by tile (medians and what their windows reach): the samples are sorted,
// and cut into 256 buckets of equally many. Sliding histograms of the buckets
// (column_histogram.h) tell the median's bucket and its place there, and a
// search among the bucket's positions (rank_search.h) the sample. Ranks instead
// of values make the cost independent of the values: no bucket is ever full.
//
// Window sides are odd and at most 255. Requires that `source` has all rows of
// the windows, and that `scratch` is aligned to 64 bytes. The result does not
// depend on how an image is cut into bands.
template <Sample T>
void RankMedian(const RowBand<ImageView<const T>>& source,
                const MedianOptions& options,
                const RowBand<ImageView<T>>& target,
                std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_RANK_MEDIAN_H_
