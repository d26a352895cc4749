// JPEG by libjpeg-turbo. As in png.cc, frames that the library leaves with
// longjmp hold nothing that would have to be destroyed.
#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
// After <cstdio>, which it needs but does not include.
#include <jerror.h>
#include <jpeglib.h>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/color_transform.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/exif_orientation.h"
#include "imageadapt/codecs/jpeg_turn.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "JPEG";
constexpr int kApp1 = JPEG_APP0 + 1;
constexpr int kApp2 = JPEG_APP0 + 2;
constexpr unsigned kWholeSegment = 0xffff;

// Of the segments that are kept: the longest possible ICC profile, and as much
// again. The library takes memory for them before anybody knows how large the
// image is.
constexpr uint64_t kMaxSegmentBytes = uint64_t{32} << 20;

// The library looks for the end of their list from its beginning, for each.
constexpr uint32_t kMaxSegments = 1024;

// Where the library goes when it gives up.
struct ErrorManager {
  jpeg_error_mgr base;  // first: the library knows only this
  std::jmp_buf jump;
  uint64_t segment_bytes;
  uint32_t segments;
  char text[JMSG_LENGTH_MAX];
};

bool HasTooMuchMetadata(const ErrorManager& errors) {
  return errors.segment_bytes > kMaxSegmentBytes ||
         errors.segments > kMaxSegments;
}

[[noreturn]] void OnError(j_common_ptr common) {
  auto* const errors = reinterpret_cast<ErrorManager*>(common->err);
  errors->base.format_message(common, errors->text);
  std::longjmp(errors->jump, 1);
}

// The library calls damage a warning and goes on with grey; we do not. Bytes
// between segments and wrong version numbers stand in many good files.
void OnMessage(j_common_ptr common, int level) {
  // The library tells of each segment, with its marker and length.
  if (common->err->msg_code == JTRC_MISC_MARKER) {
    const int* const told = common->err->msg_parm.i;
    if (told[0] == kApp1 || told[0] == kApp2) {
      auto* const errors = reinterpret_cast<ErrorManager*>(common->err);
      errors->segment_bytes += static_cast<uint64_t>(told[1]);
      ++errors->segments;
      if (HasTooMuchMetadata(*errors)) {
        ERREXIT(common, JERR_OUT_OF_MEMORY);
      }
    }
    return;
  }
  if (level >= 0) return;
  switch (common->err->msg_code) {
    case JWRN_EXTRANEOUS_DATA:
    case JWRN_ADOBE_XFORM:
    case JWRN_JFIF_MAJOR:
    case JWRN_BOGUS_ICC:
      return;
    default:
      OnError(common);
  }
}

void IgnoreOutput(j_common_ptr /*common*/) {}

void SetUp(ErrorManager& errors) {
  jpeg_std_error(&errors.base);
  errors.base.error_exit = OnError;
  errors.base.emit_message = OnMessage;
  errors.base.output_message = IgnoreOutput;
  std::snprintf(errors.text, sizeof(errors.text), "unknown error");
}

class JpegDecoder final : public Decoder {
 public:
  explicit JpegDecoder(ByteSource& source, const DecodeLimits& limits)
      : source_(source), limits_(limits) {}

  ~JpegDecoder() override { jpeg_destroy_decompress(&jpeg_); }

