// Writes AVIF by libavif with libaom, on the calling thread.
//
// Grey is written without colour. RGB becomes YUV of BT.601, full range, with
// colour of half the resolution unless full chroma is asked for; without loss
// it stays RGB (the identity matrix). Files without a profile say sRGB.
#include "imageadapt/codecs/avif_writer.h"

#if IMAGEADAPT_HAS_AVIF

#include <avif/avif.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <utility>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/avif_plays.h"

namespace imageadapt {
namespace {

// Clocks of video: 24, 25, 30 and 60 frames a second, and whole milliseconds.
constexpr uint64_t kTicksPerSecond = 90'000;

// Rows that become YUV together; even, so that colour of half the resolution
// is made of the rows that belong together.
constexpr uint32_t kBandRows = 64;

struct DestroyEncoder {
  void operator()(avifEncoder* encoder) const { avifEncoderDestroy(encoder); }
};
struct DestroyImage {
  void operator()(avifImage* image) const { avifImageDestroy(image); }
};
using OwnedImage = std::unique_ptr<avifImage, DestroyImage>;

struct OwnedFile {
  OwnedFile() = default;
  OwnedFile(const OwnedFile&) = delete;
  OwnedFile& operator=(const OwnedFile&) = delete;
  ~OwnedFile() { avifRWDataFree(&data); }

  std::span<const std::byte> bytes() const {
    return std::as_bytes(std::span(data.data, data.size));
  }

  avifRWData data = AVIF_DATA_EMPTY;
};

bool IsLossless(const EncodeOptions& options) {
  return options.lossless || options.quality >= 100;
}

bool IsAnimation(const EncodeOptions& options) {
  return options.frames.count > 1;
}

// What a sample has in the file.
uint32_t BitsOf(const ImageSpec& spec, const EncodeOptions& options) {
  if (spec.sample_type == SampleType::kU8) return 8;
  return options.sample_bits == 10 ? 10 : 12;
}

avifPixelFormat FormatOf(const ImageSpec& spec, const EncodeOptions& options) {
  if (spec.shape.channels < 3) return AVIF_PIXEL_FORMAT_YUV400;
  return IsLossless(options) || options.full_chroma ? AVIF_PIXEL_FORMAT_YUV444
                                                    : AVIF_PIXEL_FORMAT_YUV420;
}

// Of one picture as the library takes it.
uint64_t PlaneBytes(const ImageSpec& spec, const EncodeOptions& options) {
  const uint64_t pixels = uint64_t{spec.shape.width} * spec.shape.height;
  uint64_t halves = 2;
  if (FormatOf(spec, options) == AVIF_PIXEL_FORMAT_YUV420) halves = 3;
  if (FormatOf(spec, options) == AVIF_PIXEL_FORMAT_YUV444) halves = 6;
  if (HasAlpha(spec.shape.channels)) halves += 2;
  return (pixels * halves + 1) / 2 * SampleBytes(spec.sample_type);
}

// libaom's scale from 63, the roughest, to 0, without loss.
int QuantizerOf(int quality) { return ((100 - quality) * 63 + 50) / 100; }

// libaom's scale from 0, the slowest, to 10. A photograph at quality 90 takes
// 0.18, 0.23 and 0.4 seconds a megapixel of one core at 10, 8 and 6; 5 and 4
// take 2 and 3 seconds, and their files were larger. From 7 on libaom keeps no
// frames of an animation back; below, it holds dozens.
int SpeedOf(EncodeOptions::Effort effort, bool is_animation) {
  switch (effort) {
    case EncodeOptions::Effort::kFast:
      return 10;
    case EncodeOptions::Effort::kDefault:
      return 8;
    case EncodeOptions::Effort::kSmallest:
      return is_animation ? 7 : 6;
  }
  return 8;
}

class AvifEncoder final : public Encoder {
 public:
  AvifEncoder(ByteSink& sink, const ImageSpec& spec,
              const EncodeOptions& options)
      : sink_(sink),
        spec_(spec),
        options_(options),
        is_grey_(spec.shape.channels < 3),
        bits_(BitsOf(spec, options)),
        delay_(options.first_delay) {}

