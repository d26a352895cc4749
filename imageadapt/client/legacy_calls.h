// The older NLImage contract, for servers that know no other.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CLIENT_LEGACY_CALLS_H_
#define IMAGEADAPT_CLIENT_LEGACY_CALLS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "imageadapt/v1/image_processing.pb.h"

namespace imageadapt {

// One call of NLImageService.
struct LegacyCall {
  enum Method { kRotateImage, kMeanFilter, kMedianBlurFilter };
  Method method = kRotateImage;
  // Quarter turns counter-clockwise, or the side of the median's window.
  int number = 0;

  friend bool operator==(const LegacyCall&, const LegacyCall&) = default;
};

// The calls that, each given the answer of the one before, do the same as
// `request`; at least one. Absent if the older contract cannot express it: it
// knows quarter turns, the truncated 3 x 3 mean and square medians, and answers
// files as PNG.
std::optional<std::vector<LegacyCall>> LegacyCallsFor(
    const v1::ProcessImageRequest& request);

// The answer of the last call as the newer contract tells it. DATA_LOSS if
// `file` is no PNG.
absl::StatusOr<v1::ProcessImageResponse> ResponseFromPng(std::string file);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CLIENT_LEGACY_CALLS_H_