  absl::Status Open() {
    if (!ReadHeader()) return HeaderStatus();
    RETURN_IF_ERROR(CheckSize(jpeg_.image_width, jpeg_.image_height, limits_));
    switch (jpeg_.jpeg_color_space) {
      case JCS_GRAYSCALE:
        jpeg_.out_color_space = JCS_GRAYSCALE;
        spec_.shape.channels = 1;
        break;
      case JCS_YCbCr:
      case JCS_RGB:
        jpeg_.out_color_space = JCS_RGB;
        spec_.shape.channels = 3;
        break;
      case JCS_CMYK:
      case JCS_YCCK:
        jpeg_.out_color_space = JCS_CMYK;
        spec_.shape.channels = 3;
        break;
      default:
        return DamagedHeader(kFormat, "its colours are of no known kind");
    }
    spec_.shape.width = jpeg_.image_width;
    spec_.shape.height = jpeg_.image_height;
    ReadMetadata();
    return absl::OkStatus();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    // Some rows of blocks in each stage, and the metadata with its segments.
    const uint64_t rows = uint64_t{spec_.shape.width} * 4 * 128;
    constexpr uint64_t kRest = uint64_t{1} << 20;
    return rows + kRest + 2 * metadata_.icc_profile.size() + marker_bytes_ +
           coefficient_bytes_ + uint64_t{spec_.shape.width} * 4 +
           (ink_profile_.empty()
                ? 0
                : ink_profile_.size() +
                      ColorTransform::MemoryBytes(ink_profile_.size()));
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    if (!has_started_) {
      if (!Start()) return RowStatus();
      has_started_ = true;
      if (IsCmyk()) PrepareInks();
    }
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      const std::span<uint8_t> row = target.As<uint8_t>().row(y);
      if (IsCmyk()) {
        if (!ReadRow(row_.data())) return RowStatus();
        CmykToRgb(row);
      } else if (!ReadRow(row.data())) {
        return RowStatus();
      }
      ++next_row_;
    }
    if (next_row_ == spec_.shape.height && !End()) return RowStatus();
    return absl::OkStatus();
  }

 private:
  bool IsCmyk() const { return jpeg_.out_color_space == JCS_CMYK; }

  // The library's interface to what it reads from.
  struct Input {
    jpeg_source_mgr base;  // first: the library knows only this
    JpegDecoder* decoder;
  };

  static JpegDecoder& Self(j_decompress_ptr jpeg) {
    return *reinterpret_cast<Input*>(jpeg->src)->decoder;
  }

  static void InitSource(j_decompress_ptr /*jpeg*/) {}
  static void TermSource(j_decompress_ptr /*jpeg*/) {}

  static boolean FillInput(j_decompress_ptr jpeg) {
    if (!Self(jpeg).NextBytes()) ERREXIT(jpeg, JERR_INPUT_EOF);
    return TRUE;
  }

  static void SkipInput(j_decompress_ptr jpeg, long count) {
    auto left = static_cast<size_t>(std::max(count, 0L));
    while (left > jpeg->src->bytes_in_buffer) {
      left -= jpeg->src->bytes_in_buffer;
      FillInput(jpeg);
    }
    jpeg->src->next_input_byte += left;
    jpeg->src->bytes_in_buffer -= left;
  }

  // False at the end of the source, or if the source fails.
  bool NextBytes() {
    auto next = source_.Next();
    if (!next.ok()) source_status_ = next.status();
    if (!next.ok() || next->empty()) return false;
    input_.base.next_input_byte = reinterpret_cast<const JOCTET*>(next->data());
    input_.base.bytes_in_buffer = next->size();
    return true;
  }

  // A file of a few kilobytes can ask for thousands of passes.
  static void OnProgress(j_common_ptr common) {
    auto* const jpeg = reinterpret_cast<j_decompress_ptr>(common);
    const uint32_t most = Self(jpeg).limits_.max_scans;
    if (jpeg->input_scan_number > static_cast<int>(most)) {
      // Said in our own words by RowStatus().
      Self(jpeg).has_too_many_scans_ = true;
      ERREXIT(jpeg, JERR_BAD_STATE);
    }
  }

  bool ReadHeader() {
    SetUp(errors_);
    jpeg_.err = &errors_.base;
    if (setjmp(errors_.jump)) return false;
    jpeg_create_decompress(&jpeg_);
    input_.decoder = this;
    input_.base.init_source = InitSource;
    input_.base.fill_input_buffer = FillInput;
    input_.base.skip_input_data = SkipInput;
    input_.base.resync_to_restart = jpeg_resync_to_restart;
    input_.base.term_source = TermSource;
    jpeg_.src = &input_.base;
    progress_.progress_monitor = OnProgress;
    jpeg_.progress = &progress_;
    jpeg_save_markers(&jpeg_, kApp1, kWholeSegment);
    jpeg_save_markers(&jpeg_, kApp2, kWholeSegment);
    jpeg_read_header(&jpeg_, TRUE);
    // Files with several scans hold all coefficients, two bytes each.
    if (jpeg_has_multiple_scans(&jpeg_)) {
      for (int i = 0; i < jpeg_.num_components; ++i) {
        const jpeg_component_info& component = jpeg_.comp_info[i];
        coefficient_bytes_ +=
            (uint64_t{component.width_in_blocks} + component.h_samp_factor) *
            (uint64_t{component.height_in_blocks} + component.v_samp_factor) *
            DCTSIZE2 * sizeof(JCOEF);
      }
    }
    return true;
  }

  void ReadMetadata() {
    for (jpeg_saved_marker_ptr marker = jpeg_.marker_list; marker != nullptr;
         marker = marker->next) {
      marker_bytes_ += marker->data_length;
      if (marker->marker != kApp1 || !metadata_.orientation.is_upright()) {
        continue;
      }
      metadata_.orientation = ExifOrientationOfApp1(
          std::as_bytes(std::span(marker->data, marker->data_length)));
    }
    // A profile for inks says nothing about RGB: it is what makes RGB of them.
    std::vector<std::byte>& to =
        IsCmyk() ? ink_profile_ : metadata_.icc_profile;
    JOCTET* profile = nullptr;
    unsigned profile_bytes = 0;
    if (ReadIcc(&profile, &profile_bytes)) {
      const std::unique_ptr<JOCTET, void (*)(void*)> owned(profile, std::free);
      if (profile_bytes <= limits_.max_icc_bytes) {
        const auto bytes = std::as_bytes(std::span(profile, profile_bytes));
        to.assign(bytes.begin(), bytes.end());
      }
    }
  }

  bool ReadIcc(JOCTET** profile, unsigned* profile_bytes) {
    if (setjmp(errors_.jump)) return false;
    return jpeg_read_icc_profile(&jpeg_, profile, profile_bytes) == TRUE;
  }

  bool Start() {
    if (setjmp(errors_.jump)) return false;
    return jpeg_start_decompress(&jpeg_) == TRUE;
  }

  bool ReadRow(JSAMPLE* row) {
    if (setjmp(errors_.jump)) return false;
    return jpeg_read_scanlines(&jpeg_, &row, 1) == 1;
  }

  bool End() {
    if (setjmp(errors_.jump)) return false;
    return jpeg_finish_decompress(&jpeg_) == TRUE;
  }

  void PrepareInks() {
    row_.resize(size_t{spec_.shape.width} * 4);
    if (ink_profile_.empty()) return;
    auto transform = ColorTransform::InksToSrgb(ink_profile_,
                                                jpeg_.saw_Adobe_marker == TRUE);
    // One that cannot be used is as none.
    if (transform.ok()) ink_transform_ = *std::move(transform);
  }

  // By the profile; without one as browsers do. Adobe's files store 255 minus
  // the ink.
  void CmykToRgb(std::span<uint8_t> target) const {
    if (ink_transform_ != nullptr) {
      ink_transform_->Run(std::as_bytes(std::span(row_)).data(),
                          std::as_writable_bytes(target).data(),
                          spec_.shape.width);
      return;
    }
    const uint8_t flip = jpeg_.saw_Adobe_marker ? 0 : 255;
    const JSAMPLE* from = row_.data();
    for (size_t i = 0; i < target.size(); i += 3, from += 4) {
      const unsigned black = from[3] ^ flip;
      for (size_t c = 0; c < 3; ++c) {
        const unsigned ink = from[c] ^ flip;
        target[i + c] = static_cast<uint8_t>((ink * black + 127) / 255);
      }
    }
  }

  absl::Status HeaderStatus() const {
    if (!source_status_.ok()) return source_status_;
    if (HasTooMuchMetadata(errors_)) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "the JPEG file has more than ", kMaxSegmentBytes,
                     " bytes or ", kMaxSegments, " segments of metadata");
    }
    return DamagedHeader(kFormat, errors_.text);
  }

  absl::Status RowStatus() const {
    if (!source_status_.ok()) return source_status_;
    if (has_too_many_scans_) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "the JPEG file has more than ", limits_.max_scans,
                     " scans");
    }
    return DamagedRows(kFormat, next_row_, spec_.shape.height, errors_.text);
  }

  ByteSource& source_;
  const DecodeLimits limits_;
  absl::Status source_status_;
  ErrorManager errors_ = {};
  jpeg_decompress_struct jpeg_ = {};
  Input input_ = {};
  jpeg_progress_mgr progress_ = {};
  ImageSpec spec_;
  ImageMetadata metadata_;
  uint64_t coefficient_bytes_ = 0;
  uint64_t marker_bytes_ = 0;  // of the segments that the library keeps
  bool has_started_ = false;
  bool has_too_many_scans_ = false;
  uint32_t next_row_ = 0;
  std::vector<JSAMPLE> row_;  // one row of CMYK
  std::vector<std::byte> ink_profile_;
  std::unique_ptr<ColorTransform> ink_transform_;
};

