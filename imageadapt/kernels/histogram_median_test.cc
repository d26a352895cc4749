// Against sorting each window, on every kind of processor.
#include "imageadapt/kernels/histogram_median.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "imageadapt/testing/every_target.h"
#include "imageadapt/testing/median_reference.h"

namespace imageadapt {
namespace {

using testing::CheckLargeMedianCases;
using testing::CheckMedian;
using testing::CheckMedianCases;
using testing::GuardedScratch;
using testing::MedianTestImage;
using testing::OnEveryTarget;

// With just the scratch that it asks for.
template <typename T>
void Median(const RowBand<ImageView<const T>>& source,
            const MedianOptions& options, const RowBand<ImageView<T>>& target) {
  const size_t bytes = HistogramMedianScratchBytes(
      {.shape = target.rows.shape(), .sample_type = kSampleTypeOf<T>}, options);
  HistogramMedian<T>(source, options, target, GuardedScratch(bytes));
}

TEST(HistogramMedianTest, IsTheMiddleOfEveryWindowOf8Bits) {
  OnEveryTarget([] {
    CheckMedianCases<uint8_t>(Median<uint8_t>);
    CheckLargeMedianCases<uint8_t>(Median<uint8_t>);
  });
}

TEST(HistogramMedianTest, IsTheMiddleOfEveryWindowOf16Bits) {
  OnEveryTarget([] {
    CheckMedianCases<uint16_t>(Median<uint16_t>);
    CheckLargeMedianCases<uint16_t>(Median<uint16_t>);
  });
}

// Rows that are cut into several strips.
TEST(HistogramMedianTest, HasNoSeamsBetweenStrips) {
  OnEveryTarget([] {
    std::mt19937 random(5);
    for (const WindowSize window : {WindowSize{.width = 5, .height = 3},
                                    WindowSize{.width = 255, .height = 1}}) {
      for (const BorderMode border :
           {BorderMode::kClip, BorderMode::kReflect101}) {
        for (const uint32_t channels : {1U, 3U}) {
          CheckMedian<uint8_t>(
              {.shape = {.width = 4700, .height = 5, .channels = channels},
               .options = {.window = window, .border = border},
               .image = MedianTestImage::kSmooth,
               .probes = 2000},
              random, Median<uint8_t>);
        }
      }
    }
  });
}

}  // namespace
}  // namespace imageadapt
