// Resizing on every kind of processor, against sums in double over the whole
// source.
#include "imageadapt/kernels/resample.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
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

constexpr ResizeFilter kFilters[] = {
    ResizeFilter::kArea, ResizeFilter::kBilinear, ResizeFilter::kBicubic,
    ResizeFilter::kLanczos3};

uint32_t Below(uint32_t end, std::mt19937& random) {
  return static_cast<uint32_t>(random() % end);
}

double Sinc(double x) {
  const double angle = std::numbers::pi * x;
  return x == 0 ? 1 : std::sin(angle) / angle;
}

double PlainFilter(ResizeFilter filter, double distance) {
  const double x = std::abs(distance);
  switch (filter) {
    case ResizeFilter::kBicubic:
      if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
      return x < 2 ? -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2 : 0;
    case ResizeFilter::kLanczos3:
      return x < 3 ? Sinc(x) * Sinc(x / 3) : 0;
    default:
      return std::max(0.0, 1 - x);
  }
}

// Of all source positions.
std::vector<double> PlainWeights(const ResizeAxis& axis, uint32_t position) {
  const double ratio = double{1} * axis.source_length / axis.target_length;
  std::vector<double> weights(axis.source_length);
  double sum = 0;
  for (uint32_t i = 0; i < axis.source_length; ++i) {
    if (axis.filter == ResizeFilter::kArea) {
      weights[i] = std::max(0.0, std::min((position + 1) * ratio, i + 1.0) -
                                     std::max(position * ratio, i + 0.0));
    } else {
      const double distance = i + 0.5 - (position + 0.5) * ratio;
      weights[i] = PlainFilter(axis.filter, distance / std::max(ratio, 1.0));
    }
    if (std::abs(weights[i]) < 1e-9) weights[i] = 0;
    sum += weights[i];
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

// All samples of a target, without rounding.
template <typename T>
std::vector<double> PlainResize(const ImageView<const T>& source,
                                ResizeFilter filter, const ImageShape& target) {
  const ImageShape& from = source.shape();
  const uint32_t channels = from.channels;
  const ResizeAxis rows = {from.height, target.height, filter};
  const ResizeAxis columns = {from.width, target.width, filter};
  const auto value = [&](uint32_t x, uint32_t y, uint32_t c) {
    const auto row = source.row(y);
    const size_t pixel = size_t{x} * channels;
    const double sample = double{1} * row[pixel + c];
    if (!HasAlpha(channels) || c == channels - 1) return sample;
    const double alpha = double{1} * row[pixel + channels - 1];
    return alpha == 0 ? 0 : sample * alpha;
  };
  // Along columns first: row x, column (target y, channel).
  std::vector<double> half(RowSamples(from) * target.height);
  for (uint32_t y = 0; y < target.height; ++y) {
    const std::vector<double> weights = PlainWeights(rows, y);
    for (uint32_t v = 0; v < from.height; ++v) {
      if (weights[v] == 0) continue;
      for (uint32_t x = 0; x < from.width; ++x) {
        for (uint32_t c = 0; c < channels; ++c) {
          half[y * RowSamples(from) + size_t{x} * channels + c] +=
              weights[v] * value(x, v, c);
        }
      }
    }
  }
  std::vector<double> sums(RowSamples(target) * target.height);
  for (uint32_t x = 0; x < target.width; ++x) {
    const std::vector<double> weights = PlainWeights(columns, x);
    for (uint32_t y = 0; y < target.height; ++y) {
      double* const pixel =
          &sums[y * RowSamples(target) + size_t{x} * channels];
      for (uint32_t u = 0; u < from.width; ++u) {
        if (weights[u] == 0) continue;
        for (uint32_t c = 0; c < channels; ++c) {
          pixel[c] += weights[u] *
                      half[y * RowSamples(from) + size_t{u} * channels + c];
        }
      }
      if (!HasAlpha(channels)) continue;
      const double alpha = pixel[channels - 1];
      const bool is_clear = std::is_integral_v<T> ? alpha <= 1e-6 : alpha == 0;
      for (uint32_t c = 0; c + 1 < channels; ++c) {
        pixel[c] = is_clear ? 0 : pixel[c] / alpha;
      }
    }
  }
  return sums;
}

struct Case {
  ImageShape source;
  uint32_t width = 1;
  uint32_t height = 1;
  ResizeFilter filter = ResizeFilter::kArea;
  size_t padding = 0;
  bool guards_end = true;

  ImageShape target() const {
    return {.width = width, .height = height, .channels = source.channels};
  }
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.source.width << " x " << c.source.height << " to " << c.width
             << " x " << c.height << ", " << c.source.channels
             << " channels, filter " << static_cast<int>(c.filter);
}

template <typename T>
void FillWithNoise(const ImageView<T>& view, std::mt19937& random) {
  for (uint32_t y = 0; y < view.shape().height; ++y) {
    for (T& sample : view.row(y)) {
      if constexpr (std::is_same_v<T, float>) {
        sample = static_cast<float>(random() % 4096) / 4096;
      } else {
        // The ends of the range more often than the rest.
        sample = static_cast<T>(random() % 3 == 0 ? 0 : random());
        if (random() % 4 == 0) sample = std::numeric_limits<T>::max();
      }
    }
  }
}

// What Resize needs for a case, up to a guard.
template <typename T>
class Scratch {
 public:
  explicit Scratch(const Case& c)
      : size_(ResizeScratchBytes({c.source, kSampleTypeOf<T>}, c.target(),
                                 c.filter)),
        bytes_((size_ + 63) / 64 * 64, true) {}

  std::span<std::byte> span() const {
    return {reinterpret_cast<std::byte*>(bytes_.data()), size_};
  }

 private:
  size_t size_;
  GuardedBytes bytes_;
};

// In bands of `rows` target rows, each with a copy of only the source rows that
// it may touch.
template <typename T>
void ResizeInBands(const ImageView<const T>& source, const Case& c,
                   uint32_t rows, const ImageView<T>& target,
                   std::span<std::byte> scratch) {
  for (uint32_t first = 0; first < c.height; first += rows) {
    const uint32_t count = std::min(rows, c.height - first);
    const Extent needed =
        ResizeSourceRows(c.source.height, c.height, c.filter,
                         {.first = first, .end = first + count});
    const GuardedImage<T> band({.width = c.source.width,
                                .height = needed.size(),
                                .channels = c.source.channels},
                               c.padding, c.guards_end);
    for (uint32_t y = 0; y < needed.size(); ++y) {
      std::ranges::copy(source.row(needed.first + y),
                        band.view().row(y).begin());
    }
    Resize<T>({.rows = band.const_view(),
               .first_row = needed.first,
               .image_height = c.source.height},
              c.filter,
              {.rows = target.Rows(first, count),
               .first_row = first,
               .image_height = c.height},
              scratch);
  }
}

template <typename T>
void ResizeInBands(const ImageView<const T>& source, const Case& c,
                   uint32_t rows, const ImageView<T>& target) {
  ResizeInBands(source, c, rows, target, Scratch<T>(c).span());
}

struct Errors {
  double most = 0;
  double sum = 0;
  double count = 0;
};

// On every processor, whole and in bands: the same bits, and the right ones.
template <typename T>
void Check(const Case& c, std::mt19937& random, Errors* errors = nullptr) {
  const GuardedImage<T> source(c.source, c.padding, c.guards_end);
  FillWithNoise(source.view(), random);
  const std::vector<double> expected =
      PlainResize(source.const_view(), c.filter, c.target());
  const Scratch<T> scratch(c);
  const GuardedImage<T> first(c.target(), 0, c.guards_end);
  ResizeInBands(source.const_view(), c, c.height, first.view(), scratch.span());
  size_t i = 0;
  for (uint32_t y = 0; y < c.height; ++y) {
    for (const T sample : first.view().row(y)) {
      const double truth = expected[i++];
      if constexpr (std::is_same_v<T, float>) {
        // Colours are quotients where there is alpha.
        const double tolerance = HasAlpha(c.source.channels) ? 1e-3 : 5e-7;
        ASSERT_NEAR(double{sample}, truth,
                    tolerance * std::max(1.0, std::abs(truth)))
            << c << ", sample " << i - 1;
      } else {
        const double clamped =
            std::clamp<double>(truth, 0, double{std::numeric_limits<T>::max()});
        const double error = std::abs(double{1} * sample - clamped);
        ASSERT_LE(error, 0.9) << c << ", sample " << i - 1;
        if (errors != nullptr) {
          errors->most = std::max(errors->most, error);
          errors->sum += std::abs(double{1} * sample - std::round(clamped));
          errors->count += 1;
        }
      }
    }
  }
  OnEveryTarget([&] {
    for (const uint32_t rows : {c.height, 1U + c.height / 3}) {
      const GuardedImage<T> target(c.target(), c.padding, c.guards_end);
      ResizeInBands(source.const_view(), c, rows, target.view(),
                    scratch.span());
      EXPECT_TRUE(target.PaddingIsUntouched()) << c;
      for (uint32_t y = 0; y < c.height; ++y) {
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
class ResizeTest : public ::testing::Test {};
using SampleTypes = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(ResizeTest, SampleTypes, );

TYPED_TEST(ResizeTest, IsTheWeightedSumOfTheSource) {
  std::mt19937 random(1);
  struct Sizes {
    uint32_t source_width;
    uint32_t source_height;
    uint32_t width;
    uint32_t height;
  };
  constexpr Sizes kSizes[] = {
      {1, 1, 1, 1},     {1, 1, 5, 7},    {1, 9, 3, 4},     {9, 1, 4, 3},
      {3, 3, 2, 2},     {2, 3, 3, 2},    {5, 5, 1, 1},     {7, 6, 7, 6},
      {17, 33, 16, 4},  {33, 17, 8, 34}, {40, 20, 13, 19}, {31, 27, 43, 50},
      {64, 32, 32, 16}, {100, 3, 3, 40}};
  for (const ResizeFilter filter : kFilters) {
    for (uint32_t channels = 1; channels <= 4; ++channels) {
      for (const Sizes& sizes : kSizes) {
        Check<TypeParam>({.source = {.width = sizes.source_width,
                                     .height = sizes.source_height,
                                     .channels = channels},
                          .width = sizes.width,
                          .height = sizes.height,
                          .filter = filter,
                          .padding = random() % 2 * 5,
                          .guards_end = random() % 2 == 0},
                         random);
      }
    }
  }
}

TYPED_TEST(ResizeTest, IsRightForRandomSizes) {
  std::mt19937 random(2);
  Errors errors;
  for (int i = 0; i < 60; ++i) {
    Check<TypeParam>({.source = {.width = 1 + Below(90, random),
                                 .height = 1 + Below(60, random),
                                 .channels = 1 + 2 * Below(2, random)},
                      .width = 1 + Below(90, random),
                      .height = 1 + Below(60, random),
                      .filter = kFilters[random() % 4],
                      .padding = random() % 9,
                      .guards_end = random() % 2 == 0},
                     random, &errors);
  }
  if (errors.count == 0) return;
  // Hardly ever is a sample not the nearest.
  EXPECT_LT(errors.most, 0.57);
  EXPECT_LT(errors.sum / errors.count, 0.02);
}

TYPED_TEST(ResizeTest, BearsExtremeRatios) {
  std::mt19937 random(3);
  for (const ResizeFilter filter : kFilters) {
    for (const uint32_t channels : {1U, 4U}) {
      const auto check = [&](uint32_t source_width, uint32_t source_height,
                             uint32_t width, uint32_t height) {
        Check<TypeParam>({.source = {.width = source_width,
                                     .height = source_height,
                                     .channels = channels},
                          .width = width,
                          .height = height,
                          .filter = filter},
                         random);
      };
      check(1, 1, 1000, 2);
      check(1, 2, 1, 1000);
      check(1000, 2, 1, 2);
      check(2, 1000, 3, 1);
      check(1, 5000, 1, 1);
      // More than a strip.
      check(channels == 4 ? 2300 : 4500, 2, 700, 1);
      check(300, 1, channels == 4 ? 2300 : 4500, 2);
      check(7000, 2, 7, 2);
    }
  }
}

TYPED_TEST(ResizeTest, OfTheSameSizeIsACopy) {
  std::mt19937 random(4);
  for (const ResizeFilter filter : kFilters) {
    for (const uint32_t channels : {1U, 3U}) {
      const Case c = {
          .source = {.width = 70, .height = 21, .channels = channels},
          .width = 70,
          .height = 21,
          .filter = filter};
      const GuardedImage<TypeParam> source(c.source, 0, true);
      FillWithNoise(source.view(), random);
      const GuardedImage<TypeParam> target(c.source, 0, true);
      ResizeInBands(source.const_view(), c, 21, target.view());
      for (uint32_t y = 0; y < 21; ++y) {
        EXPECT_TRUE(
            std::ranges::equal(source.view().row(y), target.view().row(y)));
      }
    }
  }
}

TYPED_TEST(ResizeTest, LeavesAConstantAsItIs) {
  constexpr TypeParam kValues[] = {TypeParam{1}, TypeParam{100},
                                   TypeParam{255}};
  std::mt19937 random(5);
  for (int i = 0; i < 60; ++i) {
    const Case c = {.source = {.width = 1 + Below(200, random),
                               .height = 1 + Below(50, random),
                               .channels = 1 + Below(4, random)},
                    .width = 1 + Below(100, random),
                    .height = 1 + Below(100, random),
                    .filter = kFilters[random() % 4]};
    const TypeParam value = kValues[random() % 3];
    const GuardedImage<TypeParam> source(c.source, 0, true);
    for (uint32_t y = 0; y < c.source.height; ++y) {
      std::ranges::fill(source.view().row(y), value);
    }
    const GuardedImage<TypeParam> target(c.target(), 0, true);
    ResizeInBands(source.const_view(), c, 16, target.view());
    for (uint32_t y = 0; y < c.height; ++y) {
      for (const TypeParam sample : target.view().row(y)) {
        ASSERT_EQ(sample, value) << c;
      }
    }
  }
}

TEST(ResizeFloatTest, WhatHasNoWeightHasNoInfluence) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  OnEveryTarget([] {
    // Of nine samples, each third is another's weight: those between are a
    // whole number of target pixels away from the middles of others.
    for (const ResizeFilter filter : kFilters) {
      const ImageShape shape = {.width = 9, .height = 9, .channels = 1};
      const Case same = {
          .source = shape, .width = 9, .height = 9, .filter = filter};
      const GuardedImage<float> source(shape, 0, true);
      source.view().row(4)[4] = kNan;
      source.view().row(1)[7] = std::numeric_limits<float>::infinity();
      const GuardedImage<float> target(shape, 0, true);
      ResizeInBands(source.const_view(), same, 9, target.view());
      for (uint32_t y = 0; y < 9; ++y) {
        for (uint32_t x = 0; x < 9; ++x) {
          EXPECT_EQ(std::isnan(target.view().row(y)[x]), x == 4 && y == 4);
          EXPECT_EQ(std::isinf(target.view().row(y)[x]), x == 7 && y == 1);
        }
      }
      // Three times as many: every third has its middle on a source pixel's.
      const Case larger = {
          .source = shape, .width = 27, .height = 27, .filter = filter};
      const GuardedImage<float> thrice(larger.target(), 0, true);
      source.view().row(1)[7] = 0;
      ResizeInBands(source.const_view(), larger, 27, thrice.view());
      for (uint32_t y = 1; y < 27; y += 3) {
        for (uint32_t x = 1; x < 27; x += 3) {
          EXPECT_EQ(std::isnan(thrice.view().row(y)[x]), x == 13 && y == 13);
        }
      }
    }
  });
}

TYPED_TEST(ResizeTest, TransparentColorsHaveNoInfluence) {
  OnEveryTarget([] {
    for (const uint32_t channels : {2U, 4U}) {
      const Case c = {
          .source = {.width = 40, .height = 8, .channels = channels},
          .width = 10,
          .height = 4,
          .filter = ResizeFilter::kBilinear};
      const GuardedImage<TypeParam> source(c.source, 0, true);
      // Left: clear and bright. Right: opaque and dark.
      for (uint32_t y = 0; y < 8; ++y) {
        const auto row = source.view().row(y);
        for (size_t i = 0; i < row.size(); ++i) {
          const bool is_alpha = i % channels == channels - 1;
          const bool is_right = i / channels >= 20;
          row[i] = static_cast<TypeParam>(is_alpha == is_right ? 200 : 7);
          if (is_alpha && !is_right) row[i] = 0;
          if constexpr (std::is_same_v<TypeParam, float>) {
            if (!is_alpha && !is_right) row[i] = std::nanf("");
          }
        }
      }
      const GuardedImage<TypeParam> target(c.target(), 0, true);
      ResizeInBands(source.const_view(), c, 4, target.view());
      for (uint32_t y = 0; y < 4; ++y) {
        const auto row = target.view().row(y);
        for (size_t i = 0; i < row.size(); i += channels) {
          const TypeParam alpha = row[i + channels - 1];
          EXPECT_EQ(alpha > 0, i / channels >= 4) << i;
          for (size_t k = 0; k + 1 < channels; ++k) {
            EXPECT_NEAR(double{1} * row[i + k], alpha > 0 ? 7 : 0, 1e-5) << i;
          }
        }
      }
    }
  });
}

TEST(ResizeWeightsTest, TapsAreInOrderAndWeightsSumToOne) {
  std::mt19937 random(6);
  for (int i = 0; i < 1000; ++i) {
    const uint32_t most = i % 3 == 0 ? 20 : i % 3 == 1 ? 2000 : 1U << 31;
    const ResizeAxis axis = {.source_length = 1 + Below(most, random),
                             .target_length = 1 + Below(most, random),
                             .filter = kFilters[random() % 4]};
    Extent before = axis.Taps(0);
    EXPECT_EQ(before.first, 0U);
    const uint32_t last = axis.target_length - 1;
    EXPECT_EQ(axis.Taps(last).end, axis.source_length);
    for (uint32_t k = 0; k < 50; ++k) {
      const auto position = static_cast<uint32_t>(uint64_t{last} * k / 49);
      const Extent taps = axis.Taps(position);
      ASSERT_LT(taps.first, taps.end);
      ASSERT_LE(taps.size(), axis.MostTaps());
      ASSERT_GE(taps.first, before.first);
      ASSERT_GE(taps.end, before.end);
      before = taps;
      if (taps.size() > 1000) continue;
      std::vector<double> weights(taps.size());
      axis.Weigh(position, weights);
      double sum = 0;
      double magnitude = 0;
      for (const double weight : weights) {
        sum += weight;
        magnitude += std::abs(weight);
      }
      EXPECT_NEAR(sum, 1, 1e-8);
      // What the sums in 32 bits stand on.
      EXPECT_LT(magnitude, 1.6);
    }
  }
}

}  // namespace
}  // namespace imageadapt