  absl::Status Begin() {
    encoder_.reset(avifEncoderCreate());
    if (encoder_ == nullptr) return NoMemory();
    encoder_->codecChoice = AVIF_CODEC_CHOICE_AOM;
    if (avifCodecName(AVIF_CODEC_CHOICE_AOM, AVIF_CODEC_FLAG_CAN_ENCODE) ==
        nullptr) {
      return Refusal(absl::StatusCode::kUnimplemented, kCodecNotBuilt,
                     "libavif was built without libaom, which AVIF is written "
                     "with");
    }
    encoder_->maxThreads = 1;
    encoder_->speed = SpeedOf(options_.effort, IsAnimation(options_));
    encoder_->timescale = kTicksPerSecond;
    const int quantizer =
        IsLossless(options_) ? 0 : std::max(QuantizerOf(options_.quality), 1);
    encoder_->minQuantizer =
        std::max(quantizer - 4, IsLossless(options_) ? 0 : 1);
    encoder_->maxQuantizer =
        IsLossless(options_) ? 0 : std::min(quantizer + 4, 63);
    encoder_->minQuantizerAlpha = AVIF_QUANTIZER_LOSSLESS;
    encoder_->maxQuantizerAlpha = AVIF_QUANTIZER_LOSSLESS;
    avifEncoderSetCodecSpecificOption(encoder_.get(), "color:end-usage", "q");
    avifEncoderSetCodecSpecificOption(encoder_.get(), "color:cq-level",
                                      std::to_string(quantizer).c_str());
    return absl::OkStatus();
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    if (next_row_ == 0) RETURN_IF_ERROR(StartPicture());
    for (uint32_t y = 0; y < source.shape().height; ++y) {
      if (is_grey_) {
        if (spec_.sample_type == SampleType::kU8) {
          TakeGrey(source.As<uint8_t>().row(y));
        } else {
          TakeGrey(source.As<uint16_t>().row(y));
        }
      } else {
        RETURN_IF_ERROR(TakeColors(source.row_bytes(y)));
      }
      ++next_row_;
    }
    return next_row_ == spec_.shape.height ? EncodePicture() : absl::OkStatus();
  }

  absl::Status NextFrame(const ImageSpec& /*spec*/, FrameDelay delay) override {
    delay_ = delay;
    next_row_ = 0;
    return absl::OkStatus();
  }

  // What the frames have become the library does not tell before the end; noise
  // is as large as the samples.
  uint64_t held_bytes() const override { return held_bytes_; }

  absl::Status Finish() override {
    OwnedFile file;
    RETURN_IF_ERROR(Result(avifEncoderFinish(encoder_.get(), &file.data)));
    encoder_.reset();
    if (!IsAnimation(options_)) return sink_.Append(file.bytes());
    const std::optional<AvifHead> head =
        AddPlays(file.bytes(), options_.frames.plays);
    if (!head.has_value()) {
      return Refusal(absl::StatusCode::kInternal, kBug,
                     "libavif lays out its files in another way");
    }
    RETURN_IF_ERROR(sink_.Append(std::as_bytes(std::span(head->bytes))));
    return sink_.Append(file.bytes().subspan(head->replaces));
  }

 private:
  static absl::Status NoMemory() {
    return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                   "libavif has no memory to encode");
  }

  absl::Status Result(avifResult result) const {
    if (result == AVIF_RESULT_OK) return absl::OkStatus();
    if (result == AVIF_RESULT_OUT_OF_MEMORY) return NoMemory();
    return Refusal(absl::StatusCode::kInternal, kBug,
                   "libavif cannot encode: ", avifResultToString(result), " ",
                   encoder_->diag.error);
  }

  absl::Status StartPicture() {
    const auto [width, height, channels] = spec_.shape;
    image_.reset(
        avifImageCreate(width, height, bits_, FormatOf(spec_, options_)));
    if (image_ == nullptr) return NoMemory();
    image_->yuvRange = AVIF_RANGE_FULL;
    image_->matrixCoefficients = IsLossless(options_) && !is_grey_
                                     ? AVIF_MATRIX_COEFFICIENTS_IDENTITY
                                     : AVIF_MATRIX_COEFFICIENTS_BT601;
    if (options_.icc_profile.empty()) {
      image_->colorPrimaries = AVIF_COLOR_PRIMARIES_BT709;
      image_->transferCharacteristics = AVIF_TRANSFER_CHARACTERISTICS_SRGB;
    } else {
      avifImageSetProfileICC(
          image_.get(),
          reinterpret_cast<const uint8_t*>(options_.icc_profile.data()),
          options_.icc_profile.size());
    }
    const avifPlanesFlags planes =
        HasAlpha(channels) ? AVIF_PLANES_ALL : AVIF_PLANES_YUV;
    RETURN_IF_ERROR(Result(avifImageAllocatePlanes(image_.get(), planes)));
    if (!is_grey_ && band_.size() == 0) {
      ASSIGN_OR_RETURN(band_, BufferPool(0).Take(std::min(kBandRows, height) *
                                                 RowBytes(spec_)));
    }
    return absl::OkStatus();
  }