class JpegEncoder final : public Encoder {
 public:
  JpegEncoder(ByteSink& sink, const ImageSpec& spec)
      : sink_(sink), spec_(spec) {}

  ~JpegEncoder() override { jpeg_destroy_compress(&jpeg_); }

  absl::Status Begin(const EncodeOptions& options) {
    return Result(WriteHeader(options));
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    for (uint32_t y = 0; y < source.shape().height; ++y) {
      RETURN_IF_ERROR(Result(WriteRow(source.As<uint8_t>().row(y).data())));
    }
    return absl::OkStatus();
  }

  absl::Status Finish() override { return Result(WriteEnd()); }

 private:
  static constexpr size_t kBufferBytes = size_t{64} << 10;

  // The library's interface to what it writes to.
  struct Output {
    jpeg_destination_mgr base;  // first: the library knows only this
    JpegEncoder* encoder;
  };

  static JpegEncoder& Self(j_compress_ptr jpeg) {
    return *reinterpret_cast<Output*>(jpeg->dest)->encoder;
  }

  static void InitDestination(j_compress_ptr jpeg) { Self(jpeg).ClearBuffer(); }

  // Called when the buffer is full, whatever free_in_buffer says.
  static boolean EmptyBuffer(j_compress_ptr jpeg) {
    if (!Self(jpeg).Append(kBufferBytes)) ERREXIT(jpeg, JERR_FILE_WRITE);
    return TRUE;
  }

