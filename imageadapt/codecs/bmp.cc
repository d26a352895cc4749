// BMP: Windows bitmaps with headers of all versions (BITMAPCOREHEADER,
// BITMAPINFOHEADER to BITMAPV5HEADER, as in Microsoft's "Bitmap Storage") and
// those of OS/2, uncompressed, with bit fields, RLE4 and RLE8.
//
// Palettes become RGB, or grey if they hold nothing else. Bit fields wider than
// 8 bits become 16-bit samples; all are spread over full scale, to the nearest.
// Alpha is taken where bit fields name it and nowhere else: the fourth byte of
// plain 32-bit pixels is filling. Pixels that RLE leaves out have colour 0, and
// what goes past the end of a row is dropped, as other programs do.
//
// Files usually begin with their last row and end with their colour profile, so
// they are held as a whole; rows are then made in any order. Written are rows
// from the top, which need not be held, as 8-bit grey, 24-bit RGB and 32-bit
// RGBA, with the profile in front of them.
#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/bgr_rows.h"
#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/encode_checks.h"
#include "imageadapt/codecs/whole_file.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "BMP";
constexpr char kTooShort[] = "it ends too early";

// In front of the header whose first field is its own size.
constexpr size_t kFileHeaderBytes = 14;

constexpr uint32_t kCoreHeader = 12;
constexpr uint32_t kInfoHeader = 40;
constexpr uint32_t kOs2Header = 64;
constexpr uint32_t kV4Header = 108;
constexpr uint32_t kV5Header = 124;
// 16 is OS/2's with nothing but the size; 52 and 56 have masks.
constexpr std::array<uint32_t, 8> kHeaderSizes = {
    kCoreHeader, 16, kInfoHeader, 52, 56, kOs2Header, kV4Header, kV5Header};

// Colour spaces of V4 and V5 headers.
constexpr uint32_t kSrgb = 0x73524742;      // "sRGB"
constexpr uint32_t kEmbedded = 0x4d424544;  // "MBED"

enum Compression : uint32_t {
  kNone = 0,
  kRle8 = 1,
  kRle4 = 2,
  kBitFields = 3,
  kJpeg = 4,
  kPng = 5,
  kAlphaBitFields = 6,
  kLastOfInks = 13,
};

// A range of bits of a pixel, and the factor that spreads it over full scale.
struct BitField {
  uint32_t mask = 0;
  int shift = 0;
  double scale = 0;

  // Bits beside each other?
  bool is_whole() const {
    const uint32_t low = mask >> shift;
    return (low & (low + 1)) == 0;
  }
  int width() const { return std::popcount(mask); }

  // Never half way between two values: the largest is odd.
  template <typename T>
  T Value(uint32_t pixel) const {
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): none is negative.
    return static_cast<T>(((pixel & mask) >> shift) * scale + 0.5);
  }
};

BitField MakeBitField(uint32_t mask) {
  return {.mask = mask,
          .shift = mask == 0 ? 0 : std::countr_zero(mask),
          .scale = 0};
}

// Where the data of a row of an RLE image begin.
struct RleState {
  size_t at = 0;
  uint32_t x = 0;
  uint32_t rows_left_out = 0;
  bool has_ended = false;
};

