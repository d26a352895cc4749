// What one call came to, for the log.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_CALL_RECORD_H_
#define IMAGEADAPT_RPC_CALL_RECORD_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/status/status.h"

namespace imageadapt {

struct CallRecord {
  std::string method;
  std::string peer;
  absl::Status status;
  uint64_t request_bytes = 0;
  uint64_t reply_bytes = 0;
  std::chrono::microseconds queued{0};
  std::chrono::microseconds worked{0};
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_CALL_RECORD_H_
