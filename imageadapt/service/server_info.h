// What a server tells about itself.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_SERVICE_SERVER_INFO_H_
#define IMAGEADAPT_SERVICE_SERVER_INFO_H_

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "imageadapt/pipeline/pipeline.h"
#include "imageadapt/v1/server_info.pb.h"

namespace imageadapt {

// What only the server itself knows; see v1.ServerLimits.
struct ServerFacts {
  DecodeLimits decode;
  uint64_t max_message_bytes = 0;
  uint64_t memory_budget_bytes = 0;
  size_t workers = 0;
  size_t max_queued = 0;
  std::chrono::milliseconds max_wait{0};
};

v1::GetServerInfoResponse DescribeServer(const ServerFacts& facts);

}  // namespace imageadapt

#endif  // IMAGEADAPT_SERVICE_SERVER_INFO_H_