class BmpDecoder final : public Decoder {
 public:
  absl::Status Open(ByteSource& source, const DecodeLimits& limits) {
    ASSIGN_OR_RETURN(file_, ReadWholeFile(source));
    bytes_ = {reinterpret_cast<const uint8_t*>(file_.data()), file_.size()};
    RETURN_IF_ERROR(ReadHeader());
    RETURN_IF_ERROR(CheckSize(width_, height_, limits));
    RETURN_IF_ERROR(CheckKind());
    if (HasBitFields()) {
      RETURN_IF_ERROR(ReadMasks());
    } else if (bits_ <= 8) {
      RETURN_IF_ERROR(ReadPalette());
    } else if (bits_ != 24) {
      RETURN_IF_ERROR(bits_ == 16
                          ? SetMasks({0x7c00, 0x03e0, 0x001f, 0})
                          : SetMasks({0xff0000, 0x00ff00, 0x0000ff, 0}));
    }
    if (pixels_at_ < at_) pixels_at_ = at_;
    ReadProfile(limits);
    spec_.shape.width = static_cast<uint32_t>(width_);
    spec_.shape.height = static_cast<uint32_t>(height_);
    return PixelBytes(spec_).status();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    return IsRle() ? height_ * sizeof(RleState) + width_ : 0;
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    if (next_row_ == 0) RETURN_IF_ERROR(IsRle() ? FindRleRows() : FindRows());
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      const AnyImageView row = target.Rows(y, 1);
      if (const absl::string_view problem = MakeRow(row); !problem.empty()) {
        return BadRow(next_row_, problem);
      }
      ++next_row_;
    }
    return absl::OkStatus();
  }

 private:
  uint16_t Get16(size_t at) const { return LoadLittle16(&bytes_[at]); }
  uint32_t Get32(size_t at) const { return LoadLittle32(&bytes_[at]); }
  // A field of the header, by its place there; 0 where it has none.
  uint32_t Field(size_t at) const {
    return at + 4 <= header_size_ ? Get32(kFileHeaderBytes + at) : 0;
  }

  bool IsRle() const { return compression_ == kRle4 || compression_ == kRle8; }
  bool HasBitFields() const {
    return compression_ == kBitFields || compression_ == kAlphaBitFields;
  }
  bool IsOs2() const {
    return header_size_ == kOs2Header || header_size_ < kInfoHeader;
  }

  absl::Status ReadHeader() {
    if (bytes_.size() < kFileHeaderBytes + 4) return BadHeader(kTooShort);
    if (bytes_[0] != 'B' || bytes_[1] != 'M') {
      return BadHeader("it does not begin as such files do");
    }
    pixels_at_ = Get32(10);
    header_size_ = Get32(kFileHeaderBytes);
    if (std::find(kHeaderSizes.begin(), kHeaderSizes.end(), header_size_) ==
        kHeaderSizes.end()) {
      return BadHeader("its header is of no known version");
    }
    at_ = kFileHeaderBytes + header_size_;
    if (bytes_.size() < at_) return BadHeader(kTooShort);
    if (header_size_ == kCoreHeader) {
      width_ = Get16(18);
      height_ = Get16(20);
      bits_ = Get16(24);
    } else {
      const auto width = static_cast<int32_t>(Get32(18));
      const auto height = static_cast<int32_t>(Get32(22));
      if (width < 0) return BadHeader("its width is negative");
      is_top_down_ = height < 0;
      width_ = static_cast<uint64_t>(width);
      height_ = static_cast<uint64_t>(is_top_down_ ? -int64_t{height} : height);
      bits_ = Get16(28);
      compression_ = Field(16);
    }
    if (width_ == 0 || height_ == 0) return BadHeader("a side is 0");
    return absl::OkStatus();
  }

  // What we read, what we do not, and what does not exist.
  absl::Status CheckKind() const {
    if (IsOs2() && compression_ == kBitFields) {
      return NotSupported(kFormat, "Huffman coding");
    }
    if (IsOs2() && compression_ == kJpeg) {
      return NotSupported(kFormat, "24-bit RLE");
    }
    if (compression_ == kJpeg) return NotSupported(kFormat, "a JPEG inside");
    if (compression_ == kPng) return NotSupported(kFormat, "a PNG inside");
    if (compression_ > kAlphaBitFields && compression_ <= kLastOfInks) {
      return NotSupported(kFormat, "CMYK colours");
    }
    if (bits_ == 64) return NotSupported(kFormat, "64 bits a pixel");
    bool is_known = false;
    switch (compression_) {
      case kNone:
        is_known = bits_ == 1 || bits_ == 2 || bits_ == 4 || bits_ == 8 ||
                   bits_ == 16 || bits_ == 24 || bits_ == 32;
        break;
      case kRle8:
        is_known = bits_ == 8;
        break;
      case kRle4:
        is_known = bits_ == 4;
        break;
      case kBitFields:
      case kAlphaBitFields:
        is_known = bits_ == 16 || bits_ == 32;
        break;
      default:
        break;
    }
    if (is_known) return absl::OkStatus();
    return BadHeader(absl::StrCat("compression ", compression_, " with ", bits_,
                                  " bits a pixel does not exist"));
  }

  // In the header from its second version on, behind it before.
  absl::Status ReadMasks() {
    constexpr size_t kMasksAt = kFileHeaderBytes + kInfoHeader;
    size_t count = compression_ == kAlphaBitFields ? 4 : 3;
    if (header_size_ == kInfoHeader) {
      at_ += 4 * count;
      if (bytes_.size() < at_) return BadHeader(kTooShort);
    } else {
      count = header_size_ < 56 ? 3 : 4;
    }
    std::array<uint32_t, 4> masks = {};
    for (size_t i = 0; i < count; ++i) masks[i] = Get32(kMasksAt + 4 * i);
    return SetMasks(masks);
  }

  absl::Status SetMasks(const std::array<uint32_t, 4>& masks) {
    uint32_t seen = 0;
    int widest = 0;
    for (size_t i = 0; i < 4; ++i) {
      fields_[i] = MakeBitField(masks[i]);
      if (!fields_[i].is_whole() || (seen & masks[i]) != 0 ||
          (bits_ == 16 && masks[i] > 0xffff)) {
        return BadHeader("its bit fields overlap, or are in pieces");
      }
      seen |= masks[i];
      widest = std::max(widest, fields_[i].width());
    }
    if ((seen & ~masks[3]) == 0) return BadHeader("its bit fields are empty");
    spec_.shape.channels = masks[3] == 0 ? 3 : 4;
    spec_.sample_type = widest > 8 ? SampleType::kU16 : SampleType::kU8;
    const double full = widest > 8 ? 65535 : 255;
    for (BitField& field : fields_) {
      if (field.mask != 0) field.scale = full / (field.mask >> field.shift);
    }
    return absl::OkStatus();
  }

  absl::Status ReadPalette() {
    const size_t entry = header_size_ == kCoreHeader ? 3 : 4;
    const uint32_t most = 1u << bits_;
    uint32_t count = Field(32);
    if (count > most) return BadHeader("its palette is too long");
    if (count == 0) count = most;
    // Short palettes of old programs end where the pixels begin.
    if (pixels_at_ > at_) {
      count = static_cast<uint32_t>(
          std::min<uint64_t>(count, (pixels_at_ - at_) / entry));
    }
    if (count == 0) return BadHeader("its palette is empty");
    if (bytes_.size() - at_ < count * entry) return BadHeader(kTooShort);
    bool is_grey = true;
    for (uint32_t i = 0; i < count; ++i) {
      const uint8_t* const color = &bytes_[at_ + i * entry];
      palette_.push_back({color[2], color[1], color[0]});
      is_grey = is_grey && color[0] == color[1] && color[1] == color[2];
    }
    at_ += count * entry;
    spec_.shape.channels = is_grey ? 1 : 3;
    return absl::OkStatus();
  }

  // Profiles that cannot be kept do not make a file unreadable.
  void ReadProfile(const DecodeLimits& limits) {
    if (header_size_ != kV5Header || Field(56) != kEmbedded) return;
    const uint64_t at = uint64_t{kFileHeaderBytes} + Field(112);
    const uint32_t size = Field(116);
    if (size > limits.max_icc_bytes || at + size > bytes_.size()) return;
    const auto profile = file_.span().subspan(at, size);
    metadata_.icc_profile.assign(profile.begin(), profile.end());
  }

  // Uncompressed rows: whether all are there. Each is a multiple of 4 bytes.
  absl::Status FindRows() {
    row_bytes_ = (width_ * bits_ + 31) / 32 * 4;
    // The filling of the last is of no use, and sometimes left out.
    const uint64_t used = (width_ * bits_ + 7) / 8;
    const uint64_t there =
        bytes_.size() - std::min<uint64_t>(bytes_.size(), pixels_at_);
    if (there >= (height_ - 1) * row_bytes_ + used) return absl::OkStatus();
    return BadRow(static_cast<uint32_t>(there / row_bytes_), kTooShort);
  }

  // Runs over all rows once, so that they can be made in any order.
  absl::Status FindRleRows() {
    rle_rows_.reserve(height_);
    RleState state = {.at = pixels_at_};
    for (uint32_t row = 0; row < height_; ++row) {
      if (state.rows_left_out > height_ - row) {
        return BadRow(row, "it goes on below its last row");
      }
      rle_rows_.push_back(state);
      const absl::string_view problem = ReadRleRow(state, {});
      if (!problem.empty()) return BadRow(row, problem);
      if (state.has_ended && row + 1 < height_) {
        return BadRow(row, "its pixels end there");
      }
    }
    return absl::OkStatus();
  }

  // Goes on by one row, and puts its pixels into `indices` if there is room.
  // What is wrong, or "".
  absl::string_view ReadRleRow(RleState& state,
                               std::span<uint8_t> indices) const {
    if (state.rows_left_out > 0) {
      --state.rows_left_out;
      return "";
    }
    while (true) {
      if (state.at + 2 > bytes_.size()) return kTooShort;
      const uint8_t count = bytes_[state.at];
      const uint8_t value = bytes_[state.at + 1];
      state.at += 2;
      if (count > 0) {
        PutRun(state, count, value, indices);
      } else if (value == 0) {  // end of row
        state.x = 0;
        return "";
      } else if (value == 1) {  // end of image
        state.has_ended = true;
        return "";
      } else if (value == 2) {  // right and up
        if (state.at + 2 > bytes_.size()) return kTooShort;
        state.x += bytes_[state.at];
        const uint8_t up = bytes_[state.at + 1];
        state.at += 2;
        if (up == 0) continue;
        state.rows_left_out = up - 1u;
        return "";
      } else if (!PutPixels(state, value, indices)) {
        return kTooShort;
      }
    }
  }

  // So many pixels of one colour, or of two in turn.
  void PutRun(RleState& state, uint32_t count, uint8_t value,
              std::span<uint8_t> indices) const {
    for (uint32_t i = 0; i < count; ++i, ++state.x) {
      if (state.x >= indices.size()) continue;
      indices[state.x] = compression_ == kRle8 ? value
                         : i % 2 == 0 ? static_cast<uint8_t>(value >> 4)
                                      : value & 15;
    }
  }

  // So many pixels, each with a colour of its own; then bytes to an even place.
  bool PutPixels(RleState& state, uint32_t count,
                 std::span<uint8_t> indices) const {
    const uint32_t bytes = compression_ == kRle8 ? count : (count + 1) / 2;
    if (state.at + bytes > bytes_.size()) return false;
    for (uint32_t i = 0; i < count; ++i, ++state.x) {
      if (state.x >= indices.size()) continue;
      const uint8_t byte =
          bytes_[state.at + (compression_ == kRle8 ? i : i / 2)];
      indices[state.x] = compression_ == kRle8 ? byte
                         : i % 2 == 0          ? static_cast<uint8_t>(byte >> 4)
                                               : byte & 15;
    }
    state.at += bytes + bytes % 2;
    return true;
  }

  // The next row of the picture. What is wrong with it, or "".
  absl::string_view MakeRow(const AnyImageView& target) {
    const uint32_t stored =
        is_top_down_ ? next_row_ : spec_.shape.height - 1 - next_row_;
    if (IsRle()) {
      RleState state = rle_rows_[stored];
      indices_.assign(width_, 0);
      ReadRleRow(state, indices_);
      return ExpandPalette(indices_.data(), 8, target.As<uint8_t>().row(0));
    }
    const uint8_t* const row = &bytes_[pixels_at_ + stored * row_bytes_];
    if (bits_ <= 8)
      return ExpandPalette(row, bits_, target.As<uint8_t>().row(0));
    if (bits_ == 24) {
      SwapRedAndBlue(row, 3, target.As<uint8_t>().row(0), 3);
    } else if (spec_.sample_type == SampleType::kU8) {
      ExpandFields(row, target.As<uint8_t>().row(0));
    } else {
      ExpandFields(row, target.As<uint16_t>().row(0));
    }
    return "";
  }

  absl::string_view ExpandPalette(const uint8_t* from, uint32_t bits,
                                  std::span<uint8_t> row) const {
    const size_t channels = spec_.shape.channels;
    const uint32_t mask = (1u << bits) - 1;
    for (size_t x = 0; x < width_; ++x) {
      const size_t bit = x * bits;
      const uint32_t index = from[bit / 8] >> (8 - bits - bit % 8) & mask;
      if (index >= palette_.size()) return "its palette lacks a colour";
      std::memcpy(&row[x * channels], palette_[index].data(), channels);
    }
    return "";
  }

  template <typename T>
  void ExpandFields(const uint8_t* from, std::span<T> row) const {
    const size_t channels = spec_.shape.channels;
    for (size_t x = 0; x < width_; ++x) {
      const uint32_t pixel =
          bits_ == 16 ? LoadLittle16(from + 2 * x) : LoadLittle32(from + 4 * x);
      for (size_t i = 0; i < channels; ++i) {
        row[x * channels + i] = fields_[i].Value<T>(pixel);
      }
    }
  }

  static absl::Status BadHeader(absl::string_view problem) {
    return DamagedHeader(kFormat, problem);
  }
  absl::Status BadRow(uint32_t row, absl::string_view problem) const {
    return DamagedRows(kFormat, row, spec_.shape.height, problem);
  }

  Buffer file_;
  std::span<const uint8_t> bytes_;  // of file_
  ImageSpec spec_ = {.shape = {.channels = 3}};
  ImageMetadata metadata_;
  uint32_t header_size_ = 0;
  uint64_t width_ = 0;
  uint64_t height_ = 0;
  bool is_top_down_ = false;
  uint32_t bits_ = 0;
  uint32_t compression_ = kNone;
  size_t at_ = 0;  // behind what was read of the header
  size_t pixels_at_ = 0;
  std::array<BitField, 4> fields_;
  std::vector<std::array<uint8_t, 3>> palette_;
  uint64_t row_bytes_ = 0;
  std::vector<RleState> rle_rows_;
  std::vector<uint8_t> indices_;  // of an RLE row
  uint32_t next_row_ = 0;
};

