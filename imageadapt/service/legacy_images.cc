#include "imageadapt/service/legacy_images.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"

namespace imageadapt {
namespace {

constexpr char kPng[] = "image/png";
constexpr char kJpeg[] = "image/jpeg";

// Most clients keep gRPC's default receive limit; the other fields of the
// message take some of it.
constexpr uint64_t kClientLimit = (uint64_t{4} << 20) - 64;

// A file answer on its way to fit below `limit`.
struct FileAnswer {
  ImageSpec spec;
  std::vector<Buffer> blocks;
};

bool DoesNotFit(const absl::Status& status) {
  return absl::IsOutOfRange(status);
}

// Whether something failed for want of room: in the answer, or in memory. Then
// a way that takes less may still work.
bool TakesTooMuch(const absl::Status& status) {
  return DoesNotFit(status) || absl::IsResourceExhausted(status) ||
         ReasonOf(status) == kImageTooLarge;
}

absl::StatusOr<std::vector<Buffer>> Encode(const Image& image,
                                           absl::string_view mime_type,
                                           const EncodeOptions& options,
                                           uint64_t max_bytes,
                                           const Workspace& work) {
  const Codec* const codec = FindCodecByMimeType(mime_type);
  if (codec == nullptr || codec->create == nullptr) {
    return Refusal(absl::StatusCode::kUnimplemented, kCodecNotBuilt,
                   "this build cannot write ", mime_type);
  }
  RETURN_IF_ERROR(codec->can_hold(image.spec()));
  const uint64_t before = work.memory.bytes();
  BufferSink sink(work.buffers, max_bytes);
  const absl::Status status = EncodeImage(image, *codec, options, work, sink);
  // What stays is the answer itself, or nothing.
  work.memory.Shrink(before + (status.ok() ? sink.size() : 0));
  RETURN_IF_ERROR(status);
  return sink.TakeBlocks();
}

// The finest JPEG that fits. If none does: the coarsest we make, or, where that
// may be refused, OUT_OF_RANGE.
absl::StatusOr<std::vector<Buffer>> EncodeJpegToFit(
    const Image& image, std::span<const std::byte> icc_profile, uint64_t limit,
    bool must_fit, const Workspace& work) {
  constexpr int kFinest = 95;
  constexpr int kCoarsest = 85;
  constexpr int kStep = 5;
  for (int quality = kFinest;; quality -= kStep) {
    const bool is_last = quality == kCoarsest;
    auto blocks = Encode(
        image, kJpeg,
        {.quality = quality, .full_chroma = true, .icc_profile = icc_profile},
        is_last && !must_fit ? std::numeric_limits<uint64_t>::max() : limit,
        work);
    if (blocks.ok() || is_last || !DoesNotFit(blocks.status())) return blocks;
  }
}

// The PNG whatever its size, but no larger than it must be if over the limit.
absl::StatusOr<std::vector<Buffer>> EncodePngToFit(
    const Image& image, std::span<const std::byte> icc_profile, uint64_t limit,
    const Workspace& work) {
  using Effort = EncodeOptions::Effort;
  EncodeOptions options{.effort = Effort::kFast, .icc_profile = icc_profile};
  // Compressing hardest takes seconds for a large picture; past twice the limit
  // it would not be enough.
  ASSIGN_OR_RETURN(
      std::vector<Buffer> fast,
      Encode(image, kPng, options, std::numeric_limits<uint64_t>::max(), work));
  const uint64_t fast_size = RopeOf(fast).size();
  if (fast_size <= limit) return fast;
  options.effort =
      fast_size <= 2 * limit ? Effort::kSmallest : Effort::kDefault;
  auto small = Encode(image, kPng, options, fast_size, work);
  if (small.ok() || !TakesTooMuch(small.status())) return small;
  return fast;
}

// A JPEG turned without loss, if that can be done exactly.
absl::StatusOr<FileAnswer> TurnJpeg(const ByteRope& file,
                                    const OperationSpecs& operations,
                                    const DecodeLimits& limits,
                                    const Workspace& work) {
  FileAnswer answer;
  BufferSink sink(work.buffers);
  const uint64_t before = work.memory.bytes();
  const absl::Status status = TurnFileLosslessly(
      file, {.operations = operations}, limits, work, sink, answer.spec);
  work.memory.Shrink(before + (status.ok() ? sink.size() : 0));
  RETURN_IF_ERROR(status);
  answer.blocks = sink.TakeBlocks();
  return answer;
}

absl::StatusOr<FileAnswer> ProcessFile(const ByteRope& file,
                                       const OperationSpecs& operations,
                                       const DecodeLimits& limits,
                                       uint64_t limit, const Workspace& work) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Pipeline> pipeline,
                   Pipeline::OpenFile(file, operations, limits, work));
  const bool is_jpeg = pipeline->input_codec()->mime_type == kJpeg;
  ASSIGN_OR_RETURN(const Image image, pipeline->RunToImage(work));
  FileAnswer answer{.spec = image.spec(), .blocks = {}};
  if (!is_jpeg) {
    ASSIGN_OR_RETURN(
        answer.blocks,
        EncodePngToFit(image, pipeline->icc_profile(), limit, work));
    return answer;
  }
  auto png = Encode(image, kPng,
                    {.effort = EncodeOptions::Effort::kFast,
                     .icc_profile = pipeline->icc_profile()},
                    limit, work);
  if (png.ok() || !DoesNotFit(png.status())) {
    ASSIGN_OR_RETURN(answer.blocks, std::move(png));
    return answer;
  }
  std::optional<FileAnswer> exact;
  if (OnlyMovesPixels(operations)) {
    auto turned = TurnJpeg(file, operations, limits, work);
    if (turned.ok()) {
      exact = *std::move(turned);
    } else if (!absl::IsFailedPrecondition(turned.status()) &&
               ReasonOf(turned.status()) != kImageTooLarge) {
      // A passing shortage is no reason for loss: the caller can come again.
      return turned;
    }
  }
  if (exact.has_value() && RopeOf(exact->blocks).size() <= limit) {
    return *std::move(exact);
  }
  auto jpeg = EncodeJpegToFit(image, pipeline->icc_profile(), limit,
                              exact.has_value(), work);
  // If nothing fits, what is exact is worth more.
  if (exact.has_value() && !jpeg.ok() && TakesTooMuch(jpeg.status())) {
    return *std::move(exact);
  }
  ASSIGN_OR_RETURN(answer.blocks, std::move(jpeg));
  return answer;
}