  static void TermDestination(j_compress_ptr jpeg) {
    const size_t used = kBufferBytes - jpeg->dest->free_in_buffer;
    if (!Self(jpeg).Append(used)) ERREXIT(jpeg, JERR_FILE_WRITE);
  }

  void ClearBuffer() {
    output_.base.next_output_byte = buffer_.data();
    output_.base.free_in_buffer = buffer_.size();
  }

  bool Append(size_t size) {
    sink_status_ = sink_.Append(std::as_bytes(std::span(buffer_)).first(size));
    ClearBuffer();
    return sink_status_.ok();
  }

  bool WriteHeader(const EncodeOptions& options) {
    SetUp(errors_);
    jpeg_.err = &errors_.base;
    if (setjmp(errors_.jump)) return false;
    jpeg_create_compress(&jpeg_);
    output_.encoder = this;
    output_.base.init_destination = InitDestination;
    output_.base.empty_output_buffer = EmptyBuffer;
    output_.base.term_destination = TermDestination;
    jpeg_.dest = &output_.base;
    jpeg_.image_width = spec_.shape.width;
    jpeg_.image_height = spec_.shape.height;
    jpeg_.input_components = static_cast<int>(spec_.shape.channels);
    jpeg_.in_color_space = spec_.shape.channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_set_defaults(&jpeg_);
    jpeg_set_quality(&jpeg_, options.quality, TRUE);
    if (options.full_chroma) {
      jpeg_.comp_info[0].h_samp_factor = 1;
      jpeg_.comp_info[0].v_samp_factor = 1;
    }
    jpeg_start_compress(&jpeg_, TRUE);
    if (!options.icc_profile.empty()) {
      jpeg_write_icc_profile(
          &jpeg_, reinterpret_cast<const JOCTET*>(options.icc_profile.data()),
          static_cast<unsigned>(options.icc_profile.size()));
    }
    return true;
  }

