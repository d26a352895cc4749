// NIfTI-1 and NIfTI-2 in one file, plain (.nii) and in gzip (.nii.gz), after
// nifti1.h and nifti2.h of the NIfTI Data Format Working Group.
//
// A volume is a sequence of pictures: its first two axes are columns and rows,
// and each step along the further ones is a frame, the third axis fastest. The
// first row of the file is the first of the picture, as in the arrays that
// nibabel gives (viewers often show it at the bottom). Where the first four
// axes are of length 1, as in matrices of CIFTI-2, the fifth and sixth are the
// picture.
//
// Samples are never narrowed to other integers: u8, u16, RGB24 and RGBA32 stay
// as they are; f32 stays bit by bit; i8 and i16 become f32, exactly; i32, u32,
// i64, u64 and f64 become the nearest f32 (integers are exact up to 2^24).
// Scaled samples (scl_slope neither 0 nor infinite nor NaN, and not 1 with
// scl_inter 0) become f32: scl_slope * sample + scl_inter, in double, then the
// nearest; colours are never scaled.
//
// Written are u8, u16 and f32 of one channel, RGB24 and RGBA32, without
// scaling. The header of the input is kept, with its affine moved to where the
// pixels went; header extensions are not. Without one it is NIfTI-1, or NIfTI-2
// if an axis is longer than 32767.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_reader.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/gzip_sink.h"
#include "imageadapt/codecs/gzip_source.h"
#include "imageadapt/codecs/nifti_header.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "NIfTI";
constexpr char kTooShort[] = "it ends too early";

constexpr size_t kMostAxes = 7;

// Four bytes behind the header say whether extensions follow.
constexpr size_t kExtenderBytes = 4;

// Of extensions, which are read over.
constexpr uint32_t kMaxExtensionBytes = 32 << 20;

// NIfTI-1 has 16 bits for the length of an axis.
constexpr int64_t kLongestAxis1 = 32767;

// How samples are stored, and what becomes of them.
struct Kind {
  NiftiType type;
  uint8_t sample_bytes;
  uint8_t channels;
  SampleType becomes;
};
constexpr std::array<Kind, 12> kKinds = {
    {{NiftiType::kU8, 1, 1, SampleType::kU8},
     {NiftiType::kU16, 2, 1, SampleType::kU16},
     {NiftiType::kF32, 4, 1, SampleType::kF32},
     {NiftiType::kRgb24, 1, 3, SampleType::kU8},
     {NiftiType::kRgba32, 1, 4, SampleType::kU8},
     {NiftiType::kI8, 1, 1, SampleType::kF32},
     {NiftiType::kI16, 2, 1, SampleType::kF32},
     {NiftiType::kI32, 4, 1, SampleType::kF32},
     {NiftiType::kU32, 4, 1, SampleType::kF32},
     {NiftiType::kI64, 8, 1, SampleType::kF32},
     {NiftiType::kU64, 8, 1, SampleType::kF32},
     {NiftiType::kF64, 8, 1, SampleType::kF32}}};

const Kind* FindKind(int32_t datatype) {
  for (const Kind& kind : kKinds) {
    if (static_cast<int32_t>(kind.type) == datatype) return &kind;
  }
  return nullptr;
}

// The kind that holds samples of `spec`, or null.
const Kind* KindOf(const ImageSpec& spec) {
  for (const Kind& kind : std::span(kKinds).first(5)) {
    if (kind.channels == spec.shape.channels &&
        kind.becomes == spec.sample_type) {
      return &kind;
    }
  }
  return nullptr;
}

void SwapSamples(std::span<std::byte> bytes, size_t sample_bytes) {
  for (size_t at = 0; at + sample_bytes <= bytes.size(); at += sample_bytes) {
    std::reverse(&bytes[at], &bytes[at] + sample_bytes);
  }
}

struct Scaling {
  double slope = 1;
  double inter = 0;
};

template <typename Stored>
void Convert(std::span<const std::byte> bytes, const Scaling* scaling,
             std::span<float> target) {
  for (size_t i = 0; i < target.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, &bytes[i * sizeof(Stored)], sizeof(Stored));
    target[i] =
        scaling == nullptr
            ? static_cast<float>(stored)
            : static_cast<float>(scaling->slope * static_cast<double>(stored) +
                                 scaling->inter);
  }
}

