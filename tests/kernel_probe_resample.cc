#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "imageadapt/kernels/resample.h"
#include "imageadapt/kernels/warp.h"
#include "tests/kernel_probe.h"

namespace imageadapt {
namespace {

WarpBorder BorderOf(const ProbeFields& fields) {
  constexpr const char* kNames[] = {"constant", "replicate", "reflect101"};
  constexpr WarpBorder kBorders[] = {
      WarpBorder::kConstant, WarpBorder::kReplicate, WarpBorder::kReflect101};
  return kBorders[fields.Choice("border", kNames)];
}

Interpolation InterpolationOf(const ProbeFields& fields) {
  constexpr const char* kNames[] = {"nearest", "bilinear", "bicubic",
                                    "lanczos3"};
  constexpr Interpolation kInterpolations[] = {
      Interpolation::kNearest, Interpolation::kBilinear,
      Interpolation::kBicubic, Interpolation::kLanczos3};
  return kInterpolations[fields.Choice("interpolation", kNames)];
}

std::array<double, kMaxChannels> BackgroundOf(const ProbeFields& fields) {
  std::array<double, kMaxChannels> background = {};
  std::ranges::copy(fields.Numbers("background"), background.begin());
  return background;
}

}  // namespace

absl::StatusOr<ProbePixels> ProbeRotate(const ProbeFields& fields,
                                        const ProbePixels& source) {
  const double angle = fields.Number("degrees") * std::numbers::pi / 180;
  const Rotation rotation = {.cosine = std::cos(angle),
                             .sine = std::sin(angle),
                             .interpolation = InterpolationOf(fields),
                             .border = BorderOf(fields),
                             .background = BackgroundOf(fields)};
  const ImageShape canvas = {.width = fields.Count("canvas_width"),
                             .height = fields.Count("canvas_height"),
                             .channels = source.spec.shape.channels};
  return ProbeInBands(
      fields, source, {.result = canvas, .source_rows = AllRows(source)},
      TypedBand([&](const auto& rows, const auto& band, auto /*scratch*/) {
        Rotate(rows.rows, rotation, canvas, band);
      }));
}

absl::StatusOr<ProbePixels> ProbeTurnOntoCanvas(const ProbeFields& fields,
                                                const ProbePixels& source) {
  const auto turns = static_cast<int>(fields.Count("turns"));
  return ProbeInBands(
      fields, source,
      {.result = source.spec.shape, .source_rows = AllRows(source)},
      TypedBand([&](const auto& rows, const auto& band, auto /*scratch*/) {
        QuarterTurnOntoSameCanvas(rows.rows, turns, BorderOf(fields),
                                  BackgroundOf(fields), band);
      }));
}

absl::StatusOr<ProbePixels> ProbeResize(const ProbeFields& fields,
                                        const ProbePixels& source) {
  constexpr const char* kNames[] = {"area", "bilinear", "bicubic", "lanczos3"};
  constexpr ResizeFilter kFilters[] = {
      ResizeFilter::kArea, ResizeFilter::kBilinear, ResizeFilter::kBicubic,
      ResizeFilter::kLanczos3};
  const ResizeFilter filter = kFilters[fields.Choice("filter", kNames)];
  const ImageShape& shape = source.spec.shape;
  const ImageShape result = {.width = fields.Count("to_width"),
                             .height = fields.Count("to_height"),
                             .channels = shape.channels};
  return ProbeInBands(
      fields, source,
      {.result = result,
       .source_rows =
           [&](Extent rows) {
             return ResizeSourceRows(shape.height, result.height, filter, rows);
           },
       .scratch_bytes = ResizeScratchBytes(source.spec, result, filter)},
      TypedBand([&](const auto& rows, const auto& band, auto scratch) {
        Resize(rows, filter, band, scratch);
      }));
}

}  // namespace imageadapt
