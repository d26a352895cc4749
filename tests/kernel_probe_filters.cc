#include "imageadapt/kernels/box_mean.h"
#include "imageadapt/kernels/edge_magnitude.h"
#include "imageadapt/kernels/gaussian.h"
#include "imageadapt/kernels/window_median.h"
#include "tests/kernel_probe.h"

namespace imageadapt {

absl::StatusOr<ProbePixels> ProbeMean(const ProbeFields& fields,
                                      const ProbePixels& source) {
  constexpr const char* kNames[] = {"nearest", "truncate"};
  const MeanOptions options = {
      .window = fields.Window(),
      .border = fields.Border(),
      .rounding = fields.Choice("rounding", kNames) == 0
                      ? MeanRounding::kNearest
                      : MeanRounding::kTruncate};
  return ProbeInBands(
      fields, source,
      {.result = source.spec.shape,
       .source_rows = RowsAround(source, options.window.height / 2),
       .scratch_bytes = BoxMeanScratchBytes(source.spec, options)},
      TypedBand([&](const auto& rows, const auto& band, auto scratch) {
        BoxMean(rows, options, band, scratch);
      }));
}

absl::StatusOr<ProbePixels> ProbeMedian(const ProbeFields& fields,
                                        const ProbePixels& source) {
  const MedianOptions options = {.window = fields.Window(),
                                 .border = fields.Border()};
  return ProbeInBands(
      fields, source,
      {.result = source.spec.shape,
       .source_rows = RowsAround(source, options.window.height / 2),
       .scratch_bytes = WindowMedianScratchBytes(source.spec, options)},
      TypedBand([&](const auto& rows, const auto& band, auto scratch) {
        WindowMedian(rows, options, band, scratch);
      }));
}

absl::StatusOr<ProbePixels> ProbeGaussian(const ProbeFields& fields,
                                          const ProbePixels& source) {
  const GaussianOptions options = {.sigma = fields.Number("sigma"),
                                   .border = fields.Border()};
  return ProbeInBands(
      fields, source,
      {.result = source.spec.shape,
       .source_rows = RowsAround(source, GaussianRadius(options.sigma)),
       .scratch_bytes = GaussianBlurScratchBytes(source.spec, options)},
      TypedBand([&](const auto& rows, const auto& band, auto scratch) {
        GaussianBlur(rows, options, band, scratch);
      }));
}

absl::StatusOr<ProbePixels> ProbeEdges(const ProbeFields& fields,
                                       const ProbePixels& source) {
  const EdgeOptions options = {.border = fields.Border()};
  return ProbeInBands(
      fields, source,
      {.result = source.spec.shape, .source_rows = RowsAround(source, 1)},
      TypedBand([&](const auto& rows, const auto& band, auto /*scratch*/) {
        EdgeMagnitude(rows, options, band);
      }));
}

}  // namespace imageadapt
