#include "imageadapt/codecs/dicom_frames.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/dicom_jpeg.h"
#include "imageadapt/codecs/jp2_boxes.h"

#if IMAGEADAPT_HAS_DICOM
#include <charls/charls.h>
#endif

namespace imageadapt {
namespace {

constexpr char kTooShort[] = "it ends too early";

constexpr uint32_t kItem = 0xfffee000;
constexpr uint32_t kSequenceEnd = 0xfffee0dd;

// A packed frame can be larger than its samples, but not by more: noise and
// marks.
constexpr uint64_t kMaxGrowth = 4;
constexpr uint64_t kPackedSlack = uint64_t{1} << 20;

// What libraries take: tables, and beside them a multiple of the samples.
constexpr uint64_t kLibraryBytes = uint64_t{8} << 20;
constexpr uint64_t kLibraryBytesPerSample = 24;

constexpr size_t kRleHeadBytes = 64;
constexpr uint32_t kMaxRleSegments = 15;

uint32_t LoadLittle(const std::byte* bytes) {
  return LoadLittle32(reinterpret_cast<const uint8_t*>(bytes));
}

// Groups and elements of two bytes each, always little-endian here.
uint32_t TagOf(const std::byte* bytes) {
  return LoadLittle(bytes) << 16 | LoadLittle(bytes) >> 16;
}

// One byte of every sample of a plane. False if there are not enough.
bool UnpackBits(std::span<const std::byte> packed, std::span<std::byte> target,
                size_t step, size_t count) {
  size_t at = 0;
  size_t made = 0;
  while (made < count) {
    if (at >= packed.size()) return false;
    const auto code = static_cast<int8_t>(packed[at++]);
    if (code == -128) continue;
    const size_t wanted = code >= 0 ? static_cast<size_t>(code) + 1
                                    : static_cast<size_t>(1 - code);
    // Some writers let a run go on into the padding.
    const size_t length = std::min(wanted, count - made);
    if (code >= 0) {
      if (packed.size() - at < length) return false;
      for (size_t i = 0; i < length; ++i) {
        target[(made + i) * step] = packed[at + i];
      }
      at += wanted;
    } else {
      if (at >= packed.size()) return false;
      for (size_t i = 0; i < length; ++i) {
        target[(made + i) * step] = packed[at];
      }
      ++at;
    }
    made += length;
  }
  return true;
}

// How a JPEG 2000 file or codestream stores samples.
struct CodestreamSamples {
  uint32_t bits = 0;
  bool is_signed = false;
};

bool ReadCodestreamSamples(std::span<const std::byte> bytes,
                           CodestreamSamples& samples) {
  const auto header = ParseJp2(bytes);
  if (!header.ok() || header->components.empty()) return false;
  const Jp2Component& first = header->components.front();
  samples = {.bits = first.bits, .is_signed = first.is_signed};
  return header->palette.entries.empty() && first.bits <= 16 &&
         std::all_of(header->components.begin(), header->components.end(),
                     [&](const Jp2Component& each) {
                       return each.bits == first.bits && each.dx == 1 &&
                              each.dy == 1 && each.is_signed == first.is_signed;
                     });
}

// Our decoder spreads samples over all of 8 or 16 bits, with the lowest at 0.
template <typename T>
void Unspread(std::span<T> values, const CodestreamSamples& samples) {
  constexpr uint32_t kFull = (1u << 8 * sizeof(T)) - 1;
  const uint32_t most = (1u << samples.bits) - 1;
  const uint32_t half = samples.is_signed ? 1u << (samples.bits - 1) : 0;
  for (T& value : values) {
    const uint32_t stored = (value * most + kFull / 2) / kFull;
    value = static_cast<T>(stored - half);
  }
}

template <typename T>
absl::Status ReadCodestream(Decoder& decoder, const CodestreamSamples& samples,
                            std::span<std::byte> target) {
  const std::span<T> values(reinterpret_cast<T*>(target.data()),
                            target.size() / sizeof(T));
  const ImageShape& shape = decoder.spec().shape;
  RETURN_IF_ERROR(
      decoder.ReadRows(ImageView<T>(values.data(), shape, RowSamples(shape))));
  Unspread(values, samples);
  return absl::OkStatus();
}

}  // namespace

absl::Status DicomFrames::Damaged(absl::string_view problem) const {
  const absl::Status status = DamagedRows(
      kDicomFormat, 0, header_.rows,
      header_.frames == 1 ? std::string(problem)
                          : absl::StrCat("frame ", index_, ": ", problem));
  return problem == kTooShort ? stream_.Failure(status) : status;
}

uint64_t DicomFrames::max_packed_bytes() const {
  const uint64_t most = kMaxGrowth * frame_bytes() + kPackedSlack;
  return std::min(most, stream_.bytes_left().value_or(most));
}

uint64_t DicomFrames::max_library_bytes() const {
  if (header_.packing == DicomHeader::Packing::kRle) return 0;
  return kLibraryBytes +
         kLibraryBytesPerSample * pixels() * header_.samples_per_pixel +
         // Copies of the packed frame.
         3 * max_packed_bytes();
}

uint64_t DicomFrames::working_bytes() const {
  // Vectors grow by doubling, and keep what they had for an earlier frame.
  return std::max<uint64_t>(2 * max_packed_bytes(), packed_.capacity()) +
         2 * frame_bytes() + max_library_bytes() +
         offsets_.size() * sizeof(uint32_t);
}

absl::Status DicomFrames::Begin() {
  std::array<std::byte, 8> head;
  if (!stream_.Fill(head)) return Damaged(kTooShort);
  if (TagOf(head.data()) != kItem) {
    return Damaged("its frames begin without their table");
  }
  const uint32_t length = LoadLittle(&head[4]);
  const uint64_t expected = sizeof(uint32_t) * header_.frames;
  if (length == expected) {
    std::vector<std::byte> table(length);
    if (!stream_.Fill(table)) return Damaged(kTooShort);
    offsets_.resize(header_.frames);
    for (size_t i = 0; i < offsets_.size(); ++i) {
      offsets_[i] = LoadLittle(&table[4 * i]);
    }
    // A table that makes no sense counts as none.
    if (offsets_[0] != 0 || !std::is_sorted(offsets_.begin(), offsets_.end()) ||
        std::adjacent_find(offsets_.begin(), offsets_.end()) !=
            offsets_.end()) {
      offsets_.clear();
    }
  } else if (!stream_.Skip(length)) {
    return Damaged(kTooShort);
  }
  first_at_ = stream_.at();
  RETURN_IF_ERROR(ReadFragmentHead());
  if (!next_.has_value()) return Damaged("it has no frames");
  return absl::OkStatus();
}

absl::Status DicomFrames::ReadFragmentHead() {
  const uint64_t offset = stream_.at() - first_at_;
  std::array<std::byte, 8> head;
  if (!stream_.Fill(head)) return Damaged(kTooShort);
  next_.reset();
  const uint32_t tag = TagOf(head.data());
  if (tag == kSequenceEnd) return absl::OkStatus();
  const uint32_t length = LoadLittle(&head[4]);
  if (tag != kItem || length == kDicomNoLength) {
    return Damaged("a part of a frame does not begin as one does");
  }
  Fragment fragment{.length = length, .offset = offset};
  if (!stream_.Fill(std::span(fragment.first).first(fragment.first_size()))) {
    return Damaged(kTooShort);
  }
  next_ = fragment;
  return absl::OkStatus();
}

// Requires that the present frame has a fragment, and that there is a next one.
bool DicomFrames::IsOfNextFrame() const {
  if (index_ + 1 >= header_.frames) return false;
  if (!offsets_.empty()) return next_->offset >= offsets_[index_ + 1];
  if (header_.packing == DicomHeader::Packing::kRle) return true;
  // JPEG's start of image, JPEG 2000's start of codestream.
  const auto& first = next_->first;
  return next_->length >= 4 && first[0] == std::byte{0xff} &&
         first[2] == std::byte{0xff} &&
         (first[1] == std::byte{0xd8} || first[1] == std::byte{0x4f});
}

absl::Status DicomFrames::TakeFragment() {
  const size_t before = packed_.size();
  if (before + uint64_t{next_->length} >
      kMaxGrowth * frame_bytes() + kPackedSlack) {
    return Damaged("a frame is much longer packed than not");
  }
  const std::optional<uint64_t> left = stream_.bytes_left();
  const size_t read = next_->first_size();
  if (left.has_value() && next_->length - read > *left) {
    return Damaged(kTooShort);
  }
  packed_.resize(before + next_->length);
  std::copy_n(next_->first.begin(), read,
              packed_.begin() + static_cast<ptrdiff_t>(before));
  if (!stream_.Fill(std::span(packed_).subspan(before + read))) {
    return Damaged(kTooShort);
  }
  return ReadFragmentHead();
}

absl::Status DicomFrames::GatherFrame() {
  packed_.clear();
  if (!next_.has_value()) return Damaged("it has fewer frames than it says");
  do {
    RETURN_IF_ERROR(TakeFragment());
  } while (next_.has_value() && !IsOfNextFrame());
  return absl::OkStatus();
}

absl::Status DicomFrames::Next(DicomFrame& frame) {
  RETURN_IF_ERROR(GatherFrame());
  if (samples_.size() == 0) {
    ASSIGN_OR_RETURN(samples_, BufferPool(0).Take(frame_bytes()));
  }
  using Photometric = DicomHeader::Photometric;
  frame = {.samples = samples_.span(),
           .sample_bytes = header_.bits_allocated / 8,
           .is_ycc = header_.photometric == Photometric::kYbrFull ||
                     header_.photometric == Photometric::kYbrFull422};
  absl::Status status;
  switch (header_.packing) {
    case DicomHeader::Packing::kNone:
      break;
    case DicomHeader::Packing::kRle:
      status = DecodeRle(frame);
      break;
    case DicomHeader::Packing::kJpeg:
      status = DecodeJpeg(frame);
      break;
    case DicomHeader::Packing::kJpegLs:
      status = DecodeJpegLs(frame);
      break;
    case DicomHeader::Packing::kJpeg2000:
      status = DecodeJpeg2000(frame);
      break;
  }
  ++index_;
  return status;
}

// Bytes of samples in planes, the highest first (PS3.5, G.2).
absl::Status DicomFrames::DecodeRle(DicomFrame& frame) {
  const uint32_t bytes = frame.sample_bytes;
  const uint32_t step = bytes * header_.samples_per_pixel;
  if (packed_.size() < kRleHeadBytes) return Damaged(kTooShort);
  if (LoadLittle(packed_.data()) != step || step > kMaxRleSegments) {
    return Damaged("its RLE has another number of segments");
  }
  for (uint32_t plane = 0; plane < step; ++plane) {
    const uint32_t begin = LoadLittle(&packed_[4 + 4 * size_t{plane}]);
    const uint32_t end = plane + 1 < step
                             ? LoadLittle(&packed_[8 + 4 * size_t{plane}])
                             : static_cast<uint32_t>(packed_.size());
    if (begin < kRleHeadBytes || begin > end || end > packed_.size()) {
      return Damaged("a segment of its RLE is not within it");
    }
    const uint32_t sample = plane / bytes;
    const uint32_t from_top = plane % bytes;
    const uint32_t byte = std::endian::native == std::endian::little
                              ? bytes - 1 - from_top
                              : from_top;
    if (!UnpackBits(std::span(packed_).subspan(begin, end - begin),
                    samples_.span().subspan(size_t{sample} * bytes + byte),
                    step, pixels())) {
      return Damaged("a segment of its RLE ends too early");
    }
  }
  return absl::OkStatus();
}

absl::Status DicomFrames::DecodeJpeg(DicomFrame& frame) {
  JpegMarkers markers;
  if (!ReadJpegMarkers(packed_, markers) || markers.is_jpeg_ls) {
    return Damaged("its JPEG markers make no sense");
  }
  if (markers.width != header_.columns || markers.height != header_.rows ||
      markers.components != header_.samples_per_pixel ||
      8 * markers.sample_bytes() > header_.bits_allocated) {
    return Damaged("its JPEG is of another size");
  }
  if (markers.scans > limits_.max_scans ||
      DicomJpegBytes(markers) > max_library_bytes()) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "the DICOM file has a JPEG of ", markers.scans,
                   " scans that would take ", DicomJpegBytes(markers),
                   " bytes; the limits are ", limits_.max_scans, " and ",
                   max_library_bytes());
  }
  // Where JPEG's own marks and DICOM's attributes disagree, JPEG is right: its
  // encoder knew what it did.
  if (markers.components == 3 && !markers.is_lossless) {
    if (markers.adobe_transform >= 0) {
      frame.is_ycc = markers.adobe_transform == 1;
    } else if (markers.has_jfif) {
      frame.is_ycc = true;
    }
  }
  frame.sample_bytes = markers.sample_bytes();
  const auto target =
      samples_.span().first(pixels() * markers.components * frame.sample_bytes);
  frame.samples = target;
  const char* const problem = DecodeDicomJpeg(packed_, markers, target);
  return problem == nullptr ? absl::OkStatus() : Damaged(problem);
}

