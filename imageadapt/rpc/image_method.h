// A method that carries images: its path, and what is done with a message.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_RPC_IMAGE_METHOD_H_
#define IMAGEADAPT_RPC_IMAGE_METHOD_H_

#include <grpcpp/support/byte_buffer.h>

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "imageadapt/base/byte_rope.h"
#include "imageadapt/exec/workspace.h"

namespace imageadapt {

struct ImageMethod {
  // As on the wire: "/NLImageService/RotateImage".
  std::string path;

  // Answers one serialized request with a serialized reply. Called on a worker,
  // by many threads at once. The request is lent for the call only.
  std::function<absl::StatusOr<grpc::ByteBuffer>(const ByteRope& request,
                                                 const Workspace& work)>
      answer;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_RPC_IMAGE_METHOD_H_
