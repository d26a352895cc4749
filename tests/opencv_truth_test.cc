// Kernels against OpenCV, on random cases.
// SPDX-License-Identifier: Apache-2.0
#include "tests/opencv_truth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/image/orientation.h"
#include "imageadapt/kernels/box_mean.h"
#include "imageadapt/kernels/quarter_turn.h"
#include "imageadapt/kernels/warp.h"
#include "imageadapt/kernels/window_median.h"
#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/image_makers.h"

namespace imageadapt {
namespace {

constexpr uint32_t kCases = 150;

using testing::MakeImage;
using testing::MakeNoise;
using testing::OnEveryTarget;

std::vector<std::byte> ScratchOf(size_t size) {
  return std::vector<std::byte>(size + 64);
}

std::span<std::byte> Aligned(std::vector<std::byte>& scratch) {
  const auto address = reinterpret_cast<uintptr_t>(scratch.data());
  const size_t skipped = (64 - address % 64) % 64;
  return {scratch.data() + skipped, scratch.size() - 64};
}

double LargestDifference(const cv::Mat& a, const cv::Mat& b) {
  return cv::norm(a, b, cv::NORM_INF);
}

std::string CaseText(const ImageSpec& spec, uint32_t index) {
  return absl::StrCat("seed ", TruthSeed(), ", case ", index, ": ",
                      spec.shape.width, " x ", spec.shape.height, " x ",
                      spec.shape.channels, " ",
                      SampleTypeName(spec.sample_type));
}

TEST(OpenCvTruthTest, TurnsAreTheSame) {
  constexpr cv::RotateFlags kCodes[] = {
      cv::ROTATE_90_COUNTERCLOCKWISE, cv::ROTATE_180, cv::ROTATE_90_CLOCKWISE};
  for (uint32_t i = 0; i < kCases; ++i) {
    RandomCase random(i);
    const ImageSpec spec = random.Spec(random.Number(1, 4));
    const auto turns = static_cast<int>(random.Number(1, 3));
    SCOPED_TRACE(absl::StrCat(CaseText(spec, i), ", turns ", turns));
    const Image source = MakeNoise(spec, i);
    const Orientation turn = {.mirrored = false, .quarter_turns = turns};
    const Image target = MakeImage(
        {.shape = turn.Apply(spec.shape), .sample_type = spec.sample_type});
    OnEveryTarget([&] {
      Image ours = testing::Clone(target.view());
      ours.view().Visit([&]<typename T>(ImageView<T> view) {
        const auto from = source.view().As<T>();
        QuarterTurn(from, turns, WholeImage(view));
        cv::Mat expected;
        cv::rotate(ToMat(from), expected, kCodes[turns - 1]);
        EXPECT_EQ(LargestDifference(ToMat(view), expected), 0);
      });
    });
  }
}

TEST(OpenCvTruthTest, MirrorsAreTheSame) {
  for (uint32_t i = 0; i < kCases; ++i) {
    RandomCase random(i);
    const ImageSpec spec = random.Spec(random.Number(1, 4));
    SCOPED_TRACE(CaseText(spec, i));
    const Image source = MakeNoise(spec, i);
    OnEveryTarget([&] {
      Image columns = MakeImage(spec);
      Image rows = MakeImage(spec);
      source.view().Visit([&]<typename T>(ImageView<const T> from) {
        MirrorColumns(WholeImage(from), WholeImage(columns.view().As<T>()));
        MirrorRows(from, WholeImage(rows.view().As<T>()));
        cv::Mat expected;
        cv::flip(ToMat(from), expected, 1);
        EXPECT_EQ(LargestDifference(ToMat(columns.view().As<T>()), expected),
                  0);
        cv::flip(ToMat(from), expected, 0);
        EXPECT_EQ(LargestDifference(ToMat(rows.view().As<T>()), expected), 0);
      });
    });
  }
}

struct Border {
  BorderMode ours = BorderMode::kClip;
  int theirs = cv::BORDER_REPLICATE;
};

Border RandomBorder(RandomCase& random) {
  return random.Number(0, 1) == 0
             ? Border{BorderMode::kReplicate, cv::BORDER_REPLICATE}
             : Border{BorderMode::kReflect101, cv::BORDER_REFLECT_101};
}

TEST(OpenCvTruthTest, MeansAreAsNearAsRoundingAllows) {
  for (uint32_t i = 0; i < kCases; ++i) {
    RandomCase random(i);
    const ImageSpec spec = random.Spec(random.Number(1, 4));
    const MeanOptions options = {
        .window = {.width = 1 + 2 * random.Number(0, 20),
                   .height = 1 + 2 * random.Number(0, 20)}};
    const Border border = RandomBorder(random);
    SCOPED_TRACE(
        absl::StrCat(CaseText(spec, i), ", window ", options.window.width,
                     " x ", options.window.height, ", border ", border.theirs));
    const Image source = MakeNoise(spec, i);
    const auto window_x = static_cast<int>(options.window.width);
    const auto window_y = static_cast<int>(options.window.height);
    OnEveryTarget([&] {
      MeanOptions with_border = options;
      with_border.border = border.ours;
      Image ours = MakeImage(spec);
      std::vector<std::byte> scratch =
          ScratchOf(BoxMeanScratchBytes(spec, with_border));
      source.view().Visit([&]<typename T>(ImageView<const T> from) {
        const ImageView<T> to = ours.view().As<T>();
        BoxMean(WholeImage(from), with_border, WholeImage(to),
                Aligned(scratch));
        cv::Mat expected;
        cv::blur(ToMat(from), expected, {window_x, window_y}, {-1, -1},
                 border.theirs);
        const double allowed = std::is_same_v<T, float> ? 1e-5 : 1;
        EXPECT_LE(LargestDifference(ToMat(to), expected), allowed);
      });
    });
  }
}

TEST(OpenCvTruthTest, MediansAreTheSame) {
  constexpr uint32_t kChannels[] = {1, 3, 4};
  for (uint32_t i = 0; i < kCases; ++i) {
    RandomCase random(i);
    const ImageSpec spec = random.Spec(kChannels[random.Number(0, 2)]);
    // OpenCV has larger ones only of 8 bits.
    const uint32_t most = spec.sample_type == SampleType::kU8 ? 20 : 2;
    const uint32_t side = 1 + 2 * random.Number(1, most);
    const MedianOptions options = {.window = {.width = side, .height = side},
                                   .border = BorderMode::kReplicate};
    SCOPED_TRACE(absl::StrCat(CaseText(spec, i), ", window ", side));
    const Image source = MakeNoise(spec, i);
    OnEveryTarget([&] {
      Image ours = MakeImage(spec);
      std::vector<std::byte> scratch =
          ScratchOf(WindowMedianScratchBytes(spec, options));
      source.view().Visit([&]<typename T>(ImageView<const T> from) {
        const ImageView<T> to = ours.view().As<T>();
        WindowMedian(WholeImage(from), options, WholeImage(to),
                     Aligned(scratch));
        cv::Mat expected;
        cv::medianBlur(ToMat(from), expected, static_cast<int>(side));
        EXPECT_EQ(LargestDifference(ToMat(to), expected), 0);
      });
    });
  }
}

// How samples between pixels are made, by us and by OpenCV.
struct Kernel {
  int taps = 2;  // to either side half
  std::function<double(double)> weight;
};

struct InterpolationPair {
  const char* name = "";
  Interpolation ours = Interpolation::kBilinear;
  Kernel our_kernel;
  int theirs = cv::INTER_LINEAR;
  Kernel their_kernel;
};

double Sinc(double x) {
  if (std::abs(x) < 1e-12) return 1;
  return std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
}

Kernel Cubic(double a) {
  return {4, [a](double x) {
            x = std::abs(x);
            if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
            return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0.0;
          }};
}

Kernel Lanczos(int lobes) {
  return {2 * lobes, [lobes](double x) {
            return std::abs(x) < lobes ? Sinc(x) * Sinc(x / lobes) : 0.0;
          }};
}

// The sum over all taps around a point, the weights scaled to a sum of one; not
// a number where a tap is outside.
template <typename T>
double TrueSample(ImageView<const T> source, const Kernel& kernel, double x,
                  double y) {
  const ImageShape shape = source.shape();
  const double left = std::floor(x) - kernel.taps / 2.0 + 1;
  const double top = std::floor(y) - kernel.taps / 2.0 + 1;
  if (left < 0 || top < 0 || left + kernel.taps > shape.width ||
      top + kernel.taps > shape.height) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  double sum = 0;
  double weights = 0;
  for (int v = 0; v < kernel.taps; ++v) {
    const auto row = source.row(static_cast<uint32_t>(top + v));
    for (int u = 0; u < kernel.taps; ++u) {
      const double weight =
          kernel.weight(x - left - u) * kernel.weight(y - top - v);
      weights += weight;
      sum += weight * row[static_cast<size_t>(left + u)];
    }
  }
  // Integers end at their greatest value.
  sum /= weights;
  if constexpr (std::is_same_v<T, float>) return sum;
  return std::clamp<double>(sum, 0, std::numeric_limits<T>::max());
}

// Each against its own definition in double: OpenCV's bicubic kernel has
// a = -0.75 and ours -0.5, and its Lanczos kernel four lobes and ours three.
TEST(OpenCvTruthTest, RotationsAreNotLessExact) {
  const InterpolationPair kPairs[] = {
      {"bilinear",
       Interpolation::kBilinear,
       {2, [](double x) { return std::max(0.0, 1 - std::abs(x)); }},
       cv::INTER_LINEAR,
       {2, [](double x) { return std::max(0.0, 1 - std::abs(x)); }}},
      {"bicubic", Interpolation::kBicubic, Cubic(-0.5), cv::INTER_CUBIC,
       Cubic(-0.75)},
      {"lanczos", Interpolation::kLanczos3, Lanczos(3), cv::INTER_LANCZOS4,
       Lanczos(4)}};
  const ImageShape shape = {.width = 97, .height = 80, .channels = 1};
  for (const double degrees : {17.0, -3.3, 41.0}) {
    const double cosine = std::cos(degrees * std::numbers::pi / 180);
    const double sine = std::sin(degrees * std::numbers::pi / 180);
    const double offset_x = shape.width / 2.0;
    const double offset_y = shape.height / 2.0;
    const auto source_x = [&](double x, double y) {
      return cosine * (x + 0.5 - offset_x) - sine * (y + 0.5 - offset_y) +
             offset_x - 0.5;
    };
    const auto source_y = [&](double x, double y) {
      return sine * (x + 0.5 - offset_x) + cosine * (y + 0.5 - offset_y) +
             offset_y - 0.5;
    };
    const cv::Mat inverse = (cv::Mat_<double>(2, 3) << cosine, -sine,
                             source_x(0, 0), sine, cosine, source_y(0, 0));
    for (const SampleType type :
         {SampleType::kU8, SampleType::kU16, SampleType::kF32}) {
      const Image source = MakeNoise({.shape = shape, .sample_type = type}, 5);
      for (const InterpolationPair& pair : kPairs) {
        source.view().Visit([&]<typename T>(ImageView<const T> from) {
          Image ours = MakeImage(source.spec());
          const ImageView<T> to = ours.view().As<T>();
          Rotate(from,
                 {.cosine = cosine, .sine = sine, .interpolation = pair.ours},
                 shape, WholeImage(to));
          cv::Mat theirs;
          cv::warpAffine(
              ToMat(from), theirs, inverse,
              {static_cast<int>(shape.width), static_cast<int>(shape.height)},
              pair.theirs | cv::WARP_INVERSE_MAP);
          double our_error = 0;
          double their_error = 0;
          int count = 0;
          for (uint32_t y = 0; y < shape.height; ++y) {
            for (uint32_t x = 0; x < shape.width; ++x) {
              const double u = source_x(x, y);
              const double v = source_y(x, y);
              const double our_truth = TrueSample(from, pair.our_kernel, u, v);
              const double their_truth =
                  TrueSample(from, pair.their_kernel, u, v);
              if (std::isnan(our_truth) || std::isnan(their_truth)) continue;
              our_error += std::abs(to.row(y)[x] - our_truth);
              their_error += std::abs(
                  theirs.at<T>(static_cast<int>(y), static_cast<int>(x)) -
                  their_truth);
              ++count;
            }
          }
          EXPECT_GT(count, 2000);
          EXPECT_LE(our_error, their_error)
              << pair.name << " " << SampleTypeName(type) << " by " << degrees;
        });
      }
    }
  }
}

}  // namespace
}  // namespace imageadapt
