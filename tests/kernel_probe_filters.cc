#include "imageadapt/kernels/box_mean.h"
#include "imageadapt/kernels/window_median.h"
#include "tests/kernel_probe.h"

namespace imageadapt {

ProbeImage ProbeMean(const ProbeFields& fields, const ProbeImage& source) {
  constexpr const char* kNames[] = {"nearest", "truncate"};
  const MeanOptions options = {
      .window = fields.Window(),
      .border = fields.Border(),
      .rounding = fields.Choice("rounding", kNames) == 0
                      ? MeanRounding::kNearest
                      : MeanRounding::kTruncate};
  const size_t scratch_bytes = BoxMeanScratchBytes(source.spec(), options);
  return ProbeInBands(
      fields, source, source.spec().shape, options.window.height / 2,
      [&](const auto& from, const auto& to) {
        WithTypedProbeBands(from, to, [&](const auto& rows, const auto& band) {
          BoxMean(rows, options, band, ProbeScratch(scratch_bytes));
        });
      });
}

ProbeImage ProbeMedian(const ProbeFields& fields, const ProbeImage& source) {
  const MedianOptions options = {.window = fields.Window(),
                                 .border = fields.Border()};
  const size_t scratch_bytes = WindowMedianScratchBytes(source.spec(), options);
  return ProbeInBands(
      fields, source, source.spec().shape, options.window.height / 2,
      [&](const auto& from, const auto& to) {
        WithTypedProbeBands(from, to, [&](const auto& rows, const auto& band) {
          WindowMedian(rows, options, band, ProbeScratch(scratch_bytes));
        });
      });
}

}  // namespace imageadapt