void ConvertSamples(NiftiType type, std::span<const std::byte> bytes,
                    const Scaling* scaling, std::span<float> target) {
  switch (type) {
    case NiftiType::kI8:
      return Convert<int8_t>(bytes, scaling, target);
    case NiftiType::kI16:
      return Convert<int16_t>(bytes, scaling, target);
    case NiftiType::kU16:
      return Convert<uint16_t>(bytes, scaling, target);
    case NiftiType::kI32:
      return Convert<int32_t>(bytes, scaling, target);
    case NiftiType::kU32:
      return Convert<uint32_t>(bytes, scaling, target);
    case NiftiType::kI64:
      return Convert<int64_t>(bytes, scaling, target);
    case NiftiType::kU64:
      return Convert<uint64_t>(bytes, scaling, target);
    case NiftiType::kF32:
      return Convert<float>(bytes, scaling, target);
    case NiftiType::kF64:
      return Convert<double>(bytes, scaling, target);
    default:
      return Convert<uint8_t>(bytes, scaling, target);
  }
}

class NiftiDecoder final : public Decoder {
 public:
  NiftiDecoder(ByteSource& source, bool is_gzip)
      : gzip_(is_gzip ? std::make_unique<GzipSource>(source) : nullptr),
        reader_(is_gzip ? *gzip_ : source) {}

  absl::Status Open(const DecodeLimits& limits) {
    NiftiHeader header;
    RETURN_IF_ERROR(ReadHeader(header));
    RETURN_IF_ERROR(SetAxes(header, limits));
    RETURN_IF_ERROR(SetKind(header));
    RETURN_IF_ERROR(SkipExtensions(header));
    return PixelBytes(spec_).status();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    return stored_.size() + (gzip_ != nullptr ? GzipSource::WorkingBytes() : 0);
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      if (!ReadRow(target.Rows(y, 1))) return BadRows(kTooShort);
      ++next_row_;
    }
    const bool is_end =
        frame_ + 1 == metadata_.frames.count && next_row_ == spec_.shape.height;
    if (is_end && gzip_ != nullptr) {
      // The checksum stands behind the last sample.
      uint8_t surplus = 0;
      if (!reader_.ReadByte(surplus) && *gzip_->problem() != '\0') {
        return BadRows(kTooShort);
      }
    }
    return reader_.source_status();
  }

  absl::Status NextFrame() override {
    ++frame_;
    next_row_ = 0;
    return absl::OkStatus();
  }

 private:
  absl::Status ReadHeader(NiftiHeader& header) {
    std::array<std::byte, kLongestNiftiHeader> bytes;
    const std::span all(bytes);
    if (!reader_.Fill(all.first(4))) return BadHeader(kTooShort);
    const size_t size = NiftiHeaderSize(all.first<4>());
    if (size == 0) {
      if (gzip_ != nullptr) return NotSupported("gzip", "no NIfTI inside");
      return BadHeader("it does not begin as such files do");
    }
    if (!reader_.Fill(all.subspan(4, size - 4))) return BadHeader(kTooShort);
    ASSIGN_OR_RETURN(header, ParseNiftiHeader(all.first(size)));
    is_swapped_ =
        header.is_big_endian != (std::endian::native == std::endian::big);
    return absl::OkStatus();
  }

  // Columns, rows and frames.
  absl::Status SetAxes(const NiftiHeader& header, const DecodeLimits& limits) {
    const int64_t axes = header.dim[0];
    if (axes < 1 || axes > static_cast<int64_t>(kMostAxes)) {
      return BadHeader("it has not 1 to 7 axes");
    }
    std::array<uint64_t, kMostAxes + 1> length;
    length.fill(1);
    for (size_t axis = 1; axis <= static_cast<size_t>(axes); ++axis) {
      if (header.dim[axis] < 1) return BadHeader("an axis has no length");
      length[axis] = static_cast<uint64_t>(header.dim[axis]);
    }
    const bool is_matrix =
        axes >= 6 && std::all_of(&length[1], &length[5],
                                 [](uint64_t each) { return each == 1; });
    const size_t first = is_matrix ? 5 : 1;
    uint64_t frames = 1;
    for (size_t axis = first + 2; axis <= kMostAxes; ++axis) {
      if (__builtin_mul_overflow(frames, length[axis], &frames)) {
        frames = UINT64_MAX;
        break;
      }
    }
    RETURN_IF_ERROR(
        CheckFrames(frames, length[first], length[first + 1], limits));
    spec_.shape.width = static_cast<uint32_t>(length[first]);
    spec_.shape.height = static_cast<uint32_t>(length[first + 1]);
    metadata_.frames.count = static_cast<uint32_t>(frames);
    // What a matrix means stands in an extension, which is not kept.
    if (!is_matrix) metadata_.volume_header = NiftiHeaderBytes(header);
    return absl::OkStatus();
  }

  absl::Status SetKind(const NiftiHeader& header) {
    kind_ = FindKind(header.datatype);
    if (kind_ == nullptr) {
      return NotSupported(kFormat,
                          absl::StrCat("samples of type ", header.datatype));
    }
    spec_.shape.channels = kind_->channels;
    spec_.sample_type = kind_->becomes;
    is_scaled_ = kind_->channels == 1 && header.scl_slope != 0 &&
                 std::isfinite(header.scl_slope) &&
                 (header.scl_slope != 1 || header.scl_inter != 0);
    if (is_scaled_) {
      if (!std::isfinite(header.scl_inter)) {
        return BadHeader("its scl_inter is not a number");
      }
      scaling_ = {.slope = header.scl_slope, .inter = header.scl_inter};
      spec_.sample_type = SampleType::kF32;
    }
    if (IsConverted()) {
      stored_.resize(size_t{spec_.shape.width} * kind_->sample_bytes);
    }
    return absl::OkStatus();
  }

  absl::Status SkipExtensions(const NiftiHeader& header) {
    const auto size = static_cast<double>(header.size());
    double offset = header.vox_offset;
    if (offset == 0) offset = size + kExtenderBytes;
    if (!(offset >= size) || offset != std::floor(offset)) {
      return BadHeader("its vox_offset makes no sense");
    }
    if (offset - size > kMaxExtensionBytes) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "the NIfTI file has extensions of more than ",
                     kMaxExtensionBytes, " bytes");
    }
    if (!reader_.Skip(static_cast<uint64_t>(offset - size))) {
      return BadHeader(kTooShort);
    }
    return absl::OkStatus();
  }

  bool IsConverted() const {
    return is_scaled_ || (kind_->becomes == SampleType::kF32 &&
                          kind_->type != NiftiType::kF32);
  }

  bool ReadRow(const AnyImageView& target) {
    const std::span<std::byte> bytes =
        IsConverted() ? std::span(stored_) : target.row_bytes(0);
    if (!reader_.Fill(bytes)) return false;
    if (is_swapped_) SwapSamples(bytes, kind_->sample_bytes);
    if (IsConverted()) {
      ConvertSamples(kind_->type, bytes, is_scaled_ ? &scaling_ : nullptr,
                     target.As<float>().row(0));
    }
    return true;
  }

  // Damage of what the file is packed in goes before.
  absl::string_view ProblemOr(absl::string_view problem) const {
    if (gzip_ == nullptr || *gzip_->problem() == '\0') return problem;
    return gzip_->problem();
  }
  absl::Status BadHeader(absl::string_view problem) const {
    return reader_.Failure(DamagedHeader(kFormat, ProblemOr(problem)));
  }
  absl::Status BadRows(absl::string_view problem) const {
    return reader_.Failure(DamagedRows(kFormat, next_row_, spec_.shape.height,
                                       ProblemOr(problem)));
  }

  const std::unique_ptr<GzipSource> gzip_;  // null for plain files
  ByteReader reader_;
  ImageSpec spec_;
  ImageMetadata metadata_;
  const Kind* kind_ = nullptr;
  bool is_swapped_ = false;
  bool is_scaled_ = false;
  Scaling scaling_;
  std::vector<std::byte> stored_;  // a row that is to be converted
  uint32_t frame_ = 0;
  uint32_t next_row_ = 0;
};

