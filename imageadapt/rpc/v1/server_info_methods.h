// The methods of imageadapt.v1.ServerInfoService.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_V1_SERVER_INFO_METHODS_H_
#define IMAGEADAPT_RPC_V1_SERVER_INFO_METHODS_H_

#include <vector>

#include "imageadapt/rpc/image_method.h"
#include "imageadapt/v1/server_info.pb.h"

namespace imageadapt {

// They answer with `info`, whatever is asked.
std::vector<ImageMethod> ServerInfoMethods(
    const v1::GetServerInfoResponse& info);

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_V1_SERVER_INFO_METHODS_H_
