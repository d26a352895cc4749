#include "imageadapt/kernels/box_mean.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "imageadapt/kernels/border.h"
#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/guarded_bytes.h"

namespace imageadapt {
namespace {

using testing::GuardedBytes;
using testing::OnEveryTarget;

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}

  uint32_t operator()() { return static_cast<uint32_t>(engine_()); }

 private:
  std::mt19937 engine_;
};

constexpr BorderMode kBorders[] = {BorderMode::kClip, BorderMode::kReplicate,
                                   BorderMode::kReflect101};
constexpr MeanRounding kRoundings[] = {MeanRounding::kNearest,
                                       MeanRounding::kTruncate};

// Memory for an image that ends, or begins, at a page nobody may touch.
template <typename T>
class Pixels {
 public:
  Pixels(const ImageShape& shape, size_t padding, bool at_end)
      : shape_(shape),
        stride_(RowSamples(shape) + padding),
        bytes_(((shape.height - 1) * stride_ + RowSamples(shape)) * sizeof(T),
               at_end) {}

  ImageView<T> view() const {
    return {reinterpret_cast<T*>(bytes_.data()), shape_, stride_};
  }

 private:
  const ImageShape shape_;
  const size_t stride_;
  const GuardedBytes bytes_;
};

template <typename T>
T RandomSample(Random& random) {
  if constexpr (std::is_same_v<T, float>) {
    return static_cast<float>(random() % 65536) / 65535;
  } else {
    // Often the extremes, where sums are largest.
    const uint32_t bits = random();
    constexpr T kMost = std::numeric_limits<T>::max();
    return bits % 8 < 3 ? kMost : static_cast<T>(bits >> 8);
  }
}

// The positions that a window sees, in words of the contract.
std::vector<uint32_t> Seen(uint32_t middle, uint32_t side, uint32_t length,
                           BorderMode mode) {
  std::vector<uint32_t> seen;
  const int64_t radius = side / 2;
  for (int64_t at = middle - radius; at <= middle + radius; ++at) {
    if (mode != BorderMode::kClip) {
      seen.push_back(BorderPosition(at, length, mode));
    } else if (at >= 0 && at < length) {
      seen.push_back(static_cast<uint32_t>(at));
    }
  }
  return seen;
}

// Sums (of numbers) and their counts, along rows first.
template <typename T>
struct Expected {
  using Sum =
      std::conditional_t<std::is_same_v<T, float>, long double, uint64_t>;
  std::vector<Sum> sums;
  std::vector<uint64_t> counts;
};

template <typename T>
Expected<T> ExpectedSums(const ImageView<const T>& source,
                         const MeanOptions& options) {
  const ImageShape shape = source.shape();
  const size_t samples = RowSamples(shape);
  Expected<T> rows;
  rows.sums.resize(samples * shape.height);
  rows.counts.resize(samples * shape.height);
  Expected<T> all = rows;
  for (uint32_t x = 0; x < shape.width; ++x) {
    const std::vector<uint32_t> seen =
        Seen(x, options.window.width, shape.width, options.border);
    for (uint32_t y = 0; y < shape.height; ++y) {
      for (size_t c = 0; c < shape.channels; ++c) {
        const size_t i = y * samples + x * shape.channels + c;
        for (const size_t u : seen) {
          const T sample = source.row(y)[u * shape.channels + c];
          if (sample != sample) continue;  // NaN
          rows.sums[i] += sample;
          ++rows.counts[i];
        }
      }
    }
  }
  for (uint32_t y = 0; y < shape.height; ++y) {
    for (const size_t v :
         Seen(y, options.window.height, shape.height, options.border)) {
      for (size_t i = 0; i < samples; ++i) {
        all.sums[y * samples + i] += rows.sums[v * samples + i];
        all.counts[y * samples + i] += rows.counts[v * samples + i];
      }
    }
  }
  return all;
}

// In bands of `band_rows` rows, each with only the rows that it may see.
template <typename T>
void RunInBands(const ImageView<const T>& source, const MeanOptions& options,
                uint32_t band_rows, const ImageView<T>& target) {
  const ImageSpec spec = {source.shape(), kSampleTypeOf<T>};
  std::vector<std::byte> memory(BoxMeanScratchBytes(spec, options) + 64,
                                std::byte{0xa5});
  void* aligned = memory.data();
  size_t size = memory.size();
  ASSERT_NE(std::align(64, size - 64, aligned, size), nullptr);
  const std::span<std::byte> scratch(static_cast<std::byte*>(aligned),
                                     memory.size() - 64);
  const uint32_t height = source.shape().height;
  const uint32_t radius = options.window.height / 2;
  for (uint32_t first = 0; first < height; first += band_rows) {
    const uint32_t count = std::min(band_rows, height - first);
    const uint32_t from = first - std::min(first, radius);
    const uint32_t to = std::min(height, first + count + radius);
    BoxMean<T>({.rows = source.Rows(from, to - from),
                .first_row = from,
                .image_height = height},
               options,
               {.rows = target.Rows(first, count),
                .first_row = first,
                .image_height = height},
               scratch);
  }
}

