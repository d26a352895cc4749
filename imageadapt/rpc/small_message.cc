#include "imageadapt/rpc/small_message.h"

#include <span>
#include <string>
#include <vector>

#include "imageadapt/base/byte_rope.h"
#include "imageadapt/rpc/inflate_message.h"

namespace imageadapt {
namespace {

constexpr size_t kMostBytes = size_t{64} << 10;

}  // namespace

grpc::Status ReadSmallMessage(const grpc::ByteBuffer& bytes,
                              google::protobuf::MessageLite& message) {
  using grpc::StatusCode;
  std::vector<grpc::Slice> slices;
  if (!bytes.Valid() || !bytes.Dump(&slices).ok()) {
    return {StatusCode::INVALID_ARGUMENT, "the call has no message"};
  }
  if (bytes.Length() > kMostBytes) {
    return {StatusCode::INVALID_ARGUMENT,
            "the message is longer than 65536 bytes"};
  }
  ByteRope rope;
  for (const grpc::Slice& slice : slices) {
    rope.Append(std::as_bytes(std::span(slice.begin(), slice.size())));
  }
  if (IsGzip(rope)) {
    return {StatusCode::UNIMPLEMENTED,
            "only methods with images take compressed messages"};
  }
  if (!message.ParseFromString(rope.ToString())) {
    return {StatusCode::INVALID_ARGUMENT,
            "the message is no protobuf message of this method"};
  }
  return grpc::Status::OK;
}

grpc::ByteBuffer WriteSmallMessage(
    const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return {&slice, 1};
}

}  // namespace imageadapt
