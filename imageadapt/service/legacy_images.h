// The operations of the NLImage contract, on raw samples and on files.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVICE_LEGACY_IMAGES_H_
#define IMAGEADAPT_SERVICE_LEGACY_IMAGES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/exec/workspace.h"
#include "imageadapt/pipeline/pipeline.h"
#include "imageadapt/service/legacy_payload.h"

namespace imageadapt {

// What an answering NLImage says; itself a valid request.
struct LegacyAnswer {
  bool color = false;
  int32_t width = 0;
  int32_t height = 0;
  // Set if the request had it.
  std::optional<int32_t> channels;
  // The data, in order.
  std::vector<Buffer> data;
};

// Raw samples are answered as raw samples of the same layout; a file as a PNG,
// or as a JPEG where docs/nlimage.md says so. Immutable; thread-safe.
//
// Errors are about the fields of the messages of proto/nlimage.proto
// ("image.data"), apart from RESOURCE_EXHAUSTED if memory is short now, and
// CANCELLED or DEADLINE_EXCEEDED if nobody waits any more.
class LegacyImages {
 public:
  LegacyImages(const DecodeLimits& limits, uint64_t max_answer_bytes)
      : limits_(limits), max_answer_bytes_(max_answer_bytes) {}

  // `rotation` is the number that was sent.
  absl::StatusOr<LegacyAnswer> Rotate(const LegacyImage& image,
                                      int64_t rotation,
                                      const Workspace& work) const;
  absl::StatusOr<LegacyAnswer> MeanFilter(const LegacyImage& image,
                                          const Workspace& work) const;
  absl::StatusOr<LegacyAnswer> MedianFilter(const LegacyImage& image,
                                            int32_t kernel,
                                            const Workspace& work) const;

 private:
  absl::StatusOr<LegacyAnswer> Process(const LegacyImage& image,
                                       const v1::Operation& operation,
                                       const Workspace& work) const;

  const DecodeLimits limits_;
  const uint64_t max_answer_bytes_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVICE_LEGACY_IMAGES_H_