template <typename T>
class BoxMeanOfTest : public ::testing::Test {
 protected:
  using Source = ImageView<const T>;

  static void Check(const Source& source, const MeanOptions& options,
                    const Expected<T>& expected, uint32_t band_rows,
                    size_t padding) {
    const ImageShape shape = source.shape();
    const Pixels<T> target(shape, padding, band_rows % 2 == 0);
    RunInBands<T>(source, options, band_rows, target.view());
    const size_t samples = RowSamples(shape);
    for (uint32_t y = 0; y < shape.height; ++y) {
      for (size_t i = 0; i < samples; ++i) {
        const size_t at = y * samples + i;
        const auto sum = expected.sums[at];
        const uint64_t count = expected.counts[at];
        const T got = target.view().row(y)[i];
        const auto words = [&] {
          return ::testing::Message()
                 << "sample " << i << " of row " << y << " of " << shape.width
                 << " x " << shape.height << " x " << shape.channels
                 << ", window " << options.window.width << " x "
                 << options.window.height << ", border "
                 << static_cast<int>(options.border) << ", rounding "
                 << static_cast<int>(options.rounding) << ", bands of "
                 << band_rows;
        };
        if constexpr (std::is_same_v<T, float>) {
          ASSERT_NE(count, 0U);
          const auto mean = sum / static_cast<long double>(count);
          ASSERT_NEAR(
              static_cast<double>(got), static_cast<double>(mean),
              std::ldexp(static_cast<double>(std::fabs(mean)), -24) + 1e-12)
              << words();
        } else {
          const uint64_t half =
              options.rounding == MeanRounding::kNearest ? count / 2 : 0;
          ASSERT_EQ(got, (sum + half) / count) << words();
        }
      }
    }
  }

  static void CheckAll(const ImageShape& shape, const WindowSize& window,
                       Random& random) {
    CheckAll(shape, window, random, [&](size_t /*row*/, size_t /*sample*/) {
      return RandomSample<T>(random);
    });
  }

