#include "imageadapt/pipeline/pipeline.h"

#include <algorithm>
#include <array>
#include <utility>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/pipeline/color_rows.h"
#include "imageadapt/pipeline/operation_rows.h"

namespace imageadapt {
namespace {

// Noise does not compress: an encoded file can be larger than its samples, a
// QOI of RGB by a third.
uint64_t LargestFile(const ImageSpec& spec, const ByteSink& sink) {
  const uint64_t pixels = uint64_t{spec.shape.height} * RowBytes(spec);
  return std::min(pixels + pixels / 3 + (uint64_t{64} << 10), sink.max_bytes());
}

// What encoders hold beside what they write.
uint64_t EncoderBytes(const Codec& codec, const ImageSpec& spec,
                      const EncodeOptions& options) {
  if (codec.encoder_bytes != nullptr) return codec.encoder_bytes(spec, options);
  return (uint64_t{1} << 20) + 64 * uint64_t{RowBytes(spec)};
}

EncodeOptions OnAllThreads(EncodeOptions options, const Workspace& work) {
  options.parallel = &work.workers;
  return options;
}

absl::Status UnknownFormat(const ByteRope& file) {
  std::string known;
  for (const Codec* codec : AllCodecs()) {
    if (codec->open == nullptr) continue;
    absl::StrAppend(&known, known.empty() ? "" : ", ", codec->name);
  }
  return Refusal(
      absl::StatusCode::kInvalidArgument, kUnknownFormat, "the ", file.size(),
      " bytes are no image file of a format that is read here: ", known);
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

// Passes all on, and counts.
class CountingSink final : public ByteSink {
 public:
  explicit CountingSink(ByteSink& sink) : sink_(sink) {}

  absl::Status Append(std::span<const std::byte> bytes) override {
    size_ += bytes.size();
    return sink_.Append(bytes);
  }
  absl::Status AppendBuffer(Buffer block) override {
    size_ += block.size();
    return sink_.AppendBuffer(std::move(block));
  }
  uint64_t max_bytes() const override { return sink_.max_bytes(); }

  uint64_t size() const { return size_; }

 private:
  ByteSink& sink_;
  uint64_t size_ = 0;
};

uint64_t Pixels(const ImageShape& shape) {
  return uint64_t{shape.width} * shape.height;
}

// "640 x 480 pixels of 3 channels, u8".
std::string ToText(const ImageSpec& spec) {
  return absl::StrCat(spec.shape.width, " x ", spec.shape.height, " pixels of ",
                      spec.shape.channels, " channels, ",
                      SampleTypeName(spec.sample_type));
}

// Everything that is held while one frame is made, but what is written.
absl::StatusOr<uint64_t> WorkingBytes(const RowSource& rows,
                                      const ImageSpec& output,
                                      uint64_t encoder_bytes) {
  ImageSpec strip = output;
  strip.shape.height = rows.strip_rows();
  ASSIGN_OR_RETURN(const uint64_t strip_bytes, PixelBytes(strip));
  return AddOrMost(rows.memory_bytes(), AddOrMost(strip_bytes, encoder_bytes));
}

// Says which frame is meant, where the first is not.
absl::Status AboutFrame(uint32_t frame, const absl::Status& status) {
  if (frame == 0 || !absl::IsInvalidArgument(status)) return status;
  // About the caller's own words, for this frame as for those before.
  if (!FieldOf(status).empty()) return status;
  return RefusalFromText(status.code(), ReasonOf(status),
                         absl::StrCat("frame ", frame, ": ", status.message()));
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
  std::array<std::byte, kFormatHeadBytes> head;
  const size_t size = file.CopyTo(0, head);
  return FindCodec(std::span(head).first(size));
}

absl::StatusOr<std::unique_ptr<Pipeline>> Pipeline::OpenFile(
    const ByteRope& file, const OperationSpecs& operations,
    const DecodeLimits& limits, const Workspace& work, InputPolicy policy) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline);
  pipeline->policy_ = policy;
  const Codec* const codec = RecognizeFile(file);
  if (codec == nullptr) return UnknownFormat(file);
  if (codec->open == nullptr) {
    return Refusal(absl::StatusCode::kUnimplemented, kCodecNotBuilt,
                   "this build cannot read ", codec->name, " files");
  }
  pipeline->input_codec_ = codec;
  if (codec->holds_file) RETURN_IF_ERROR(ReserveMemory(file.size(), work));
  pipeline->bytes_ = std::make_unique<RopeSource>(file);
  ASSIGN_OR_RETURN(pipeline->decoder_,
                   pipeline->input_codec_->open(*pipeline->bytes_, limits));
  RETURN_IF_ERROR(pipeline->decoder_->Choose(policy.decode));
  pipeline->limits_ = limits;
  // A turned square needs a canvas of twice its pixels.
  pipeline->max_result_pixels_ =
      limits.max_pixels + std::min(limits.max_pixels, UINT64_MAX / 2);
  pipeline->operations_ = operations;
  RETURN_IF_ERROR(pipeline->Start());
  return pipeline;
}

absl::StatusOr<std::unique_ptr<Pipeline>> Pipeline::OpenRaw(
    const ByteRope& samples, const RawLayout& layout,
    const OperationSpecs& operations) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline);
  pipeline->bytes_ = std::make_unique<RopeSource>(samples);
  ASSIGN_OR_RETURN(pipeline->decoder_,
                   imageadapt::OpenRaw(*pipeline->bytes_, layout));
  pipeline->operations_ = operations;
  RETURN_IF_ERROR(pipeline->Start());
  return pipeline;
}

