#include <algorithm>
#include <cmath>
#include <numbers>

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

ProbeImage ProbeRotate(const ProbeFields& fields, const ProbeImage& source) {
  const double angle = fields.Number("degrees") * std::numbers::pi / 180;
  Rotation rotation = {.cosine = std::cos(angle), .sine = std::sin(angle)};
  std::ranges::copy(fields.Numbers("background"), rotation.background.begin());
  Choose(fields, rotation);
  const ImageShape canvas = {.width = fields.Count("canvas_width"),
                             .height = fields.Count("canvas_height"),
                             .channels = source.spec().shape.channels};
  return ProbeInBands(
      fields, source, canvas, kAllRows, [&](const auto& from, const auto& to) {
        WithTypedProbeBands(from, to, [&](const auto& rows, const auto& band) {
          Rotate(rows.rows, rotation, canvas, band);
        });
      });
}

}  // namespace imageadapt
