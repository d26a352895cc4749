#include "imageadapt/service/image_processing.h"

#include <memory>
#include <span>
#include <utility>

#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

constexpr uint32_t kDefaultQuality = 90;
constexpr uint32_t kMaxQuality = 100;

absl::Status Check(const ByteRope& file, const OperationSpecs& operations,
                   const OutputFormat& output) {
  if (file.empty()) return InvalidField("image", "is empty");
  if (operations.size() > kMaxOperations) {
    return InvalidField("operations", "at most ", kMaxOperations,
                        " are allowed, got ", operations.size());
  }
  if (output.quality > kMaxQuality) {
    return InvalidField("output.quality", "must be from 1 to ", kMaxQuality,
                        ", or 0 for the default, got ", output.quality);
  }
  return absl::OkStatus();
}

// The codec to write with: the named one, or else that of the input.
absl::StatusOr<const Codec*> OutputCodec(const OutputFormat& output,
                                         const Codec* input) {
  const Codec* codec = input;
  if (!output.mime_type.empty()) {
    codec = FindCodecByMimeType(output.mime_type);
    if (codec == nullptr) {
      std::string known;
      for (const Codec* each : AllCodecs()) {
        absl::StrAppend(&known, known.empty() ? "" : ", ", each->mime_type);
      }
      return InvalidField("output.mime_type", "\"", output.mime_type,
                          "\" is not known; known are ", known);
    }
  }
  if (codec->create == nullptr) {
    return Refusal(absl::StatusCode::kUnimplemented, kCodecNotBuilt,
                   "this build cannot write ", codec->mime_type);
  }
  return codec;
}

// Which frames of the file are written.
absl::StatusOr<FrameSequence> OutputFrames(const OutputFormat& output,
                                           const Codec& codec,
                                           const FrameSequence& input) {
  using Frames = OutputFormat::Frames;
  if (input.count == 1) return input;
  if (output.frames == Frames::kFirst) return FrameSequence();
  const bool can_hold = codec.frames != Codec::Frames::kOne;
  if (output.frames == Frames::kAll) {
    if (can_hold) return input;
    return InvalidField("output.frames", "the file has ", input.count,
                        " frames, and ", codec.name, " holds one");
  }
  // Pages are no animation.
  const bool is_its_kind =
      codec.frames != Codec::Frames::kAlike || input.is_animation;
  return can_hold && is_its_kind ? input : FrameSequence();
}

absl::Status TooLargeAnswer(const absl::Status& status) {
  if (!absl::IsOutOfRange(status)) return status;
  return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                 "the encoded result has ", status.message(),
                 ", this server's limit for a message");
}

}  // namespace

absl::StatusOr<ProcessedImage> ImageProcessing::Process(
    const ByteRope& file, const OperationSpecs& operations,
    const OutputFormat& output, const Workspace& work) const {
  RETURN_IF_ERROR(Check(file, operations, output));
  ASSIGN_OR_RETURN(
      const std::unique_ptr<Pipeline> pipeline,
      Pipeline::OpenFile(file, operations, limits_, work, output.input));
  ASSIGN_OR_RETURN(const Codec* const codec,
                   OutputCodec(output, pipeline->input_codec()));

  ASSIGN_OR_RETURN(const FrameSequence frames,
                   OutputFrames(output, *codec, pipeline->frames()));
  ProcessedImage result{.mime_type = std::string(codec->mime_type),
                        .shape = pipeline->output().shape,
                        .frames = frames.count,
                        .file = {}};

  if (OnlyMovesPixels(operations) && output.quality == 0 &&
      !pipeline->converts_color() && codec == pipeline->input_codec() &&
      codec->turn_losslessly != nullptr) {
    ImageSpec turned;
    BufferSink sink(work.buffers, max_answer_bytes_);
    const absl::Status status = TurnFileLosslessly(
        file,
        {.operations = operations,
         .applies_orientation = output.input.applies_orientation,
         .keeps_icc_profile = !output.drops_metadata},
        limits_, work, sink, turned);
    if (status.ok()) {
      result.file = sink.TakeBlocks();
      return result;
    }
    // What can never fit in memory may do so decoded, strip by strip. A passing
    // shortage is the caller's to wait for: the answer is not lossy for it.
    if (!absl::IsFailedPrecondition(status) &&
        ReasonOf(status) != kImageTooLarge) {
      return TooLargeAnswer(status);
    }
  }

  if (const absl::Status held = codec->can_hold(pipeline->output());
      !held.ok()) {
    return InvalidField("output.mime_type", held.message());
  }
  BufferSink sink(work.buffers, max_answer_bytes_);
  const EncodeOptions options{
      .quality = static_cast<int>(output.quality == 0 ? kDefaultQuality
                                                      : output.quality),
      .effort = output.effort,
      .icc_profile = output.drops_metadata ? std::span<const std::byte>()
                                           : pipeline->icc_profile(),
      .volume_header = output.drops_metadata ? std::span<const std::byte>()
                                             : pipeline->volume_header(),
      .pixel_map = pipeline->pixel_map(),
      .frames = frames};
  RETURN_IF_ERROR(
      TooLargeAnswer(pipeline->RunToFile(*codec, options, work, sink)));
  result.file = sink.TakeBlocks();
  return result;
}

}  // namespace imageadapt
