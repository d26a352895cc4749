// What the bytes of an NLImage are: raw samples or a whole file.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVICE_LEGACY_PAYLOAD_H_
#define IMAGEADAPT_SERVICE_LEGACY_PAYLOAD_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "imageadapt/base/byte_rope.h"
#include "imageadapt/pipeline/pipeline.h"

namespace imageadapt {

// The fields of an NLImage message, as they were sent. Lends its data.
struct LegacyImage {
  bool color = false;
  ByteRope data;
  int32_t width = 0;
  int32_t height = 0;
  // Absent, or 0: 3 if `color`, else 1.
  std::optional<int32_t> channels;
};

struct LegacyPayload {
  enum class Form { kRaw, kFile, kBase64File };
  Form form = Form::kRaw;
  // For raw samples.
  RawLayout layout;
};

// Tells the forms apart by the rules of docs/nlimage.md. Looks at sizes and at
// the first bytes only. INVALID_ARGUMENT about "data" if it is none of them.
absl::StatusOr<LegacyPayload> RecognizePayload(const LegacyImage& image);

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVICE_LEGACY_PAYLOAD_H_