class BmpEncoder final : public Encoder {
 public:
  BmpEncoder(ByteSink& sink, const ImageSpec& spec)
      : sink_(sink), spec_(spec) {}

  absl::Status Begin(std::span<const std::byte> profile) {
    const uint32_t channels = spec_.shape.channels;
    const auto width = spec_.shape.width;
    const auto height = static_cast<int32_t>(spec_.shape.height);
    row_bytes_ = (size_t{width} * channels + 3) / 4 * 4;
    const uint32_t header = !profile.empty() ? kV5Header
                            : channels == 4  ? kV4Header
                                             : kInfoHeader;
    const uint32_t colors = channels == 1 ? 256 : 0;
    const auto profile_bytes = static_cast<uint32_t>(profile.size());
    const uint32_t profile_at = header + 4 * colors;
    // Pixels begin at a multiple of 4 bytes as seen from the header.
    const uint32_t pixels_at = static_cast<uint32_t>(kFileHeaderBytes) +
                               profile_at + (profile_bytes + 3) / 4 * 4;
    const auto pixel_bytes =
        static_cast<uint32_t>(row_bytes_ * spec_.shape.height);
    out_ = {'B', 'M'};
    Put32({pixels_at + pixel_bytes, 0, pixels_at, header, width,
           static_cast<uint32_t>(-height)});  // from the top
    AppendLittle16(out_, 1);
    AppendLittle16(out_, 8 * channels);
    Put32({channels == 4 ? kBitFields : kNone, pixel_bytes, 2835, 2835, colors,
           0});
    if (header > kInfoHeader) {
      Put32({0xff0000, 0x00ff00, 0x0000ff, channels == 4 ? 0xff000000u : 0,
             profile.empty() ? kSrgb : kEmbedded});
      out_.resize(kFileHeaderBytes + kV4Header);  // no end points, no gamma
    }
    if (header == kV5Header) {
      constexpr uint32_t kForImages = 4;
      Put32({kForImages, profile_at, profile_bytes, 0});
    }
    for (uint32_t i = 0; i < colors; ++i) Put32({i * 0x010101});
    const auto* const first = reinterpret_cast<const uint8_t*>(profile.data());
    out_.insert(out_.end(), first, first + profile.size());
    out_.resize(pixels_at);
    return sink_.Append(std::as_bytes(std::span(out_)));
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    const ImageView<const uint8_t> rows = source.As<const uint8_t>();
    const size_t channels = spec_.shape.channels;
    for (uint32_t y = 0; y < rows.shape().height; ++y) {
      const std::span<const uint8_t> row = rows.row(y);
      out_.assign(row.begin(), row.end());
      if (channels > 1) SwapRedAndBlue(row.data(), channels, out_, channels);
      out_.resize(row_bytes_);
      RETURN_IF_ERROR(sink_.Append(std::as_bytes(std::span(out_))));
    }
    return absl::OkStatus();
  }

  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  void Put32(std::initializer_list<uint32_t> values) {
    for (const uint32_t value : values) AppendLittle32(out_, value);
  }

