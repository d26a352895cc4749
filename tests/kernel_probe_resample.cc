#include <algorithm>
#include <cmath>
#include <numbers>

#include "imageadapt/kernels/resample.h"
#include "imageadapt/kernels/warp.h"
#include "tests/kernel_probe.h"

namespace imageadapt {
namespace {

void Choose(const ProbeFields& fields, Rotation& rotation) {
  constexpr const char* kNames[] = {"nearest", "bilinear", "bicubic",
                                    "lanczos3"};
  constexpr Interpolation kInterpolations[] = {
      Interpolation::kNearest, Interpolation::kBilinear,
      Interpolation::kBicubic, Interpolation::kLanczos3};
  constexpr const char* kBorderNames[] = {"constant", "replicate",
                                          "reflect101"};
  constexpr WarpBorder kBorders[] = {
      WarpBorder::kConstant, WarpBorder::kReplicate, WarpBorder::kReflect101};
  rotation.interpolation =
      kInterpolations[fields.Choice("interpolation", kNames)];
  rotation.border = kBorders[fields.Choice("border", kBorderNames)];
}

}  // namespace

absl::StatusOr<ProbePixels> ProbeRotate(const ProbeFields& fields,
                                        const ProbePixels& source) {
  const double angle = fields.Number("degrees") * std::numbers::pi / 180;
  Rotation rotation = {.cosine = std::cos(angle), .sine = std::sin(angle)};
  std::ranges::copy(fields.Numbers("background"), rotation.background.begin());
  Choose(fields, rotation);
  const ImageShape canvas = {.width = fields.Count("canvas_width"),
                             .height = fields.Count("canvas_height"),
                             .channels = source.spec.shape.channels};
  return ProbeInBands(
      fields, source, {.result = canvas, .source_rows = AllRows(source)},
      TypedBand([&](const auto& rows, const auto& band, auto /*scratch*/) {
        Rotate(rows.rows, rotation, canvas, band);
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
