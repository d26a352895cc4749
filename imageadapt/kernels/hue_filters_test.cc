// Against the definitions, window by window.
#include "imageadapt/kernels/hue_filters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <numbers>
#include <numeric>
#include <random>
#include <type_traits>
#include <vector>

#include "imageadapt/kernels/hue_vectors.h"
#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/guarded_bytes.h"

namespace imageadapt {
namespace {

using testing::GuardedBytes;
using testing::OnEveryTarget;

constexpr BorderMode kBorders[] = {BorderMode::kClip, BorderMode::kReplicate,
                                   BorderMode::kReflect101};
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

uint32_t Below(uint32_t end, std::mt19937& random) {
  return static_cast<uint32_t>(random() % end);
}

template <typename T>
constexpr double kTurn =
    std::is_same_v<T, float> ? 360.0 : std::numeric_limits<T>::max() + 1.0;

template <typename T>
constexpr double kFloatError = std::is_same_v<T, float> ? 3e-5 : 0;

// Hues as one channel, row by row.
template <typename T>
struct HueImage {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<T> hues;

  T at(uint32_t x, uint32_t y) const { return hues[size_t{y} * width + x]; }
};

// The hues that a window sees, without those that are not numbers.
template <typename T>
std::vector<T> WindowOf(const HueImage<T>& image, uint32_t x, uint32_t y,
                        WindowSize window, BorderMode border) {
  const auto positions = [&](uint32_t middle, uint32_t side, uint32_t length) {
    std::vector<uint32_t> all;
    const int64_t first = int64_t{middle} - side / 2;
    for (int64_t p = first; p < first + side; ++p) {
      if (border != BorderMode::kClip) {
        all.push_back(BorderPosition(p, length, border));
      } else if (p >= 0 && p < length) {
        all.push_back(static_cast<uint32_t>(p));
      }
    }
    return all;
  };
  std::vector<T> hues;
  for (const uint32_t row : positions(y, window.height, image.height)) {
    for (const uint32_t column : positions(x, window.width, image.width)) {
      const T hue = CanonicalHue(image.at(column, row));
      if (hue == hue) hues.push_back(hue);
    }
  }
  return hues;
}

// Whether a mean is that of the hues, as the header says. Leaves open what is
// too near a limit for double.
template <typename T>
::testing::AssertionResult IsMean(T mean, const std::vector<T>& hues,
                                  T middle) {
  if (hues.empty()) {
    return std::isnan(static_cast<double>(mean))
               ? ::testing::AssertionSuccess()
               : ::testing::AssertionFailure() << +mean << " of nothing";
  }
  double x = 0;
  double y = 0;
  for (const T hue : hues) {
    const double angle = hue / kTurn<T> * 2 * std::numbers::pi;
    x += std::cos(angle);
    y += std::sin(angle);
  }
  const double length = std::hypot(x, y) / static_cast<double>(hues.size());
  if (length < 0.9 / (1 << 20)) {
    const T wanted = CanonicalHue(middle);
    if (mean == (wanted == wanted ? wanted : T{0})) {
      return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << +mean << " without direction";
  }
  if (length < 1.1 / (1 << 20)) return ::testing::AssertionSuccess();
  double exact = std::atan2(y, x) / (2 * std::numbers::pi) * kTurn<T>;
  if (exact < 0) exact += kTurn<T>;
  const double difference = std::abs(mean - exact);
  const double error = std::min(difference, kTurn<T> - difference);
  // Vectors of 2^-29, and floats of 360.
  const double slack = kTurn<T> * std::ldexp(1 / length, -29) +
                       (std::is_same_v<T, float> ? 2e-5 : 1.0 / (1 << 14));
  if (error <= slack + (std::is_same_v<T, float> ? 0 : 0.5) && mean >= 0 &&
      mean < kTurn<T>) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << +mean << " instead of " << exact << ", length " << length;
}

// The lower median in the order that begins opposite to `mean`.
template <typename T>
T ExpectedMedian(std::vector<T> hues, T mean) {
  if (hues.empty()) return static_cast<T>(kNaN);
  const auto cut =
      static_cast<T>(mean < kTurn<T> / 2 ? mean + static_cast<T>(kTurn<T> / 2)
                                         : mean - static_cast<T>(kTurn<T> / 2));
  const auto comes_before = [cut](T a, T b) {
    return (a < cut) == (b < cut) ? a < b : a >= cut;
  };
  std::sort(hues.begin(), hues.end(), comes_before);
  return hues[(hues.size() - 1) / 2];
}

// Runs a filter over an image cut into bands of `band_rows`, in memory whose
// neighbours may not be touched; returns the hues.
template <typename T, typename Filter>
std::vector<T> Filtered(const HueImage<T>& image, uint32_t channels,
                        uint32_t window_height, uint32_t band_rows,
                        size_t padding, size_t scratch_bytes,
                        const Filter& filter) {
  const ImageShape shape = {
      .width = image.width, .height = image.height, .channels = channels};
  const size_t stride = RowSamples(shape) + padding;
  const size_t size = stride * image.height - padding;
  const bool guards_end = band_rows % 2 == 0;
  const GuardedBytes from(size * sizeof(T), guards_end);
  const GuardedBytes to(size * sizeof(T), guards_end);
  const GuardedBytes work(scratch_bytes, true);
  auto* const source = reinterpret_cast<T*>(from.data());
  auto* const target = reinterpret_cast<T*>(to.data());
  std::fill(source, source + size, T{33});
  std::fill(target, target + size, T{77});
  std::memset(work.data(), 0xa5, scratch_bytes);
  for (uint32_t y = 0; y < image.height; ++y) {
    for (uint32_t x = 0; x < image.width; ++x) {
      source[y * stride + x * channels] = image.at(x, y);
    }
  }
  const ImageView<const T> all(source, shape, stride);
  for (uint32_t y = 0; y < image.height; y += band_rows) {
    const uint32_t rows = std::min(band_rows, image.height - y);
    const uint32_t first = ClippedExtent(y, window_height, image.height).first;
    const uint32_t end =
        ClippedExtent(y + rows - 1, window_height, image.height).end;
    filter(RowBand<ImageView<const T>>{.rows = all.Rows(first, end - first),
                                       .first_row = first,
                                       .image_height = image.height},
           RowBand<ImageView<T>>{
               .rows = ImageView<T>(target, shape, stride).Rows(y, rows),
               .first_row = y,
               .image_height = image.height},
           std::span(reinterpret_cast<std::byte*>(work.data()), scratch_bytes));
  }
  std::vector<T> hues;
  for (size_t i = 0; i < size; ++i) {
    const bool is_hue =
        i % stride < RowSamples(shape) && i % stride % channels == 0;
    if (is_hue) {
      hues.push_back(target[i]);
    } else {
      EXPECT_EQ(target[i], T{77}) << "sample " << i << " is not a hue";
    }
  }
  return hues;
}

template <typename T>
ImageSpec SpecOf(const HueImage<T>& image, uint32_t channels) {
  return {.shape = {.width = image.width,
                    .height = image.height,
                    .channels = channels},
          .sample_type = kSampleTypeOf<T>};
}

template <typename T>
std::vector<T> MeansOf(const HueImage<T>& image, const MeanOptions& options,
                       uint32_t band_rows = 1000, uint32_t channels = 3,
                       size_t padding = 0) {
  return Filtered(image, channels, options.window.height, band_rows, padding,
                  HueMeanScratchBytes(SpecOf(image, channels), options),
                  [&](const auto& source, const auto& target, auto scratch) {
                    HueMean<T>(source, options, target, scratch);
                  });
}

template <typename T>
std::vector<T> MediansOf(const HueImage<T>& image, const MedianOptions& options,
                         uint32_t band_rows = 1000, uint32_t channels = 3,
                         size_t padding = 0) {
  return Filtered(image, channels, options.window.height, band_rows, padding,
                  HueMedianScratchBytes(SpecOf(image, channels), options),
                  [&](const auto& source, const auto& target, auto scratch) {
                    HueMedian<T>(source, options, target, scratch);
                  });
}

// Equal bits, so that NaNs are too.
template <typename T>
bool AreSame(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

template <typename T>
void CheckFilters(const HueImage<T>& image, WindowSize window,
                  BorderMode border, std::mt19937& random) {
  const MeanOptions mean_options = {.window = window, .border = border};
  const MedianOptions median_options = {.window = window, .border = border};
  const uint32_t band_rows = 1 + Below(image.height, random);
  const uint32_t channels = 3 + Below(2, random);
  const size_t padding = Below(7, random);
  const std::vector<T> means = MeansOf(image, mean_options);
  const std::vector<T> medians = MediansOf(image, median_options);
  OnEveryTarget([&] {
    EXPECT_TRUE(AreSame(
        means, MeansOf(image, mean_options, band_rows, channels, padding)));
    EXPECT_TRUE(AreSame(medians, MediansOf(image, median_options, band_rows,
                                           channels, padding)));
  });
  for (uint32_t y = 0; y < image.height; ++y) {
    for (uint32_t x = 0; x < image.width; ++x) {
      const std::vector<T> hues = WindowOf(image, x, y, window, border);
      const size_t i = size_t{y} * image.width + x;
      ASSERT_TRUE(IsMean(means[i], hues, image.at(x, y)))
          << x << ", " << y << " of " << image.width << " x " << image.height
          << ", window " << window.width << " x " << window.height;
      const T median = ExpectedMedian(hues, means[i]);
      ASSERT_TRUE(median == medians[i] || (median != median && hues.empty()))
          << +medians[i] << " instead of " << +median << " at " << x << ", "
          << y << " of " << image.width << " x " << image.height << ", window "
          << window.width << " x " << window.height;
    }
  }
}

// Hues of one of several kinds: all around, on either side of 0, few opposite
// ones, with some that are not numbers.
template <typename T>
HueImage<T> MakeHues(uint32_t width, uint32_t height, std::mt19937& random) {
  HueImage<T> image = {.width = width, .height = height, .hues = {}};
  const uint32_t kind = Below(4, random);
  for (size_t i = 0; i < size_t{width} * height; ++i) {
    double turn = Below(100'003, random) / 100'003.0;
    if (kind == 1) turn = std::fmod(0.97 + turn / 16, 1.0);
    if (kind == 2) turn = 0.25 * Below(4, random);
    if constexpr (std::is_same_v<T, float>) {
      auto hue = static_cast<float>(turn * 360);
      if (kind == 3) {
        const float others[] = {hue,   kNaN,
                                -kNaN, hue - 720,
                                2e8F,  std::numeric_limits<float>::infinity()};
        hue = others[Below(6, random)];
      }
      image.hues.push_back(hue);
    } else {
      image.hues.push_back(static_cast<T>(turn * kTurn<T>));
    }
  }
  return image;
}

template <typename T>
class HueFiltersTest : public ::testing::Test {};
using SampleTypes = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(HueFiltersTest, SampleTypes);

TYPED_TEST(HueFiltersTest, AreWhatTheyAreDefinedAs) {
  std::mt19937 random(1);
  for (int i = 0; i < 250; ++i) {
    const HueImage<TypeParam> image = MakeHues<TypeParam>(
        1 + Below(20, random), 1 + Below(20, random), random);
    const WindowSize window = {.width = 1 + 2 * Below(6, random),
                               .height = 1 + 2 * Below(6, random)};
    CheckFilters(image, window, kBorders[i % 3], random);
  }
}

TYPED_TEST(HueFiltersTest, WindowsMayBeLargerThanTheImage) {
  std::mt19937 random(2);
  const std::pair<uint32_t, uint32_t> sizes[] = {
      {1, 1}, {1, 9}, {9, 1}, {2, 3}, {5, 4}};
  const uint32_t sides[] = {1, 3, 31, 255};
  for (const auto& [width, height] : sizes) {
    for (const uint32_t side : sides) {
      for (const BorderMode border : kBorders) {
        const auto image = MakeHues<TypeParam>(width, height, random);
        CheckFilters(image, {.width = side, .height = 31}, border, random);
        CheckFilters(image, {.width = 31, .height = side}, border, random);
      }
    }
  }
}

// Float medians go tile by tile; tiles of large windows are larger.
TEST(HueFiltersTest, ImagesLargerThanATile) {
  std::mt19937 random(5);
  int i = 0;
  for (const auto& [width, height] :
       {std::pair<uint32_t, uint32_t>{600, 7}, {9, 600}, {300, 270}}) {
    const auto image = MakeHues<float>(width, height, random);
    CheckFilters(image, {.width = 5, .height = 3}, kBorders[i++ % 3], random);
  }
  for (const BorderMode border : kBorders) {
    const auto wide = MakeHues<float>(600, 3, random);
    CheckFilters(wide, {.width = 255, .height = 1}, border, random);
    const auto high = MakeHues<float>(3, 600, random);
    CheckFilters(high, {.width = 1, .height = 103}, border, random);
  }
}

// A window of 2^32 samples does not overflow; the corners count most.
TYPED_TEST(HueFiltersTest, MeansOfTheLargestWindows) {
  std::mt19937 random(3);
  for (const BorderMode border : kBorders) {
    HueImage<TypeParam> image = MakeHues<TypeParam>(4, 3, random);
    const MeanOptions options = {.window = {.width = 65535, .height = 65535},
                                 .border = border};
    std::fill(image.hues.begin(), image.hues.end(), TypeParam{21});
    for (const TypeParam mean : MeansOf(image, options)) {
      EXPECT_NEAR(mean, 21, kFloatError<TypeParam>);
    }
    // An axis at a time, so that the other can be had from a small window.
    const HueImage<TypeParam> other = MakeHues<TypeParam>(4, 3, random);
    CheckFilters<TypeParam>(other, {.width = 129, .height = 1}, border, random);
    const WindowSize wide = {.width = 65535, .height = 3};
    const std::vector<TypeParam> means =
        MeansOf(other, {.window = wide, .border = border});
    for (uint32_t y = 0; y < other.height; ++y) {
      for (uint32_t x = 0; x < other.width; ++x) {
        EXPECT_TRUE(IsMean(means[size_t{y} * other.width + x],
                           WindowOf(other, x, y, wide, border),
                           other.at(x, y)));
      }
    }
  }
}

TYPED_TEST(HueFiltersTest, AConstantHueStays) {
  for (int i = 0; i < 256; ++i) {
    const auto hue = static_cast<TypeParam>(i * (kTurn<TypeParam> / 256));
    const HueImage<TypeParam> image = {
        .width = 3, .height = 1, .hues = {hue, hue, hue}};
    const WindowSize window = {.width = 3, .height = 3};
    for (const TypeParam mean : MeansOf(image, {.window = window})) {
      EXPECT_NEAR(mean, hue, kFloatError<TypeParam>);
    }
    for (const TypeParam median : MediansOf(image, {.window = window})) {
      EXPECT_EQ(median, hue);
    }
  }
}

TEST(HueFiltersTest, RedIsOneHue) {
  // 250 and 6 are on either side of red: no mean of numbers gives 0.
  const HueImage<uint8_t> image = {
      .width = 3, .height = 1, .hues = {250, 2, 4}};
  const WindowSize window = {.width = 3, .height = 1};
  EXPECT_EQ(MeansOf(image, {.window = window}),
            (std::vector<uint8_t>{254, 0, 3}));
  EXPECT_EQ(MediansOf(image, {.window = window}),
            (std::vector<uint8_t>{250, 2, 2}));
}

TEST(HueFiltersTest, ACutThatRoundsToAWholeTurnIsZero) {
  // The greatest number below 180: with 180 more it is 360 in float.
  const float hue = std::nextafter(180.0F, 0.0F);
  ASSERT_EQ(hue + 180, 360.0F);
  const HueImage<float> image = {.width = 1, .height = 1, .hues = {hue}};
  EXPECT_EQ(MediansOf(image, {.window = {.width = 1, .height = 1}}),
            std::vector<float>{hue});
}

TEST(HueFiltersTest, OppositeHuesLeaveTheMiddle) {
  const HueImage<uint8_t> image = {
      .width = 5, .height = 1, .hues = {10, 138, 74, 202, 74}};
  const WindowSize window = {.width = 5, .height = 1};
  const std::vector<uint8_t> means =
      MeansOf(image, {.window = window, .border = BorderMode::kClip});
  EXPECT_EQ(means[1], 138);  // of 10, 138, 74 and 202
  const std::vector<uint8_t> medians =
      MediansOf(image, {.window = window, .border = BorderMode::kClip});
  EXPECT_EQ(medians[1], 74);  // the second of 10 = 138 - 128, 74, 138 and 202
}

template <typename T>
std::vector<HueSum> VectorsOf(const std::vector<T>& hues, int64_t times = 1) {
  std::vector<HueSum> sums(hues.size());
  std::vector<int64_t> counts(hues.size());
  AddHues(hues.data(), 1, times, {.sums = sums, .counts = counts});
  return sums;
}

template <typename T>
std::vector<T> AllHues() {
  std::vector<T> hues(size_t{1} << std::numeric_limits<T>::digits);
  std::iota(hues.begin(), hues.end(), T{0});
  return hues;
}

// The hues of sums of `count` vectors each.
template <typename T>
std::vector<T> HuesOf(const std::vector<HueSum>& sums, double count,
                      T middle = T{0}) {
  HueWindows windows;
  std::ranges::fill(windows.counts, count);
  const std::vector<T> middles(kHuesAtOnce, middle);
  std::vector<T> hues(sums.size());
  for (size_t i = 0; i < sums.size(); i += kHuesAtOnce) {
    const size_t some = std::min(kHuesAtOnce, sums.size() - i);
    std::copy_n(&sums[i], some, windows.sums);
    HuesOfWindows(windows, some, middles.data(), 1, &hues[i]);
  }
  return hues;
}

template <typename T>
void CheckHalfway() {
  const std::vector<T> hues = AllHues<T>();
  const std::vector<HueSum> vectors = VectorsOf(hues);
  for (const uint32_t apart : {1U, 3U, 101U}) {
    std::vector<HueSum> sums = vectors;
    for (size_t i = 0; i < sums.size(); ++i) {
      sums[i].Add(vectors[static_cast<T>(i + apart)], 1);
    }
    const std::vector<T> found = HuesOf<T>(sums, 2);
    for (size_t i = 0; i < sums.size(); ++i) {
      ASSERT_EQ(found[i], static_cast<T>(i + (apart + 1) / 2));
    }
  }
}

TEST(HueVectorsTest, HalfwayGoesUp) {
  OnEveryTarget([] {
    CheckHalfway<uint8_t>();
    CheckHalfway<uint16_t>();
  });
}

// `turns` of each hue; sums of opposite ones.
template <typename T>
void CheckVectors(const std::vector<T>& hues, double unit) {
  const std::vector<HueSum> vectors = VectorsOf(hues);
  const std::vector<HueSum> taken = VectorsOf(hues, -1);
  const std::vector<HueSum> many = VectorsOf(hues, 1000);
  for (size_t i = 0; i < hues.size(); ++i) {
    const double angle = 2 * std::numbers::pi * hues[i] / unit;
    const double error = std::is_same_v<T, float> ? 0.6 : 0.51;
    ASSERT_NEAR(static_cast<double>(vectors[i].x),
                std::ldexp(std::cos(angle), 30), error)
        << +hues[i];
    ASSERT_NEAR(static_cast<double>(vectors[i].y),
                std::ldexp(std::sin(angle), 30), error)
        << +hues[i];
    ASSERT_EQ(taken[i].x, -vectors[i].x);
    ASSERT_EQ(taken[i].y, -vectors[i].y);
    ASSERT_EQ(many[i].x, 1000 * vectors[i].x);
    ASSERT_EQ(many[i].y, 1000 * vectors[i].y);
  }
}

template <typename T>
void CheckAllHues() {
  const std::vector<T> hues = AllHues<T>();
  CheckVectors(hues, kTurn<T>);
  const std::vector<HueSum> vectors = VectorsOf(hues);
  EXPECT_EQ(HuesOf<T>(vectors, 1), hues);
  const size_t half = hues.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    ASSERT_EQ(vectors[i].x + vectors[i + half].x, 0);
    ASSERT_EQ(vectors[i].y + vectors[i + half].y, 0);
  }
}

TEST(HueVectorsTest, VectorsAreUnitVectors) {
  std::vector<float> degrees;
  std::vector<float> before;
  for (int i = 0; i < 100'000; ++i) {
    degrees.push_back(static_cast<float>(i) * 0.0036F);
    before.push_back(degrees.back() - 7200);
  }
  OnEveryTarget([&] {
    CheckAllHues<uint8_t>();
    CheckAllHues<uint16_t>();
    CheckVectors(degrees, 360);
    CheckVectors(before, 360);
  });
}

// Directions of any sums, of long and of short ones.
TEST(HueVectorsTest, HuesAreDirections) {
  std::mt19937_64 random(7);
  std::vector<HueSum> sums;
  for (int i = 0; i < 200'000; ++i) {
    const int shift = static_cast<int>(random() % 50);
    const auto part = [&] {
      return static_cast<int64_t>(random()) >> (2 + shift);
    };
    sums.push_back({.x = part(), .y = part()});
  }
  // On an axis, on a diagonal.
  for (const HueSum& sum :
       std::vector<HueSum>(sums.begin(), sums.begin() + 1000)) {
    for (const int64_t sign : {1, -1}) {
      sums.push_back({.x = sign * sum.x, .y = 0});
      sums.push_back({.x = 0, .y = sign * sum.x});
      sums.push_back({.x = sum.x, .y = sign * sum.x});
    }
  }
  OnEveryTarget([&] {
    const std::vector<uint16_t> steps = HuesOf<uint16_t>(sums, 1e-9);
    const std::vector<float> degrees = HuesOf<float>(sums, 1e-9);
    for (size_t i = 0; i < sums.size(); ++i) {
      if (sums[i].x == 0 && sums[i].y == 0) continue;
      double turns = std::atan2(static_cast<double>(sums[i].y),
                                static_cast<double>(sums[i].x)) /
                     (2 * std::numbers::pi);
      if (turns < 0) turns += 1;
      const auto apart = [&](double found) {
        return std::abs(std::remainder(found - turns, 1));
      };
      ASSERT_LE(apart(steps[i] / 65536.0),
                (0.5 + 1.0 / (1 << 14)) / 65536 + 1e-12);
      ASSERT_LE(apart(degrees[i] / 360.0), std::ldexp(1, -24));
      ASSERT_GE(degrees[i], 0);
      ASSERT_LT(degrees[i], 360);
    }
  });
}

TEST(HueVectorsTest, ShortSumsAreTheMiddle) {
  const int64_t unit = int64_t{1} << 30;
  // Vectors whose mean is just as long as 2^-20, and a little shorter.
  const std::vector<HueSum> sums = {
      {.x = 0, .y = 3 * unit >> 20}, {.x = 0, .y = (3 * unit >> 20) - 1}, {}};
  OnEveryTarget([&] {
    EXPECT_EQ(HuesOf<uint8_t>(sums, 3, 7), (std::vector<uint8_t>{64, 7, 7}));
    EXPECT_EQ(HuesOf<float>(sums, 3, 370), (std::vector<float>{90, 10, 10}));
    EXPECT_EQ(HuesOf<float>(sums, 3, kNaN), (std::vector<float>{90, 0, 0}));
    EXPECT_TRUE(std::isnan(HuesOf<float>({{}}, 0, 5)[0]));
  });
}

}  // namespace
}  // namespace imageadapt
