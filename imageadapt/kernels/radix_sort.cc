#include "imageadapt/kernels/radix_sort.h"

#include <algorithm>
#include <utility>

namespace imageadapt {
namespace {

constexpr unsigned kDigits = 3;
constexpr unsigned kDigitBits = 11;
constexpr size_t kDigitValues = size_t{1} << kDigitBits;
static_assert(kRadixCounts == kDigits * kDigitValues);

size_t Digit(uint32_t key, unsigned i) {
  return (key >> (i * kDigitBits)) & (kDigitValues - 1);
}

// Counts become the sums of the counts before them.
void SumUp(std::span<uint32_t> counts) {
  uint32_t before = 0;
  for (uint32_t& count : counts) before += std::exchange(count, before);
}

}  // namespace

std::span<RadixItem> RadixSort(std::span<RadixItem> items,
                               std::span<RadixItem> other,
                               std::span<uint32_t> counts) {
  std::fill(counts.begin(), counts.end(), 0);
  for (const RadixItem& item : items) {
    for (unsigned i = 0; i < kDigits; ++i) {
      ++counts[i * kDigitValues + Digit(item.key, i)];
    }
  }
  for (unsigned i = 0; i < kDigits; ++i) {
    const std::span<uint32_t> places =
        counts.subspan(i * kDigitValues, kDigitValues);
    SumUp(places);
    for (const RadixItem& item : items) {
      other[places[Digit(item.key, i)]++] = item;
    }
    std::swap(items, other);
  }
  return items;
}

}  // namespace imageadapt
