#include "imageadapt/rpc/v1/process_image_message.h"

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/rpc/wire_reader.h"
#include "imageadapt/rpc/wire_writer.h"

namespace imageadapt {
namespace {

using v1::ProcessImageRequest;
using v1::ProcessImageResponse;

// Sixteen operations are a few hundred bytes.
constexpr size_t kMaxParameterBytes = size_t{64} << 10;

}  // namespace

absl::StatusOr<ProcessImageCall> ParseProcessImage(const ByteRope& message) {
  ProcessImageCall call;
  std::string parameters;
  WireReader reader(message);
  WireField field;
  while (true) {
    ASSIGN_OR_RETURN(const bool has_field, reader.Next(field));
    if (!has_field) break;
    if (field.number == ProcessImageRequest::kImageFieldNumber) {
      if (field.type == WireType::kBytes) call.image = field.bytes;
      continue;
    }
    if (field.end - field.begin > kMaxParameterBytes - parameters.size()) {
      return Refusal(absl::StatusCode::kInvalidArgument, kBadMessage,
                     "the fields beside the image are longer than ",
                     kMaxParameterBytes, " bytes");
    }
    parameters +=
        message.Subrange(field.begin, field.end - field.begin).ToString();
  }
  if (!call.request.ParseFromString(parameters)) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadMessage,
                   "the message is no protobuf message of this method");
  }
  return call;
}

std::string ProcessImageHead(const ProcessedImage& result,
                             uint64_t file_bytes) {
  ProcessImageResponse rest;
  rest.set_mime_type(result.mime_type);
  rest.set_width(result.shape.width);
  rest.set_height(result.shape.height);
  rest.set_channels(result.shape.channels);
  rest.set_frames(result.frames);
  std::string head = rest.SerializeAsString();
  AppendTag(ProcessImageResponse::kImageFieldNumber, WireType::kBytes, head);
  AppendVarint(file_bytes, head);
  return head;
}

}  // namespace imageadapt
