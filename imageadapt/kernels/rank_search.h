// Finds samples of windows among sorted ones.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_RANK_SEARCH_H_
#define IMAGEADAPT_KERNELS_RANK_SEARCH_H_

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "imageadapt/kernels/window_size.h"

namespace imageadapt {

// Where a sample lies in a tile, as x | y << half its bits, so that one
// subtraction moves both: for tiles of at most 256 x 256, or of any side that
// fits 16 bits.
template <typename T>
concept TilePosition = std::same_as<T, uint16_t> || std::same_as<T, uint32_t>;

// So many positions are looked at together.
inline constexpr size_t kRankSearchPadding = 256;

// The samples of a tile in their order, and where they lie. Bucket b begins at
// b * bucket_size. kRankSearchPadding positions stand behind the last one.
template <TilePosition P, typename T>
struct SortedSamples {
  const P* positions = nullptr;
  const T* samples = nullptr;
  size_t bucket_size = 0;
};

// target[x * step] = that sample of bucket buckets[x] which lies in the window
// with upper left corner (x, y) and has places[x] others of the bucket in the
// window before it. Requires that there is such a sample. T is uint16_t or
// float.
template <TilePosition P, typename T>
void FindInWindows(const SortedSamples<P, T>& sorted, WindowSize window,
                   uint32_t y, std::span<const uint8_t> buckets,
                   std::span<const uint16_t> places, T* target, size_t step);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_RANK_SEARCH_H_
