// AVIF by libavif: read with dav1d (or what the library was built with) on the
// calling thread, written by avif_writer.cc.
//
// Samples of 8 bits are u8, those of 10 and 12 bits u16, spread over the whole
// range to the nearest (colours by the library's floats: 1 of 65535 off).
// Pictures without colour stay grey, unless their profile is for RGB. Limited
// range becomes full; YUV becomes RGB by the matrix that the file names, colour
// of half the resolution is interpolated. The primaries and the transfer
// function are not looked at. Alpha that was multiplied in is divided out. The
// clean aperture ("clap") is what is given; "irot" and "imir" are the
// orientation, and EXIF's is not looked at, as HEIF wants it.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/avif_writer.h"
#include "imageadapt/codecs/bmff_boxes.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/encode_checks.h"
#include "imageadapt/codecs/heif_scan.h"
#include "imageadapt/codecs/whole_file.h"

#if IMAGEADAPT_HAS_AVIF
#include <avif/avif.h>
#endif

namespace imageadapt {
namespace {

#if IMAGEADAPT_HAS_AVIF

// What dav1d and libavif take beside pixels, and for each part of a picture in
// tiles, as measured.
constexpr uint64_t kLibraryBytes = uint64_t{4} << 20;
constexpr uint64_t kItemBytes = uint64_t{512} << 10;

// Rows that become RGB together, and those beside them that interpolation of
// colour looks at. Both even: so are the halves.
constexpr uint32_t kBandRows = 64;
constexpr uint32_t kOverlap = 2;

struct DestroyDecoder {
  void operator()(avifDecoder* decoder) const { avifDecoderDestroy(decoder); }
};
struct DestroyImage {
  void operator()(avifImage* image) const { avifImageDestroy(image); }
};

// Whether a profile is for RGB; ICC.1:2022, 7.2.6.
bool IsProfileOfRgb(std::span<const std::byte> profile) {
  constexpr size_t kSpaceAt = 16;
  return profile.size() >= kSpaceAt + 4 &&
         std::memcmp(profile.data() + kSpaceAt, "RGB ", 4) == 0;
}

// Of a pixel, twice: luma and both colours.
uint32_t HalfSamples(avifPixelFormat format) {
  switch (format) {
    case AVIF_PIXEL_FORMAT_YUV400:
      return 2;
    case AVIF_PIXEL_FORMAT_YUV420:
      return 3;
    case AVIF_PIXEL_FORMAT_YUV422:
      return 4;
    default:
      return 6;
  }
}

class AvifDecoder final : public Decoder {
 public:
  explicit AvifDecoder(Buffer file) : file_(std::move(file)) {}

  absl::Status Open(const DecodeLimits& limits) {
    ASSIGN_OR_RETURN(scan_, ScanHeif(kAvifFormat, file_.span(), limits));
    RETURN_IF_ERROR(Parse(limits));
    const avifImage& image = *decoder_->image;
    const auto frames =
        static_cast<uint64_t>(std::max(decoder_->imageCount, 1));
    RETURN_IF_ERROR(CheckFrames(frames, image.width, image.height, limits));
    RETURN_IF_ERROR(CheckHeifDelays(kAvifFormat, frames, scan_.delays));
    if (image.yuvFormat == AVIF_PIXEL_FORMAT_NONE) {
      return DamagedHeader(kAvifFormat, "it does not say how samples are kept");
    }
    if (image.icc.size <= limits.max_icc_bytes) {
      const auto* const profile =
          reinterpret_cast<const std::byte*>(image.icc.data);
      metadata_.icc_profile.assign(profile, profile + image.icc.size);
    }
    RETURN_IF_ERROR(SetSpec());
    SetOrientation();
    if (decoder_->imageCount > 1) {
      metadata_.frames = {.count = static_cast<uint32_t>(decoder_->imageCount),
                          .is_animation = true,
                          .plays = scan_.plays};
    }
    return PixelBytes(spec_).status();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    // A stream can keep eight pictures to predict from, beside the one that is
    // made and the one that is shown.
    constexpr uint64_t kPictures = 10;
    const uint64_t pixels =
        std::max<uint64_t>(uint64_t{width_} * height_, scan_.largest_pixels);
    const uint64_t samples = HalfSamples(format_);
    const uint64_t picture = pixels * (has_alpha_ ? samples + 2 : samples) / 2 *
                             SampleBytes(spec_.sample_type);
    return kPictures * picture + kLibraryBytes +
           (scan_.items > 2 ? scan_.items * kItemBytes : 0) + BandBytes();
  }

