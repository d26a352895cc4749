// Moving whole pixels about, whatever is in them.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_PIXEL_MOVES_H_
#define IMAGEADAPT_KERNELS_PIXEL_MOVES_H_

#include <cstddef>
#include <cstdint>

namespace imageadapt {

// Columns of a source and the rows of a target that they become. Strides are in
// bytes and may be negative, which mirrors.
struct PixelTransposition {
  const uint8_t* source = nullptr;  // its first pixel
  ptrdiff_t source_stride = 0;
  size_t source_width = 0;  // columns, and rows of the target
  size_t source_height = 0;
  uint8_t* target = nullptr;
  ptrdiff_t target_stride = 0;
};

// target pixel (x, y) = source pixel (y, x), for pixels of 1, 2, 3, 4, 6, 8, 12
// or 16 bytes. Requires that source and target do not overlap.
//
// Squares of pixels are transposed in registers by rounds of interleaving
// (Eklundh, "A fast computer method for matrix transposing", 1972), band by
// band of source rows, so that each target row is written in pieces of several
// cache lines.
void TransposePixels(size_t pixel_bytes, const PixelTransposition& plan);

// Rows of a source and of a target. Strides are in bytes and may be negative.
struct PixelRows {
  const uint8_t* source = nullptr;
  ptrdiff_t source_stride = 0;
  size_t width = 0;
  size_t height = 0;
  uint8_t* target = nullptr;
  ptrdiff_t target_stride = 0;
};

// Writes the pixels of each source row to the target row in reverse order, for
// the same sizes. Requires that source and target do not overlap.
void ReversePixels(size_t pixel_bytes, const PixelRows& rows);

// Exchanges the `width` pixels at `a` with those at `b`, both in reverse order,
// for the same sizes. Requires that they do not overlap.
void SwapReversedPixels(size_t pixel_bytes, uint8_t* a, uint8_t* b,
                        size_t width);

// Exchanges `size` bytes. Requires that they do not overlap.
void SwapBytes(uint8_t* a, uint8_t* b, size_t size);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_PIXEL_MOVES_H_