absl::StatusOr<std::string> Base64Decode(const ByteRope& data) {
  const std::string text = data.ToString();
  std::string bytes;
  if (!absl::Base64Unescape(text, &bytes) &&
      !absl::WebSafeBase64Unescape(text, &bytes)) {
    return InvalidField("data",
                        "begins as the base64 text of an image file, but is "
                        "no base64 text to its end");
  }
  return bytes;
}

absl::StatusOr<std::vector<Buffer>> Base64Encode(
    const std::vector<Buffer>& blocks, BufferPool& buffers) {
  const std::string text = absl::Base64Escape(RopeOf(blocks).ToString());
  BufferSink sink(buffers);
  RETURN_IF_ERROR(sink.Append(std::as_bytes(std::span(text))));
  return sink.TakeBlocks();
}

absl::StatusOr<FileAnswer> ProcessBase64(const ByteRope& data,
                                         const OperationSpecs& operations,
                                         const DecodeLimits& limits,
                                         const Workspace& work) {
  RETURN_IF_ERROR(ReserveMemory(2 * uint64_t{data.size()}, work));
  ASSIGN_OR_RETURN(const std::string file, Base64Decode(data));
  ASSIGN_OR_RETURN(FileAnswer answer,
                   ProcessFile(ByteRope(std::as_bytes(std::span(file))),
                               operations, limits, kClientLimit / 4 * 3, work));
  RETURN_IF_ERROR(ReserveMemory(4 * RopeOf(answer.blocks).size(), work));
  ASSIGN_OR_RETURN(answer.blocks, Base64Encode(answer.blocks, work.buffers));
  return answer;
}

absl::StatusOr<FileAnswer> ProcessRaw(const ByteRope& data,
                                      const RawLayout& layout,
                                      const OperationSpecs& operations,
                                      const Workspace& work) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Pipeline> pipeline,
                   Pipeline::OpenRaw(data, layout, operations));
  ASSIGN_OR_RETURN(Image image, pipeline->RunToImage(work));
  FileAnswer answer{.spec = image.spec(), .blocks = {}};
  answer.blocks.push_back(image.TakeBuffer());
  return answer;
}