absl::Status Pipeline::Start() {
  const ImageMetadata& metadata = decoder_->metadata();
  icc_profile_ = metadata.icc_profile;
  volume_header_ = metadata.volume_header;
  frames_ = metadata.frames;
  if (policy_.applies_orientation) upright_ = metadata.orientation;
  pixels_so_far_ = Pixels(decoder_->spec().shape);
  return Compile();
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
  const std::optional<PixelMap> map =
      PixelMapOf(spec, output_.shape, plan.output.shape);
  if (pixel_map_.has_value() && map.has_value()) {
    pixel_map_ = pixel_map_->Then(*map);
  } else {
    pixel_map_ = std::nullopt;
  }
  output_ = plan.output;
  steps_.push_back({.operation = std::move(operation), .plan = plan});
  return absl::OkStatus();
}

absl::Status Pipeline::PrepareColor() {
  color_ = nullptr;
  if (!policy_.converts_to_srgb || icc_profile_.empty()) {
    return absl::OkStatus();
  }
  auto transform = ColorTransform::ToSrgb(icc_profile_, decoder_->spec());
  if (absl::IsFailedPrecondition(transform.status())) {
    return InvalidField("output.color", transform.status().message());
  }
  RETURN_IF_ERROR(transform.status());
  color_ = *std::move(transform);
  return absl::OkStatus();
}

absl::Status Pipeline::Compile() {
  RETURN_IF_ERROR(PrepareColor());
  output_ = decoder_->spec();
  pixel_map_ = PixelMap();
  steps_.clear();
  Orientation upright = upright_;
  // Turning upright and the turns that come first are one turn.
  int first = 0;
  for (; first < operations_.size(); ++first) {
    const std::optional<Orientation> turn = TurnOf(operations_[first]);
    if (!turn.has_value()) break;
    upright = upright.Then(*turn);
  }
  for (const v1::Operation& turn : OperationsOf(upright)) {
    RETURN_IF_ERROR(AddStep(turn));
  }
  for (int i = first; i < operations_.size(); ++i) {
    RETURN_IF_ERROR(
        Within(absl::StrCat("operations[", i, "]"), AddStep(operations_[i])));
  }
  return absl::OkStatus();
}

std::unique_ptr<RowSource> Pipeline::Connect(bool is_last_frame,
                                             const Workspace& work) {
  std::unique_ptr<RowSource> rows = std::make_unique<DecoderRows>(
      std::move(decoder_), is_last_frame ? nullptr : &decoder_);
  if (color_ != nullptr) {
    rows = std::make_unique<ColorRows>(std::move(rows), color_,
                                       icc_profile_.size());
  }
  for (const Step& step : steps_) {
    rows = std::make_unique<OperationRows>(std::move(rows), step.operation,
                                           step.plan, work);
  }
  return rows;
}

absl::StatusOr<Image> Pipeline::RunToImage(const Workspace& work) {
  const std::unique_ptr<RowSource> rows = Connect(/*is_last_frame=*/true, work);
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

// Decodes, operates and encodes one frame, strip by strip.
absl::Status Pipeline::WriteFrame(RowSource& rows, Encoder& encoder,
                                  const Workspace& work) {
  ImageSpec strip = output_;
  strip.shape.height = rows.strip_rows();
  ASSIGN_OR_RETURN(Image image, Image::Create(strip, work.buffers));
  const uint32_t height = output_.shape.height;
  for (uint32_t row = 0; row < height; row += strip.shape.height) {
    RETURN_IF_ERROR(work.call.Check());
    const uint32_t count = std::min(strip.shape.height, height - row);
    RETURN_IF_ERROR(rows.ReadRows(image.view().Rows(0, count)));
    RETURN_IF_ERROR(
        encoder.WriteRows(AnyConstImageView(image.view()).Rows(0, count)));
  }
  return absl::OkStatus();
}

absl::Status Pipeline::GoToNextFrame(const Codec& codec,
                                     const EncodeOptions& options) {
  RETURN_IF_ERROR(decoder_->NextFrame());
  const ImageSpec first_output = output_;
  const uint64_t pixels = Pixels(decoder_->spec().shape);
  pixels_so_far_ = AddOrMost(pixels_so_far_, pixels);
  if (pixels_so_far_ > limits_.max_pixels_of_all_frames) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "the frames so far have ", pixels_so_far_,
                   " pixels; the limit for all together is ",
                   limits_.max_pixels_of_all_frames);
  }
  RETURN_IF_ERROR(Compile());
  if (output_ != first_output && codec.frames != Codec::Frames::kDifferent) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField, "becomes ",
                   ToText(output_), ", and the frames before ",
                   ToText(first_output), "; ", codec.name,
                   " holds only frames that are alike");
  }
  return CanHold(codec, output_, options);
}