  FrameDelay delay() const override {
    avifImageTiming timing = {};
    if (!metadata_.frames.is_animation ||
        avifDecoderNthImageTiming(decoder_.get(), frame_, &timing) !=
            AVIF_RESULT_OK) {
      return {};
    }
    // To 32 bits, which clocks of video fit in.
    uint64_t numerator = timing.durationInTimescales;
    uint64_t denominator = std::max<uint64_t>(timing.timescale, 1);
    while (std::max(numerator, denominator) > UINT32_MAX) {
      numerator /= 2;
      denominator = std::max<uint64_t>(denominator / 2, 1);
    }
    return {.numerator = static_cast<uint32_t>(numerator),
            .denominator = static_cast<uint32_t>(denominator)};
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    if (next_row_ == 0) RETURN_IF_ERROR(DecodeFrame());
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      RETURN_IF_ERROR(CopyRow(target.row_bytes(y)));
      ++next_row_;
    }
    return absl::OkStatus();
  }

  absl::Status NextFrame() override {
    ++frame_;
    next_row_ = 0;
    return absl::OkStatus();
  }

 private:
  absl::Status Parse(const DecodeLimits& limits) {
    decoder_.reset(avifDecoderCreate());
    if (decoder_ == nullptr) return NoMemory();
    decoder_->maxThreads = 1;
    decoder_->ignoreExif = AVIF_TRUE;
    decoder_->ignoreXMP = AVIF_TRUE;
    // Files of some years ago lack "pixi".
    decoder_->strictFlags =
        AVIF_STRICT_CLAP_VALID | AVIF_STRICT_ALPHA_ISPE_REQUIRED;
    // dav1d keeps to it, whatever the size in the stream: a picture cannot be
    // larger than its file has said.
    const uint64_t pixels =
        std::min<uint64_t>(scan_.largest_pixels, AVIF_DEFAULT_IMAGE_SIZE_LIMIT);
    if (pixels == 0) return DamagedHeader(kAvifFormat, "it has no picture");
    decoder_->imageSizeLimit = static_cast<uint32_t>(pixels);
    decoder_->imageDimensionLimit = limits.max_side;
    decoder_->imageCountLimit = limits.max_frames;
    avifResult result = avifDecoderSetIOMemory(
        decoder_.get(), reinterpret_cast<const uint8_t*>(file_.data()),
        file_.size());
    if (result == AVIF_RESULT_OK) result = avifDecoderParse(decoder_.get());
    if (result == AVIF_RESULT_OK) return absl::OkStatus();
    if (result == AVIF_RESULT_OUT_OF_MEMORY) return NoMemory();
    if (result == AVIF_RESULT_NOT_IMPLEMENTED) {
      return NotSupported(kAvifFormat, "features that libavif does not know");
    }
    // The library looks for all samples before it decodes any.
    if (scan_.ends_early) {
      return DamagedRows(kAvifFormat, 0, scan_.largest_height,
                         "it ends too early");
    }
    const char* const more = decoder_->diag.error;
    return DamagedHeader(kAvifFormat,
                         *more != '\0' ? more : avifResultToString(result));
  }

  absl::Status SetSpec() {
    const avifImage& image = *decoder_->image;
    width_ = image.width;
    height_ = image.height;
    depth_ = image.depth;
    format_ = image.yuvFormat;
    has_alpha_ = decoder_->alphaPresent != AVIF_FALSE;
    is_grey_ = format_ == AVIF_PIXEL_FORMAT_YUV400 &&
               !IsProfileOfRgb(metadata_.icc_profile);
    crop_ = {.x = 0, .y = 0, .width = width_, .height = height_};
    if ((image.transformFlags & AVIF_TRANSFORM_CLAP) != 0) {
      avifDiagnostics ignored;
      avifCropRect crop;
      if (avifCropRectConvertCleanApertureBox(&crop, &image.clap, width_,
                                              height_, format_,
                                              &ignored) == AVIF_FALSE) {
        return DamagedHeader(kAvifFormat, "its clean aperture makes no sense");
      }
      crop_ = crop;
    }
    spec_.shape = {.width = crop_.width,
                   .height = crop_.height,
                   .channels = (is_grey_ ? 1u : 3u) + (has_alpha_ ? 1u : 0u)};
    spec_.sample_type = depth_ > 8 ? SampleType::kU16 : SampleType::kU8;
    return absl::OkStatus();
  }

  // First turned, then mirrored (ISO/IEC 23000-22, 7.3.6.7).
  void SetOrientation() {
    const avifImage& image = *decoder_->image;
    Orientation upright;
    if ((image.transformFlags & AVIF_TRANSFORM_IROT) != 0) {
      upright.quarter_turns = image.irot.angle % 4;
    }
    if ((image.transformFlags & AVIF_TRANSFORM_IMIR) != 0) {
      const bool is_left_right = image.imir.mode == 1;
      upright = upright.Then(
          {.mirrored = true, .quarter_turns = is_left_right ? 0 : 2});
    }
    metadata_.orientation = upright;
  }

  static absl::Status NoMemory() {
    return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                   "libavif has no memory to decode");
  }