// The caller of this contract knows no operations[i]: a refusal about one is
// about the image.
absl::Status InCallersWords(const absl::Status& status) {
  if (absl::StartsWith(FieldOf(status), "operations[")) {
    return InvalidField("data", status.message());
  }
  return status;
}

absl::StatusOr<double> DegreesOf(int64_t rotation) {
  switch (rotation) {
    case 0:
    case 1:
    case 2:
    case 3:
      return 90.0 * static_cast<double>(rotation);
    case 90:
    case 180:
    case 270:
      return static_cast<double>(rotation);
    default:
      return InvalidField("rotation",
                          "must be NONE (0), NINETY_DEG (1), ONE_EIGHTY_DEG "
                          "(2) or TWO_SEVENTY_DEG (3), got ",
                          rotation);
  }
}

}  // namespace

absl::StatusOr<LegacyAnswer> LegacyImages::Process(
    const LegacyImage& image, const v1::Operation& operation,
    const Workspace& work) const {
  ASSIGN_OR_RETURN(const LegacyPayload payload, RecognizePayload(image));
  OperationSpecs operations;
  *operations.Add() = operation;
  const auto process = [&]() -> absl::StatusOr<FileAnswer> {
    switch (payload.form) {
      case LegacyPayload::Form::kRaw:
        return ProcessRaw(image.data, payload.layout, operations, work);
      case LegacyPayload::Form::kFile:
        return ProcessFile(image.data, operations, limits_, kClientLimit, work);
      case LegacyPayload::Form::kBase64File:
        return ProcessBase64(image.data, operations, limits_, work);
    }
    return Refusal(absl::StatusCode::kInternal, kBug, "unknown payload form");
  };
  absl::StatusOr<FileAnswer> made = process();
  if (!made.ok()) return InCallersWords(made.status());
  if (RopeOf(made->blocks).size() > max_answer_bytes_) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "the result has ", RopeOf(made->blocks).size(),
                   " bytes, more than this server's limit for a message");
  }
  const ImageShape& shape = made->spec.shape;
  LegacyAnswer answer{.color = shape.channels >= 3,
                      .width = static_cast<int32_t>(shape.width),
                      .height = static_cast<int32_t>(shape.height),
                      .channels = std::nullopt,
                      .data = std::move(made->blocks)};
  if (image.channels.has_value()) {
    answer.channels = static_cast<int32_t>(shape.channels);
  }
  return answer;
}

absl::StatusOr<LegacyAnswer> LegacyImages::Rotate(const LegacyImage& image,
                                                  int64_t rotation,
                                                  const Workspace& work) const {
  ASSIGN_OR_RETURN(const double degrees, DegreesOf(rotation));
  v1::Operation operation;
  operation.mutable_rotate()->set_angle_degrees(degrees);
  auto answer = Process(image, operation, work);
  if (!answer.ok()) return Within("image", answer.status());
  return answer;
}

absl::StatusOr<LegacyAnswer> LegacyImages::MeanFilter(
    const LegacyImage& image, const Workspace& work) const {
  v1::Operation operation;
  operation.mutable_mean_filter()->set_kernel_width(3);
  operation.mutable_mean_filter()->set_rounding(
      v1::MeanFilter::ROUNDING_TRUNCATE);
  return Process(image, operation, work);
}

absl::StatusOr<LegacyAnswer> LegacyImages::MedianFilter(
    const LegacyImage& image, int32_t kernel, const Workspace& work) const {
  constexpr int32_t kMaxKernel = 255;
  if (kernel < 1 || kernel % 2 == 0 || kernel > kMaxKernel) {
    return InvalidField("kernel", "must be odd and from 1 to ", kMaxKernel,
                        ", got ", kernel);
  }
  v1::Operation operation;
  operation.mutable_median_filter()->set_kernel_width(
      static_cast<uint32_t>(kernel));
  auto answer = Process(image, operation, work);
  if (!answer.ok()) return Within("image", answer.status());
  return answer;
}

}  // namespace imageadapt
