// DICOM files (PS3.10) with pixel data, read only. What they say is read by our
// own code (dicom_header.cc), and so are RLE and native samples; GDCM's JPEG
// libraries, CharLS and our own JPEG 2000 codec get single frames whose headers
// were compared with it before.
//
// Stored values stay as they are: unsigned ones of up to 8 bits become u8, of
// up to 16 bits u16, beyond that the nearest f32; signed ones f32, exactly. Of
// MONOCHROME1 they are mirrored, so that more is brighter. Colours are spread
// over the whole range; YBR_FULL becomes RGB as JPEG has it, palettes are
// expanded. Measured and windowed values come on request: see
// v1.DicomOptions.
//
// Nothing else of a file is read, so nothing of a patient can go on: neither
// names nor overlays, nor what stands in the 128 bytes before the signature.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/dicom_frames.h"
#include "imageadapt/codecs/dicom_header.h"
#include "imageadapt/codecs/dicom_samples.h"
#include "imageadapt/codecs/dicom_stream.h"

namespace imageadapt {
namespace {

#if IMAGEADAPT_HAS_DICOM

constexpr uint64_t kSmallBytes = uint64_t{64} << 10;

class DicomDecoder final : public Decoder {
 public:
  explicit DicomDecoder(ByteSource& source) : stream_(source) {}

