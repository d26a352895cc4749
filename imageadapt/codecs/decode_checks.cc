#include "imageadapt/codecs/decode_checks.h"

#include <algorithm>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {

absl::Status CheckSize(uint64_t width, uint64_t height,
                       const DecodeLimits& limits) {
  if (std::max(width, height) > limits.max_side) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "the image has ", width, " x ", height,
                   " pixels; the limit for a side is ", limits.max_side);
  }
  if (width * height > limits.max_pixels) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "the image has ", width, " x ", height, " = ",
                   width * height, " pixels; the limit is ", limits.max_pixels);
  }
  return absl::OkStatus();
}

absl::Status CheckFrames(uint64_t count, uint64_t width, uint64_t height,
                         const DecodeLimits& limits) {
  if (count > limits.max_frames) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "the file has ", count, " frames; the limit is ",
                   limits.max_frames);
  }
  RETURN_IF_ERROR(CheckSize(width, height, limits));
  uint64_t pixels = 0;
  if (__builtin_mul_overflow(count, width * height, &pixels) ||
      pixels > limits.max_pixels_of_all_frames) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "the file has ", count, " frames of ", width, " x ", height,
                   " pixels; the limit for all together is ",
                   limits.max_pixels_of_all_frames);
  }
  return absl::OkStatus();
}

absl::Status DamagedHeader(absl::string_view format,
                           absl::string_view problem) {
  return Refusal(absl::StatusCode::kInvalidArgument, kImageDamaged, "the ",
                 format, " file is damaged in its header: ", problem);
}

absl::Status DamagedRows(absl::string_view format, uint32_t row,
                         uint32_t height, absl::string_view problem) {
  return Refusal(absl::StatusCode::kInvalidArgument, kImageDamaged, "the ",
                 format, " file is damaged: reached row ", row, " of ", height,
                 ": ", problem);
}

absl::Status NotSupported(absl::string_view format, absl::string_view kind) {
  return Refusal(absl::StatusCode::kInvalidArgument, kUnknownFormat, format,
                 " files with ", kind, " are not supported");
}

}  // namespace imageadapt
