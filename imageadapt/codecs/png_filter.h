// The five filters of PNG (W3C PNG specification, third edition, section 9):
// each sample as its difference from what the samples left and above say.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_PNG_FILTER_H_
#define IMAGEADAPT_CODECS_PNG_FILTER_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace imageadapt {

enum class PngFilter : uint8_t { kNone, kSub, kUp, kAverage, kPaeth };
inline constexpr int kPngFilters = 5;

// A row of `row.size()` bytes, and the one above it: of the same length, zeros
// above the first. `pixel_bytes` is 1, 2, 3, 4, 6 or 8, and no more than the
// row has.
//
// The filter whose differences, taken as signed bytes, have the least sum of
// magnitudes; the first of several.
PngFilter BestPngFilter(std::span<const uint8_t> row,
                        std::span<const uint8_t> above, size_t pixel_bytes);

// Writes the differences to `target`, which has the length of the row and does
// not overlap it.
void ApplyPngFilter(PngFilter filter, std::span<const uint8_t> row,
                    std::span<const uint8_t> above, size_t pixel_bytes,
                    std::span<uint8_t> target);

// Turns differences back into samples, in place.
void UndoPngFilter(PngFilter filter, std::span<uint8_t> row,
                   std::span<const uint8_t> above, size_t pixel_bytes);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_PNG_FILTER_H_