  absl::Status Damaged(const char* problem) const {
    if (!metadata_.frames.is_animation) {
      return DamagedRows(kAvifFormat, next_row_, spec_.shape.height, problem);
    }
    return DamagedRows(kAvifFormat, next_row_, spec_.shape.height,
                       absl::StrCat("frame ", frame_, ": ", problem));
  }

  absl::Status DecodeFrame() {
    const avifResult result = avifDecoderNextImage(decoder_.get());
    if (result == AVIF_RESULT_OUT_OF_MEMORY) return NoMemory();
    if (result != AVIF_RESULT_OK) {
      const char* const more = decoder_->diag.error;
      return Damaged(*more != '\0' ? more : avifResultToString(result));
    }
    // The library goes by the stream where it and the boxes disagree. Some
    // files say that colour has more samples than it has.
    const avifImage& image = *decoder_->image;
    if (image.width != width_ || image.height != height_ ||
        image.depth != depth_ || !IsAsSaid(image.yuvFormat) ||
        (image.alphaPlane != nullptr) != has_alpha_ ||
        image.yuvPlanes[AVIF_CHAN_Y] == nullptr) {
      return Damaged("its picture is not what its header says");
    }
    band_begin_ = band_end_ = 0;
    return absl::OkStatus();
  }

  bool IsAsSaid(avifPixelFormat format) const {
    return format == format_ || (format != AVIF_PIXEL_FORMAT_YUV400 &&
                                 format != AVIF_PIXEL_FORMAT_NONE &&
                                 HalfSamples(format) < HalfSamples(format_));
  }

  size_t BandRowBytes() const {
    return size_t{width_} * spec_.shape.channels *
           SampleBytes(spec_.sample_type);
  }
  uint64_t BandBytes() const {
    return BandRowBytes() *
           std::min<uint64_t>(kBandRows + 2 * kOverlap, height_);
  }

  absl::Status CopyRow(std::span<std::byte> row) {
    const uint32_t y = crop_.y + next_row_;
    if (is_grey_) {
      if (spec_.sample_type == SampleType::kU8) {
        CopyGrey<uint8_t>(y, reinterpret_cast<uint8_t*>(row.data()));
      } else {
        CopyGrey<uint16_t>(y, reinterpret_cast<uint16_t*>(row.data()));
      }
      return absl::OkStatus();
    }
    if (y < band_begin_ || y >= band_end_) RETURN_IF_ERROR(ConvertBand(y));
    const size_t pixel = row.size() / spec_.shape.width;
    std::memcpy(
        row.data(),
        band_.data() + (y - band_first_) * BandRowBytes() + crop_.x * pixel,
        row.size());
    return absl::OkStatus();
  }

  // Makes RGB of some rows from `y` on.
  absl::Status ConvertBand(uint32_t y) {
    if (band_.size() == 0) {
      ASSIGN_OR_RETURN(band_, BufferPool(0).Take(BandBytes()));
    }
    band_begin_ = y - y % kBandRows;
    band_end_ = std::min(band_begin_ + kBandRows, height_);
    band_first_ = band_begin_ - std::min(band_begin_, kOverlap);
    const avifCropRect rect = {
        .x = 0,
        .y = band_first_,
        .width = width_,
        .height = std::min(band_end_ + kOverlap, height_) - band_first_};
    const std::unique_ptr<avifImage, DestroyImage> rows(avifImageCreateEmpty());
    if (rows == nullptr) return NoMemory();
    avifResult result =
        avifImageSetViewRect(rows.get(), decoder_->image, &rect);
    if (result == AVIF_RESULT_OK) {
      rows->alphaPremultiplied = decoder_->image->alphaPremultiplied;
      avifRGBImage rgb;
      avifRGBImageSetDefaults(&rgb, rows.get());
      rgb.depth = spec_.sample_type == SampleType::kU8 ? 8 : 16;
      rgb.format = has_alpha_ ? AVIF_RGB_FORMAT_RGBA : AVIF_RGB_FORMAT_RGB;
      rgb.chromaUpsampling = AVIF_CHROMA_UPSAMPLING_BILINEAR;
      // The same samples, however the library was built.
      rgb.avoidLibYUV = AVIF_TRUE;
      rgb.pixels = reinterpret_cast<uint8_t*>(band_.data());
      rgb.rowBytes = static_cast<uint32_t>(BandRowBytes());
      result = avifImageYUVToRGB(rows.get(), &rgb);
    }
    if (result == AVIF_RESULT_OK) return absl::OkStatus();
    return NotSupported(kAvifFormat,
                        absl::StrCat("the colour matrix ",
                                     decoder_->image->matrixCoefficients));
  }

