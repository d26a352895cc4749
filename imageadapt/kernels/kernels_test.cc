#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/kernels/box_mean.h"
#include "imageadapt/kernels/quarter_turn.h"
#include "imageadapt/kernels/warp.h"
#include "imageadapt/kernels/window_median.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::Clone;
using testing::Difference;
using testing::MakeConstant;
using testing::MakeImage;
using testing::MakeNoise;
using testing::Spec;

template <typename T>
class KernelsTest : public ::testing::Test {
 protected:
  static constexpr SampleType kType = kSampleTypeOf<T>;

  static ImageView<const T> View(const Image& image) {
    return image.view().As<T>();
  }

  static double At(const Image& image, uint32_t x, uint32_t y, uint32_t c) {
    const ImageView<const T> view = View(image);
    return double{1} * view.row(y)[size_t{x} * view.shape().channels + c];
  }

  // Runs work(source band, target band) in bands of `rows` rows, each seeing
  // only the source rows that a window of `window_height` needs.
  template <typename Work>
  static Image InBands(const Image& source, uint32_t rows,
                       uint32_t window_height, Work&& work) {
    Image target = MakeImage(source.spec());
    const uint32_t height = source.spec().shape.height;
    for (uint32_t first = 0; first < height; first += rows) {
      const uint32_t count = std::min(rows, height - first);
      const uint32_t radius = window_height / 2;
      const uint32_t from = first - std::min(first, radius);
      const uint32_t to = std::min(height, first + count + radius);
      const Image window = Clone(source.view().Rows(from, to - from));
      work(
          RowBand<ImageView<const T>>{
              .rows = View(window), .first_row = from, .image_height = height},
          RowBand<ImageView<T>>{
              .rows = target.view().Rows(first, count).template As<T>(),
              .first_row = first,
              .image_height = height});
    }
    return target;
  }

  static Image Mean(const Image& source, WindowSize window,
                    MeanRounding rounding, uint32_t band_rows = 1000) {
    Buffer scratch = *BufferPool().Take(BoxMeanScratchBytes(
        source.spec(), {.window = window, .rounding = rounding}));
    return InBands(source, band_rows, window.height,
                   [&](const auto& from, const auto& to) {
                     BoxMean(from, {.window = window, .rounding = rounding}, to,
                             scratch.span());
                   });
  }

  static Image Median(const Image& source, WindowSize window,
                      uint32_t band_rows = 1000) {
    Buffer scratch = *BufferPool().Take(
        WindowMedianScratchBytes(source.spec(), {.window = window}));
    return InBands(source, band_rows, window.height,
                   [&](const auto& from, const auto& to) {
                     WindowMedian(from, {.window = window}, to, scratch.span());
                   });
  }

  // Numbers of a window, by the words of the contract.
  static std::vector<double> Window(const Image& image, WindowSize window,
                                    uint32_t x, uint32_t y, uint32_t c) {
    std::vector<double> values;
    const ImageShape& shape = image.spec().shape;
    const int64_t radius_x = window.width / 2;
    const int64_t radius_y = window.height / 2;
    for (int64_t v = y - radius_y; v <= y + radius_y; ++v) {
      for (int64_t u = x - radius_x; u <= x + radius_x; ++u) {
        if (u < 0 || v < 0 || u >= shape.width || v >= shape.height) continue;
        const double value =
            At(image, static_cast<uint32_t>(u), static_cast<uint32_t>(v), c);
        if (!std::isnan(value)) values.push_back(value);
      }
    }
    return values;
  }

  static Image Turn(const Image& source, int quarter_turns) {
    ImageSpec spec = source.spec();
    if (quarter_turns % 2 == 1) std::swap(spec.shape.width, spec.shape.height);
    Image target = MakeImage(spec);
    QuarterTurn(View(source), quarter_turns, WholeImage(target.view().As<T>()));
    return target;
  }

  template <typename Work>
  static void ForEachSample(const Image& image, Work&& work) {
    const ImageShape& shape = image.spec().shape;
    for (uint32_t y = 0; y < shape.height; ++y) {
      for (uint32_t x = 0; x < shape.width; ++x) {
        for (uint32_t c = 0; c < shape.channels; ++c) work(x, y, c);
      }
    }
  }
};

