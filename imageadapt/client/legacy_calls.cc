#include "imageadapt/client/legacy_calls.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"

namespace imageadapt {
namespace {

constexpr char kPngMimeType[] = "image/png";
constexpr absl::string_view kPngSignature("\x89PNG\r\n\x1a\n", 8);
constexpr uint32_t kLegacyMean = 3;

// The side of a square window, where 0 stands for the other's size.
std::optional<uint32_t> SquareSide(uint32_t width, uint32_t height) {
  if (width == 0) return height;
  if (height == 0 || height == width) return width;
  return std::nullopt;
}

std::optional<LegacyCall> CallFor(const v1::Rotate& rotate) {
  const double quarters = rotate.angle_degrees() / 90;
  if (!std::isfinite(quarters) || quarters != std::trunc(quarters)) {
    return std::nullopt;
  }
  const int turns = (static_cast<int>(std::fmod(quarters, 4)) + 4) % 4;
  if (rotate.canvas() == v1::Rotate::CANVAS_SAME && turns % 2 == 1) {
    return std::nullopt;
  }
  return LegacyCall{.method = LegacyCall::kRotateImage, .number = turns};
}

std::optional<LegacyCall> CallFor(const v1::MeanFilter& mean) {
  if (mean.rounding() != v1::MeanFilter::ROUNDING_TRUNCATE ||
      SquareSide(mean.kernel_width(), mean.kernel_height()) != kLegacyMean) {
    return std::nullopt;
  }
  return LegacyCall{.method = LegacyCall::kMeanFilter, .number = 0};
}

std::optional<LegacyCall> CallFor(const v1::MedianFilter& median) {
  const auto side = SquareSide(median.kernel_width(), median.kernel_height());
  if (!side.has_value()) return std::nullopt;
  return LegacyCall{.method = LegacyCall::kMedianBlurFilter,
                    .number = static_cast<int>(*side)};
}

std::optional<LegacyCall> CallFor(const v1::Operation& operation) {
  switch (operation.kind_case()) {
    case v1::Operation::kRotate:
      return CallFor(operation.rotate());
    case v1::Operation::kMeanFilter:
      return CallFor(operation.mean_filter());
    case v1::Operation::kMedianFilter:
      return CallFor(operation.median_filter());
    default:
      return std::nullopt;
  }
}

bool WantsPng(const v1::ProcessImageRequest& request) {
  const std::string& mime_type = request.output().mime_type();
  return mime_type.empty() ? absl::StartsWith(request.image(), kPngSignature)
                           : mime_type == kPngMimeType;
}

// Samples a pixel for PNG's colour types; a palette is shown as colour.
uint32_t ChannelsOf(char color_type) {
  switch (color_type) {
    case 0:
      return 1;
    case 4:
      return 2;
    case 6:
      return 4;
    default:
      return 3;
  }
}

uint32_t BigEndian(absl::string_view bytes) {
  uint32_t number = 0;
  for (const char byte : bytes) {
    number = number << 8 | static_cast<uint8_t>(byte);
  }
  return number;
}

}  // namespace

std::optional<std::vector<LegacyCall>> LegacyCallsFor(
    const v1::ProcessImageRequest& request) {
  if (!WantsPng(request)) return std::nullopt;
  std::vector<LegacyCall> calls;
  for (const v1::Operation& operation : request.operations()) {
    const std::optional<LegacyCall> call = CallFor(operation);
    if (!call.has_value()) return std::nullopt;
    calls.push_back(*call);
  }
  // A turn by nothing is how the older contract converts.
  if (calls.empty()) calls.push_back({.method = LegacyCall::kRotateImage});
  return calls;
}

absl::StatusOr<v1::ProcessImageResponse> ResponseFromPng(std::string file) {
  constexpr size_t kSizeStart = 16;  // after signature, length and "IHDR"
  constexpr size_t kColorType = 25;
  if (file.size() <= kColorType || !absl::StartsWith(file, kPngSignature)) {
    return absl::DataLossError("the answer is not a PNG file");
  }
  const absl::string_view bytes(file);
  v1::ProcessImageResponse response;
  response.set_mime_type(kPngMimeType);
  response.set_width(BigEndian(bytes.substr(kSizeStart, 4)));
  response.set_height(BigEndian(bytes.substr(kSizeStart + 4, 4)));
  response.set_channels(ChannelsOf(bytes[kColorType]));
  response.set_image(std::move(file));
  return response;
}

}  // namespace imageadapt
