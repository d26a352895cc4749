// Gradients on every kind of processor, against whole numbers.
#include "imageadapt/kernels/edge_magnitude.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <ostream>
#include <random>

#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/guarded_image.h"

namespace imageadapt {
namespace {

using testing::GuardedImage;
using testing::OnEveryTarget;

struct Case {
  ImageShape shape;
  EdgeOptions options;
  size_t padding = 0;
  bool guards_end = true;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.shape.width << " x " << c.shape.height << ", "
             << c.shape.channels << " channels, border "
             << static_cast<int>(c.options.border);
}

uint32_t Below(uint32_t end, std::mt19937& random) {
  return static_cast<uint32_t>(random() % end);
}

// The whole number nearest to the root of `square`: the largest n for which
// n - 1/2 is not above it.
int64_t NearestRoot(int64_t square) {
  auto n = static_cast<int64_t>(std::sqrt(static_cast<double>(square)));
  while (n * n + n < square) ++n;
  while (n > 0 && n * n - n >= square) --n;
  return n;
}

template <typename T>
struct PlainEdge {
  const ImageView<const T>& source;
  BorderMode border;

  double At(int64_t x, int64_t y, uint32_t c) const {
    const ImageShape& shape = source.shape();
    const uint32_t column = BorderPosition(x, shape.width, border);
    const auto row = source.row(BorderPosition(y, shape.height, border));
    return double{1} * row[size_t{column} * shape.channels + c];
  }