absl::Status DicomFrames::DecodeJpegLs(DicomFrame& frame) {
#if IMAGEADAPT_HAS_DICOM
  JpegMarkers markers;
  if (!ReadJpegMarkers(packed_, markers) || !markers.is_jpeg_ls) {
    return Damaged("its JPEG-LS markers make no sense");
  }
  if (markers.width != header_.columns || markers.height != header_.rows ||
      markers.components != header_.samples_per_pixel ||
      8 * markers.sample_bytes() > header_.bits_allocated) {
    return Damaged("its JPEG-LS is of another size");
  }
  frame.sample_bytes = markers.sample_bytes();
  const uint64_t size = pixels() * markers.components * frame.sample_bytes;
  const auto target = samples_.span().first(size);
  frame.samples = target;
  const std::unique_ptr<charls_jpegls_decoder,
                        decltype(&charls_jpegls_decoder_destroy)>
      decoder(charls_jpegls_decoder_create(), charls_jpegls_decoder_destroy);
  charls::interleave_mode mode = {};
  size_t library_size = 0;
  if (decoder == nullptr ||
      charls_jpegls_decoder_set_source_buffer(decoder.get(), packed_.data(),
                                              packed_.size()) !=
          charls::jpegls_errc::success ||
      charls_jpegls_decoder_read_header(decoder.get()) !=
          charls::jpegls_errc::success ||
      charls_jpegls_decoder_get_interleave_mode(decoder.get(), &mode) !=
          charls::jpegls_errc::success ||
      charls_jpegls_decoder_get_destination_size(
          decoder.get(), 0, &library_size) != charls::jpegls_errc::success ||
      library_size != size) {
    return Damaged("its JPEG-LS header is damaged");
  }
  const bool is_planar =
      mode == charls::interleave_mode::none && markers.components > 1;
  if (is_planar && planes_.size() == 0) {
    ASSIGN_OR_RETURN(planes_, BufferPool(0).Take(frame_bytes()));
  }
  const auto to = is_planar ? planes_.span().first(size) : target;
  if (charls_jpegls_decoder_decode_to_buffer(decoder.get(), to.data(),
                                             to.size(), 0) !=
      charls::jpegls_errc::success) {
    return Damaged("its JPEG-LS data are damaged");
  }
  for (size_t c = 0; is_planar && c < markers.components; ++c) {
    for (size_t i = 0; i < pixels(); ++i) {
      std::memcpy(&target[(i * markers.components + c) * frame.sample_bytes],
                  &to[(c * pixels() + i) * frame.sample_bytes],
                  frame.sample_bytes);
    }
  }
  return absl::OkStatus();
#else
  static_cast<void>(frame);
  return Damaged("this build has no library for it");
#endif
}