using SampleTypes = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(KernelsTest, SampleTypes);

constexpr ImageShape kShapes[] = {
    {1, 1, 1},  {1, 9, 2},   {9, 1, 3},   {2, 2, 4},   {31, 33, 3},
    {64, 5, 1}, {65, 70, 4}, {33, 32, 2}, {17, 40, 3},
};

constexpr WindowSize kWindows[] = {{1, 1}, {3, 3},  {5, 3},
                                   {3, 9}, {21, 7}, {255, 255}};

// The reference looks at every sample of every window, so the largest window is
// for small images.
std::vector<WindowSize> WindowsFor(const ImageShape& shape) {
  std::vector<WindowSize> windows(std::begin(kWindows), std::end(kWindows));
  if (shape.width * shape.height > 400) windows.pop_back();
  return windows;
}

TYPED_TEST(KernelsTest, QuarterTurnMovesEverySampleCounterClockwise) {
  for (const ImageShape& shape : kShapes) {
    const Image source = MakeNoise({shape, TestFixture::kType}, 7);
    const Image turned = TestFixture::Turn(source, 1);
    TestFixture::ForEachSample(source, [&](uint32_t x, uint32_t y, uint32_t c) {
      EXPECT_EQ(TestFixture::At(source, x, y, c),
                TestFixture::At(turned, y, shape.width - 1 - x, c));
    });
  }
}

TYPED_TEST(KernelsTest, QuarterTurnsAddUp) {
  for (const ImageShape& shape : kShapes) {
    const Image source = MakeNoise({shape, TestFixture::kType}, 8);
    const Image once = TestFixture::Turn(source, 1);
    const Image twice = TestFixture::Turn(once, 1);
    const Image thrice = TestFixture::Turn(twice, 1);
    EXPECT_EQ(Difference(twice.view(), TestFixture::Turn(source, 2).view()),
              "");
    EXPECT_EQ(Difference(thrice.view(), TestFixture::Turn(source, 3).view()),
              "");
    EXPECT_EQ(Difference(TestFixture::Turn(thrice, 1).view(), source.view()),
              "");
  }
}

TYPED_TEST(KernelsTest, MirroringBothWaysIsHalfATurn) {
  using T = TypeParam;
  for (const ImageShape& shape : kShapes) {
    const Image source = MakeNoise({shape, TestFixture::kType}, 9);
    Image columns = MakeImage(source.spec());
    MirrorColumns(WholeImage(TestFixture::View(source)),
                  WholeImage(columns.view().As<T>()));
    EXPECT_EQ(TestFixture::At(columns, 0, 0, 0),
              TestFixture::At(source, shape.width - 1, 0, 0));
    Image both = MakeImage(source.spec());
    MirrorRows(TestFixture::View(columns), WholeImage(both.view().As<T>()));
    EXPECT_EQ(Difference(both.view(), TestFixture::Turn(source, 2).view()), "");
  }
}

TYPED_TEST(KernelsTest, MeanIsThatOfTheSamplesThatExist) {
  constexpr bool kIsFloat = std::is_same_v<TypeParam, float>;
  for (const MeanRounding rounding :
       {MeanRounding::kTruncate, MeanRounding::kNearest}) {
    for (const ImageShape& shape : kShapes) {
      const Image source = MakeNoise({shape, TestFixture::kType}, 10);
      for (const WindowSize& window : WindowsFor(shape)) {
        const Image mean = TestFixture::Mean(source, window, rounding);
        TestFixture::ForEachSample(
            source, [&](uint32_t x, uint32_t y, uint32_t c) {
              const std::vector<double> values =
                  TestFixture::Window(source, window, x, y, c);
              double sum = 0;
              for (const double value : values) sum += value;
              const double exact = sum / static_cast<double>(values.size());
              const double got = TestFixture::At(mean, x, y, c);
              if (kIsFloat) {
                ASSERT_NEAR(got, exact, 1e-6);
              } else {
                ASSERT_EQ(got, std::floor(rounding == MeanRounding::kTruncate
                                              ? exact
                                              : exact + 0.5))
                    << x << "," << y;
              }
            });
      }
    }
  }
}

