#include "imageadapt/kernels/small_sums.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "imageadapt/testing/every_target.h"

namespace imageadapt {
namespace {

using testing::OnEveryTarget;

TEST(SmallSumsTest, DivisionIsExactForEverySum) {
  for (uint32_t count = 1; count <= kMaxSmallWindow; ++count) {
    for (const uint32_t half : {0U, count / 2}) {
      const SmallDivision division = MakeSmallDivision(count, half);
      for (uint32_t sum = 0; sum <= 255 * count; ++sum) {
        ASSERT_EQ(division.Divide(static_cast<uint16_t>(sum)),
                  (sum + half) / count)
            << sum << " / " << count;
      }
    }
  }
}

TEST(SmallSumsTest, RowsAreAddedAndTakenAway) {
  OnEveryTarget([] {
    std::mt19937 random(1);
    for (size_t size = 0; size < 100; ++size) {
      std::vector<uint8_t> one(size);
      std::vector<uint8_t> other(size);
      std::vector<uint16_t> sums(size);
      std::vector<uint16_t> expected(size);
      for (size_t i = 0; i < size; ++i) {
        one[i] = static_cast<uint8_t>(random());
        other[i] = static_cast<uint8_t>(random());
        sums[i] = static_cast<uint16_t>(random() % 30'000 + 1000);
        expected[i] =
            static_cast<uint16_t>(sums[i] + 2 * one[i] - 2 * other[i]);
      }
      AddToSums(one, sums);
      SubtractFromSums(other, sums);
      SlideSums(one, other, sums);
      EXPECT_EQ(sums, expected);
    }
  });
}

TEST(SmallSumsTest, MeansOfEveryWindowAreThoseOfPlainSums) {
  OnEveryTarget([] {
    std::mt19937 random(2);
    for (int i = 0; i < 3000; ++i) {
      const size_t channels = 1 + random() % 4;
      const size_t window = 1 + random() % 40;
      const size_t rows = 1 + random() % (kMaxSmallWindow / window);
      const size_t size = random() % 150 + 1;
      const size_t samples = size + (window - 1) * channels;
      std::vector<uint16_t> columns(samples + kSmallSumsPadding, 0xffff);
      for (size_t k = 0; k < samples; ++k) {
        columns[k] = static_cast<uint16_t>(
            i % 7 == 0 ? 255 * rows : random() % (255 * rows + 1));
      }
      std::vector<uint16_t> first(columns.size());
      std::vector<uint16_t> second(columns.size());
      const auto count = static_cast<uint32_t>(window * rows);
      const uint32_t half = i % 2 == 0 ? 0 : count / 2;
      std::vector<uint8_t> means(size);
      MeansOfSums(columns.data(), channels, window,
                  MakeSmallDivision(count, half), first.data(), second.data(),
                  means);
      for (size_t k = 0; k < size; ++k) {
        uint32_t sum = half;
        for (size_t t = 0; t < window; ++t) sum += columns[k + t * channels];
        ASSERT_EQ(means[k], sum / count)
            << "sample " << k << " of " << size << ", window " << window
            << " x " << rows << ", " << channels << " channels";
      }
    }
  });
}

}  // namespace
}  // namespace imageadapt