absl::Status DicomFrames::DecodeJpeg2000(DicomFrame& frame) {
  if (kJp2Codec.open == nullptr) {
    return Refusal(absl::StatusCode::kUnimplemented, kCodecNotBuilt,
                   "this build cannot read JPEG 2000, which this DICOM file "
                   "has inside");
  }
  CodestreamSamples samples;
  if (!ReadCodestreamSamples(packed_, samples)) {
    return Damaged("its JPEG 2000 header makes no sense");
  }
  RopeSource source{ByteRope(packed_)};
  const auto decoder = kJp2Codec.open(source, limits_);
  if (!decoder.ok()) return Damaged(decoder.status().message());
  const ImageSpec& spec = (*decoder)->spec();
  frame.sample_bytes = static_cast<uint32_t>(SampleBytes(spec.sample_type));
  if (spec.shape.width != header_.columns ||
      spec.shape.height != header_.rows ||
      spec.shape.channels != header_.samples_per_pixel ||
      8 * frame.sample_bytes > header_.bits_allocated) {
    return Damaged("its JPEG 2000 is of another size");
  }
  if ((*decoder)->max_working_bytes() > max_library_bytes()) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "the DICOM file has a JPEG 2000 inside that takes ",
                   (*decoder)->max_working_bytes(), " bytes; the limit is ",
                   max_library_bytes());
  }
  const auto target =
      samples_.span().first(uint64_t{header_.rows} * RowBytes(spec));
  frame.samples = target;
  const absl::Status status =
      frame.sample_bytes == 1
          ? ReadCodestream<uint8_t>(**decoder, samples, target)
          : ReadCodestream<uint16_t>(**decoder, samples, target);
  return status.ok() ? status : Damaged(status.message());
}

}  // namespace imageadapt
