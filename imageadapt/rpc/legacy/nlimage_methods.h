// The methods of the NLImage contract under every path that clients call.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_LEGACY_NLIMAGE_METHODS_H_
#define IMAGEADAPT_RPC_LEGACY_NLIMAGE_METHODS_H_

#include <vector>

#include "imageadapt/rpc/image_method.h"
#include "imageadapt/service/legacy_images.h"

namespace imageadapt {

// `images` must outlive the result.
std::vector<ImageMethod> NLImageMethods(const LegacyImages& images);

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_LEGACY_NLIMAGE_METHODS_H_
