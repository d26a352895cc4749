// Inflates compressed messages, under a limit and while counting.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_INFLATE_MESSAGE_H_
#define IMAGEADAPT_RPC_INFLATE_MESSAGE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/byte_rope.h"
#include "imageadapt/exec/workspace.h"

namespace imageadapt {

// Whether a message is gzip data (RFC 1952). Its first two bytes begin no
// protobuf message: they would be a field of a kind that does not exist.
bool IsGzip(const ByteRope& message);

// Memory is reserved while the message grows. INVALID_ARGUMENT if it is
// damaged, cut off, or inflates to more than `max_bytes`; other errors as
// ReserveMemory() and CallContext::Check().
absl::StatusOr<std::vector<Buffer>> InflateGzip(const ByteRope& message,
                                                uint64_t max_bytes,
                                                const Workspace& work);

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_INFLATE_MESSAGE_H_
