// Rotation on every kind of processor, against the formulas in double
// precision.
#include "imageadapt/kernels/warp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <numbers>
#include <random>
#include <vector>

#include "imageadapt/kernels/border.h"
#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/guarded_bytes.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

using testing::Difference;
using testing::GuardedBytes;
using testing::MakeConstant;
using testing::MakeGradient;
using testing::MakeImage;
using testing::MakeNoise;
using testing::OnEveryTarget;
using testing::Spec;

constexpr Interpolation kInterpolations[] = {
    Interpolation::kNearest, Interpolation::kBilinear, Interpolation::kBicubic,
    Interpolation::kLanczos3};
constexpr WarpBorder kBorders[] = {
    WarpBorder::kConstant, WarpBorder::kReplicate, WarpBorder::kReflect101};
constexpr double kAngles[] = {0.01, 17, 45, 89.9, 123.4, -12.5, -160};

Rotation RotationBy(double degrees, Interpolation interpolation,
                    WarpBorder border = WarpBorder::kConstant) {
  const double radians = degrees * std::numbers::pi / 180;
  return {.cosine = std::cos(radians),
          .sine = std::sin(radians),
          .interpolation = interpolation,
          .border = border,
          .background = {}};
}

template <typename T>
constexpr double kMost =
    std::is_same_v<T, float> ? 1.0 : std::numeric_limits<T>::max();

// Where integers are exact.
template <typename T>
constexpr double kFloatError = std::is_same_v<T, float> ? 2e-6 : 0;

// A number in [0, count).
uint32_t Below(uint32_t count, std::mt19937& random) {
  return static_cast<uint32_t>(random() % count);
}

template <typename T>
std::array<double, kMaxChannels> SomeBackground() {
  if (std::is_same_v<T, float>) return {0.25, 0.5, 0.75, 0.5};
  return {kMost<T> - 5, 7, 100, 80};
}

template <typename T>
Image Rotated(const Image& source, const Rotation& rotation,
              ImageShape canvas) {
  canvas.channels = source.spec().shape.channels;
  Image target = MakeImage({canvas, kSampleTypeOf<T>});
  Rotate(source.view().As<T>(), rotation, canvas,
         WholeImage(target.view().As<T>()));
  return target;
}

double Sinc(double x) {
  const double t = std::numbers::pi * x;
  return x == 0 ? 1 : std::sin(t) / t;
}

// The weight of a sample at a distance.
double Kernel(Interpolation interpolation, double distance) {
  const double d = std::abs(distance);
  switch (interpolation) {
    case Interpolation::kNearest:
      return d <= 0.5 ? 1 : 0;
    case Interpolation::kBilinear:
      return std::max(0.0, 1 - d);
    case Interpolation::kBicubic:
      if (d < 1) return 1.5 * d * d * d - 2.5 * d * d + 1;
      return d < 2 ? -0.5 * d * d * d + 2.5 * d * d - 4 * d + 2 : 0;
    case Interpolation::kLanczos3:
      return d < 3 ? Sinc(d) * Sinc(d / 3) : 0;
  }
  return 0;
}

struct Expected {
  std::array<double, kMaxChannels> samples = {};  // within the type's range
  double alpha = 1;                               // neither rounded nor limited
};

template <typename T>
class Reference {
 public:
  Reference(const Image& source, const Rotation& rotation, ImageShape canvas)
      : view_(source.view().As<T>()), rotation_(rotation), canvas_(canvas) {}

  // Where target pixel (x, y) is, from the first pixel's centre.
  std::array<double, 2> PointOf(uint32_t x, uint32_t y) const {
    const ImageShape& shape = view_.shape();
    const double u = x + 0.5 - canvas_.width / 2.0;
    const double v = y + 0.5 - canvas_.height / 2.0;
    return {
        rotation_.cosine * u - rotation_.sine * v + shape.width / 2.0 - 0.5,
        rotation_.sine * u + rotation_.cosine * v + shape.height / 2.0 - 0.5};
  }

  double Sample(int64_t x, int64_t y, uint32_t c) const {
    const ImageShape& shape = view_.shape();
    if (rotation_.border == WarpBorder::kConstant &&
        (x < 0 || y < 0 || x >= shape.width || y >= shape.height)) {
      return rotation_.background[c];
    }
    const BorderMode mode = rotation_.border == WarpBorder::kReflect101
                                ? BorderMode::kReflect101
                                : BorderMode::kReplicate;
    const uint32_t u = BorderPosition(x, shape.width, mode);
    const uint32_t v = BorderPosition(y, shape.height, mode);
    return double{1} * view_.row(v)[size_t{u} * shape.channels + c];
  }

