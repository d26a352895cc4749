// Against sorting each window, on every kind of processor.
#include "imageadapt/kernels/rank_median.h"

#include <gtest/gtest.h>

#include <random>
#include <span>

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
  const size_t bytes = RankMedianScratchBytes(
      {.shape = target.rows.shape(), .sample_type = kSampleTypeOf<T>}, options);
  RankMedian<T>(source, options, target, GuardedScratch(bytes));
}

TEST(RankMedianTest, IsTheMiddleOfEveryWindow) {
  OnEveryTarget([] {
    CheckMedianCases<float>(Median<float>);
    CheckLargeMedianCases<float>(Median<float>);
  });
}

template <typename T>
void CheckSeams(MedianTestImage image) {
  std::mt19937 random(6);
  for (const BorderMode border : {BorderMode::kClip, BorderMode::kReplicate}) {
    CheckMedian<T>(
        {.shape = {.width = 700, .height = 300, .channels = 1},
         .options = {.window = {.width = 31, .height = 9}, .border = border},
         .image = image,
         .probes = 1000},
        random, Median<T>);
    CheckMedian<T>(
        {.shape = {.width = 400, .height = 500, .channels = 2},
         .options = {.window = {.width = 155, .height = 201}, .border = border},
         .image = image,
         .probes = 20},
        random, Median<T>);
  }
}

TEST(RankMedianTest, HasNoSeamsBetweenTiles) {
  OnEveryTarget([] {
    CheckSeams<float>(MedianTestImage::kSmooth);
    CheckSeams<float>(MedianTestImage::kWithNans);
    CheckSeams<uint16_t>(MedianTestImage::kFewValues);
  });
}

}  // namespace
}  // namespace imageadapt
