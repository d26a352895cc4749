#include "imageadapt/kernels/radix_sort.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

namespace imageadapt {
namespace {

TEST(RadixSortTest, SortsAsTheLibraryDoes) {
  std::mt19937 random(1);
  for (const size_t size : {0, 1, 2, 1000, 70'000}) {
    for (const unsigned shift : {0U, 20U, 30U}) {
      std::vector<RadixItem> items(size);
      for (uint32_t i = 0; i < size; ++i) {
        items[i] = {.key = static_cast<uint32_t>(random()) >> shift,
                    .value = i};
      }
      std::vector<RadixItem> expected = items;
      std::stable_sort(
          expected.begin(), expected.end(),
          [](const RadixItem& a, const RadixItem& b) { return a.key < b.key; });
      std::vector<RadixItem> other(size);
      std::array<uint32_t, kRadixCounts> counts;
      const auto sorted = RadixSort(items, other, counts);
      ASSERT_EQ(sorted.size(), size);
      for (size_t i = 0; i < size; ++i) {
        ASSERT_EQ(sorted[i].key, expected[i].key);
        ASSERT_EQ(sorted[i].value, expected[i].value);
      }
    }
  }
}

}  // namespace
}  // namespace imageadapt