  T Magnitude(int64_t x, int64_t y, uint32_t c) const {
    double gx = 0;
    double gy = 0;
    for (int k = -1; k <= 1; ++k) {
      const int weight = k == 0 ? 2 : 1;
      gx += weight * (At(x + 1, y + k, c) - At(x - 1, y + k, c));
      gy += weight * (At(x + k, y + 1, c) - At(x + k, y - 1, c));
    }
    if constexpr (std::is_same_v<T, float>) {
      return static_cast<float>(std::hypot(gx, gy));
    } else {
      const auto square = static_cast<int64_t>(gx * gx + gy * gy);
      return static_cast<T>(std::min<int64_t>(NearestRoot(square),
                                              std::numeric_limits<T>::max()));
    }
  }
};

template <typename T>
void FillWithNoise(const ImageView<T>& view, std::mt19937& random) {
  const uint32_t smoothness = Below(3, random);
  for (uint32_t y = 0; y < view.shape().height; ++y) {
    for (T& sample : view.row(y)) {
      if constexpr (std::is_same_v<T, float>) {
        sample = static_cast<float>(random() % 4096) / 4096;
      } else {
        // Small differences, because large ones are all cut to the largest.
        constexpr uint32_t kMost = std::numeric_limits<T>::max();
        sample = static_cast<T>(Below(kMost >> (2 * smoothness), random));
      }
    }
  }
}

template <typename T>
void Check(const Case& c, std::mt19937& random) {
  const GuardedImage<T> source(c.shape, c.padding, c.guards_end);
  FillWithNoise(source.view(), random);
  const BorderMode border = c.options.border == BorderMode::kClip
                                ? BorderMode::kReplicate
                                : c.options.border;
  const ImageView<const T> view = source.const_view();
  const PlainEdge<T> plain = {.source = view, .border = border};
  OnEveryTarget([&] {
    const GuardedImage<T> target(c.shape, c.padding, c.guards_end);
    const uint32_t height = c.shape.height;
    const uint32_t rows = 1 + Below(height, random);
    for (uint32_t first = 0; first < height; first += rows) {
      const uint32_t count = std::min(rows, height - first);
      const uint32_t from = first - std::min(first, 1U);
      const uint32_t end = std::min(height, first + count + 1);
      EdgeMagnitude<T>({.rows = view.Rows(from, end - from),
                        .first_row = from,
                        .image_height = height},
                       c.options,
                       {.rows = target.view().Rows(first, count),
                        .first_row = first,
                        .image_height = height});
    }
    EXPECT_TRUE(target.PaddingIsUntouched()) << c;
    for (uint32_t y = 0; y < height; ++y) {
      for (uint32_t x = 0; x < c.shape.width; ++x) {
        for (uint32_t k = 0; k < c.shape.channels; ++k) {
          const T expected = plain.Magnitude(x, y, k);
          const T sample =
              target.view().row(y)[size_t{x} * c.shape.channels + k];
          if constexpr (std::is_same_v<T, float>) {
            ASSERT_FLOAT_EQ(sample, expected) << c << " at " << x << ", " << y;
          } else {
            ASSERT_EQ(sample, expected) << c << " at " << x << ", " << y;
          }
        }
      }
    }
  });
}

template <typename T>
class EdgeMagnitudeTest : public ::testing::Test {};
using SampleTypes = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(EdgeMagnitudeTest, SampleTypes, );

TYPED_TEST(EdgeMagnitudeTest, IsTheLengthOfTheGradient) {
  std::mt19937 random(1);
  for (const BorderMode border :
       {BorderMode::kReplicate, BorderMode::kReflect101, BorderMode::kClip}) {
    for (uint32_t channels = 1; channels <= 4; ++channels) {
      for (uint32_t width = 1; width <= 70; ++width) {
        Check<TypeParam>({.shape = {.width = width,
                                    .height = 1 + Below(7, random),
                                    .channels = channels},
                          .options = {.border = border},
                          .padding = random() % 2 * 5,
                          .guards_end = random() % 2 == 0},
                         random);
      }
    }
  }
}

TYPED_TEST(EdgeMagnitudeTest, OfAStepIsFourTimesItsHeight) {
  OnEveryTarget([] {
    const ImageShape shape = {.width = 100, .height = 5, .channels = 1};
    const GuardedImage<TypeParam> source(shape, 0, true);
    for (uint32_t y = 0; y < 5; ++y) {
      std::ranges::fill(source.view().row(y).subspan(50), TypeParam{20});
    }
    const GuardedImage<TypeParam> target(shape, 0, true);
    EdgeMagnitude<TypeParam>(WholeImage(source.const_view()), {},
                             WholeImage(target.view()));
    for (uint32_t x = 0; x < 100; ++x) {
      EXPECT_EQ(target.view().row(2)[x],
                TypeParam{static_cast<TypeParam>(x == 49 || x == 50 ? 80 : 0)});
    }
  });
}

// Any root in float of a sum of squares of 8-bit gradients, rounded, is the
// nearest whole number: the roots are those of IEEE 754 on all processors.
TEST(EdgeMagnitudeProof, RootsInFloatAreNearEnough) {
  constexpr int64_t kMost = 2 * 1020 * 1020;
  for (int64_t square = 0; square <= kMost; ++square) {
    const float root = std::sqrt(static_cast<float>(square));
    ASSERT_EQ(std::min(255L, std::lrint(root)),
              std::min(int64_t{255}, NearestRoot(square)));
  }
}

// Likewise 16-bit ones in double: what lies next to the halves decides.
TEST(EdgeMagnitudeProof, RootsInDoubleAreNearEnough) {
  for (int64_t n = 0; n <= 65536; ++n) {
    for (const int64_t square : {n * n, n * n + n, n * n + n + 1}) {
      const double root = std::sqrt(static_cast<double>(square));
      ASSERT_EQ(std::lrint(root), NearestRoot(square));
      ASSERT_EQ(static_cast<int64_t>(root + 0.5), NearestRoot(square));
    }
  }
}

TEST(EdgeMagnitudeFloatTest, DoesNotOverflow) {
  OnEveryTarget([] {
    const ImageShape shape = {.width = 40, .height = 3, .channels = 1};
    const GuardedImage<float> source(shape, 0, true);
    for (uint32_t y = 0; y < 3; ++y) {
      std::ranges::fill(source.view().row(y).subspan(20), 5e37F);
    }
    const GuardedImage<float> target(shape, 0, true);
    EdgeMagnitude<float>(WholeImage(source.const_view()), {},
                         WholeImage(target.view()));
    EXPECT_FLOAT_EQ(target.view().row(1)[20], 2e38F);
  });
}

}  // namespace
}  // namespace imageadapt
