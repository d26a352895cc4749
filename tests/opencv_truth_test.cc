// Kernels against OpenCV, on random cases.
// SPDX-License-Identifier: Apache-2.0
#include "tests/opencv_truth.h"

#include <gtest/gtest.h>

#include <opencv2/imgproc.hpp>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/image/orientation.h"
#include "imageadapt/kernels/box_mean.h"
#include "imageadapt/kernels/quarter_turn.h"
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

}  // namespace
}  // namespace imageadapt
