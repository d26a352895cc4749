// HSV against OpenCV, on random cases.
// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <opencv2/imgproc.hpp>

#include "absl/strings/str_cat.h"
#include "imageadapt/kernels/hsv.h"
#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/image_makers.h"
#include "tests/opencv_truth.h"

namespace imageadapt {
namespace {

TEST(OpenCvHsvTruthTest, EightBitsAreAsNearAsRoundingAllows) {
  for (uint32_t i = 0; i < 50; ++i) {
    RandomCase random(i);
    ImageSpec spec = random.Spec(3);
    spec.sample_type = SampleType::kU8;
    SCOPED_TRACE(absl::StrCat("seed ", TruthSeed(), ", case ", i));
    const Image source = testing::MakeNoise(spec, i);
    const auto from = source.view().As<uint8_t>();
    cv::Mat expected;
    cv::cvtColor(ToMat(from), expected, cv::COLOR_RGB2HSV_FULL);
    testing::OnEveryTarget([&] {
      Image ours = testing::MakeImage(spec);
      const ImageView<uint8_t> to = ours.view().As<uint8_t>();
      RgbToHsv(from, to);
      for (uint32_t y = 0; y < spec.shape.height; ++y) {
        const uint8_t* const theirs = expected.ptr(static_cast<int>(y));
        for (size_t x = 0; x < to.row(y).size(); ++x) {
          int apart = std::abs(to.row(y)[x] - theirs[x]);
          // Hues lie on a circle.
          if (x % 3 == 0) apart = std::min(apart, 256 - apart);
          ASSERT_LE(apart, 1) << "sample " << x << " of row " << y;
        }
      }
    });
  }
}

}  // namespace
}  // namespace imageadapt
