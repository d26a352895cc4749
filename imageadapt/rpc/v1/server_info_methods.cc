#include "imageadapt/rpc/v1/server_info_methods.h"

#include <string>

#include "imageadapt/base/refusal.h"
#include "imageadapt/rpc/reply_message.h"

namespace imageadapt {
namespace {

// Fields that a later contract may add are of no use here; they need not be
// many.
constexpr size_t kMostBytes = 4096;

absl::StatusOr<grpc::ByteBuffer> GetServerInfo(const std::string& answer,
                                               const ByteRope& message) {
  v1::GetServerInfoRequest request;
  if (message.size() > kMostBytes ||
      !request.ParseFromString(message.ToString())) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadMessage,
                   "the message is no protobuf message of this method");
  }
  return ReplyMessage(answer, {});
}

}  // namespace

std::vector<ImageMethod> ServerInfoMethods(
    const v1::GetServerInfoResponse& info) {
  return {{.path = "/imageadapt.v1.ServerInfoService/GetServerInfo",
           .answer = [answer = info.SerializeAsString()](
                         const ByteRope& message, const Workspace& /*work*/) {
             return GetServerInfo(answer, message);
           }}};
}

}  // namespace imageadapt
