#include "imageadapt/ops/filter_window.h"

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

absl::Status CheckSide(absl::string_view field, uint32_t side,
                       uint32_t largest) {
  if (side % 2 == 1 && side <= largest) return absl::OkStatus();
  return InvalidField(field, "must be odd and from 1 to ", largest, ", got ",
                      side);
}

}  // namespace

absl::StatusOr<WindowSize> FilterWindow(uint32_t kernel_width,
                                        uint32_t kernel_height,
                                        uint32_t largest) {
  if (kernel_width == 0) kernel_width = kernel_height;
  if (kernel_height == 0) kernel_height = kernel_width;
  RETURN_IF_ERROR(CheckSide("kernel_width", kernel_width, largest));
  RETURN_IF_ERROR(CheckSide("kernel_height", kernel_height, largest));
  return WindowSize{.width = kernel_width, .height = kernel_height};
}

absl::StatusOr<BorderMode> FilterBorder(v1::BorderMode border,
                                        BorderMode unspecified) {
  switch (border) {
    case v1::BORDER_MODE_UNSPECIFIED:
      return unspecified;
    case v1::BORDER_MODE_CLIP:
      return BorderMode::kClip;
    case v1::BORDER_MODE_REPLICATE:
      return BorderMode::kReplicate;
    case v1::BORDER_MODE_REFLECT_101:
      return BorderMode::kReflect101;
    default:
      return InvalidField("border", "has no value ", static_cast<int>(border));
  }
}

OperationPlan FilterPlan(const ImageSpec& input, WindowSize window,
                         uint64_t scratch_bytes) {
  return {.output = input,
          .need = {.all = false,
                   .above = window.height / 2,
                   .below = window.height / 2},
          .scratch_bytes = scratch_bytes};
}

}  // namespace imageadapt