  // Of samples at(row, i).
  template <typename At>
  static void CheckAll(const ImageShape& shape, const WindowSize& window,
                       Random& random, At&& at) {
    const Pixels<T> source(shape, random() % 3 * 5, random() % 2 == 0);
    for (uint32_t y = 0; y < shape.height; ++y) {
      const std::span<T> row = source.view().row(y);
      for (size_t i = 0; i < row.size(); ++i) row[i] = at(y, i);
    }
    for (const BorderMode border : kBorders) {
      const Expected<T> expected =
          ExpectedSums<T>(source.view(), {.window = window, .border = border});
      for (const MeanRounding rounding : kRoundings) {
        Check(source.view(),
              {.window = window, .border = border, .rounding = rounding},
              expected, 1 + random() % (2 * shape.height), random() % 4);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  }
};

using SampleTypes = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(BoxMeanOfTest, SampleTypes);

constexpr WindowSize kWindows[] = {
    {1, 1},     {3, 3},     {1, 3},     {5, 1},    {5, 5},   {5, 3},
    {3, 9},     {7, 7},     {9, 3},     {15, 15},  {17, 17}, {3, 101},
    {101, 3},   {51, 51},   {53, 31},   {91, 91},  {93, 93}, {95, 95},
    {127, 9},   {129, 33},  {1, 255},   {3, 255},  {255, 3}, {181, 181},
    {183, 183}, {255, 255}, {255, 257}, {257, 257}};

TYPED_TEST(BoxMeanOfTest, IsExactForEveryWindowAndChannelCount) {
  OnEveryTarget([] {
    Random random(1);
    for (const WindowSize& window : kWindows) {
      for (uint32_t channels = 1; channels <= 4; ++channels) {
        const uint32_t wide = 40 + random() % 100;
        const uint32_t tall = 1 + random() % 30;
        TestFixture::CheckAll({wide, tall, channels}, window, random);
        TestFixture::CheckAll({1 + random() % 20, 1 + random() % 10, channels},
                              window, random);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TYPED_TEST(BoxMeanOfTest, IsExactForEveryWidthAroundTheVectors) {
  OnEveryTarget([] {
    Random random(2);
    for (uint32_t width = 1; width <= 140; width += width < 70 ? 1 : 7) {
      const uint32_t channels = 1 + width % 4;
      for (const uint32_t side : {3U, 5U, 15U, 21U}) {
        TestFixture::CheckAll({width, 5, channels}, {side, side}, random);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TYPED_TEST(BoxMeanOfTest, IsExactForRowsLongerThanATile) {
  OnEveryTarget([] {
    Random random(3);
    for (const WindowSize& window : {WindowSize{3, 3}, WindowSize{5, 5},
                                     WindowSize{15, 15}, WindowSize{25, 25}}) {
      TestFixture::CheckAll({4500, 4, 1}, window, random);
      TestFixture::CheckAll({1500, 4, 3}, window, random);
      TestFixture::CheckAll({1020 + random() % 32, 5, 1}, window, random);
      TestFixture::CheckAll({510 + random() % 16, 5, 4}, window, random);
      if (::testing::Test::HasFatalFailure()) return;
    }
  });
}

// Rows of so many tiles that what is left for the last one is less than what
// the windows of the one before see.
using BoxMeanOfBytesTest = BoxMeanOfTest<uint8_t>;
TEST_F(BoxMeanOfBytesTest, IsExactForRowsWithAShortLastTile) {
  OnEveryTarget([] {
    Random random(7);
    CheckAll({47 * 2945, 3, 1}, {127, 3}, random);
    CheckAll({23 * 2945, 3, 2}, {127, 3}, random);
    CheckAll({46 * 2945, 3, 1}, {15, 3}, random);
  });
}

// Large windows of extremes, which change by as much as can be from row to row
// and from column to column; some that just fit in lanes of 16 bits, or do not.
TYPED_TEST(BoxMeanOfTest, IsExactForLargeWindowsOfExtremes) {
  if (std::is_same_v<TypeParam, float>) return;
  constexpr TypeParam kMost = std::numeric_limits<TypeParam>::max();
  OnEveryTarget([] {
    Random random(8);
    uint32_t channels = 1;
    for (const WindowSize& window :
         {WindowSize{95, 95}, WindowSize{129, 127}, WindowSize{255, 255},
          WindowSize{255, 3}, WindowSize{3, 257}, WindowSize{127, 257},
          WindowSize{253, 257}, WindowSize{255, 257}, WindowSize{257, 5},
          WindowSize{131, 259}}) {
      const ImageShape shape = {window.width / 2 + 1 + random() % 120,
                                window.height / 2 + 5 + random() % 160,
                                channels};
      const size_t wide = size_t{window.width} * channels;
      TestFixture::CheckAll(shape, window, random,
                            [](size_t, size_t) { return kMost; });
      TestFixture::CheckAll(shape, window, random, [&](size_t y, size_t) {
        return y / window.height % 2 == 0 ? kMost : TypeParam{0};
      });
      TestFixture::CheckAll(shape, window, random, [&](size_t y, size_t i) {
        return (y / window.height + i / wide) % 2 == 0 ? TypeParam{0} : kMost;
      });
      TestFixture::CheckAll(shape, window, random);
      if (::testing::Test::HasFatalFailure()) return;
      channels = channels % 4 + 1;
    }
  });
}

// Windows that lose rows at the top, keep their count, and lose rows again.
TYPED_TEST(BoxMeanOfTest, IsExactForImagesTallerThanTheWindows) {
  OnEveryTarget([] {
    Random random(6);
    uint32_t channels = 1;
    for (const WindowSize& window :
         {WindowSize{17, 17}, WindowSize{51, 51}, WindowSize{31, 93},
          WindowSize{93, 31}, WindowSize{127, 11}, WindowSize{1, 77}}) {
      const uint32_t wide = 60 + random() % 90;
      const uint32_t tall = window.height + 20 + random() % 20;
      TestFixture::CheckAll({wide, tall, channels}, window, random);
      if (::testing::Test::HasFatalFailure()) return;
      channels = channels % 4 + 1;
    }
  });
}

TYPED_TEST(BoxMeanOfTest, IsExactForTinyImages) {
  OnEveryTarget([] {
    Random random(4);
    for (const ImageShape& shape :
         {ImageShape{1, 1, 1}, ImageShape{1, 1, 3}, ImageShape{1, 9, 2},
          ImageShape{9, 1, 4}, ImageShape{2, 2, 3}, ImageShape{3, 2, 1}}) {
      for (const WindowSize& window :
           {WindowSize{1, 1}, WindowSize{3, 3}, WindowSize{5, 5},
            WindowSize{7, 21}, WindowSize{1001, 3}, WindowSize{15, 999}}) {
        TestFixture::CheckAll(shape, window, random);
        if (::testing::Test::HasFatalFailure()) return;
      }
    }
  });
}

TYPED_TEST(BoxMeanOfTest, DoesNotDependOnBandCuts) {
  Random random(5);
  const ImageShape shape = {97, 120, 3};
  const Pixels<TypeParam> source(shape, 0, true);
  for (uint32_t y = 0; y < shape.height; ++y) {
    for (TypeParam& sample : source.view().row(y)) {
      sample = RandomSample<TypeParam>(random);
      if (std::is_same_v<TypeParam, float> && random() % 5000 == 0) {
        sample = std::numeric_limits<TypeParam>::quiet_NaN();
      }
    }
  }
  for (const BorderMode border : kBorders) {
    for (const WindowSize& window :
         {WindowSize{3, 3}, WindowSize{5, 5}, WindowSize{15, 15},
          WindowSize{21, 19}, WindowSize{51, 53}, WindowSize{31, 201}}) {
      const MeanOptions options = {.window = window, .border = border};
      const Pixels<TypeParam> whole(shape, 0, true);
      RunInBands<TypeParam>(source.view(), options, shape.height, whole.view());
      for (const uint32_t rows : {1U, 2U, 7U, 16U, 50U}) {
        const Pixels<TypeParam> cut(shape, 0, true);
        RunInBands<TypeParam>(source.view(), options, rows, cut.view());
        EXPECT_EQ(
            std::memcmp(cut.view().row(0).data(), whole.view().row(0).data(),
                        RowSamples(shape) * shape.height * sizeof(TypeParam)),
            0)
            << rows << " rows, window " << window.width;
      }
    }
  }
}

TEST(BoxMeanTest, TheLargestWindowsOfTheLargestSamples) {
  const ImageShape shape = {5, 4, 2};
  const Pixels<uint16_t> source(shape, 0, true);
  const Pixels<uint16_t> target(shape, 0, true);
  std::fill_n(source.view().row(0).data(), 40, uint16_t{65535});
  for (const BorderMode border : kBorders) {
    RunInBands<uint16_t>(source.view(),
                         {.window = {65535, 65535}, .border = border}, 3,
                         target.view());
    for (size_t i = 0; i < 40; ++i) {
      EXPECT_EQ(target.view().row(0)[0], 65535);
    }
  }
}

// The values that float images can have, at random places.
TEST(BoxMeanTest, FloatsKeepTheirPlace) {
  constexpr float kOdd[] = {std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::max(),
                            -std::numeric_limits<float>::max(),
                            1e-45F};
  OnEveryTarget([&] {
    Random random(6);
    for (int i = 0; i < 120; ++i) {
      const ImageShape shape = {1 + random() % 60, 1 + random() % 60,
                                1 + random() % 4};
      const WindowSize window = {1 + random() % 10 * 2, 1 + random() % 30 * 2};
      const MeanOptions options = {.window = window,
                                   .border = kBorders[random() % 3]};
      const Pixels<float> clean(shape, 0, true);
      const Pixels<float> dirty(shape, 0, true);
      const size_t samples = RowSamples(shape) * shape.height;
      float* const to = dirty.view().row(0).data();
      for (size_t k = 0; k < samples; ++k) {
        clean.view().row(0).data()[k] = RandomSample<float>(random) - 0.5F;
      }
      std::copy_n(clean.view().row(0).data(), samples, to);
      const unsigned share = 1U << random() % 12;
      for (size_t k = 0; k < samples; ++k) {
        if (random() % share == 0) to[k] = kOdd[random() % 6];
      }
      const Pixels<float> clean_mean(shape, 0, true);
      const Pixels<float> dirty_mean(shape, 0, true);
      RunInBands<float>(clean.view(), options, 1 + random() % 70,
                        clean_mean.view());
      RunInBands<float>(dirty.view(), options, 1 + random() % 70,
                        dirty_mean.view());
      const Expected<float> expected =
          ExpectedSums<float>(dirty.view(), options);
      const Expected<float> without =
          ExpectedSums<float>(clean.view(), options);
      const Pixels<float> magnitudes(shape, 0, true);
      std::transform(to, to + samples, magnitudes.view().row(0).data(),
                     [](float sample) { return std::fabs(sample); });
      const Expected<float> largest =
          ExpectedSums<float>(magnitudes.view(), options);
      for (size_t k = 0; k < samples; ++k) {
        const float got = dirty_mean.view().row(0).data()[k];
        const long double sum = expected.sums[k];
        if (expected.counts[k] == 0 || std::isnan(sum)) {
          ASSERT_TRUE(std::isnan(got));
        } else if (expected.counts[k] == without.counts[k] &&
                   sum == without.sums[k]) {
          // Nothing odd is in the window: not a bit may differ.
          ASSERT_EQ(got, clean_mean.view().row(0).data()[k]);
        } else if (std::isinf(sum)) {
          ASSERT_EQ(got, static_cast<float>(sum));
        } else {
          const auto count = static_cast<long double>(expected.counts[k]);
          ASSERT_LE(std::fabs(got - sum / count),
                    std::fabs(sum / count) * 0x1p-24L +
                        largest.sums[k] / count * 0x1p-44L + 1e-45L)
              << window.width << " x " << window.height;
        }
      }
    }
  });
}

}  // namespace
}  // namespace imageadapt
