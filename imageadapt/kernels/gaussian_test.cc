// Blurring on every kind of processor, against sums in double over the whole
// window.
#include "imageadapt/kernels/gaussian.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <ostream>
#include <random>
#include <vector>

#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/guarded_bytes.h"
#include "imageadapt/testing/guarded_image.h"

namespace imageadapt {
namespace {

using testing::GuardedBytes;
using testing::GuardedImage;
using testing::OnEveryTarget;

constexpr BorderMode kBorders[] = {BorderMode::kClip, BorderMode::kReplicate,
                                   BorderMode::kReflect101};

// By how much sums in another order may differ.
template <typename T>
constexpr double kUnit = std::is_same_v<T, float> ? 1.2e-7 : 0.0;

struct Case {
  ImageShape shape;
  GaussianOptions options;
  size_t padding = 0;
  bool guards_end = true;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.shape.width << " x " << c.shape.height << ", "
             << c.shape.channels << " channels, sigma " << c.options.sigma
             << ", border " << static_cast<int>(c.options.border);
}

uint32_t Below(uint32_t end, std::mt19937& random) {
  return static_cast<uint32_t>(random() % end);
}

// One axis, in place: `count` samples that lie `stride` apart.
void PlainBlur(const GaussianOptions& options, uint32_t count, size_t stride,
               double* samples) {
  const auto radius = static_cast<int64_t>(4 * options.sigma + 0.5);
  std::vector<double> blurred(count);
  for (uint32_t i = 0; i < count; ++i) {
    double sum = 0;
    double weights = 0;
    for (int64_t k = -radius; k <= radius; ++k) {
      if (options.border == BorderMode::kClip &&
          (i + k < 0 || i + k >= count)) {
        continue;
      }
      const double x = static_cast<double>(k) / options.sigma;
      const double weight = std::exp(-x * x / 2);
      weights += weight;
      sum += weight *
             samples[BorderPosition(i + k, count, options.border) * stride];
    }
    blurred[i] = sum / weights;
  }
  for (uint32_t i = 0; i < count; ++i) samples[i * stride] = blurred[i];
}

template <typename T>
std::vector<double> PlainBlur(const ImageView<const T>& source,
                              const GaussianOptions& options) {
  const ImageShape& shape = source.shape();
  std::vector<double> samples;
  for (uint32_t y = 0; y < shape.height; ++y) {
    for (const T sample : source.row(y)) {
      samples.push_back(double{1} * sample);
    }
  }
  const size_t row = RowSamples(shape);
  for (size_t i = 0; i < row; ++i) {
    PlainBlur(options, shape.height, row, &samples[i]);
  }
  for (uint32_t y = 0; y < shape.height; ++y) {
    for (uint32_t c = 0; c < shape.channels; ++c) {
      PlainBlur(options, shape.width, shape.channels, &samples[y * row + c]);
    }
  }
  return samples;
}

template <typename T>
void FillWithNoise(const ImageView<T>& view, std::mt19937& random) {
  for (uint32_t y = 0; y < view.shape().height; ++y) {
    for (T& sample : view.row(y)) {
      if constexpr (std::is_same_v<T, float>) {
        sample = static_cast<float>(random() % 4096) / 4096;
      } else {
        sample = static_cast<T>(random());
        if (random() % 3 == 0) sample = std::numeric_limits<T>::max();
      }
    }
  }
}

// In bands of `rows` target rows, each with a copy of only the source rows that
// it may touch.
template <typename T>
void BlurInBands(const ImageView<const T>& source, const Case& c, uint32_t rows,
                 const ImageView<T>& target) {
  const size_t size =
      GaussianBlurScratchBytes({c.shape, kSampleTypeOf<T>}, c.options);
  const GuardedBytes scratch((size + 63) / 64 * 64, true);
  const uint32_t height = c.shape.height;
  const uint32_t radius = GaussianRadius(c.options.sigma);
  for (uint32_t first = 0; first < height; first += rows) {
    const uint32_t count = std::min(rows, height - first);
    uint32_t from = first - std::min(first, radius);
    uint32_t end = std::min(height, first + count + radius);
    const GuardedImage<T> band({.width = c.shape.width,
                                .height = end - from,
                                .channels = c.shape.channels},
                               c.padding, c.guards_end);
    for (uint32_t y = from; y < end; ++y) {
      std::ranges::copy(source.row(y), band.view().row(y - from).begin());
    }
    GaussianBlur<T>(
        {.rows = band.const_view(), .first_row = from, .image_height = height},
        c.options,
        {.rows = target.Rows(first, count),
         .first_row = first,
         .image_height = height},
        {reinterpret_cast<std::byte*>(scratch.data()), size});
  }
}

template <typename T>
void ExpectClose(const Case& c, const std::vector<double>& expected,
                 const ImageView<T>& got) {
  size_t i = 0;
  double sum = 0;
  for (uint32_t y = 0; y < c.shape.height; ++y) {
    for (const T sample : got.row(y)) {
      const double truth = expected[i++];
      if constexpr (std::is_same_v<T, float>) {
        ASSERT_NEAR(double{sample}, truth, 2e-7) << c << ", sample " << i - 1;
      } else {
        ASSERT_NEAR(double{1} * sample, truth, 0.9)
            << c << ", sample " << i - 1;
        sum += std::abs(double{1} * sample - std::round(truth));
      }
    }
  }
  // Few samples are not the nearest.
  EXPECT_LE(sum, 4 + 0.05 * static_cast<double>(expected.size())) << c;
}

// On every processor, whole and in bands: the same bits, and the right ones.
template <typename T>
void Check(const Case& c, std::mt19937& random) {
  const GuardedImage<T> source(c.shape, c.padding, c.guards_end);
  FillWithNoise(source.view(), random);
  const GuardedImage<T> first(c.shape, 0, c.guards_end);
  BlurInBands(source.const_view(), c, c.shape.height, first.view());
  ExpectClose(c, PlainBlur(source.const_view(), c.options), first.view());
  OnEveryTarget([&] {
    for (const uint32_t rows : {c.shape.height, 1 + c.shape.height / 3}) {
      const GuardedImage<T> target(c.shape, c.padding, c.guards_end);
      BlurInBands(source.const_view(), c, rows, target.view());
      EXPECT_TRUE(target.PaddingIsUntouched()) << c;
      for (uint32_t y = 0; y < c.shape.height; ++y) {
        ASSERT_EQ(
            std::memcmp(target.view().row(y).data(), first.view().row(y).data(),
                        first.view().row(y).size_bytes()),
            0)
            << c << ", row " << y << ", bands of " << rows;
      }
    }
  });
}

template <typename T>
class GaussianBlurTest : public ::testing::Test {};
using SampleTypes = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(GaussianBlurTest, SampleTypes, );

TYPED_TEST(GaussianBlurTest, IsTheWeightedMeanOfTheWindow) {
  std::mt19937 random(1);
  constexpr double kSigmas[] = {0.1, 0.3, 0.8, 2.2, 9};
  for (const BorderMode border : kBorders) {
    for (uint32_t channels = 1; channels <= 4; ++channels) {
      for (const double sigma : kSigmas) {
        for (const auto& [width, height] :
             {std::pair(1U, 1U), {1U, 23U}, {23U, 1U}, {2U, 3U}, {37U, 9U}}) {
          Check<TypeParam>({.shape = {width, height, channels},
                            .options = {.sigma = sigma, .border = border},
                            .padding = random() % 2 * 5,
                            .guards_end = random() % 2 == 0},
                           random);
        }
      }
    }
  }
}

TYPED_TEST(GaussianBlurTest, IsRightForRandomSizes) {
  std::mt19937 random(2);
  for (int i = 0; i < 60; ++i) {
    Check<TypeParam>({.shape = {.width = 1 + Below(150, random),
                                .height = 1 + Below(30, random),
                                .channels = 1 + Below(4, random)},
                      .options = {.sigma = 0.1 + Below(50, random) / 10.0,
                                  .border = kBorders[random() % 3]},
                      .padding = random() % 9,
                      .guards_end = random() % 2 == 0},
                     random);
  }
}

TYPED_TEST(GaussianBlurTest, HasWindowsLargerThanTheImage) {
  std::mt19937 random(3);
  for (const BorderMode border : kBorders) {
    Check<TypeParam>({.shape = {.width = 50, .height = 12, .channels = 3},
                      .options = {.sigma = 100, .border = border}},
                     random);
    Check<TypeParam>({.shape = {.width = 900, .height = 3, .channels = 1},
                      .options = {.sigma = 100, .border = border}},
                     random);
  }
}

TYPED_TEST(GaussianBlurTest, LeavesAConstantAsItIs) {
  for (const BorderMode border : kBorders) {
    for (const double sigma : {0.1, 0.7, 3.3, 20.0, 100.0}) {
      const Case c = {.shape = {.width = 70, .height = 20, .channels = 3},
                      .options = {.sigma = sigma, .border = border}};
      constexpr auto kMost = std::is_same_v<TypeParam, float>
                                 ? TypeParam{1}
                                 : std::numeric_limits<TypeParam>::max();
      const GuardedImage<TypeParam> source(c.shape, 0, true);
      for (uint32_t y = 0; y < c.shape.height; ++y) {
        std::ranges::fill(source.view().row(y), kMost);
      }
      const GuardedImage<TypeParam> target(c.shape, 0, true);
      BlurInBands(source.const_view(), c, 7, target.view());
      for (uint32_t y = 0; y < c.shape.height; ++y) {
        for (const TypeParam sample : target.view().row(y)) {
          ASSERT_NEAR(double{1} * sample, double{kMost}, kUnit<TypeParam>) << c;
        }
      }
    }
  }
}

// The two are flipped with one another, bit by bit.
TYPED_TEST(GaussianBlurTest, IsSymmetric) {
  std::mt19937 random(4);
  for (const BorderMode border : kBorders) {
    const Case c = {.shape = {.width = 61, .height = 19, .channels = 1},
                    .options = {.sigma = 2.7, .border = border}};
    const GuardedImage<TypeParam> source(c.shape, 0, true);
    FillWithNoise(source.view(), random);
    const GuardedImage<TypeParam> flipped(c.shape, 0, true);
    for (uint32_t y = 0; y < 19; ++y) {
      std::ranges::reverse_copy(source.view().row(y),
                                flipped.view().row(18 - y).begin());
    }
    const GuardedImage<TypeParam> one(c.shape, 0, true);
    const GuardedImage<TypeParam> other(c.shape, 0, true);
    BlurInBands(source.const_view(), c, 19, one.view());
    BlurInBands(flipped.const_view(), c, 19, other.view());
    for (uint32_t y = 0; y < 19; ++y) {
      for (uint32_t x = 0; x < 61; ++x) {
        // Float: sums in another order.
        ASSERT_NEAR(double{1} * one.view().row(y)[x],
                    double{1} * other.view().row(18 - y)[60 - x],
                    kUnit<TypeParam>)
            << c;
      }
    }
  }
}

TEST(GaussianRadiusTest, IsFourSigmaRounded) {
  EXPECT_EQ(GaussianRadius(0.1), 0U);
  EXPECT_EQ(GaussianRadius(0.13), 1U);
  EXPECT_EQ(GaussianRadius(1), 4U);
  EXPECT_EQ(GaussianRadius(2.3), 9U);
  EXPECT_EQ(GaussianRadius(100), 400U);
}

}  // namespace
}  // namespace imageadapt
