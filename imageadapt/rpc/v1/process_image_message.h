// The messages of ImageProcessingService.ProcessImage, read and written without
// copying the image.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_V1_PROCESS_IMAGE_MESSAGE_H_
#define IMAGEADAPT_RPC_V1_PROCESS_IMAGE_MESSAGE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "imageadapt/base/byte_rope.h"
#include "imageadapt/service/image_processing.h"
#include "imageadapt/v1/image_processing.pb.h"

namespace imageadapt {

struct ProcessImageCall {
  // Lent from the message.
  ByteRope image;
  // Everything but the image.
  v1::ProcessImageRequest request;
};

// INVALID_ARGUMENT if the bytes are no protobuf message.
absl::StatusOr<ProcessImageCall> ParseProcessImage(const ByteRope& message);

// What stands before the file of a ProcessImageResponse; nothing stands after.
std::string ProcessImageHead(const ProcessedImage& result, uint64_t file_bytes);

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_V1_PROCESS_IMAGE_MESSAGE_H_
