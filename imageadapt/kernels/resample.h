// Changes the size of an image.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_RESAMPLE_H_
#define IMAGEADAPT_KERNELS_RESAMPLE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/resample_weights.h"
#include "imageadapt/kernels/window_size.h"

namespace imageadapt {

// The rows of a source that a target's rows [rows.first, rows.end) are made of.
Extent ResizeSourceRows(uint32_t source_height, uint32_t target_height,
                        ResizeFilter filter, Extent rows);

// Scratch that Resize needs for any band of a target of this shape. With
//   taps(axis) = 2 * reach * ceil(source length / target length) + 1
// for a reach of 1 (area, bilinear), 2 (bicubic) or 3 (Lanczos), but no more
// than the source is long, and
//   strip = max(4096 / channels, 4 * taps(columns)),
// it is about 128 * channels bytes for each of min(strip, source width) pixels,
// 112 for each of min(strip, the greater width), and 18 for each of taps(rows).
// Wide images are resized strip by strip, so that neither pixels nor weights of
// all columns are kept.
size_t ResizeScratchBytes(const ImageSpec& source, const ImageShape& target,
                          ResizeFilter filter);

// Resizes to the width of `target.rows` and to target.image_height, by the
// weights of ResizeAxis along both axes. Colours are weighted by alpha with 2
// or 4 channels (Porter and Duff, "Compositing digital images", 1984); what is
// wholly transparent becomes zero.
//
// Integers are the nearest to the true sum, or where that lies within 0.4 of
// the middle between two, one of them. Float sums are made in double and
// rounded to float after each axis; a sample of weight zero has no influence,
// not even NaN. All targets yield the same bits from the same weights; those of
// Lanczos are made with std::sin.
//
// Requires that `source` has the ResizeSourceRows of the target's, that source
// and target have as many channels and do not overlap, and that `scratch` is
// aligned to 64 bytes.
template <Sample T>
void Resize(const RowBand<ImageView<const T>>& source, ResizeFilter filter,
            const RowBand<ImageView<T>>& target, std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_RESAMPLE_H_
