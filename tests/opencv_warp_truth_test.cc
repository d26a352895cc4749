// Rotations against double precision: are they as near to it as OpenCV's?
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <opencv2/imgproc.hpp>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/kernels/border.h"
#include "imageadapt/kernels/warp.h"
#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/image_makers.h"
#include "tests/opencv_truth.h"

namespace imageadapt {
namespace {

using testing::MakeImage;
using testing::OnEveryTarget;

// How samples between pixels are made.
struct Kernel {
  int taps = 2;  // along either axis
  double (*weight)(double) = nullptr;
};

double Sinc(double x) {
  if (std::abs(x) < 1e-12) return 1;
  return std::sin(std::numbers::pi * x) / (std::numbers::pi * x);
}

double Triangle(double x) { return std::max(0.0, 1 - std::abs(x)); }

// Keys' family.
double Cubic(double a, double x) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0.0;
}

double Lanczos(int lobes, double x) {
  return std::abs(x) < lobes ? Sinc(x) * Sinc(x / lobes) : 0.0;
}

// One interpolation as we and as OpenCV define it: its bicubic kernel has
// a = -0.75 and ours -0.5, its Lanczos kernel has four lobes and ours three.
struct Pair {
  const char* name = "";
  Interpolation ours = Interpolation::kBilinear;
  Kernel our_kernel;
  int theirs = cv::INTER_LINEAR;
  Kernel their_kernel;
};

constexpr Pair kPairs[] = {{"bilinear",
                            Interpolation::kBilinear,
                            {2, Triangle},
                            cv::INTER_LINEAR,
                            {2, Triangle}},
                           {"bicubic",
                            Interpolation::kBicubic,
                            {4, [](double x) { return Cubic(-0.5, x); }},
                            cv::INTER_CUBIC,
                            {4, [](double x) { return Cubic(-0.75, x); }}},
                           {"Lanczos",
                            Interpolation::kLanczos3,
                            {6, [](double x) { return Lanczos(3, x); }},
                            cv::INTER_LANCZOS4,
                            {8, [](double x) { return Lanczos(4, x); }}}};

struct BorderPair {
  WarpBorder ours = WarpBorder::kConstant;
  BorderMode positions = BorderMode::kClip;  // of kClip are none outside
  int theirs = cv::BORDER_CONSTANT;
};

constexpr BorderPair kBorders[] = {
    {WarpBorder::kConstant, BorderMode::kClip, cv::BORDER_CONSTANT},
    {WarpBorder::kReplicate, BorderMode::kReplicate, cv::BORDER_REPLICATE},
    {WarpBorder::kReflect101, BorderMode::kReflect101, cv::BORDER_REFLECT_101}};

// A rotation about the middle of an image onto a canvas of its size.
class Turn {
 public:
  Turn(double degrees, const ImageShape& shape)
      : cosine_(std::cos(degrees * std::numbers::pi / 180)),
        sine_(std::sin(degrees * std::numbers::pi / 180)),
        middle_x_(shape.width / 2.0),
        middle_y_(shape.height / 2.0) {}

  double cosine() const { return cosine_; }
  double sine() const { return sine_; }
  // Where a pixel of the canvas comes from.
  double SourceX(double x, double y) const {
    return cosine_ * (x + 0.5 - middle_x_) - sine_ * (y + 0.5 - middle_y_) +
           middle_x_ - 0.5;
  }
  double SourceY(double x, double y) const {
    return sine_ * (x + 0.5 - middle_x_) + cosine_ * (y + 0.5 - middle_y_) +
           middle_y_ - 0.5;
  }
  cv::Mat matrix() const {
    return cv::Mat_<double>(2, 3) << cosine_, -sine_, SourceX(0, 0), sine_,
           cosine_, SourceY(0, 0);
  }

 private:
  double cosine_;
  double sine_;
  double middle_x_;
  double middle_y_;
};

// The weights around a position, scaled to a sum of one, and where they begin.
struct Taps {
  Taps(const Kernel& kernel, double position)
      : first(static_cast<int64_t>(std::floor(position)) - kernel.taps / 2 + 1),
        count(static_cast<size_t>(kernel.taps)) {
    double sum = 0;
    for (size_t i = 0; i < count; ++i) {
      weights[i] = kernel.weight(position - static_cast<double>(first) -
                                 static_cast<double>(i));
      sum += weights[i];
    }
    for (double& weight : weights) weight /= sum;
  }

