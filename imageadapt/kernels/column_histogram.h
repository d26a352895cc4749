// Histograms of columns of bytes, and order statistics of windows of columns.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_COLUMN_HISTOGRAM_H_
#define IMAGEADAPT_KERNELS_COLUMN_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace imageadapt {

// For each column, how many of its samples are less than what: coarse counts by
// the upper four bits of a sample, fine counts by the lower four bits within
// each of the 16 segments that share the upper four. Counts are cumulative, so
// that one comparison of 16 counts with a rank finds a value's four bits.
//
// A column holds at most 255 samples. The 16 counts of a column lie side by
// side, from the last value down to the first: coarse[16 * column + 15 - v] is
// the number of samples whose upper bits are less than v.
struct ColumnHistograms {
  uint8_t* coarse = nullptr;  // [column][16]
  uint8_t* fine = nullptr;    // [segment][column][16]
  size_t columns = 0;
  size_t segment_stride = 0;  // bytes
};

// The memory of so many columns.
size_t ColumnHistogramsBytes(size_t columns);

// Empty histograms in `memory`, which is aligned to 64 bytes.
ColumnHistograms EmptyColumnHistograms(size_t columns,
                                       std::span<std::byte> memory);

// Adds entering[i] to column first_column + i and takes leaving[i] out of it.
// Either may be empty; otherwise they are of one size.
void SlideColumns(const ColumnHistograms& histograms, size_t first_column,
                  std::span<const uint8_t> entering,
                  std::span<const uint8_t> leaving);

// values[x] = the sample with ranks[x] samples before it, when those of columns
// [x, x + width) are sorted. Where `places` is not empty, places[x] = how many
// of the samples equal to values[x] come before it. There are ranks.size()
// windows, which must be within the columns and hold more than the rank.
// `largest` is the most samples a window holds, at most 65535.
//
// Coarse counts of the window slide along the row; fine counts only those of
// the segment that is asked for, and others catch up when it is their turn
// (Huang, Yang and Tang 1979; Perreault and Hebert, "Median filtering in
// constant time", 2007; Cline, White and Egbert, "Fast 8-bit median filtering
// based on separability", 2007).
void SelectInWindows(const ColumnHistograms& histograms, size_t width,
                     size_t largest, std::span<const uint16_t> ranks,
                     std::span<uint8_t> values, std::span<uint16_t> places);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_COLUMN_HISTOGRAM_H_
