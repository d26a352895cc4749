// Sums of columns, each times a weight, of sixteen rows at a time.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_WEIGHTED_COLUMNS_H_
#define IMAGEADAPT_KERNELS_WEIGHTED_COLUMNS_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/image/image_spec.h"

namespace imageadapt {

// So many rows stand side by side in a block: sample i of row r is
// block[i * kBlockRows + r]. What SIMD does to one column it does to all rows,
// whatever the number of channels.
constexpr size_t kBlockRows = 16;

// Samples of rows and blocks are made and read in groups of so many.
constexpr size_t kBlockGroup = 16;

// Row r begins at rows + r * stride. Requires that count is a multiple of
// kBlockGroup.
void MakeBlock(const float* rows, size_t stride, size_t count, float* block);
void MakeBlock(const int16_t* rows, size_t stride, size_t count,
               int16_t* block);

// The pixels of a block that one target pixel is made of.
struct ColumnTaps {
  size_t first = 0;       // pixel of the block
  size_t count = 0;       // of pixels and weights
  size_t weights_at = 0;  // the first weight
  int shift = 0;          // of fixed weights
};

// Row r of the target, which begins at targets[r], gets a pixel for each of
// `columns`. Sums are made in double, in the order of columns, and rounded to
// float; a weight of zero has no influence. With 2 or 4 channels the block has
// colours times alpha, and the target has colours: none where alpha is zero (or
// below, in integers).
template <Sample T>
void WeightedColumns(const float* block, size_t channels,
                     std::span<const ColumnTaps> columns, const double* weights,
                     std::span<T* const> targets);

// Likewise by fixed weights, of which each pixel has an even number, for 1 or 3
// channels with kFixedBits bits after the point.
void WeightedColumns(const int16_t* block, size_t channels,
                     std::span<const ColumnTaps> columns,
                     const int16_t* weights, std::span<uint8_t* const> targets);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_WEIGHTED_COLUMNS_H_
