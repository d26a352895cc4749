// The methods of imageadapt.v1.ImageProcessingService.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_V1_IMAGE_PROCESSING_METHODS_H_
#define IMAGEADAPT_RPC_V1_IMAGE_PROCESSING_METHODS_H_

#include <vector>

#include "imageadapt/rpc/image_method.h"
#include "imageadapt/service/image_processing.h"

namespace imageadapt {

// `processing` must outlive the result.
std::vector<ImageMethod> ImageProcessingMethods(
    const ImageProcessing& processing);

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_V1_IMAGE_PROCESSING_METHODS_H_