TYPED_TEST(KernelsTest, MeanOfAConstantIsTheConstant) {
  for (const double value : {0.0, 1.0, 200.0}) {
    const Image source = MakeConstant({{40, 30, 3}, TestFixture::kType}, value);
    for (const WindowSize& window : kWindows) {
      EXPECT_EQ(
          Difference(
              TestFixture::Mean(source, window, MeanRounding::kTruncate).view(),
              source.view()),
          "");
    }
  }
}

TYPED_TEST(KernelsTest, MeanDoesNotDependOnBandCuts) {
  const Image source = MakeNoise({{37, 61, 3}, TestFixture::kType}, 11);
  for (const WindowSize& window : kWindows) {
    const Image whole =
        TestFixture::Mean(source, window, MeanRounding::kTruncate);
    for (const uint32_t rows : {1u, 2u, 7u, 16u, 60u}) {
      EXPECT_EQ(Difference(TestFixture::Mean(source, window,
                                             MeanRounding::kTruncate, rows)
                               .view(),
                           whole.view()),
                "")
          << rows;
    }
  }
}

TEST(BoxMeanTest, TheLargestSumsDoNotOverflow) {
  const Image source = MakeConstant(Spec(3, 70000, 1, SampleType::kU16), 65535);
  Image target = MakeImage(source.spec());
  const MeanOptions options = {.window = {65535, 65535}};
  Buffer scratch =
      *BufferPool().Take(BoxMeanScratchBytes(source.spec(), options));
  BoxMean(WholeImage(AnyConstImageView(source.view()).As<uint16_t>()), options,
          WholeImage(target.view().As<uint16_t>()), scratch.span());
  EXPECT_EQ(Difference(target.view(), source.view()), "");
}

TEST(BoxMeanTest, FloatSamplesHaveNoInfluenceOutsideTheirWindows) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const float odd : {kInfinity, -kInfinity, kNan, 3e38f}) {
    Image source = MakeNoise(Spec(40, 40, 1, SampleType::kF32), 12);
    const Image clean = Clone(source.view());
    source.view().As<float>().row(20)[20] = odd;
    const auto mean = [](const Image& image) {
      Image target = MakeImage(image.spec());
      Buffer scratch = *BufferPool().Take(
          BoxMeanScratchBytes(image.spec(), {.window = {5, 5}}));
      BoxMean(WholeImage(image.view().As<float>()), {.window = {5, 5}},
              WholeImage(target.view().As<float>()), scratch.span());
      return target;
    };
    const Image with = mean(source);
    const Image without = mean(clean);
    for (int y = 0; y < 40; ++y) {
      for (int x = 0; x < 40; ++x) {
        const float got = with.view().As<float>().row(y)[x];
        if (std::abs(x - 20) > 2 || std::abs(y - 20) > 2) {
          EXPECT_EQ(got, without.view().As<float>().row(y)[x]);
        } else if (std::isnan(odd)) {
          EXPECT_FALSE(std::isnan(got));
        } else {
          EXPECT_GT(std::abs(got), 1e30f);
        }
      }
    }
  }
}

TYPED_TEST(KernelsTest, MedianIsTheLowerMiddleOfTheSamplesThatExist) {
  for (const ImageShape& shape : kShapes) {
    const Image source = MakeNoise({shape, TestFixture::kType}, 13);
    for (const WindowSize& window : WindowsFor(shape)) {
      const Image median = TestFixture::Median(source, window);
      TestFixture::ForEachSample(source, [&](uint32_t x, uint32_t y,
                                             uint32_t c) {
        std::vector<double> values =
            TestFixture::Window(source, window, x, y, c);
        std::sort(values.begin(), values.end());
        ASSERT_EQ(TestFixture::At(median, x, y, c),
                  values[(values.size() - 1) / 2])
            << x << "," << y << " of " << shape.width << "x" << shape.height;
      });
    }
  }
}

