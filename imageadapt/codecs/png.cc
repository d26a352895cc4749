// PNG by libpng. Where libpng jumps out with longjmp, the frames it leaves hold
// nothing that would have to be destroyed: each call of the library stands in
// a small function of its own that returns whether it came through.
#include <png.h>

#include <algorithm>
#include <array>
#include <bit>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_reader.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/exif_orientation.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "PNG";

// A longer chunk of any kind makes the file unreadable; profiles may use all of
// limits.max_icc_bytes.
constexpr size_t kChunkHeadroom = size_t{64} << 10;

// What libpng said when it gave up; kept without allocating.
class LastError {
 public:
  void Set(const char* text) {
    std::snprintf(text_, sizeof(text_), "%s", text);
  }
  const char* text() const { return text_; }

 private:
  char text_[160] = "unknown error";
};

[[noreturn]] void OnError(png_structp png, png_const_charp text) {
  static_cast<LastError*>(png_get_error_ptr(png))->Set(text);
  png_longjmp(png, 1);
}

void OnWarning(png_structp /*png*/, png_const_charp /*text*/) {}

SampleType SampleTypeOf(int bit_depth) {
  return bit_depth == 16 ? SampleType::kU16 : SampleType::kU8;
}

class PngDecoder final : public Decoder {
 public:
  explicit PngDecoder(ByteSource& source) : reader_(source) {}

  ~PngDecoder() override { png_destroy_read_struct(&png_, &info_, nullptr); }

