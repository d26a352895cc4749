#include "imageadapt/pipeline/pipeline.h"

#include <algorithm>
#include <array>
#include <utility>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/pipeline/operation_rows.h"

namespace imageadapt {
namespace {

// What codecs need to see to recognize a file.
constexpr size_t kHeadBytes = 32;

// Noise does not compress: an encoded file can be a little larger than its
// samples.
uint64_t LargestFile(const ImageSpec& spec, const ByteSink& sink) {
  const uint64_t pixels = uint64_t{spec.shape.height} * RowBytes(spec);
  return std::min(pixels + pixels / 4 + (uint64_t{64} << 10), sink.max_bytes());
}

// What encoders hold beside what they write: some rows, and zlib's window.
uint64_t EncoderBytes(const ImageSpec& spec) {
  return (uint64_t{1} << 20) + 64 * uint64_t{RowBytes(spec)};
}

absl::Status UnknownFormat(const ByteRope& file) {
  std::string known;
  for (const Codec* codec : AllCodecs()) {
    absl::StrAppend(&known, known.empty() ? "" : " or ", codec->name);
  }
  return Refusal(absl::StatusCode::kInvalidArgument, kUnknownFormat, "the ",
                 file.size(), " bytes are no image file: expected ", known);
}

// IMAGE_TOO_LARGE if an operation makes more pixels than are allowed.
absl::Status CheckResult(absl::string_view operation, const ImageShape& shape,
                         uint64_t max_pixels) {
  const uint64_t pixels = uint64_t{shape.width} * shape.height;
  if (pixels <= max_pixels) return absl::OkStatus();
  return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge, operation,
                 " would make an image of ", shape.width, " x ", shape.height,
                 " pixels: ", pixels, " of at most ", max_pixels);
}

absl::Status WriteStrips(const AnyConstImageView& image, Encoder& encoder,
                         const CallContext& call) {
  const uint32_t height = image.shape().height;
  const uint32_t strip = StripRows(image.spec());
  for (uint32_t row = 0; row < height; row += strip) {
    RETURN_IF_ERROR(call.Check());
    const uint32_t count = std::min(strip, height - row);
    RETURN_IF_ERROR(encoder.WriteRows(image.Rows(row, count)));
  }
  return encoder.Finish();
}

}  // namespace

const Codec* RecognizeFile(const ByteRope& file) {
  std::array<std::byte, kHeadBytes> head;
  const size_t size = file.CopyTo(0, head);
  return FindCodec(std::span(head).first(size));
}

absl::StatusOr<std::unique_ptr<Pipeline>> Pipeline::OpenFile(
    const ByteRope& file, const OperationSpecs& operations,
    const DecodeLimits& limits) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline);
  pipeline->input_codec_ = RecognizeFile(file);
  if (pipeline->input_codec_ == nullptr) return UnknownFormat(file);
  pipeline->bytes_ = std::make_unique<RopeSource>(file);
  ASSIGN_OR_RETURN(pipeline->decoder_,
                   pipeline->input_codec_->open(*pipeline->bytes_, limits));
  pipeline->icc_profile_ = pipeline->decoder_->metadata().icc_profile;
  // A turned square needs a canvas of twice its pixels.
  pipeline->max_result_pixels_ =
      limits.max_pixels + std::min(limits.max_pixels, UINT64_MAX / 2);
  RETURN_IF_ERROR(pipeline->Compile(
      operations, pipeline->decoder_->metadata().orientation));
  return pipeline;
}

absl::StatusOr<std::unique_ptr<Pipeline>> Pipeline::OpenRaw(
    const ByteRope& samples, const RawLayout& layout,
    const OperationSpecs& operations) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline);
  pipeline->bytes_ = std::make_unique<RopeSource>(samples);
  ASSIGN_OR_RETURN(pipeline->decoder_,
                   imageadapt::OpenRaw(*pipeline->bytes_, layout));
  RETURN_IF_ERROR(pipeline->Compile(operations, Orientation()));
  return pipeline;
}

absl::Status Pipeline::AddStep(const v1::Operation& spec) {
  ASSIGN_OR_RETURN(std::shared_ptr<const Operation> operation,
                   MakeOperation(spec));
  const absl::StatusOr<OperationPlan> planned = operation->Plan(output_);
  // The plan speaks of fields of the operation's own message.
  const auto* const kind =
      v1::Operation::descriptor()->FindFieldByNumber(spec.kind_case());
  if (!planned.ok()) return Within(kind->name(), planned.status());
  const OperationPlan& plan = *planned;
  RETURN_IF_ERROR(
      CheckResult(kind->name(), plan.output.shape, max_result_pixels_));
  RETURN_IF_ERROR(PixelBytes(plan.output).status());
  output_ = plan.output;
  steps_.push_back({.operation = std::move(operation), .plan = plan});
  return absl::OkStatus();
}

