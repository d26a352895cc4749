// From our statuses to those of the wire, with details programs can read.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_STATUS_MAPPING_H_
#define IMAGEADAPT_RPC_STATUS_MAPPING_H_

#include <grpcpp/support/status.h>

#include <cstdint>
#include <optional>

#include "absl/status/status.h"

namespace imageadapt {

// The details are a google.rpc.Status (see
// proto/imageadapt/v1/rich_error.proto) with ErrorInfo, BadRequest and
// RetryInfo, as far as they apply. Text and details together stay below 4 KiB,
// so they fit in any peer's headers. What went wrong inside the server is not
// told.
grpc::Status ToGrpcStatus(const absl::Status& status);

// Milliseconds for the trailer grpc-retry-pushback-ms, if a retry may help.
std::optional<int64_t> PushbackMs(const absl::Status& status);

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_STATUS_MAPPING_H_