  int64_t first;
  size_t count;
  std::array<double, 8> weights = {};
};

// Samples that rows and columns beyond the edges have, too.
template <typename T>
double SampleAt(const ImageView<const T>& source, int64_t x, int64_t y,
                uint32_t channel, BorderMode mode, double background) {
  const ImageShape& shape = source.shape();
  const bool is_inside =
      x >= 0 && x < shape.width && y >= 0 && y < shape.height;
  if (!is_inside && mode == BorderMode::kClip) return background;
  const uint32_t column = BorderPosition(x, shape.width, mode);
  const uint32_t row = BorderPosition(y, shape.height, mode);
  return source.row(row)[size_t{column} * shape.channels + channel];
}

// What a rotation is by its definition, sample by sample.
template <typename T>
std::vector<double> TrueRotation(const ImageView<const T>& source,
                                 const Turn& turn, const Kernel& kernel,
                                 BorderMode mode, double background) {
  const ImageShape& shape = source.shape();
  std::vector<double> samples;
  for (uint32_t y = 0; y < shape.height; ++y) {
    for (uint32_t x = 0; x < shape.width; ++x) {
      const Taps along(kernel, turn.SourceX(x, y));
      const Taps down(kernel, turn.SourceY(x, y));
      for (uint32_t c = 0; c < shape.channels; ++c) {
        double sum = 0;
        for (size_t v = 0; v < down.count; ++v) {
          for (size_t u = 0; u < along.count; ++u) {
            sum += down.weights[v] * along.weights[u] *
                   SampleAt(source, along.first + static_cast<int64_t>(u),
                            down.first + static_cast<int64_t>(v), c, mode,
                            background);
          }
        }
        // Integers end at their greatest value.
        if constexpr (!std::is_same_v<T, float>) {
          sum = std::clamp<double>(sum, 0, std::numeric_limits<T>::max());
        }
        samples.push_back(sum);
      }
    }
  }
  return samples;
}

struct Errors {
  double sum = 0;
  double largest = 0;
};

template <typename T>
Errors ErrorsOf(const ImageView<T>& found, const std::vector<double>& truth) {
  Errors errors;
  size_t i = 0;
  for (uint32_t y = 0; y < found.shape().height; ++y) {
    for (const T sample : found.row(y)) {
      const double error = std::abs(sample - truth[i++]);
      errors.sum += error;
      errors.largest = std::max(errors.largest, error);
    }
  }
  return errors;
}

// OpenCV does not weight colours by alpha, so all is opaque.
template <typename T>
void MakeOpaque(const ImageView<T>& view) {
  const uint32_t channels = view.shape().channels;
  if (!HasAlpha(channels)) return;
  constexpr T kOpaque =
      std::is_same_v<T, float> ? T{1} : std::numeric_limits<T>::max();
  for (uint32_t y = 0; y < view.shape().height; ++y) {
    const auto row = view.row(y);
    for (size_t i = channels - 1; i < row.size(); i += channels) {
      row[i] = kOpaque;
    }
  }
}

template <typename T>
void CompareRotations(const Image& source, const Turn& turn, const Pair& pair,
                      const BorderPair& border) {
  const ImageView<const T> from = source.view().As<T>();
  const ImageShape& shape = from.shape();
  // Opaque, as a background of alpha is.
  const double background =
      std::is_same_v<T, float> ? 1.0 : std::numeric_limits<T>::max();
  cv::Mat theirs;
  cv::warpAffine(
      ToMat(from), theirs, turn.matrix(),
      {static_cast<int>(shape.width), static_cast<int>(shape.height)},
      pair.theirs | cv::WARP_INVERSE_MAP, border.theirs,
      cv::Scalar::all(background));
  const Errors their_errors =
      ErrorsOf(ImageView<T>(theirs.ptr<T>(), shape, theirs.step1()),
               TrueRotation(from, turn, pair.their_kernel, border.positions,
                            background));
  const std::vector<double> truth =
      TrueRotation(from, turn, pair.our_kernel, border.positions, background);
  Rotation rotation = {.cosine = turn.cosine(),
                       .sine = turn.sine(),
                       .interpolation = pair.ours,
                       .border = border.ours};
  rotation.background.fill(background);
  OnEveryTarget([&] {
    Image ours = MakeImage(source.spec());
    const ImageView<T> to = ours.view().As<T>();
    Rotate(from, rotation, shape, WholeImage(to));
    const Errors our_errors = ErrorsOf(to, truth);
    EXPECT_LE(our_errors.sum, their_errors.sum);
    EXPECT_LE(our_errors.largest, their_errors.largest);
  });
}

class OpenCvWarpTruthTest
    : public ::testing::TestWithParam<std::tuple<SampleType, uint32_t>> {
 protected:
  // Rotations of an image by several angles.
  static void Compare(Image& source) {
    source.view().Visit([](auto view) { MakeOpaque(view); });
    size_t number = 0;
    for (const double degrees : {17.0, -3.3, 41.0, 90.5, -151.0}) {
      for (const Pair& pair : kPairs) {
        const BorderPair& border = kBorders[number++ % 3];
        SCOPED_TRACE(absl::StrCat(pair.name, " by ", degrees, ", border ",
                                  border.theirs));
        source.view().Visit([&]<typename T>(ImageView<T>) {
          CompareRotations<T>(source, Turn(degrees, source.spec().shape), pair,
                              border);
        });
      }
    }
  }

  static ImageSpec SpecOf(uint32_t width, uint32_t height) {
    const auto [type, channels] = GetParam();
    return {.shape = {.width = width, .height = height, .channels = channels},
            .sample_type = type};
  }
};

TEST_P(OpenCvWarpTruthTest, RotationsOfNoiseAreNotLessExact) {
  Image source = testing::MakeNoise(SpecOf(97, 80), 5);
  Compare(source);
}

TEST_P(OpenCvWarpTruthTest, RotationsOfSlopesAreNotLessExact) {
  Image source = testing::MakeGradient(SpecOf(90, 101), 6);
  Compare(source);
}

INSTANTIATE_TEST_SUITE_P(AllImages, OpenCvWarpTruthTest,
                         ::testing::Combine(::testing::Values(SampleType::kU8,
                                                              SampleType::kU16,
                                                              SampleType::kF32),
                                            ::testing::Values(1u, 3u, 4u)),
                         [](const auto& parameters) {
                           return absl::StrCat(
                               SampleTypeName(std::get<0>(parameters.param)),
                               "x", std::get<1>(parameters.param));
                         });

}  // namespace
}  // namespace imageadapt