absl::Status Pipeline::Compile(const OperationSpecs& operations,
                               Orientation upright) {
  output_ = decoder_->spec();
  // Turning upright and the turns that come first are one turn.
  int first = 0;
  for (; first < operations.size(); ++first) {
    const std::optional<Orientation> turn = TurnOf(operations[first]);
    if (!turn.has_value()) break;
    upright = upright.Then(*turn);
  }
  for (const v1::Operation& turn : OperationsOf(upright)) {
    RETURN_IF_ERROR(AddStep(turn));
  }
  for (int i = first; i < operations.size(); ++i) {
    RETURN_IF_ERROR(
        Within(absl::StrCat("operations[", i, "]"), AddStep(operations[i])));
  }
  return absl::OkStatus();
}

std::unique_ptr<RowSource> Pipeline::Connect(const Workspace& work) {
  std::unique_ptr<RowSource> rows =
      std::make_unique<DecoderRows>(std::move(decoder_));
  for (Step& step : steps_) {
    rows = std::make_unique<OperationRows>(
        std::move(rows), std::move(step.operation), step.plan, work);
  }
  return rows;
}

absl::StatusOr<Image> Pipeline::RunToImage(const Workspace& work) {
  const std::unique_ptr<RowSource> rows = Connect(work);
  ASSIGN_OR_RETURN(const uint64_t pixel_bytes, PixelBytes(output_));
  const uint64_t before = work.memory.bytes();
  RETURN_IF_ERROR(
      ReserveMemory(AddOrMost(rows->memory_bytes(), pixel_bytes), work));
  ASSIGN_OR_RETURN(Image image, Image::Create(output_, work.buffers));
  const uint32_t strip = rows->strip_rows();
  const uint32_t height = output_.shape.height;
  for (uint32_t row = 0; row < height; row += strip) {
    RETURN_IF_ERROR(work.call.Check());
    const uint32_t count = std::min(strip, height - row);
    RETURN_IF_ERROR(rows->ReadRows(image.view().Rows(row, count)));
  }
  work.memory.Shrink(before + pixel_bytes);
  return image;
}

absl::Status Pipeline::RunToFile(const Codec& codec,
                                 const EncodeOptions& options,
                                 const Workspace& work, ByteSink& sink) {
  const std::unique_ptr<RowSource> rows = Connect(work);
  ImageSpec strip = output_;
  strip.shape.height = rows->strip_rows();
  ASSIGN_OR_RETURN(const uint64_t strip_bytes, PixelBytes(strip));
  const uint64_t encoded_bytes =
      AddOrMost(EncoderBytes(output_), LargestFile(output_, sink));
  RETURN_IF_ERROR(ReserveMemory(
      AddOrMost(rows->memory_bytes(), AddOrMost(strip_bytes, encoded_bytes)),
      work));
  ASSIGN_OR_RETURN(Image image, Image::Create(strip, work.buffers));
  ASSIGN_OR_RETURN(const std::unique_ptr<Encoder> encoder,
                   codec.create(sink, output_, options));
  const uint32_t height = output_.shape.height;
  for (uint32_t row = 0; row < height; row += strip.shape.height) {
    RETURN_IF_ERROR(work.call.Check());
    const uint32_t count = std::min(strip.shape.height, height - row);
    RETURN_IF_ERROR(rows->ReadRows(image.view().Rows(0, count)));
    RETURN_IF_ERROR(
        encoder->WriteRows(AnyConstImageView(image.view()).Rows(0, count)));
  }
  return encoder->Finish();
}

absl::Status EncodeImage(const Image& image, const Codec& codec,
                         const EncodeOptions& options, const Workspace& work,
                         ByteSink& sink) {
  RETURN_IF_ERROR(ReserveMemory(
      EncoderBytes(image.spec()) + LargestFile(image.spec(), sink), work));
  ASSIGN_OR_RETURN(const std::unique_ptr<Encoder> encoder,
                   codec.create(sink, image.spec(), options));
  return WriteStrips(image.view(), *encoder, work.call);
}

absl::Status TurnFileLosslessly(const ByteRope& file, Orientation turn,
                                const DecodeLimits& limits,
                                const Workspace& work, ByteSink& sink,
                                ImageSpec& output) {
  const Codec* const codec = RecognizeFile(file);
  if (codec == nullptr) return UnknownFormat(file);
  if (codec->turn_losslessly == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(codec->name, " files have no lossless turn"));
  }
  RopeSource source(file);
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoder> header,
                   codec->open(source, limits));
  const Orientation whole = header->metadata().orientation.Then(turn);
  output = header->spec();
  output.shape = whole.Apply(output.shape);
  // Coefficients of input and output, two bytes a sample, and both files.
  ASSIGN_OR_RETURN(const uint64_t pixel_bytes, PixelBytes(output));
  const uint64_t before = work.memory.bytes();
  RETURN_IF_ERROR(ReserveMemory(4 * pixel_bytes + 3 * file.size(), work));
  const absl::Status turned = codec->turn_losslessly(file, whole, limits, sink);
  if (!turned.ok()) work.memory.Shrink(before);
  return turned;
}

}  // namespace imageadapt
