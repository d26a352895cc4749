// Turning and mirroring images in the memory where they stand.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_IN_PLACE_TURN_H_
#define IMAGEADAPT_KERNELS_IN_PLACE_TURN_H_

#include <cstddef>
#include <span>

#include "imageadapt/image/image_view.h"

namespace imageadapt {

// Scratch for an image of this spec: at most 1.5 MiB and one bit for each chunk
// of pixels that is moved whole. Chunks have at least 50 bytes, unless a row
// and a column are both longer than 15 KB; then they get shorter with them,
// down to one pixel.
size_t InPlaceTurnScratchBytes(const ImageSpec& spec);

// Turns `image` counter-clockwise by `quarter_turns` (1 to 3) in its memory,
// and returns the turned image. For an odd number its rows are packed from the
// first sample of `image` on, and its memory beyond them holds nothing of use;
// for 2, padding stays as it is. Requires InPlaceTurnScratchBytes() of scratch,
// aligned to 64 bytes, unless `quarter_turns` is 2.
template <Sample T>
ImageView<T> QuarterTurnInPlace(const ImageView<T>& image, int quarter_turns,
                                std::span<std::byte> scratch);

// Mirrors on the main diagonal; otherwise as for an odd number of turns.
template <Sample T>
ImageView<T> TransposeInPlace(const ImageView<T>& image,
                              std::span<std::byte> scratch);

// Mirrors left and right. Padding stays as it is.
template <Sample T>
void MirrorColumnsInPlace(const ImageView<T>& image);

// Mirrors top and bottom. Padding stays as it is.
template <Sample T>
void MirrorRowsInPlace(const ImageView<T>& image);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_IN_PLACE_TURN_H_
