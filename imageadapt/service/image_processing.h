// One image file through a list of operations, for the v1 contract.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVICE_IMAGE_PROCESSING_H_
#define IMAGEADAPT_SERVICE_IMAGE_PROCESSING_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/byte_rope.h"
#include "imageadapt/exec/workspace.h"
#include "imageadapt/pipeline/pipeline.h"

namespace imageadapt {

// Operations of a call.
inline constexpr int kMaxOperations = 16;

struct ProcessedImage {
  std::string mime_type;
  ImageShape shape;  // of the first frame
  uint32_t frames = 1;
  // The file, in order.
  std::vector<Buffer> file;
};

// What becomes of a file's metadata, and how the result is encoded; see
// v1.ProcessImageRequest and v1.OutputOptions.
struct OutputFormat {
  std::string mime_type;
  uint32_t quality = 0;
  EncodeOptions::Effort effort = EncodeOptions::Effort::kDefault;
  // Of a file with several.
  enum class Frames : uint8_t { kAllIfHeld, kAll, kFirst };
  Frames frames = Frames::kAllIfHeld;
  InputPolicy input = {};
  bool drops_metadata = false;
};

// Immutable; thread-safe.
class ImageProcessing {
 public:
  // Answers never become longer than `max_answer_bytes`.
  ImageProcessing(const DecodeLimits& limits, uint64_t max_answer_bytes)
      : limits_(limits), max_answer_bytes_(max_answer_bytes) {}

  // See v1.ImageProcessingService.ProcessImage. A JPEG that is only turned and
  // stays a JPEG is turned without loss where that is exact.
  absl::StatusOr<ProcessedImage> Process(const ByteRope& file,
                                         const OperationSpecs& operations,
                                         const OutputFormat& output,
                                         const Workspace& work) const;

 private:
  const DecodeLimits limits_;
  const uint64_t max_answer_bytes_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVICE_IMAGE_PROCESSING_H_