  absl::Status Open(const DecodeLimits& limits) {
    if (!ReadHeader(limits)) return HeaderStatus();
    RETURN_IF_ERROR(CheckSize(png_get_image_width(png_, info_),
                              png_get_image_height(png_, info_), limits));
    ReadMetadata(limits);
    if (!StartRows()) return HeaderStatus();
    const absl::StatusOr<uint64_t> bytes = PixelBytes(spec_);
    RETURN_IF_ERROR(bytes.status());
    pixel_bytes_ = *bytes;
    return absl::OkStatus();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    // libpng's own rows (up to 8 bytes a pixel), zlib's window, the profile and
    // what it was inflated in.
    const uint64_t rows = uint64_t{spec_.shape.width} * 8 * 3;
    constexpr uint64_t kRest = uint64_t{1} << 20;
    return rows + kRest + metadata_.icc_profile.size() * 2 +
           (is_interlaced_ ? pixel_bytes_ : 0);
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    if (is_interlaced_ && next_row_ == 0) RETURN_IF_ERROR(ReadWholeImage());
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      const std::span<std::byte> row = target.row_bytes(y);
      if (is_interlaced_) {
        std::memcpy(row.data(), whole_.data() + next_row_ * row.size(),
                    row.size());
      } else if (!ReadRow(row.data())) {
        return RowStatus();
      }
      ++next_row_;
    }
    // The end of the file holds the checksum of all rows.
    if (next_row_ == spec_.shape.height && !ReadEnd()) return RowStatus();
    return absl::OkStatus();
  }

 private:
  static void ReadBytes(png_structp png, png_bytep target, size_t size) {
    auto* const self = static_cast<PngDecoder*>(png_get_io_ptr(png));
    if (!self->reader_.Fill(std::span(target, size))) {
      png_error(png, "it ends too early");
    }
  }

  bool ReadHeader(const DecodeLimits& limits) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &error_, OnError,
                                  OnWarning);
    if (png_ == nullptr) return false;
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_read_fn(png_, this, ReadBytes);
    // We ask for the size ourselves, and in our own words.
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(png_, limits.max_icc_bytes + kChunkHeadroom);
    // A wrong checksum of tRNS would be a picture without its transparency.
    png_set_crc_action(png_, PNG_CRC_DEFAULT, PNG_CRC_ERROR_QUIT);
    KeepOnlyWantedChunks();
    png_read_info(png_, info_);
    return true;
  }

  // The rest is skipped unread: a hundred small zTXt chunks inflate to half a
  // gigabyte, and gAMA or cHRM that disagree with the profile would drop it.
  void KeepOnlyWantedChunks() {
    constexpr png_byte kWanted[] = "eXIf\0iCCP";
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_AS_DEFAULT, kWanted, 2);
  }

  void ReadMetadata(const DecodeLimits& limits) {
    is_interlaced_ = png_get_interlace_type(png_, info_) != PNG_INTERLACE_NONE;
    png_uint_32 exif_bytes = 0;
    png_bytep exif = nullptr;
    if (png_get_eXIf_1(png_, info_, &exif_bytes, &exif) != 0) {
      metadata_.orientation =
          ExifOrientation(std::as_bytes(std::span(exif, exif_bytes)));
    }
    png_charp name = nullptr;
    int compression = 0;
    png_bytep profile = nullptr;
    png_uint_32 profile_bytes = 0;
    if (png_get_iCCP(png_, info_, &name, &compression, &profile,
                     &profile_bytes) != 0 &&
        profile_bytes <= limits.max_icc_bytes) {
      const auto bytes = std::as_bytes(std::span(profile, profile_bytes));
      metadata_.icc_profile.assign(bytes.begin(), bytes.end());
    }
    png_free_data(png_, info_, PNG_FREE_EXIF | PNG_FREE_ICCP, 0);
  }

  bool StartRows() {
    if (setjmp(png_jmpbuf(png_))) return false;
    // Palettes become RGB, transparent colours alpha, small samples 8 bits.
    png_set_expand(png_);
    if (std::endian::native == std::endian::little) png_set_swap(png_);
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    spec_.shape = {.width = png_get_image_width(png_, info_),
                   .height = png_get_image_height(png_, info_),
                   .channels = png_get_channels(png_, info_)};
    spec_.sample_type = SampleTypeOf(png_get_bit_depth(png_, info_));
    return true;
  }

  bool ReadRow(std::byte* row) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_row(png_, reinterpret_cast<png_bytep>(row), nullptr);
    return true;
  }

  bool ReadEnd() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_end(png_, nullptr);
    return true;
  }

  // Every pass adds pixels to rows of the passes before it.
  absl::Status ReadWholeImage() {
    ASSIGN_OR_RETURN(whole_, BufferPool(0).Take(pixel_bytes_));
    const size_t row_bytes = RowBytes(spec_);
    for (int pass = 0; pass < passes_; ++pass) {
      for (uint32_t y = 0; y < spec_.shape.height; ++y) {
        if (!ReadRow(whole_.data() + y * row_bytes)) {
          // As much of the picture as the passes before have filled.
          next_row_ = pass == passes_ - 1 ? y : 0;
          return RowStatus();
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status HeaderStatus() const {
    return reader_.Failure(DamagedHeader(kFormat, error_.text()));
  }
  absl::Status RowStatus() const {
    return reader_.Failure(
        DamagedRows(kFormat, next_row_, spec_.shape.height, error_.text()));
  }

  ByteReader reader_;
  LastError error_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  ImageSpec spec_;
  ImageMetadata metadata_;
  uint64_t pixel_bytes_ = 0;
  bool is_interlaced_ = false;
  int passes_ = 1;
  uint32_t next_row_ = 0;
  Buffer whole_;  // of an interlaced image
};

class PngEncoder final : public Encoder {
 public:
  PngEncoder(ByteSink& sink, const ImageSpec& spec)
      : sink_(sink), spec_(spec) {}

  ~PngEncoder() override { png_destroy_write_struct(&png_, &info_); }

  absl::Status Begin(const EncodeOptions& options) {
    return Result(WriteHeader(options));
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    for (uint32_t y = 0; y < source.shape().height; ++y) {
      RETURN_IF_ERROR(Result(WriteRow(source.row_bytes(y).data())));
    }
    return absl::OkStatus();
  }

  absl::Status Finish() override { return Result(WriteEnd()); }

 private:
  static void WriteBytes(png_structp png, png_bytep bytes, size_t size) {
    auto* const self = static_cast<PngEncoder*>(png_get_io_ptr(png));
    if (!self->Append(bytes, size)) png_error(png, "the sink takes no more");
  }

  static void Flush(png_structp /*png*/) {}

  bool Append(png_bytep bytes, size_t size) {
    sink_status_ = sink_.Append(std::as_bytes(std::span(bytes, size)));
    return sink_status_.ok();
  }

  void SetEffort(EncodeOptions::Effort effort) {
    switch (effort) {
      case EncodeOptions::Effort::kFast:
        // One filter for all rows: trying all five costs as much as deflate.
        png_set_compression_level(png_, 1);
        png_set_filter(png_, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
        break;
      case EncodeOptions::Effort::kDefault:
        png_set_compression_level(png_, 6);
        png_set_filter(png_, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
        break;
      case EncodeOptions::Effort::kSmallest:
        png_set_compression_level(png_, 9);
        png_set_filter(png_, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
        break;
    }
  }

  bool WriteHeader(const EncodeOptions& options) {
    constexpr std::array<int, kMaxChannels> kColorTypes = {
        PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
        PNG_COLOR_TYPE_RGB_ALPHA};
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &error_, OnError,
                                   OnWarning);
    if (png_ == nullptr) return false;
    info_ = png_create_info_struct(png_);
    if (info_ == nullptr) return false;
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_write_fn(png_, this, WriteBytes, Flush);
    png_set_user_limits(png_, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    // A profile that libpng does not like is left out, not an error.
    png_set_benign_errors(png_, 1);
    png_set_IHDR(png_, info_, spec_.shape.width, spec_.shape.height,
                 static_cast<int>(8 * SampleBytes(spec_.sample_type)),
                 kColorTypes[spec_.shape.channels - 1], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    SetEffort(options.effort);
    if (!options.icc_profile.empty()) {
      png_set_iCCP(
          png_, info_, "ICC profile", PNG_COMPRESSION_TYPE_BASE,
          reinterpret_cast<png_const_bytep>(options.icc_profile.data()),
          static_cast<png_uint_32>(options.icc_profile.size()));
    }
    png_write_info(png_, info_);
    if (std::endian::native == std::endian::little) png_set_swap(png_);
    return true;
  }

  bool WriteRow(const std::byte* row) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_write_row(png_, reinterpret_cast<png_const_bytep>(row));
    return true;
  }

  bool WriteEnd() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_write_end(png_, info_);
    return true;
  }

  absl::Status Result(bool came_through) const {
    if (came_through) return absl::OkStatus();
    if (!sink_status_.ok()) return sink_status_;
    return Refusal(absl::StatusCode::kInternal, kBug,
                   "libpng cannot write: ", error_.text());
  }

  ByteSink& sink_;
  const ImageSpec spec_;
  absl::Status sink_status_;
  LastError error_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

bool Recognizes(std::span<const std::byte> head) {
  return head.size() >= 8 &&
         png_sig_cmp(reinterpret_cast<png_const_bytep>(head.data()), 0, 8) == 0;
}

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  auto decoder = std::make_unique<PngDecoder>(source);
  RETURN_IF_ERROR(decoder->Open(limits));
  return decoder;
}

absl::Status CanHold(const ImageSpec& spec) {
  if (spec.sample_type == SampleType::kF32) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "PNG cannot hold float samples");
  }
  if (std::max(spec.shape.width, spec.shape.height) > PNG_UINT_31_MAX) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "PNG cannot hold ", spec.shape.width, " x ",
                   spec.shape.height, " pixels");
  }
  return PixelBytes(spec).status();
}

absl::StatusOr<std::unique_ptr<Encoder>> Create(ByteSink& sink,
                                                const ImageSpec& spec,
                                                const EncodeOptions& options) {
  auto encoder = std::make_unique<PngEncoder>(sink, spec);
  RETURN_IF_ERROR(encoder->Begin(options));
  return encoder;
}

}  // namespace

const Codec kPngCodec = {.name = kFormat,
                         .mime_type = "image/png",
                         .recognizes = Recognizes,
                         .open = Open,
                         .can_hold = CanHold,
                         .create = Create,
                         .turn_losslessly = nullptr,
                         .extensions = "png",
                         .reads = kReadsU8 | kReadsU16,
                         .is_lossless = true,
                         .keeps_icc_profile = true};

}  // namespace imageadapt