  ByteSink& sink_;
  const ImageSpec spec_;
  size_t row_bytes_ = 0;
  std::vector<uint8_t> out_;  // the header, then a row
};

bool Recognizes(std::span<const std::byte> head) {
  if (head.size() < kFileHeaderBytes + 4) return false;
  const auto* const bytes = reinterpret_cast<const uint8_t*>(head.data());
  // Two letters are too little: texts begin with them.
  return bytes[0] == 'B' && bytes[1] == 'M' &&
         LoadLittle32(bytes + kFileHeaderBytes) < 256;
}

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  auto decoder = std::make_unique<BmpDecoder>();
  RETURN_IF_ERROR(decoder->Open(source, limits));
  return decoder;
}

// Longer ones are left out, so that the size of a file can be told beforehand.
constexpr size_t kMaxProfileBytes = size_t{16} << 20;

absl::Status CanHold(const ImageSpec& spec) {
  RETURN_IF_ERROR(CheckHasBytes("BMP", spec));
  if (spec.shape.channels == 2) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "BMP cannot hold grey and alpha");
  }
  RETURN_IF_ERROR(PixelBytes(spec).status());
  constexpr uint64_t kMaxPixelBytes = 0xffffffff - (kMaxProfileBytes << 1);
  const uint64_t row_bytes = (RowBytes(spec) + 3) / 4 * 4;
  if (std::max(spec.shape.width, spec.shape.height) > 0x7fffffff ||
      row_bytes * spec.shape.height > kMaxPixelBytes) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "BMP cannot hold ", spec.shape.width, " x ",
                   spec.shape.height, " pixels of ", spec.shape.channels,
                   " channels");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Encoder>> Create(ByteSink& sink,
                                                const ImageSpec& spec,
                                                const EncodeOptions& options) {
  auto encoder = std::make_unique<BmpEncoder>(sink, spec);
  const bool keeps = options.icc_profile.size() <= kMaxProfileBytes;
  RETURN_IF_ERROR(encoder->Begin(keeps ? options.icc_profile
                                       : std::span<const std::byte>()));
  return encoder;
}

}  // namespace

const Codec kBmpCodec = {.name = kFormat,
                         .mime_type = "image/bmp",
                         .recognizes = Recognizes,
                         .open = Open,
                         .can_hold = CanHold,
                         .create = Create,
                         .turn_losslessly = nullptr,
                         .extensions = "bmp dib",
                         .reads = kReadsU8 | kReadsU16,
                         .is_lossless = true,
                         .keeps_icc_profile = true,
                         .holds_file = true};

}  // namespace imageadapt