  Expected At(double x, double y) const {
    const uint32_t channels = view_.shape().channels;
    const bool has_alpha = HasAlpha(channels) &&
                           rotation_.interpolation != Interpolation::kNearest;
    const int64_t left = static_cast<int64_t>(std::floor(x)) - 2;
    const int64_t top = static_cast<int64_t>(std::floor(y)) - 2;
    std::array<double, kMaxChannels> sums = {};
    double weights = 0;
    double alpha = 0;
    for (int64_t v = top; v < top + 6; ++v) {
      for (int64_t u = left; u < left + 6; ++u) {
        const double weight =
            Kernel(rotation_.interpolation, x - static_cast<double>(u)) *
            Kernel(rotation_.interpolation, y - static_cast<double>(v));
        weights += weight;
        const double a = has_alpha ? Sample(u, v, channels - 1) : 1;
        alpha += weight * a;
        for (uint32_t c = 0; c < channels; ++c) {
          const bool is_alpha = has_alpha && c == channels - 1;
          sums[c] += weight * (is_alpha ? 1 : a) * Sample(u, v, c);
        }
      }
    }
    Expected expected = {.samples = {}, .alpha = alpha / weights};
    for (uint32_t c = 0; c < channels; ++c) {
      double value = sums[c] / weights;
      if (has_alpha && c != channels - 1) {
        value = alpha <= 0 ? rotation_.background[c] : sums[c] / alpha;
      }
      if (!std::is_same_v<T, float>) value = std::clamp(value, 0.0, kMost<T>);
      expected.samples[c] = value;
    }
    return expected;
  }

 private:
  const ImageView<const T> view_;
  const Rotation& rotation_;
  const ImageShape canvas_;
};

// What the header says.
template <typename T>
double ErrorBound(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::kNearest:
      return 0;
    case Interpolation::kBilinear:
      return sizeof(T) == 1 ? 2 : sizeof(T) == 2 ? 6 : 2e-6;
    case Interpolation::kBicubic:
      return sizeof(T) == 1 ? 3 : sizeof(T) == 2 ? 100 : 2e-6;
    case Interpolation::kLanczos3:
      return sizeof(T) == 1 ? 4 : sizeof(T) == 2 ? 150 : 1e-5;
  }
  return 0;
}

// The largest difference between a pixel and what is expected at (x, y), as a
// multiple of what is allowed.
template <typename T>
double Excess(const Reference<T>& reference, const Rotation& rotation, double x,
              double y, const T* got, uint32_t channels) {
  const Expected expected = reference.At(x, y);
  const double bound =
      std::max(ErrorBound<T>(rotation.interpolation), 1e-9 * kMost<T>);
  // Half a unit of rounding, too.
  const double rounding = std::is_same_v<T, float> ? 0 : 0.5;
  double excess = 0;
  for (uint32_t c = 0; c < channels; ++c) {
    double allowed = bound + rounding;
    if (HasAlpha(channels) && c != channels - 1 &&
        rotation.interpolation != Interpolation::kNearest) {
      // A quotient's error grows as the divisor shrinks. What has no alpha left
      // within the error of alpha itself may have any colour.
      if (expected.alpha <= 2 * allowed) continue;
      allowed *= 2 * std::max(kMost<T>, std::abs(expected.samples[c])) /
                 expected.alpha;
    }
    const double error = std::abs(double{1} * got[c] - expected.samples[c]);
    excess = std::max(excess, error / allowed);
  }
  return excess;
}

// At most one pixel in the wrong place: positions have 22 fractional bits.
constexpr double kNudge = 1e-6;

template <typename T>
double WorstExcess(const Image& source, const Rotation& rotation,
                   const Image& target) {
  const ImageView<const T> view = target.view().As<T>();
  const ImageShape& shape = view.shape();
  const Reference<T> reference(source, rotation, shape);
  double worst = 0;
  for (uint32_t y = 0; y < shape.height; ++y) {
    for (uint32_t x = 0; x < shape.width; ++x) {
      const T* const got = &view.row(y)[size_t{x} * shape.channels];
      const auto [u, v] = reference.PointOf(x, y);
      double excess = Excess(reference, rotation, u, v, got, shape.channels);
      if (excess > 1 && rotation.interpolation == Interpolation::kNearest) {
        for (const double dx : {-kNudge, kNudge}) {
          for (const double dy : {-kNudge, kNudge}) {
            excess = std::min(excess, Excess(reference, rotation, u + dx,
                                             v + dy, got, shape.channels));
          }
        }
      }
      worst = std::max(worst, excess);
    }
  }
  return worst;
}