absl::Status Pipeline::RunToFile(const Codec& codec,
                                 const EncodeOptions& options,
                                 const Workspace& work, ByteSink& sink) {
  const uint64_t before = work.memory.bytes();
  CountingSink counted(sink);
  std::unique_ptr<Encoder> encoder;
  for (uint32_t frame = 0; frame < options.frames.count; ++frame) {
    if (frame > 0) {
      RETURN_IF_ERROR(AboutFrame(frame, GoToNextFrame(codec, options)));
      // What the frame before was made in is free; what it became stays.
      work.memory.Shrink(before + counted.size() + encoder->held_bytes());
    }
    const FrameDelay delay = decoder_->delay();
    const std::unique_ptr<RowSource> rows =
        Connect(frame + 1 == options.frames.count, work);
    EncodeOptions all = OnAllThreads(options, work);
    all.first_delay = delay;
    ASSIGN_OR_RETURN(
        const uint64_t working,
        WorkingBytes(*rows, output_, EncoderBytes(codec, output_, all)));
    RETURN_IF_ERROR(
        ReserveMemory(AddOrMost(working, LargestFile(output_, sink)), work));
    if (frame == 0) {
      ASSIGN_OR_RETURN(encoder, codec.create(counted, output_, all));
    } else {
      RETURN_IF_ERROR(encoder->NextFrame(output_, delay));
    }
    RETURN_IF_ERROR(AboutFrame(frame, WriteFrame(*rows, *encoder, work)));
  }
  return encoder->Finish();
}

absl::Status EncodeImage(const Image& image, const Codec& codec,
                         const EncodeOptions& options, const Workspace& work,
                         ByteSink& sink) {
  const EncodeOptions all = OnAllThreads(options, work);
  RETURN_IF_ERROR(ReserveMemory(
      EncoderBytes(codec, image.spec(), all) + LargestFile(image.spec(), sink),
      work));
  ASSIGN_OR_RETURN(const std::unique_ptr<Encoder> encoder,
                   codec.create(sink, image.spec(), all));
  return WriteStrips(image.view(), *encoder, work.call);
}

absl::Status TurnFileLosslessly(const ByteRope& file, const LosslessTurn& how,
                                const DecodeLimits& limits,
                                const Workspace& work, ByteSink& sink,
                                ImageSpec& output) {
  constexpr uint64_t kRest = uint64_t{2} << 20;
  const Codec* const codec = RecognizeFile(file);
  if (codec == nullptr) return UnknownFormat(file);
  if (codec->turn_losslessly == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(codec->name, " files have no lossless turn"));
  }
  RopeSource source(file);
  ASSIGN_OR_RETURN(const std::unique_ptr<Decoder> header,
                   codec->open(source, limits));
  const Orientation upright =
      how.applies_orientation ? header->metadata().orientation : Orientation();
  output = header->spec();
  const std::optional<PixelMove> move =
      MoveOf(upright, how.operations, output.shape);
  if (!move.has_value()) {
    return absl::FailedPreconditionError("an operation is no move of pixels");
  }
  // Blocks reach beyond the edges.
  ImageSpec padded = output;
  constexpr uint32_t kBlocks = 32;
  padded.shape.width = (padded.shape.width / kBlocks + 1) * kBlocks;
  padded.shape.height = (padded.shape.height / kBlocks + 1) * kBlocks;
  if (move->region.has_value()) {
    output.shape.width = move->region->width;
    output.shape.height = move->region->height;
  }
  output.shape = move->turn.Apply(output.shape);
  // Coefficients, two bytes a sample: those of a library that reads files of
  // unusual kinds, and what is laid down with a bit for each; the file three
  // times, and what is written.
  ASSIGN_OR_RETURN(const uint64_t pixel_bytes, PixelBytes(padded));
  const uint64_t before = work.memory.bytes();
  RETURN_IF_ERROR(
      ReserveMemory(5 * pixel_bytes + 4 * file.size() + kRest, work));
  const absl::Status turned =
      codec->turn_losslessly(file,
                             {.region = move->region,
                              .turn = move->turn,
                              .keeps_icc_profile = how.keeps_icc_profile,
                              .parallel = &work.workers,
                              .buffers = &work.buffers},
                             limits, sink);
  if (!turned.ok()) work.memory.Shrink(before);
  return turned;
}

}  // namespace imageadapt
