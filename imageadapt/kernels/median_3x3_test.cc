#include "imageadapt/kernels/median_3x3.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "imageadapt/testing/every_target.h"

namespace imageadapt {
namespace {

using testing::OnEveryTarget;

template <typename T>
void CheckRow(size_t size, size_t channels, unsigned values,
              std::mt19937& random) {
  std::array<std::vector<T>, 3> rows;
  for (std::vector<T>& row : rows) {
    row.resize(size + 2 * channels);
    for (T& sample : row) sample = static_cast<T>(random() % values);
  }
  // What stands behind the medians stays as it is.
  std::vector<T> medians(size + 1, T{77});
  MediansOf3x3(rows[0], rows[1], rows[2], channels,
               std::span<T>(medians).first(size));
  EXPECT_EQ(medians.back(), T{77});
  for (size_t i = 0; i < size; ++i) {
    std::vector<T> window;
    for (const std::vector<T>& row : rows) {
      for (size_t t = 0; t < 3; ++t) window.push_back(row[i + t * channels]);
    }
    std::sort(window.begin(), window.end());
    ASSERT_EQ(medians[i], window[4])
        << "sample " << i << " of " << size << ", " << channels << " channels";
  }
}

TEST(Median3x3Test, IsTheFifthOfNine) {
  OnEveryTarget([] {
    std::mt19937 random(3);
    for (size_t channels = 1; channels <= 4; ++channels) {
      for (size_t size = 0; size <= 140; ++size) {
        for (const unsigned values : {2U, 5U, 256U}) {
          CheckRow<uint8_t>(size, channels, values, random);
          CheckRow<uint16_t>(size, channels, values * 256, random);
        }
      }
      // More than a piece.
      CheckRow<uint8_t>(2500, channels, 256, random);
      CheckRow<uint16_t>(2500, channels, 65536, random);
    }
  });
}

// Every order of zeros and ones is enough for a network of minima and maxima
// (Knuth, "The Art of Computer Programming", volume 3, the 0-1 principle).
TEST(Median3x3Test, IsRightForEveryOrder) {
  OnEveryTarget([] {
    for (unsigned bits = 0; bits < 512; ++bits) {
      std::array<std::array<uint8_t, 3>, 3> rows = {};
      unsigned ones = 0;
      for (unsigned i = 0; i < 9; ++i) {
        rows[i / 3][i % 3] = static_cast<uint8_t>(bits >> i & 1);
        ones += bits >> i & 1;
      }
      uint8_t median = 9;
      MediansOf3x3(rows[0], rows[1], rows[2], 1, std::span(&median, 1));
      EXPECT_EQ(median, ones >= 5 ? 1 : 0) << bits;
    }
  });
}

}  // namespace
}  // namespace imageadapt
