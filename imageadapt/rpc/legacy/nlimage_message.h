// The messages of proto/nlimage.proto, read and written without copying the
// image.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_LEGACY_NLIMAGE_MESSAGE_H_
#define IMAGEADAPT_RPC_LEGACY_NLIMAGE_MESSAGE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "imageadapt/base/byte_rope.h"
#include "imageadapt/service/legacy_images.h"

namespace imageadapt {

// NLImageRotateRequest.
struct RotateRequest {
  int32_t rotation = 0;
  LegacyImage image;
};

// NLImageMedianRequest.
struct MedianRequest {
  LegacyImage image;
  int32_t kernel = 0;
};

// The images lend their data from `message`. INVALID_ARGUMENT if the bytes are
// no protobuf message. Like every protobuf parser: absent fields have their
// default, the last of several counts, and what is unknown is skipped.
absl::StatusOr<LegacyImage> ParseNLImage(const ByteRope& message);
absl::StatusOr<RotateRequest> ParseRotateRequest(const ByteRope& message);
absl::StatusOr<MedianRequest> ParseMedianRequest(const ByteRope& message);

// What stands before the data of an answering NLImage; nothing stands after it.
std::string NLImageHead(const LegacyAnswer& answer, uint64_t data_bytes);

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_LEGACY_NLIMAGE_MESSAGE_H_