template <typename T>
class WarpTest : public ::testing::Test {};
using SampleTypes = ::testing::Types<uint8_t, uint16_t, float>;
TYPED_TEST_SUITE(WarpTest, SampleTypes);

struct Sides {
  ImageShape source;
  ImageShape canvas;
};

TYPED_TEST(WarpTest, IsTheFormulaForEveryKind) {
  using T = TypeParam;
  constexpr Sides kSides[] = {{{41, 37, 1}, {41, 37, 1}},
                              {{40, 60, 1}, {173, 31, 1}},
                              {{90, 50, 1}, {21, 34, 1}}};
  for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
    for (const Interpolation interpolation : kInterpolations) {
      for (const WarpBorder border : kBorders) {
        size_t turn = static_cast<size_t>(border);
        for (const double degrees : kAngles) {
          Sides sides = kSides[turn++ % 3];
          sides.source.channels = channels;
          Rotation rotation = RotationBy(degrees, interpolation, border);
          rotation.background = SomeBackground<T>();
          const Image source =
              MakeNoise({sides.source, kSampleTypeOf<T>}, channels);
          const Image first = Rotated<T>(source, rotation, sides.canvas);
          ASSERT_LE(WorstExcess<T>(source, rotation, first), 1)
              << degrees << " degrees, " << channels << " channels, "
              << static_cast<int>(interpolation) << ", border "
              << static_cast<int>(border);
          OnEveryTarget([&] {
            const Image again = Rotated<T>(source, rotation, sides.canvas);
            if (std::is_same_v<T, float>) {
              ASSERT_LE(WorstExcess<T>(source, rotation, again), 1);
            } else {
              ASSERT_EQ(Difference(first.view(), again.view()), "");
            }
          });
        }
      }
    }
  }
}

TYPED_TEST(WarpTest, TinyImagesAndCanvasesWork) {
  using T = TypeParam;
  const uint32_t lengths[] = {1, 2, 3, 7, 33};
  std::mt19937 random(5);
  for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
    for (const Interpolation interpolation : kInterpolations) {
      for (int i = 0; i < 40; ++i) {
        const ImageShape shape = {lengths[Below(5, random)],
                                  lengths[Below(5, random)], channels};
        const ImageShape canvas = {1 + Below(40, random), 1 + Below(5, random),
                                   channels};
        Rotation rotation = RotationBy(kAngles[Below(7, random)], interpolation,
                                       kBorders[Below(3, random)]);
        rotation.background = SomeBackground<T>();
        const Image source = MakeNoise({shape, kSampleTypeOf<T>}, 3);
        OnEveryTarget([&] {
          ASSERT_LE(WorstExcess<T>(source, rotation,
                                   Rotated<T>(source, rotation, canvas)),
                    1)
              << shape.width << " x " << shape.height << " onto "
              << canvas.width << " x " << canvas.height << ", kind "
              << static_cast<int>(interpolation);
        });
      }
    }
  }
}

TYPED_TEST(WarpTest, QuarterTurnsCopyPixels) {
  using T = TypeParam;
  for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
    Image source = MakeNoise(Spec(150, 44, channels, kSampleTypeOf<T>), 8);
    if (HasAlpha(channels)) {
      // Without colour where nothing is visible: that would not come back.
      for (uint32_t y = 0; y < 44; ++y) {
        for (uint32_t x = 0; x < 150; ++x) {
          T& alpha = source.view().As<T>().row(y)[(x + 1) * channels - 1];
          alpha = std::max(alpha, static_cast<T>(kMost<T> / 100));
        }
      }
    }
    for (const Interpolation interpolation : kInterpolations) {
      for (int quarters = 0; quarters < 4; ++quarters) {
        const Rotation rotation = RotationBy(90 * quarters, interpolation);
        const ImageShape canvas = quarters % 2 == 0
                                      ? ImageShape{150, 44, channels}
                                      : ImageShape{44, 150, channels};
        OnEveryTarget([&] {
          const Image target = Rotated<T>(source, rotation, canvas);
          const Reference<T> reference(source, rotation, canvas);
          for (uint32_t y = 0; y < canvas.height; ++y) {
            for (uint32_t x = 0; x < canvas.width; ++x) {
              const auto [u, v] = reference.PointOf(x, y);
              for (uint32_t c = 0; c < channels; ++c) {
                const double expected =
                    reference.Sample(std::lround(u), std::lround(v), c);
                const double got =
                    target.view().As<T>().row(y)[x * channels + c];
                ASSERT_NEAR(got, expected, kFloatError<T>)
                    << channels << " channels, " << quarters << " quarters, "
                    << static_cast<int>(interpolation);
              }
            }
          }
        });
      }
    }
  }
}

