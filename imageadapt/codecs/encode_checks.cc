#include "imageadapt/codecs/encode_checks.h"

#include <algorithm>

#include "imageadapt/base/refusal.h"

namespace imageadapt {

absl::Status CheckHasBytes(absl::string_view format, const ImageSpec& spec) {
  if (spec.sample_type == SampleType::kU8) return absl::OkStatus();
  return Refusal(absl::StatusCode::kInvalidArgument, kBadField, format,
                 " cannot hold ", SampleTypeName(spec.sample_type),
                 " samples, only u8");
}

absl::Status CheckSides(absl::string_view format, const ImageSpec& spec,
                        uint32_t most) {
  if (std::max(spec.shape.width, spec.shape.height) <= most) {
    return PixelBytes(spec).status();
  }
  return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge, format,
                 " cannot hold ", spec.shape.width, " x ", spec.shape.height,
                 " pixels; its sides have at most ", most);
}

}  // namespace imageadapt