TYPED_TEST(KernelsTest, MedianCommutesWithMonotoneMaps) {
  using T = TypeParam;
  const Image source = MakeNoise({{30, 25, 3}, TestFixture::kType}, 14);
  const auto mapped = [](const Image& image) {
    Image copy = Clone(image.view());
    for (uint32_t y = 0; y < image.spec().shape.height; ++y) {
      for (T& value : copy.view().As<T>().row(y)) {
        value = static_cast<T>(value / 3 + (value > T{100} ? 20 : 0));
      }
    }
    return copy;
  };
  for (const WindowSize& window : {WindowSize{3, 3}, WindowSize{7, 5}}) {
    EXPECT_EQ(Difference(mapped(TestFixture::Median(source, window)).view(),
                         TestFixture::Median(mapped(source), window).view()),
              "");
  }
}

TYPED_TEST(KernelsTest, MedianDoesNotDependOnBandCuts) {
  const Image source = MakeNoise({{37, 41, 3}, TestFixture::kType}, 15);
  for (const WindowSize& window : {WindowSize{3, 3}, WindowSize{9, 31}}) {
    const Image whole = TestFixture::Median(source, window);
    for (const uint32_t rows : {1u, 5u, 16u}) {
      EXPECT_EQ(Difference(TestFixture::Median(source, window, rows).view(),
                           whole.view()),
                "");
    }
  }
}

TEST(WindowMedianTest, NanIsLeftOut) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  Image source = MakeConstant(Spec(5, 1, 1, SampleType::kF32), 4);
  const std::span<float> row = source.view().As<float>().row(0);
  row[0] = row[1] = kNan;
  Image target = MakeImage(source.spec());
  Buffer scratch = *BufferPool().Take(
      WindowMedianScratchBytes(source.spec(), {.window = {3, 3}}));
  WindowMedian(WholeImage(AnyConstImageView(source.view()).As<float>()),
               {.window = {3, 3}}, WholeImage(target.view().As<float>()),
               scratch.span());
  const std::span<float> got = target.view().As<float>().row(0);
  EXPECT_TRUE(std::isnan(got[0]));
  for (int x = 1; x < 5; ++x) EXPECT_EQ(got[x], 4);
}

template <typename T>
Image Rotated(const Image& source, double degrees, ImageShape canvas) {
  const double radians = degrees * 3.14159265358979323846 / 180;
  canvas.channels = source.spec().shape.channels;
  Image target = MakeImage({canvas, source.spec().sample_type});
  Rotate(source.view().As<T>(),
         {.cosine = std::cos(radians),
          .sine = std::sin(radians),
          .background = {}},
         canvas, WholeImage(target.view().As<T>()));
  return target;
}

TYPED_TEST(KernelsTest, RotatingForthAndBackComesBackInside) {
  using T = TypeParam;
  // Smooth, so that resampling twice changes little.
  Image source = MakeImage({{80, 60, 3}, TestFixture::kType});
  for (uint32_t y = 0; y < 60; ++y) {
    for (uint32_t x = 0; x < 240; ++x) {
      source.view().As<T>().row(y)[x] = static_cast<T>(40 + x / 3 + 2 * y);
    }
  }
  for (const double degrees : {10.0, 33.3, -45.0, 120.0}) {
    const Image there = Rotated<T>(source, degrees, {120, 120, 3});
    const Image back = Rotated<T>(there, -degrees, {80, 60, 3});
    for (uint32_t y = 3; y < 57; ++y) {
      for (uint32_t x = 3; x < 77; ++x) {
        ASSERT_NEAR(TestFixture::At(back, x, y, 1),
                    TestFixture::At(source, x, y, 1), 1.6)
            << degrees << " at " << x << "," << y;
      }
    }
  }
}