TYPED_TEST(WarpTest, DoesNotDependOnBandCuts) {
  using T = TypeParam;
  for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
    for (const Interpolation interpolation : kInterpolations) {
      const Image source =
          MakeNoise(Spec(211, 97, channels, kSampleTypeOf<T>), 4);
      const ImageShape canvas = {230, 130, channels};
      const Rotation rotation = RotationBy(23, interpolation);
      OnEveryTarget([&] {
        const Image whole = Rotated<T>(source, rotation, canvas);
        for (const uint32_t rows : {1U, 7U, 40U}) {
          Image target = MakeImage(whole.spec());
          for (uint32_t first = 0; first < canvas.height; first += rows) {
            const uint32_t count = std::min(rows, canvas.height - first);
            Rotate(source.view().As<T>(), rotation, canvas,
                   {.rows = target.view().Rows(first, count).As<T>(),
                    .first_row = first,
                    .image_height = canvas.height});
          }
          ASSERT_EQ(Difference(target.view(), whole.view()), "");
        }
      });
    }
  }
}

TYPED_TEST(WarpTest, TouchesNothingBeyondTheImages) {
  using T = TypeParam;
  std::mt19937 random(9);
  OnEveryTarget([&] {
    for (int i = 0; i < 300; ++i) {
      const uint32_t channels = 1 + Below(kMaxChannels, random);
      const ImageShape shape = {1 + Below(200, random), 1 + Below(60, random),
                                channels};
      const ImageShape canvas = {1 + Below(200, random), 1 + Below(60, random),
                                 channels};
      const size_t padding = Below(2, random) * 5;
      const size_t source_stride = RowSamples(shape) + padding;
      const size_t target_stride = RowSamples(canvas) + padding;
      const bool at_end = i % 2 == 0;
      const GuardedBytes source(
          (source_stride * shape.height - padding) * sizeof(T), at_end);
      const size_t target_samples = target_stride * canvas.height - padding;
      const GuardedBytes target(target_samples * sizeof(T), at_end);
      std::memset(target.data(), 0x5a, target_samples * sizeof(T));
      auto* const to = reinterpret_cast<T*>(target.data());
      const Rotation rotation =
          RotationBy(Below(360, random), kInterpolations[Below(4, random)],
                     kBorders[Below(3, random)]);
      Rotate(ImageView<const T>(reinterpret_cast<T*>(source.data()), shape,
                                source_stride),
             rotation, canvas,
             WholeImage(ImageView<T>(to, canvas, target_stride)));
      // The source and the background are zero, so the target is, too; padding
      // stays what it was.
      T padded;
      std::memset(&padded, 0x5a, sizeof(T));
      for (size_t s = 0; s < target_samples; ++s) {
        const bool is_padding = s % target_stride >= RowSamples(canvas);
        ASSERT_EQ(to[s], is_padding ? padded : T{0});
      }
    }
  });
}

TYPED_TEST(WarpTest, ConstantsStayConstant) {
  using T = TypeParam;
  for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
    for (const Interpolation interpolation : kInterpolations) {
      for (int step = 0; step <= 15; ++step) {
        const double value = std::floor(kMost<T> * step / 15);
        if (HasAlpha(channels) && value == 0) continue;
        const Image source =
            MakeConstant(Spec(150, 20, channels, kSampleTypeOf<T>), value);
        OnEveryTarget([&] {
          const Image target = Rotated<T>(
              source, RotationBy(31, interpolation, WarpBorder::kReplicate),
              {140, 30, channels});
          for (uint32_t y = 0; y < 30; ++y) {
            for (const T got : target.view().As<T>().row(y)) {
              ASSERT_NEAR(got, value, kFloatError<T>);
            }
          }
        });
      }
    }
  }
}

