#include "imageadapt/rpc/v1/image_processing_methods.h"

#include <string>
#include <utility>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/rpc/reply_message.h"
#include "imageadapt/rpc/v1/process_image_message.h"

namespace imageadapt {
namespace {

absl::StatusOr<OutputFormat::Frames> FramesOf(const v1::OutputOptions& output) {
  switch (output.frames()) {
    case v1::OutputOptions::FRAMES_UNSPECIFIED:
      return OutputFormat::Frames::kAllIfHeld;
    case v1::OutputOptions::FRAMES_ALL:
      return OutputFormat::Frames::kAll;
    case v1::OutputOptions::FRAMES_FIRST:
      return OutputFormat::Frames::kFirst;
    default:
      return InvalidField("output.frames", "is unknown: ", output.frames());
  }
}

absl::StatusOr<grpc::ByteBuffer> ProcessImage(const ImageProcessing& processing,
                                              const ByteRope& message,
                                              const Workspace& work) {
  ASSIGN_OR_RETURN(const ProcessImageCall call, ParseProcessImage(message));
  const v1::OutputOptions& output = call.request.output();
  ASSIGN_OR_RETURN(const OutputFormat::Frames frames, FramesOf(output));
  ASSIGN_OR_RETURN(ProcessedImage result,
                   processing.Process(call.image, call.request.operations(),
                                      {.mime_type = output.mime_type(),
                                       .quality = output.quality(),
                                       .frames = frames},
                                      work));
  const std::string head = ProcessImageHead(result, RopeOf(result.file).size());
  return ReplyMessage(head, std::move(result.file));
}

}  // namespace

std::vector<ImageMethod> ImageProcessingMethods(
    const ImageProcessing& processing) {
  return {
      {.path = "/imageadapt.v1.ImageProcessingService/ProcessImage",
       .answer = [&processing](const ByteRope& message, const Workspace& work) {
         return ProcessImage(processing, message, work);
       }}};
}

}  // namespace imageadapt
