// Medians of small square windows that have all their samples.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_MEDIAN_NETWORK_ROWS_H_
#define IMAGEADAPT_KERNELS_MEDIAN_NETWORK_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "imageadapt/image/image_spec.h"

namespace imageadapt {

constexpr size_t kLargestNetworkWindow = 15;

// Rows of samples that windows slide over, and rows for their medians.
template <Sample T>
struct NetworkRows {
  // As many medians per row are computed at a time at most: `samples` must not
  // be less.
  static constexpr size_t kLeastSamples = 64 / sizeof(T);
  // `source` must have so many more rows than windows stand on, to be read for
  // nothing; `rows` is rounded up to a multiple of so many.
  static constexpr size_t kRowMultiple = 8;

  size_t side = 3;     // of the windows: odd, 3 to kLargestNetworkWindow
  size_t step = 1;     // from a sample to its neighbour: the channels
  size_t samples = 0;  // in each row of medians
  size_t rows = 0;     // of medians
  // samples + (side - 1) * step samples in each row, and as many rows as
  // (rows rounded up to kRowMultiple) + side - 1.
  const T* const* source = nullptr;
  T* const* target = nullptr;
};

// Rows that neighbouring windows of that side touch, rounded up to a power of
// two: so many are kept.
constexpr size_t NetworkRing(size_t side) {
  return side < 7 ? 8 : side < 15 ? 16 : 32;
}

// Vectors of 64 bytes, aligned to 64, that MediansOfRows needs to work in.
constexpr size_t NetworkScratchVectors(size_t side) {
  const size_t sorted_rows = NetworkRing(side) * side;
  const size_t merged_pairs = sorted_rows;
  const size_t merged_quads = 16 * side;
  const size_t candidates = 4 * (side * side / 2 + 2);
  return sorted_rows + merged_pairs + merged_quads + candidates;
}

// target[y][i] = the median of source[y + v][i + u * step], 0 <= u, v < side.
// Medians are wrong where a window holds NaN. Returns whether there may be a
// NaN or an infinity in a middle column of the windows (never for integers).
//
// By networks of minima and maxima, so the time does not depend on the values.
// The samples side by side in a window's row are sorted once, by Batcher's
// odd-even merges ("Sorting networks and their applications", 1968), and serve
// all windows that the row is part of (Smith, "Implementing median filters in
// XC4000E FPGAs", 1996; Kolte, Smith and Su, "A fast median filter using
// AltiVec", 1999). Merged pairs and quads of such runs serve several windows
// below each other too. After each merge, what has too many samples above or
// below to be a median is forgotten.
bool MediansOfRows(const NetworkRows<uint8_t>& rows, std::byte* scratch);
bool MediansOfRows(const NetworkRows<uint16_t>& rows, std::byte* scratch);
bool MediansOfRows(const NetworkRows<float>& rows, std::byte* scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_MEDIAN_NETWORK_ROWS_H_
