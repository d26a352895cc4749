// Messages of the methods that carry no image.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_SMALL_MESSAGE_H_
#define IMAGEADAPT_RPC_SMALL_MESSAGE_H_

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/status.h>

namespace imageadapt {

// Parses a message of at most 64 KiB, which gRPC itself cannot limit for single
// methods. INVALID_ARGUMENT if there is none, it is longer, or is not of this
// type; UNIMPLEMENTED if it is compressed.
grpc::Status ReadSmallMessage(const grpc::ByteBuffer& bytes,
                              google::protobuf::MessageLite& message);

grpc::ByteBuffer WriteSmallMessage(
    const google::protobuf::MessageLite& message);

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_SMALL_MESSAGE_H_