  // Luma and alpha as they are, over the whole range.
  template <typename T>
  void CopyGrey(uint32_t y, T* target) const {
    const avifImage& image = *decoder_->image;
    const auto row_of = [&](const uint8_t* plane, uint32_t row_bytes) {
      return reinterpret_cast<const T*>(plane + size_t{y} * row_bytes) +
             crop_.x;
    };
    const T* const luma =
        row_of(image.yuvPlanes[AVIF_CHAN_Y], image.yuvRowBytes[AVIF_CHAN_Y]);
    const T* const alpha =
        has_alpha_ ? row_of(image.alphaPlane, image.alphaRowBytes) : nullptr;
    const auto most = static_cast<uint32_t>((1u << depth_) - 1);
    constexpr uint32_t kFull = sizeof(T) == 1 ? 255 : 65535;
    const bool is_limited = image.yuvRange == AVIF_RANGE_LIMITED;
    // In limited range black is 16 and white 235, of 8 bits.
    const uint32_t black = is_limited ? 16u << (depth_ - 8) : 0;
    const uint32_t range = is_limited ? 219u << (depth_ - 8) : most;
    for (uint32_t x = 0; x < crop_.width; ++x) {
      const uint32_t above =
          std::clamp<uint32_t>(luma[x], black, black + range) - black;
      uint32_t value = (above * kFull + range / 2) / range;
      if (alpha == nullptr) {
        *target++ = static_cast<T>(value);
        continue;
      }
      const uint32_t cover =
          (std::min<uint32_t>(alpha[x], most) * kFull + most / 2) / most;
      if (image.alphaPremultiplied != AVIF_FALSE && cover != 0) {
        value = static_cast<uint32_t>(std::min<uint64_t>(
            (uint64_t{value} * kFull + cover / 2) / cover, kFull));
      }
      *target++ = static_cast<T>(value);
      *target++ = static_cast<T>(cover);
    }
  }

  const Buffer file_;
  HeifScan scan_;
  std::unique_ptr<avifDecoder, DestroyDecoder> decoder_;
  ImageSpec spec_;
  ImageMetadata metadata_;
  // Of the picture before it is cropped.
  uint32_t width_ = 0;
  uint32_t height_ = 0;
  uint32_t depth_ = 8;
  avifPixelFormat format_ = AVIF_PIXEL_FORMAT_NONE;
  avifCropRect crop_ = {};
  bool has_alpha_ = false;
  bool is_grey_ = false;
  uint32_t frame_ = 0;
  uint32_t next_row_ = 0;
  Buffer band_;  // RGB, of rows from band_first_ on
  uint32_t band_first_ = 0;
  uint32_t band_begin_ = 0;
  uint32_t band_end_ = 0;
};

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  ASSIGN_OR_RETURN(Buffer file, ReadWholeFile(source));
  auto decoder = std::make_unique<AvifDecoder>(std::move(file));
  RETURN_IF_ERROR(decoder->Open(limits));
  return decoder;
}

constexpr uint32_t kMostOfAv1 = 65536;

absl::Status CanHold(const ImageSpec& spec) {
  if (spec.sample_type == SampleType::kU16) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "AVIF holds at most 12 bits, not all 16 of u16 samples");
  }
  RETURN_IF_ERROR(CheckHasBytes(kAvifFormat, spec));
  return CheckSides(kAvifFormat, spec, kMostOfAv1);
}

absl::Status CanHoldWith(const ImageSpec& spec, const EncodeOptions& options) {
  const uint32_t bits = options.sample_bits;
  if (spec.sample_type != SampleType::kU16 || bits == 0) return CanHold(spec);
  if (bits != 10 && bits != 12) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "AVIF holds u16 samples in 10 or 12 bits, not in ", bits);
  }
  return CheckSides(kAvifFormat, spec, kMostOfAv1);
}

#endif  // IMAGEADAPT_HAS_AVIF

bool Recognizes(std::span<const std::byte> head) {
  return HasBmffBrand(head, "avif") || HasBmffBrand(head, "avis");
}

}  // namespace

const Codec kAvifCodec = {.name = kAvifFormat,
                          .mime_type = "image/avif",
                          .recognizes = Recognizes,
#if IMAGEADAPT_HAS_AVIF
                          .open = Open,
                          .can_hold = CanHold,
                          .create = CreateAvif,
#else
                          .open = nullptr,
                          .can_hold = nullptr,
                          .create = nullptr,
#endif
                          .turn_losslessly = nullptr,
#if IMAGEADAPT_HAS_AVIF
                          .can_hold_with = CanHoldWith,
                          .encoder_bytes = AvifWriterBytes,
#endif
                          .frames = Codec::Frames::kAlike,
                          .extensions = "avif avifs",
                          .reads = kReadsU8 | kReadsU16,
                          .takes_quality = true,
                          .keeps_icc_profile = true,
                          .holds_file = true,
                          .decodes_in_tiles = true};

}  // namespace imageadapt
