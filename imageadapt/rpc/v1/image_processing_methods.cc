#include "imageadapt/rpc/v1/image_processing_methods.h"

#include <cmath>
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

absl::StatusOr<DecodeOptions> DecodeOptionsOf(const v1::DicomOptions& dicom) {
  using Grey = DecodeOptions::Grey;
  DecodeOptions options{.window_center = dicom.window_center(),
                        .window_width = dicom.window_width()};
  switch (dicom.grey()) {
    case v1::DicomOptions::GREY_UNSPECIFIED:
    case v1::DicomOptions::GREY_STORED:
      options.grey = Grey::kStored;
      break;
    case v1::DicomOptions::GREY_MEASURED:
      options.grey = Grey::kMeasured;
      break;
    case v1::DicomOptions::GREY_WINDOW_OF_FILE:
      options.grey = Grey::kWindowOfFile;
      break;
    case v1::DicomOptions::GREY_WINDOW:
      options.grey = Grey::kWindow;
      break;
    default:
      return InvalidField("dicom.grey", "is unknown: ", dicom.grey());
  }
  if (options.grey != Grey::kWindow) return options;
  if (!std::isfinite(options.window_center)) {
    return InvalidField("dicom.window_center", "must be finite, got ",
                        options.window_center);
  }
  if (!std::isfinite(options.window_width) || options.window_width <= 0) {
    return InvalidField("dicom.window_width",
                        "must be finite and above 0, got ",
                        options.window_width);
  }
  return options;
}

absl::StatusOr<OutputFormat> FormatOf(const v1::ProcessImageRequest& request) {
  using Request = v1::ProcessImageRequest;
  using Options = v1::OutputOptions;
  const Options& output = request.output();
  OutputFormat format{.mime_type = output.mime_type(),
                      .quality = output.quality()};
  ASSIGN_OR_RETURN(format.frames, FramesOf(output));
  if (!Request::OrientationPolicy_IsValid(request.orientation_policy())) {
    return InvalidField("orientation_policy",
                        "is unknown: ", request.orientation_policy());
  }
  if (!Options::MetadataPolicy_IsValid(output.metadata_policy())) {
    return InvalidField("output.metadata_policy",
                        "is unknown: ", output.metadata_policy());
  }
  if (!Options::Color_IsValid(output.color())) {
    return InvalidField("output.color", "is unknown: ", output.color());
  }
  format.input = {.applies_orientation = request.orientation_policy() !=
                                         Request::ORIENTATION_POLICY_IGNORE,
                  .converts_to_srgb = output.color() == Options::COLOR_SRGB};
  ASSIGN_OR_RETURN(format.input.decode, DecodeOptionsOf(request.dicom()));
  format.drops_metadata =
      output.metadata_policy() == Options::METADATA_POLICY_DROP_ALL;
  return format;
}

absl::StatusOr<grpc::ByteBuffer> ProcessImage(const ImageProcessing& processing,
                                              const ByteRope& message,
                                              const Workspace& work) {
  ASSIGN_OR_RETURN(const ProcessImageCall call, ParseProcessImage(message));
  ASSIGN_OR_RETURN(const OutputFormat format, FormatOf(call.request));
  ASSIGN_OR_RETURN(
      ProcessedImage result,
      processing.Process(call.image, call.request.operations(), format, work));
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
