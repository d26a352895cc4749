// Puts a reply together without copying its image.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_REPLY_MESSAGE_H_
#define IMAGEADAPT_RPC_REPLY_MESSAGE_H_

#include <grpcpp/support/byte_buffer.h>

#include <string>
#include <vector>

#include "imageadapt/base/buffer_pool.h"

namespace imageadapt {

// The message `head` + `blocks`. The blocks go back to their pool once
// gRPC has sent them.
grpc::ByteBuffer ReplyMessage(const std::string& head,
                              std::vector<Buffer> blocks);

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_REPLY_MESSAGE_H_