// Of the input if there is one, otherwise one that says nothing.
NiftiHeader HeaderToKeep(const EncodeOptions& options) {
  const std::span<const std::byte> bytes = options.volume_header;
  if (bytes.size() >= 4 && NiftiHeaderSize(bytes.first<4>()) == bytes.size()) {
    auto header = ParseNiftiHeader(bytes);
    if (header.ok()) {
      MoveNiftiPixels(*header, options.pixel_map);
      return *header;
    }
  }
  NiftiHeader header;
  header.pixdim.fill(1);
  return header;
}

void SetAxes(const ImageSpec& spec, uint32_t frames, NiftiHeader& header) {
  uint64_t kept = 1;
  for (int64_t axis = 3; axis <= header.dim[0]; ++axis) {
    // Cannot overflow: the input was within limits.
    kept *= static_cast<uint64_t>(header.dim[static_cast<size_t>(axis)]);
  }
  if (header.dim[0] < 2 || kept != frames) {
    header.dim = {frames == 1 ? 2 : 3, 1, 1, frames, 1, 1, 1, 1};
  }
  header.dim[1] = spec.shape.width;
  header.dim[2] = spec.shape.height;
  if (*std::max_element(&header.dim[1], &header.dim[8]) > kLongestAxis1) {
    header.is_version_2 = true;
  }
}