  template <typename T>
  void TakeGrey(std::span<const T> row) const {
    const auto row_of = [&](uint8_t* plane, uint32_t row_bytes) {
      return reinterpret_cast<T*>(plane + size_t{next_row_} * row_bytes);
    };
    T* luma = row_of(image_->yuvPlanes[AVIF_CHAN_Y],
                     image_->yuvRowBytes[AVIF_CHAN_Y]);
    if (!HasAlpha(spec_.shape.channels)) {
      for (const T sample : row) *luma++ = Narrow(sample);
      return;
    }
    T* alpha = row_of(image_->alphaPlane, image_->alphaRowBytes);
    for (size_t i = 0; i < row.size(); i += 2) {
      *luma++ = Narrow(row[i]);
      *alpha++ = Narrow(row[i + 1]);
    }
  }

  uint8_t Narrow(uint8_t sample) const { return sample; }
  uint16_t Narrow(uint16_t sample) const {
    const uint32_t most = (1u << bits_) - 1;
    return static_cast<uint16_t>((sample * most + 65535 / 2) / 65535);
  }

  absl::Status TakeColors(std::span<const std::byte> row) {
    const uint32_t at = next_row_ % kBandRows;
    std::memcpy(band_.data() + at * row.size(), row.data(), row.size());
    if (at + 1 < kBandRows && next_row_ + 1 < spec_.shape.height) {
      return absl::OkStatus();
    }
    const avifCropRect rect = {.x = 0,
                               .y = next_row_ - at,
                               .width = spec_.shape.width,
                               .height = at + 1};
    const OwnedImage rows(avifImageCreateEmpty());
    if (rows == nullptr) return NoMemory();
    RETURN_IF_ERROR(
        Result(avifImageSetViewRect(rows.get(), image_.get(), &rect)));
    avifRGBImage rgb;
    avifRGBImageSetDefaults(&rgb, rows.get());
    rgb.depth = spec_.sample_type == SampleType::kU8 ? 8 : 16;
    rgb.format =
        spec_.shape.channels == 4 ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
    rgb.avoidLibYUV = AVIF_TRUE;
    rgb.pixels = reinterpret_cast<uint8_t*>(band_.data());
    rgb.rowBytes = static_cast<uint32_t>(row.size());
    const avifResult result = avifImageRGBToYUV(rows.get(), &rgb);
    // Which the library says of all planes that it has filled.
    rows->imageOwnsYUVPlanes = AVIF_FALSE;
    rows->imageOwnsAlphaPlane = AVIF_FALSE;
    return Result(result);
  }

  absl::Status EncodePicture() {
    const bool is_animation = IsAnimation(options_);
    const avifResult result = avifEncoderAddImage(
        encoder_.get(), image_.get(), is_animation ? Ticks() : 1,
        is_animation ? AVIF_ADD_IMAGE_FLAG_NONE : AVIF_ADD_IMAGE_FLAG_SINGLE);
    image_.reset();
    held_bytes_ += PlaneBytes(spec_, options_);
    return Result(result);
  }

  // A frame is shown for at least one, and for at most 13 hours.
  uint64_t Ticks() const {
    const uint64_t denominator = std::max(delay_.denominator, 1u);
    const uint64_t rounded =
        (uint64_t{delay_.numerator} * kTicksPerSecond + denominator / 2) /
        denominator;
    return std::clamp<uint64_t>(rounded, 1, UINT32_MAX);
  }

  ByteSink& sink_;
  const ImageSpec spec_;
  const EncodeOptions options_;
  const bool is_grey_;
  const uint32_t bits_;
  FrameDelay delay_;
  std::unique_ptr<avifEncoder, DestroyEncoder> encoder_;
  OwnedImage image_;
  Buffer band_;  // RGB that is not YUV yet
  uint32_t next_row_ = 0;
  uint64_t held_bytes_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Encoder>> CreateAvif(
    ByteSink& sink, const ImageSpec& spec, const EncodeOptions& options) {
  auto encoder = std::make_unique<AvifEncoder>(sink, spec, options);
  RETURN_IF_ERROR(encoder->Begin());
  return encoder;
}

uint64_t AvifWriterBytes(const ImageSpec& spec, const EncodeOptions& options) {
  // As measured: libaom's copies of the picture, what it knows of blocks, the
  // file twice.
  constexpr uint64_t kPerPixel = 60;
  constexpr uint64_t kLibrary = uint64_t{24} << 20;
  const uint64_t pixels = uint64_t{spec.shape.width} * spec.shape.height;
  return PlaneBytes(spec, options) +
         pixels * kPerPixel * SampleBytes(spec.sample_type) +
         kBandRows * RowBytes(spec) + 2 * options.icc_profile.size() + kLibrary;
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_HAS_AVIF