TYPED_TEST(KernelsTest, RotateByNinetyDegreesIsAQuarterTurn) {
  const Image source = MakeNoise({{13, 22, 3}, TestFixture::kType}, 16);
  Image turned = Rotated<TypeParam>(source, 90, {22, 13, 3});
  const Image exact = TestFixture::Turn(source, 1);
  TestFixture::ForEachSample(exact, [&](uint32_t x, uint32_t y, uint32_t c) {
    ASSERT_NEAR(TestFixture::At(turned, x, y, c),
                TestFixture::At(exact, x, y, c), 1e-4);
  });
}

TEST(RotateTest, TransparentPixelsGiveTheirColourToNobody) {
  // Red and opaque beside green and transparent.
  Image source = MakeImage(Spec(8, 8, 4));
  for (uint32_t y = 0; y < 8; ++y) {
    for (uint32_t x = 0; x < 8; ++x) {
      uint8_t* pixel = &source.view().As<uint8_t>().row(y)[x * 4];
      const bool is_left = x < 4;
      pixel[0] = is_left ? 255 : 0;
      pixel[1] = is_left ? 0 : 255;
      pixel[2] = 0;
      pixel[3] = is_left ? 255 : 0;
    }
  }
  const Image turned = Rotated<uint8_t>(source, 20, {12, 12, 4});
  int visible = 0;
  for (uint32_t y = 0; y < 12; ++y) {
    for (uint32_t x = 0; x < 12; ++x) {
      const uint8_t* pixel = &turned.view().As<uint8_t>().row(y)[x * 4];
      if (pixel[3] == 0) continue;
      ++visible;
      EXPECT_EQ(pixel[0], 255);
      EXPECT_EQ(pixel[1], 0);
    }
  }
  EXPECT_GT(visible, 25);
}

TYPED_TEST(KernelsTest, QuarterTurnOntoSameCanvasCutsAndFills) {
  using T = TypeParam;
  for (const ImageShape& shape :
       {ImageShape{4, 9, 2}, ImageShape{9, 4, 3}, ImageShape{5, 5, 1}}) {
    const Image source = MakeNoise({shape, TestFixture::kType}, 17);
    const Image turned = TestFixture::Turn(source, 1);
    Image target = MakeImage(source.spec());
    QuarterTurnOntoSameCanvas(TestFixture::View(source), 1,
                              WarpBorder::kConstant, {9, 9, 9, 9},
                              WholeImage(target.view().As<T>()));
    const int offset =
        (static_cast<int>(shape.height) - static_cast<int>(shape.width)) >> 1;
    TestFixture::ForEachSample(target, [&](uint32_t x, uint32_t y, uint32_t c) {
      const int u = static_cast<int>(x) + offset;
      const int v = static_cast<int>(y) - offset;
      const bool is_inside = u >= 0 && v >= 0 &&
                             u < static_cast<int>(shape.height) &&
                             v < static_cast<int>(shape.width);
      EXPECT_EQ(TestFixture::At(target, x, y, c),
                is_inside ? TestFixture::At(turned, u, v, c) : 9);
    });
  }
}

TYPED_TEST(KernelsTest, QuarterTurnOntoSameCanvasSeesBeyondTheBorder) {
  using T = TypeParam;
  const Image source = MakeNoise({{9, 4, 2}, TestFixture::kType}, 18);
  const Image turned = TestFixture::Turn(source, 1);
  for (const WarpBorder border :
       {WarpBorder::kReplicate, WarpBorder::kReflect101}) {
    const BorderMode mode = border == WarpBorder::kReplicate
                                ? BorderMode::kReplicate
                                : BorderMode::kReflect101;
    Image target = MakeImage(source.spec());
    QuarterTurnOntoSameCanvas(TestFixture::View(source), 1, border, {},
                              WholeImage(target.view().As<T>()));
    // Half of what 4 is less than 9, rounded down.
    constexpr int kOffset = -3;
    TestFixture::ForEachSample(target, [&](uint32_t x, uint32_t y, uint32_t c) {
      EXPECT_EQ(
          TestFixture::At(target, x, y, c),
          TestFixture::At(turned, BorderPosition(int64_t{x} + kOffset, 4, mode),
                          BorderPosition(int64_t{y} - kOffset, 9, mode), c));
    });
  }
}

}  // namespace
}  // namespace imageadapt