class NiftiEncoder final : public Encoder {
 public:
  NiftiEncoder(ByteSink& sink, const EncodeOptions& options, bool is_gzip)
      : gzip_(is_gzip ? std::make_unique<GzipSink>(sink, options.effort,
                                                   options.parallel)
                      : nullptr),
        sink_(is_gzip ? *gzip_ : sink) {}

  absl::Status Begin(const ImageSpec& spec, const EncodeOptions& options) {
    if (gzip_ != nullptr) RETURN_IF_ERROR(gzip_->Begin());
    const Kind& kind = *KindOf(spec);
    sample_bytes_ = kind.sample_bytes;
    NiftiHeader header = HeaderToKeep(options);
    SetAxes(spec, options.frames.count, header);
    header.datatype = static_cast<int32_t>(kind.type);
    header.bitpix = 8 * kind.sample_bytes * kind.channels;
    header.scl_slope = 1;
    header.scl_inter = 0;
    header.vox_offset = static_cast<double>(header.size() + kExtenderBytes);
    std::vector<std::byte> bytes = NiftiHeaderBytes(header);
    bytes.resize(bytes.size() + kExtenderBytes);
    return sink_.Append(bytes);
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    for (uint32_t y = 0; y < source.shape().height; ++y) {
      const std::span<const std::byte> row = source.row_bytes(y);
      if (std::endian::native == std::endian::little || sample_bytes_ == 1) {
        RETURN_IF_ERROR(sink_.Append(row));
      } else {
        swapped_.assign(row.begin(), row.end());
        SwapSamples(swapped_, sample_bytes_);
        RETURN_IF_ERROR(sink_.Append(swapped_));
      }
    }
    return absl::OkStatus();
  }

  absl::Status NextFrame(const ImageSpec& /*spec*/,
                         FrameDelay /*delay*/) override {
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    return gzip_ != nullptr ? gzip_->Finish() : absl::OkStatus();
  }

 private:
  const std::unique_ptr<GzipSink> gzip_;  // null for plain files
  ByteSink& sink_;
  size_t sample_bytes_ = 1;
  std::vector<std::byte> swapped_;
};

bool Recognizes(std::span<const std::byte> head) {
  return head.size() >= 4 && NiftiHeaderSize(head.first<4>()) != 0;
}

template <bool kIsGzip>
absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  auto decoder = std::make_unique<NiftiDecoder>(source, kIsGzip);
  RETURN_IF_ERROR(decoder->Open(limits));
  return decoder;
}

absl::Status CanHold(const ImageSpec& spec) {
  if (KindOf(spec) == nullptr) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   HasAlpha(spec.shape.channels) && spec.shape.channels == 2
                       ? "NIfTI cannot hold grey and alpha"
                       : "NIfTI holds colours of 8 bits only");
  }
  return PixelBytes(spec).status();
}

template <bool kIsGzip>
absl::StatusOr<std::unique_ptr<Encoder>> Create(ByteSink& sink,
                                                const ImageSpec& spec,
                                                const EncodeOptions& options) {
  auto encoder = std::make_unique<NiftiEncoder>(sink, options, kIsGzip);
  RETURN_IF_ERROR(encoder->Begin(spec, options));
  return encoder;
}

uint64_t GzipEncoderBytes(const ImageSpec& spec, const EncodeOptions& options) {
  return GzipSink::WorkingBytes(options.effort, options.parallel) +
         RowBytes(spec);
}

}  // namespace

const Codec kNiftiCodec = {.name = kFormat,
                           .mime_type = "image/x-nifti",
                           .recognizes = Recognizes,
                           .open = Open<false>,
                           .can_hold = CanHold,
                           .create = Create<false>,
                           .turn_losslessly = nullptr,
                           .frames = Codec::Frames::kSlices,
                           .extensions = "nii nifti",
                           .reads = kReadsU8 | kReadsU16 | kReadsF32,
                           .is_lossless = true};

const Codec kNiftiGzipCodec = {.name = "NIfTI in gzip",
                               .mime_type = "image/x-nifti+gzip",
                               .recognizes = IsGzip,
                               .open = Open<true>,
                               .can_hold = CanHold,
                               .create = Create<true>,
                               .turn_losslessly = nullptr,
                               .encoder_bytes = GzipEncoderBytes,
                               .frames = Codec::Frames::kSlices,
                               .extensions = "nii.gz",
                               .reads = kReadsU8 | kReadsU16 | kReadsF32,
                               .is_lossless = true};

}  // namespace imageadapt