TYPED_TEST(WarpTest, TransparentPixelsLendNoColour) {
  using T = TypeParam;
  const T most = static_cast<T>(kMost<T>);
  for (const Interpolation interpolation : kInterpolations) {
    // Opaque and of one colour at the left; another, transparent, at the right.
    Image source = MakeImage(Spec(160, 30, 4, kSampleTypeOf<T>));
    for (uint32_t y = 0; y < 30; ++y) {
      T* pixel = source.view().As<T>().row(y).data();
      for (uint32_t x = 0; x < 160; ++x, pixel += 4) {
        const bool is_left = x < 80;
        pixel[0] = is_left ? most : T{0};
        pixel[1] = is_left ? T{0} : most;
        pixel[2] = 0;
        pixel[3] = is_left ? most : T{0};
      }
    }
    Rotation rotation = RotationBy(20, interpolation);
    rotation.background = {0, 0, kMost<T>, 0};
    OnEveryTarget([&] {
      const Image target = Rotated<T>(source, rotation, {170, 80, 4});
      for (uint32_t y = 0; y < 80; ++y) {
        const T* pixel = target.view().As<T>().row(y).data();
        for (uint32_t x = 0; x < 170; ++x, pixel += 4) {
          // Negative weights may leave a little or less than nothing of alpha.
          if (pixel[3] < most / 2) continue;
          ASSERT_NEAR(pixel[0], most, kFloatError<T>);
          ASSERT_EQ(pixel[1], 0);
          ASSERT_EQ(pixel[2], 0);
        }
      }
    });
  }
}

// Of 4 channels, opaque but for a disc with every alpha.
Image MakeTranslucentDisc(uint32_t width, uint32_t height) {
  Image image = MakeNoise(Spec(width, height, 4), 12);
  for (uint32_t y = 0; y < height; ++y) {
    const auto row = image.view().As<uint8_t>().row(y);
    for (uint32_t x = 0; x < width; ++x) {
      const uint32_t dx = x < width / 2 ? width / 2 - x : x - width / 2;
      const uint32_t dy = y < height / 2 ? height / 2 - y : y - height / 2;
      const uint32_t distance = dx * dx + dy * dy;
      row[x * 4 + 3] = static_cast<uint8_t>(std::min(distance / 3, 255U));
    }
  }
  return image;
}

TEST(WarpAlphaTest, OpaqueAndTranslucentPixelsMix) {
  const Image source = MakeTranslucentDisc(150, 70);
  for (const Interpolation interpolation : kInterpolations) {
    for (const double degrees : kAngles) {
      Rotation rotation = RotationBy(degrees, interpolation);
      rotation.background = SomeBackground<uint8_t>();
      const ImageShape canvas = {171, 90, 4};
      const Image first = Rotated<uint8_t>(source, rotation, canvas);
      ASSERT_LE(WorstExcess<uint8_t>(source, rotation, first), 1)
          << degrees << " degrees, " << static_cast<int>(interpolation);
      OnEveryTarget([&] {
        const Image again = Rotated<uint8_t>(source, rotation, canvas);
        ASSERT_EQ(Difference(first.view(), again.view()), "");
      });
    }
  }
}

TEST(WarpAlphaTest, OpaqueBytesBetweenTwoAreAsWithoutAlpha) {
  const Image colors = MakeNoise(Spec(90, 60, 3), 13);
  Image opaque = MakeConstant(Spec(90, 60, 4), 255);
  const auto row_of = [](const Image& image, uint32_t y) {
    return image.view().As<uint8_t>().row(y);
  };
  for (uint32_t y = 0; y < 60; ++y) {
    for (size_t i = 0; i < 90 * 3; ++i) {
      opaque.view().As<uint8_t>().row(y)[i / 3 * 4 + i % 3] =
          row_of(colors, y)[i];
    }
  }
  // Onto a canvas within the source: edges are cut where a kernel wants it, and
  // round positions anew.
  const Rotation rotation = RotationBy(17, Interpolation::kBilinear);
  OnEveryTarget([&] {
    const Image expected = Rotated<uint8_t>(colors, rotation, {53, 31, 3});
    const Image got = Rotated<uint8_t>(opaque, rotation, {53, 31, 4});
    for (uint32_t y = 0; y < 31; ++y) {
      for (size_t x = 0; x < 53; ++x) {
        for (size_t c = 0; c < 3; ++c) {
          ASSERT_EQ(row_of(got, y)[x * 4 + c], row_of(expected, y)[x * 3 + c]);
        }
        ASSERT_EQ(row_of(got, y)[x * 4 + 3], 255);
      }
    }
  });
}