  bool WriteRow(const uint8_t* row) {
    if (setjmp(errors_.jump)) return false;
    // The library's interface is older than const; it does not write to it.
    auto* samples = const_cast<JSAMPLE*>(row);
    return jpeg_write_scanlines(&jpeg_, &samples, 1) == 1;
  }

  bool WriteEnd() {
    if (setjmp(errors_.jump)) return false;
    jpeg_finish_compress(&jpeg_);
    return true;
  }

  absl::Status Result(bool came_through) const {
    if (came_through) return absl::OkStatus();
    if (!sink_status_.ok()) return sink_status_;
    return Refusal(absl::StatusCode::kInternal, kBug,
                   "libjpeg cannot write: ", errors_.text);
  }

  ByteSink& sink_;
  const ImageSpec spec_;
  absl::Status sink_status_;
  ErrorManager errors_ = {};
  jpeg_compress_struct jpeg_ = {};
  Output output_ = {};
  std::array<JOCTET, kBufferBytes> buffer_;
};

bool Recognizes(std::span<const std::byte> head) {
  // The start marker, and the first byte of the marker that must follow.
  constexpr std::array<std::byte, 3> kStart = {std::byte{0xff}, std::byte{0xd8},
                                               std::byte{0xff}};
  return head.size() >= kStart.size() &&
         std::equal(kStart.begin(), kStart.end(), head.begin());
}

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  auto decoder = std::make_unique<JpegDecoder>(source, limits);
  RETURN_IF_ERROR(decoder->Open());
  return decoder;
}

absl::Status CanHold(const ImageSpec& spec) {
  if (spec.sample_type != SampleType::kU8) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "JPEG holds 8-bit samples only, not ",
                   SampleTypeName(spec.sample_type));
  }
  if (HasAlpha(spec.shape.channels)) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "JPEG cannot hold transparency, and the image has an alpha "
                   "channel");
  }
  if (std::max(spec.shape.width, spec.shape.height) > JPEG_MAX_DIMENSION) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "a side of a JPEG has at most ", JPEG_MAX_DIMENSION,
                   " pixels, and the image has ", spec.shape.width, " x ",
                   spec.shape.height);
  }
  return PixelBytes(spec).status();
}

absl::StatusOr<std::unique_ptr<Encoder>> Create(ByteSink& sink,
                                                const ImageSpec& spec,
                                                const EncodeOptions& options) {
  auto encoder = std::make_unique<JpegEncoder>(sink, spec);
  RETURN_IF_ERROR(encoder->Begin(options));
  return encoder;
}

}  // namespace

const Codec kJpegCodec = {.name = kFormat,
                          .mime_type = "image/jpeg",
                          .recognizes = Recognizes,
                          .open = Open,
                          .can_hold = CanHold,
                          .create = Create,
                          .turn_losslessly = TurnJpegLosslessly,
                          .extensions = "jpg jpeg jpe jfif",
                          .reads = kReadsU8,
                          .takes_quality = true,
                          .keeps_icc_profile = true};

}  // namespace imageadapt