  absl::Status Open(const DecodeLimits& limits) {
    limits_ = limits;
    RETURN_IF_ERROR(ReadDicomHeader(stream_, limits_, header_));
    samples_ = std::make_unique<DicomSamples>(header_);
    spec_.shape = {.width = header_.columns,
                   .height = header_.rows,
                   .channels = samples_->channels()};
    spec_.sample_type = samples_->type();
    metadata_.frames.count = static_cast<uint32_t>(header_.frames);
    metadata_.frames.is_animation = !header_.frame_milliseconds.empty();
    if (spec_.shape.channels == 3) {
      metadata_.icc_profile = std::move(header_.icc_profile);
    }
    if (IsPacked()) {
      frames_ = std::make_unique<DicomFrames>(stream_, header_, limits_);
      RETURN_IF_ERROR(frames_->Begin());
    }
    return PixelBytes(spec_).status();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  absl::Status Choose(const DecodeOptions& options) override {
    RETURN_IF_ERROR(samples_->Choose(options));
    spec_.sample_type = samples_->type();
    return PixelBytes(spec_).status();
  }

  uint64_t max_working_bytes() const override {
    const uint64_t row = uint64_t{header_.columns} * header_.samples_per_pixel *
                         (sizeof(int64_t) + sizeof(uint32_t));
    return kSmallBytes + stream_.working_bytes() + row +
           (IsPacked() ? frames_->working_bytes() : 0) +
           (header_.is_planar ? FrameBytes() : 0) +
           2 * sizeof(double) * header_.frame_milliseconds.size() +
           PaletteBytes();
  }

  FrameDelay delay() const override {
    const std::vector<double>& times = header_.frame_milliseconds;
    if (times.empty()) return {};
    const double time = times.size() == 1 ? times[0] : times[frame_];
    // To a hundredth of a millisecond.
    const double hundredths = std::clamp(100 * time, 0.0, 4e9);
    return {.numerator = static_cast<uint32_t>(std::lround(hundredths)),
            .denominator = 100'000};
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    if (next_row_ == 0) RETURN_IF_ERROR(StartFrame());
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      const AnyImageView row = target.Rows(y, 1);
      if (!ReadRow(row)) {
        return stream_.Failure(DamagedRows(
            kDicomFormat, next_row_, header_.rows,
            header_.frames == 1
                ? "it ends too early"
                : absl::StrCat("frame ", frame_, ": it ends too early")));
      }
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
  uint64_t PaletteBytes() const {
    uint64_t entries = 0;
    for (const auto& palette : header_.palette)
      entries += palette.values.size();
    return entries * sizeof(uint16_t);
  }

  bool IsPacked() const {
    return header_.packing != DicomHeader::Packing::kNone;
  }
  bool IsPaired() const {
    return header_.photometric == DicomHeader::Photometric::kYbrFull422;
  }
  // Samples of a row as they lie in the file.
  size_t RowValues() const {
    return size_t{header_.columns} * header_.samples_per_pixel;
  }
  uint64_t FrameBytes() const {
    return uint64_t{header_.rows} * RowValues() * (header_.bits_allocated / 8);
  }
  bool IsPlanar() const {
    return header_.is_planar && header_.samples_per_pixel > 1 && !IsPaired();
  }

  absl::Status StartFrame() {
    values_.resize(RowValues());
    if (IsPacked()) return frames_->Next(unpacked_);
    unpacked_ = {
        .samples = {},
        .sample_bytes = header_.bits_allocated / 8,
        .is_ycc = header_.photometric == DicomHeader::Photometric::kYbrFull ||
                  IsPaired()};
    if (!IsPlanar()) {
      stored_.resize(IsPaired() ? size_t{header_.columns} * 2
                                : RowValues() * unpacked_.sample_bytes);
      return absl::OkStatus();
    }
    if (planes_.size() == 0) {
      ASSIGN_OR_RETURN(planes_, BufferPool(0).Take(FrameBytes()));
    }
    if (!stream_.Fill(planes_.span())) {
      return stream_.Failure(DamagedRows(kDicomFormat, 0, header_.rows,
                                         "its planes end too early"));
    }
    return absl::OkStatus();
  }

  bool ReadRow(const AnyImageView& row) {
    const uint32_t bytes = unpacked_.sample_bytes;
    if (header_.bits_allocated == 1) {
      if (!ReadBits()) return false;
    } else if (IsPacked()) {
      const size_t size = RowValues() * bytes;
      const auto from = unpacked_.samples.subspan(next_row_ * size, size);
      if (samples_->is_plain(bytes) && !unpacked_.is_ycc) {
        std::copy(from.begin(), from.end(), row.row_bytes(0).begin());
        return true;
      }
      Load(from, 1, std::endian::native == std::endian::big, 0);
    } else if (IsPlanar()) {
      const size_t size = size_t{header_.columns} * bytes;
      for (size_t plane = 0; plane < header_.samples_per_pixel; ++plane) {
        const size_t at = (plane * header_.rows + next_row_) * size;
        Load(planes_.span().subspan(at, size), header_.samples_per_pixel,
             header_.is_big_endian, plane);
      }
    } else if (samples_->is_plain(bytes) && (bytes == 1 || IsNativeOrder())) {
      return stream_.Fill(row.row_bytes(0));
    } else {
      if (!stream_.Fill(stored_)) return false;
      if (IsPaired()) {
        LoadPairs();
      } else {
        Load(stored_, 1, header_.is_big_endian, 0);
      }
    }
    samples_->Convert(values_, unpacked_.is_ycc, row);
    return true;
  }

  bool IsNativeOrder() const {
    return header_.is_big_endian == (std::endian::native == std::endian::big);
  }

  // Samples to every `step`th value, from `first` on.
  void Load(std::span<const std::byte> from, size_t step, bool is_big_endian,
            size_t first) {
    const size_t bytes = unpacked_.sample_bytes;
    size_t to = first;
    for (size_t at = 0; at + bytes <= from.size(); at += bytes) {
      const auto* const sample = reinterpret_cast<const uint8_t*>(&from[at]);
      uint32_t stored = 0;
      switch (bytes) {
        case 1:
          stored = *sample;
          break;
        case 2:
          stored = is_big_endian ? LoadBig16(sample) : LoadLittle16(sample);
          break;
        default:
          stored = is_big_endian ? LoadBig32(sample) : LoadLittle32(sample);
          break;
      }
      values_[to] = samples_->ValueOf(stored);
      to += step;
    }
  }

  // Two pixels in four bytes: their lumas, and the chromas they share.
  void LoadPairs() {
    for (size_t pair = 0; 4 * pair + 3 < stored_.size(); ++pair) {
      const auto* const from =
          reinterpret_cast<const uint8_t*>(&stored_[4 * pair]);
      for (size_t i = 0; i < 2; ++i) {
        int64_t* const to = &values_[3 * (2 * pair + i)];
        to[0] = samples_->ValueOf(from[i]);
        to[1] = samples_->ValueOf(from[2]);
        to[2] = samples_->ValueOf(from[3]);
      }
    }
  }

  // The lowest bit of a byte first; rows and frames follow without a gap.
  bool ReadBits() {
    for (int64_t& value : values_) {
      if (bits_left_ == 0) {
        if (!stream_.Fill(std::span(&bits_, 1))) return false;
        bits_left_ = 8;
      }
      value = static_cast<int64_t>(bits_ & std::byte{1});
      bits_ >>= 1;
      --bits_left_;
    }
    return true;
  }

  DicomStream stream_;
  DecodeLimits limits_;
  DicomHeader header_;
  std::unique_ptr<DicomSamples> samples_;
  std::unique_ptr<DicomFrames> frames_;  // null if they are not packed
  ImageSpec spec_;
  ImageMetadata metadata_;
  DicomFrame unpacked_;
  Buffer planes_;
  std::vector<std::byte> stored_;  // a row as it lies in the file
  std::vector<int64_t> values_;
  std::byte bits_{0};
  uint32_t bits_left_ = 0;
  uint32_t frame_ = 0;
  uint32_t next_row_ = 0;
};

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  auto decoder = std::make_unique<DicomDecoder>(source);
  RETURN_IF_ERROR(decoder->Open(limits));
  return decoder;
}

#endif  // IMAGEADAPT_HAS_DICOM

}  // namespace

const Codec kDicomCodec = {.name = kDicomFormat,
                           .mime_type = "application/dicom",
                           .recognizes = IsDicom,
#if IMAGEADAPT_HAS_DICOM
                           .open = Open,
#else
                           .open = nullptr,
#endif
                           .can_hold = nullptr,
                           .create = nullptr,
                           .turn_losslessly = nullptr,
                           .extensions = "dcm dicom",
                           .reads = kReadsU8 | kReadsU16 | kReadsF32,
                           .keeps_icc_profile = false,
                           .decodes_in_tiles = true};

}  // namespace imageadapt
