#include "bench/ours.h"
#include "imageadapt/kernels/box_mean.h"
#include "imageadapt/kernels/window_median.h"

namespace imageadapt::bench {

std::optional<Contender> OurMean(const Job& job) {
  const uint32_t side = job.operation.parameter;
  const MeanOptions options = {.window = {.width = side, .height = side},
                               .border = job.border};
  return InBands(
      job, BoxMeanScratchBytes(job.source.spec(), options),
      [source = job.source, options](const RowBand<AnyImageView>& target,
                                     std::span<std::byte> scratch) {
        target.rows.Visit([&]<typename T>(ImageView<T> rows) {
          BoxMean(WholeImage(source.As<T>()), options, TypedBand(target, rows),
                  scratch);
        });
      });
}

std::optional<Contender> OurMedian(const Job& job) {
  const uint32_t side = job.operation.parameter;
  const MedianOptions options = {.window = {.width = side, .height = side},
                                 .border = job.border};
  return InBands(
      job, WindowMedianScratchBytes(job.source.spec(), options),
      [source = job.source, options](const RowBand<AnyImageView>& target,
                                     std::span<std::byte> scratch) {
        target.rows.Visit([&]<typename T>(ImageView<T> rows) {
          WindowMedian(WholeImage(source.As<T>()), options,
                       TypedBand(target, rows), scratch);
        });
      });
}

}  // namespace imageadapt::bench