TEST(WarpFloatTest, WhatIsNotFiniteStaysWhereItHasWeight) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
    for (const Interpolation interpolation : kInterpolations) {
      Image source = MakeConstant(Spec(150, 40, channels, SampleType::kF32), 1);
      // A hole in one pixel, all channels of it.
      for (uint32_t c = 0; c < channels; ++c) {
        source.view().As<float>().row(20)[70 * channels + c] =
            c % 2 == 0 ? kNan : kInfinity;
      }
      OnEveryTarget([&] {
        for (const double degrees : {0.0, 180.0, 17.0}) {
          const Rotation rotation = RotationBy(degrees, interpolation);
          const Image target = Rotated<float>(source, rotation, {150, 40, 1});
          const Reference<float> reference(source, rotation, {150, 40, 1});
          for (uint32_t y = 0; y < 40; ++y) {
            for (uint32_t x = 0; x < 150; ++x) {
              const auto [u, v] = reference.PointOf(x, y);
              const double reach = degrees == 17.0 ? 3 : 0.001;
              if (std::abs(u - 70) < reach && std::abs(v - 20) < reach) {
                continue;
              }
              if (u < 3 || v < 3 || u > 146 || v > 36) continue;
              for (uint32_t c = 0; c < channels; ++c) {
                ASSERT_NEAR(target.view().As<float>().row(y)[x * channels + c],
                            1, 1e-5)
                    << x << "," << y << " kind "
                    << static_cast<int>(interpolation);
              }
            }
          }
        }
      });
    }
  }
}

TYPED_TEST(WarpTest, LongStridesChangeNothing) {
  using T = TypeParam;
  // At most, for the fast kernels.
  constexpr size_t kFastBytes = size_t{1} << 23;
  for (const size_t bytes : {size_t{40'000}, kFastBytes, kFastBytes + 8}) {
    const size_t stride = bytes / sizeof(T);
    std::vector<T> spread(stride * 12);
    for (const uint32_t channels : {1U, 3U}) {
      const ImageShape shape = {90, 12, channels};
      const Image packed = MakeNoise({shape, kSampleTypeOf<T>}, 6);
      for (uint32_t y = 0; y < shape.height; ++y) {
        const auto row = packed.view().As<T>().row(y);
        std::copy(row.begin(), row.end(), &spread[y * stride]);
      }
      for (const Interpolation interpolation : kInterpolations) {
        const Rotation rotation = RotationBy(3, interpolation);
        OnEveryTarget([&] {
          Image target = MakeImage(packed.spec());
          Rotate(ImageView<const T>(spread.data(), shape, stride), rotation,
                 shape, WholeImage(target.view().As<T>()));
          if (bytes <= kFastBytes) {
            ASSERT_EQ(Difference(target.view(),
                                 Rotated<T>(packed, rotation, shape).view()),
                      "");
          } else {
            ASSERT_LE(WorstExcess<T>(packed, rotation, target), 1);
          }
        });
      }
    }
  }
}

TEST(WarpAccuracyTest, MeanErrorOfEightBitsIsWhatTheHeaderSays) {
  const Image source = MakeGradient(Spec(300, 200, 3), 2);
  const auto mean_error = [&](Interpolation interpolation) {
    const Rotation rotation =
        RotationBy(17, interpolation, WarpBorder::kReplicate);
    const Image target = Rotated<uint8_t>(source, rotation, {200, 150, 3});
    const Reference<uint8_t> reference(source, rotation, {200, 150, 3});
    double sum = 0;
    for (uint32_t y = 0; y < 150; ++y) {
      for (uint32_t x = 0; x < 200; ++x) {
        const auto [u, v] = reference.PointOf(x, y);
        const Expected expected = reference.At(u, v);
        for (uint32_t c = 0; c < 3; ++c) {
          sum += std::abs(target.view().As<uint8_t>().row(y)[x * 3 + c] -
                          std::floor(expected.samples[c] + 0.5));
        }
      }
    }
    return sum / (200 * 150 * 3);
  };
  EXPECT_LE(mean_error(Interpolation::kBilinear), 0.03);
  EXPECT_LE(mean_error(Interpolation::kBicubic), 0.05);
  EXPECT_LE(mean_error(Interpolation::kLanczos3), 0.06);
}

}  // namespace
}  // namespace imageadapt
