// Weights of few bits, and sums by them on every kind of processor.
#include "imageadapt/kernels/weighted_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "imageadapt/testing/every_target.h"

namespace imageadapt {
namespace {

using testing::OnEveryTarget;

// As many as `count`, some of them negative, that sum to one.
std::vector<double> RandomWeights(size_t count, std::mt19937& random) {
  std::vector<double> weights(count);
  for (double& weight : weights) {
    weight = static_cast<double>(random() % 1000) - (count > 3 ? 100 : 0);
  }
  weights[count / 2] += 1000;
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  return weights;
}

TEST(ShortWeightTest, KeepsTwentyEightBits) {
  EXPECT_EQ(ShortWeight(0), 0);
  EXPECT_EQ(ShortWeight(1), 1);
  EXPECT_EQ(ShortWeight(-0.375), -0.375);
  EXPECT_EQ(ShortWeight(1 + std::ldexp(1.0, -27)), 1 + std::ldexp(1.0, -27));
  EXPECT_EQ(ShortWeight(1 + std::ldexp(1.0, -29)), 1);
  EXPECT_EQ(ShortWeight(2 - std::ldexp(1.0, -29)), 2);
  EXPECT_EQ(ShortWeight(-2 + std::ldexp(1.0, -29)), -2);
}

TEST(FixedWeightsTest, AreNearAndSumToOne) {
  std::mt19937 random(1);
  for (int i = 0; i < 3000; ++i) {
    const size_t count = 1 + random() % (i % 10 == 0 ? 4000 : 20);
    const std::vector<double> weights = RandomWeights(count, random);
    std::vector<int16_t> values(EvenCount(count), int16_t{99});
    const int most = i % 2 == 0 ? kMostShiftOf8Bits : kMostShiftOfFixed;
    const FixedWeights fixed = MakeFixedWeights(weights, most, values);
    EXPECT_LE(fixed.shift, most);
    EXPECT_GE(fixed.shift, 14);
    EXPECT_EQ(fixed.values.size(), EvenCount(count));
    if (count % 2 == 1) {
      EXPECT_EQ(fixed.values.back(), 0);
    }
    int64_t sum = 0;
    double most_error = 0;
    for (size_t t = 0; t < count; ++t) {
      sum += fixed.values[t];
      most_error = std::max(
          most_error,
          std::abs(std::ldexp(weights[t], fixed.shift) - fixed.values[t]));
    }
    EXPECT_EQ(sum, int64_t{1} << fixed.shift);
    EXPECT_LE(most_error, 0.5 + 0.5 * static_cast<double>(count));
  }
}

template <typename T>
std::vector<std::vector<T>> RandomRows(size_t rows, size_t size, int most,
                                       std::mt19937& random) {
  std::vector<std::vector<T>> all(rows, std::vector<T>(size));
  for (std::vector<T>& row : all) {
    for (T& sample : row) {
      sample = static_cast<T>(random() % static_cast<unsigned>(most + 1));
    }
  }
  return all;
}

template <typename T>
std::vector<const T*> Pointers(const std::vector<std::vector<T>>& rows) {
  std::vector<const T*> pointers;
  for (const std::vector<T>& row : rows) pointers.push_back(row.data());
  return pointers;
}

// The exact sum of column i, times 2^shift.
template <typename T>
int64_t PlainSum(const std::vector<std::vector<T>>& rows,
                 const FixedWeights& weights, size_t i) {
  int64_t sum = 0;
  for (size_t t = 0; t < rows.size(); ++t) {
    sum += int64_t{rows[t][i]} * weights.values[t];
  }
  return sum;
}

int64_t Rounded(int64_t sum, int shift) {
  return (sum + (int64_t{1} << (shift - 1))) >> shift;
}

TEST(WeightedRowsTest, FixedSumsAreExact) {
  OnEveryTarget([] {
    std::mt19937 random(2);
    for (size_t size = 0; size < 150; ++size) {
      const size_t count = 1 + random() % 9;
      const std::vector<double> weights = RandomWeights(count, random);
      std::vector<int16_t> values(EvenCount(count));

      const auto bytes =
          RandomRows<uint8_t>(EvenCount(count), size, 255, random);
      const FixedWeights few =
          MakeFixedWeights(weights, kMostShiftOf8Bits, values);
      std::vector<int16_t> middle(size);
      std::vector<float> floats(size);
      WeightedRows(Pointers(bytes), few, std::span<int16_t>(middle));
      WeightedRows(Pointers(bytes), few, std::span<float>(floats));
      for (size_t i = 0; i < size; ++i) {
        const int64_t sum = PlainSum(bytes, few, i);
        ASSERT_EQ(middle[i], Rounded(sum, few.shift - kFixedBits));
        ASSERT_EQ(floats[i], std::ldexp(static_cast<float>(sum), -few.shift));
      }

      const auto shorts = RandomRows<int16_t>(EvenCount(count), size,
                                              255 << kFixedBits, random);
      const FixedWeights fixed =
          MakeFixedWeights(weights, kMostShiftOfFixed, values);
      std::vector<uint8_t> samples(size);
      WeightedRows(Pointers(shorts), fixed, std::span<uint8_t>(samples));
      WeightedRows(Pointers(shorts), fixed, std::span<float>(floats));
      for (size_t i = 0; i < size; ++i) {
        const int64_t sum = PlainSum(shorts, fixed, i);
        const int shift = fixed.shift + kFixedBits;
        ASSERT_EQ(samples[i], std::clamp<int64_t>(Rounded(sum, shift), 0, 255));
        ASSERT_EQ(floats[i], std::ldexp(static_cast<float>(sum), -shift));
      }
    }
  });
}

TEST(WeightedRowsTest, SumsInDoubleAreRoundedOnce) {
  OnEveryTarget([] {
    std::mt19937 random(3);
    for (size_t size = 0; size < 100; ++size) {
      const size_t count = 1 + random() % 9;
      std::vector<double> weights = RandomWeights(count, random);
      for (double& weight : weights) weight = ShortWeight(weight);
      const auto rows = RandomRows<float>(count, size, 65535, random);
      std::vector<float> sums(size);
      std::vector<uint16_t> rounded(size);
      WeightedRows<float>(Pointers(rows), weights, sums);
      WeightedRows(Pointers(rows), weights, std::span<uint16_t>(rounded));
      for (size_t i = 0; i < size; ++i) {
        double sum = 0;
        for (size_t t = 0; t < count; ++t) {
          sum += weights[t] * double{rows[t][i]};
        }
        ASSERT_EQ(sums[i], static_cast<float>(sum));
        ASSERT_EQ(rounded[i], std::lrint(std::clamp(sums[i], 0.0F, 65535.0F)));
      }
    }
  });
}

// Colours count by alpha, and NaN without alpha does not count at all.
TEST(WeightedRowsTest, PremultipliesColors) {
  OnEveryTarget([] {
    for (const size_t channels : {size_t{2}, size_t{4}}) {
      for (size_t pixels = 1; pixels < 40; ++pixels) {
        std::vector<float> row(pixels * channels, 3.0F);
        for (size_t x = 0; x < pixels; ++x) {
          row[x * channels + channels - 1] = static_cast<float>(x % 3);
          if (x % 3 == 0) row[x * channels] = std::nanf("");
        }
        const float* const pointer = row.data();
        const double weight = 0.5;
        std::vector<float> sums(row.size());
        WeightedPremultipliedRows<float>(std::span(&pointer, 1),
                                         std::span(&weight, 1),
                                         static_cast<uint32_t>(channels), sums);
        for (size_t i = 0; i < row.size(); ++i) {
          const auto alpha = static_cast<float>(i / channels % 3);
          const bool is_alpha = i % channels == channels - 1;
          ASSERT_EQ(sums[i], (is_alpha ? alpha : 3 * alpha) / 2);
        }
      }
    }
  });
}

}  // namespace
}  // namespace imageadapt
