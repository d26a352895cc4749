// Sorting by digits.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_RADIX_SORT_H_
#define IMAGEADAPT_KERNELS_RADIX_SORT_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace imageadapt {

struct RadixItem {
  uint32_t key = 0;
  uint32_t value = 0;
};

// Counters that RadixSort needs.
inline constexpr size_t kRadixCounts = size_t{3} << 11;

// Sorts items by their keys, those of equal keys as they stood: by three digits
// of the keys, from the last to the first (Seward, "Information sorting in the
// application of electronic digital computers to business operations", 1954).
// Returns the sorted items, which are in `other`; `items` is used up. Requires
// that both are of one size, and kRadixCounts counters.
std::span<RadixItem> RadixSort(std::span<RadixItem> items,
                               std::span<RadixItem> other,
                               std::span<uint32_t> counts);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_RADIX_SORT_H_
