// TGA, after the "Truevision TGA File Format Specification", version 2.0
// (1991).
//
// Nothing at its beginning says what the file is. It is recognized by a header
// of which every field makes sense, and tried after all other formats.
//
// Colour maps become RGB or RGBA; 5-bit samples are spread over 8, to the
// nearest. Alpha is what the header counts as attribute bits (8 of 32, 1 of 16,
// 8 beside 8 of grey), unless the extension area at the end of the file says
// that they are something else; alpha that was multiplied in is divided out.
// The end of the file is needed for that and rows mostly begin at the bottom,
// so the file is held as a whole; rows are then made in any order.
//
// Written are 8-bit grey, 24-bit RGB and 32-bit RGBA, and 16-bit grey with
// alpha as other programs write it, from the top; in runs, or plainly where
// speed is asked for.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

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

constexpr char kFormat[] = "TGA";
constexpr char kTooShort[] = "it ends too early";

constexpr size_t kHeaderBytes = 18;

// Kinds of images; with 8 added, they are in runs.
constexpr uint8_t kMapped = 1;
constexpr uint8_t kColor = 2;
constexpr uint8_t kGrey = 3;
constexpr uint8_t kInRuns = 8;

// Bits of the last byte of the header.
constexpr uint8_t kAttributeBits = 0x0f;
constexpr uint8_t kFromTheRight = 0x10;
constexpr uint8_t kFromTheTop = 0x20;
constexpr uint8_t kReserved = 0xc0;

// The end of a file of version 2: where the extension area begins, where the
// developer area does, and these words with a 0 behind them.
constexpr absl::string_view kSignature("TRUEVISION-XFILE.", 18);
constexpr size_t kFooterBytes = 8 + 18;

// Of the extension area: its length, and what attribute bits are.
constexpr size_t kExtensionBytes = 495;
constexpr size_t kAttributesTypeAt = 494;
constexpr uint8_t kIsAlpha = 3;
constexpr uint8_t kIsMultipliedIn = 4;

struct Header {
  uint8_t id_bytes = 0;
  bool has_map = false;
  uint8_t kind = 0;  // without kInRuns
  bool is_in_runs = false;
  uint16_t map_first = 0;
  uint16_t map_size = 0;
  uint8_t map_bits = 0;
  uint16_t width = 0;
  uint16_t height = 0;
  uint8_t bits = 0;
  uint8_t descriptor = 0;

  int attribute_bits() const { return descriptor & kAttributeBits; }
  size_t pixel_bytes() const { return (bits + 7u) / 8; }
  size_t map_entry_bytes() const { return (map_bits + 7u) / 8; }
};

bool IsColorDepth(uint8_t bits) {
  return bits == 15 || bits == 16 || bits == 24 || bits == 32;
}

Header ParseHeader(const uint8_t* bytes) {
  return {.id_bytes = bytes[0],
          .has_map = bytes[1] == 1,
          .kind = static_cast<uint8_t>(bytes[2] & ~kInRuns),
          .is_in_runs = (bytes[2] & kInRuns) != 0,
          .map_first = LoadLittle16(bytes + 3),
          .map_size = LoadLittle16(bytes + 5),
          .map_bits = bytes[7],
          .width = LoadLittle16(bytes + 12),
          .height = LoadLittle16(bytes + 14),
          .bits = bytes[16],
          .descriptor = bytes[17]};
}

// What is wrong with a header, or "". This strict, because it is all that tells
// a TGA from other bytes.
absl::string_view ProblemOf(std::span<const uint8_t> bytes) {
  if (bytes.size() < kHeaderBytes) return kTooShort;
  const Header header = ParseHeader(bytes.data());
  if (bytes[1] > 1 || header.kind < kMapped || header.kind > kGrey) {
    return "it is of no known kind";
  }
  if (header.has_map) {
    if (header.map_size == 0 || !IsColorDepth(header.map_bits) ||
        header.map_first + header.map_size > 0x10000) {
      return "its colour map makes no sense";
    }
  } else if (header.kind == kMapped || header.map_first != 0 ||
             header.map_size != 0 || header.map_bits != 0) {
    return "it lacks the colour map that it speaks of";
  }
  if (header.width == 0 || header.height == 0) return "a side is 0";
  const int attributes = header.attribute_bits();
  const bool is_depth =
      header.kind == kMapped ? header.bits == 8 || header.bits == 16
      : header.kind == kGrey
          ? header.bits == 8 || (header.bits == 16 && attributes == 8)
          : IsColorDepth(header.bits);
  if (!is_depth) return "so many bits a pixel do not exist";
  if ((header.descriptor & kReserved) != 0 ||
      (attributes != 0 && attributes != 1 && attributes != 8)) {
    return "its descriptor makes no sense";
  }
  return "";
}

// Red, green, blue, alpha.
using Color = std::array<uint8_t, 4>;

// A pixel, or an entry of a colour map.
Color ParseColor(const uint8_t* bytes, uint8_t bits) {
  if (bits >= 24) {
    return {bytes[2], bytes[1], bytes[0], bits == 32 ? bytes[3] : uint8_t{255}};
  }
  const uint32_t value = LoadLittle16(bytes);
  const auto spread = [&](int shift) {
    return static_cast<uint8_t>(((value >> shift & 31) * 255 + 15) / 31);
  };
  const uint8_t alpha = value >> 15 != 0 ? 255 : 0;
  return {spread(10), spread(5), spread(0), alpha};
}

// What alpha was multiplied into.
void DivideOut(std::span<uint8_t> colors, uint8_t alpha) {
  if (alpha == 0) return;
  for (uint8_t& color : colors) {
    color =
        static_cast<uint8_t>(std::min(255, (color * 255 + alpha / 2) / alpha));
  }
}

class TgaDecoder final : public Decoder {
 public:
  absl::Status Open(ByteSource& source, const DecodeLimits& limits) {
    ASSIGN_OR_RETURN(file_, ReadWholeFile(source));
    bytes_ = {reinterpret_cast<const uint8_t*>(file_.data()), file_.size()};
    if (const absl::string_view problem = ProblemOf(bytes_); !problem.empty()) {
      return DamagedHeader(kFormat, problem);
    }
    header_ = ParseHeader(bytes_.data());
    RETURN_IF_ERROR(CheckSize(header_.width, header_.height, limits));
    const size_t map_at = kHeaderBytes + header_.id_bytes;
    pixels_at_ = map_at + header_.map_size * header_.map_entry_bytes();
    if (bytes_.size() < pixels_at_) return DamagedHeader(kFormat, kTooShort);
    if (header_.kind == kMapped) ReadMap(map_at);
    spec_.shape = {.width = header_.width,
                   .height = header_.height,
                   .channels = header_.kind == kGrey ? 1u : 3u};
    if (AttributesAreAlpha()) ++spec_.shape.channels;
    return PixelBytes(spec_).status();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    if (!header_.is_in_runs) return 0;
    return header_.height * sizeof(RunState) + row_bytes();
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    if (next_row_ == 0) RETURN_IF_ERROR(FindRows());
    const ImageView<uint8_t> rows = target.As<uint8_t>();
    for (uint32_t y = 0; y < rows.shape().height; ++y) {
      const bool is_from_top = (header_.descriptor & kFromTheTop) != 0;
      const uint32_t stored =
          is_from_top ? next_row_ : header_.height - 1 - next_row_;
      if (!Expand(StoredRow(stored), rows.row(y))) {
        return BadRow(next_row_, "its colour map lacks a colour");
      }
      ++next_row_;
    }
    return absl::OkStatus();
  }

 private:
  // Inside a packet, where a row begins.
  struct RunState {
    size_t at = 0;
    uint32_t left = 0;  // pixels of the packet
    bool is_run = false;
  };

  size_t row_bytes() const { return header_.width * header_.pixel_bytes(); }

  void ReadMap(size_t at) {
    map_.reserve(header_.map_size);
    for (size_t i = 0; i < header_.map_size; ++i) {
      map_.push_back(ParseColor(&bytes_[at + i * header_.map_entry_bytes()],
                                header_.map_bits));
    }
  }

  bool AttributesAreAlpha() {
    const uint8_t bits =
        header_.kind == kMapped ? header_.map_bits : header_.bits;
    const int expected = bits == 32              ? 8
                         : bits != 16            ? -1
                         : header_.kind == kGrey ? 8
                                                 : 1;
    if (header_.attribute_bits() != expected) return false;
    const int type = AttributesType();
    is_multiplied_in_ = type == kIsMultipliedIn;
    return type < 0 || type == kIsAlpha || is_multiplied_in_;
  }

  // As the extension area says, -1 if there is none.
  int AttributesType() const {
    if (bytes_.size() < pixels_at_ + kFooterBytes) return -1;
    const uint8_t* const footer = &bytes_[bytes_.size() - kFooterBytes];
    if (std::memcmp(footer + 8, kSignature.data(), kSignature.size()) != 0) {
      return -1;
    }
    const size_t at = LoadLittle32(footer);
    if (at < pixels_at_ || at + kExtensionBytes > bytes_.size() ||
        LoadLittle16(&bytes_[at]) < kExtensionBytes) {
      return -1;
    }
    return bytes_[at + kAttributesTypeAt];
  }

  absl::Status FindRows() {
    if (header_.is_in_runs) return FindRunRows();
    const size_t there = (bytes_.size() - pixels_at_) / row_bytes();
    if (there >= header_.height) return absl::OkStatus();
    return BadRow(static_cast<uint32_t>(there), kTooShort);
  }

  // Goes over all rows once, so that they can be made in any order.
  absl::Status FindRunRows() {
    run_rows_.reserve(header_.height);
    RunState state = {.at = pixels_at_};
    for (uint32_t row = 0; row < header_.height; ++row) {
      run_rows_.push_back(state);
      if (!ReadRuns(state, nullptr)) return BadRow(row, kTooShort);
    }
    if (state.left > 0) {
      return BadRow(header_.height, "it has more pixels than it says");
    }
    row_.resize(row_bytes());
    return absl::OkStatus();
  }

  // Goes on by a row, which packets need not end with, and unpacks it if there
  // is a place to.
  bool ReadRuns(RunState& state, uint8_t* target) const {
    const size_t size = header_.pixel_bytes();
    for (uint32_t wanted = header_.width; wanted > 0;) {
      if (state.left == 0) {
        if (state.at == bytes_.size()) return false;
        const uint8_t packet = bytes_[state.at++];
        state.left = (packet & 0x7fu) + 1;
        state.is_run = (packet & 0x80) != 0;
        const size_t stored = state.is_run ? size : state.left * size;
        if (bytes_.size() - state.at < stored) return false;
      }
      const uint32_t taken = std::min(wanted, state.left);
      if (target != nullptr) {
        target = Unpack(&bytes_[state.at], taken, state.is_run, target);
      }
      wanted -= taken;
      state.left -= taken;
      if (!state.is_run) {
        state.at += taken * size;
      } else if (state.left == 0) {
        state.at += size;
      }
    }
    return true;
  }

  uint8_t* Unpack(const uint8_t* from, uint32_t count, bool is_run,
                  uint8_t* target) const {
    const size_t size = header_.pixel_bytes();
    if (!is_run) {
      std::memcpy(target, from, count * size);
      return target + count * size;
    }
    for (uint32_t i = 0; i < count; ++i, target += size) {
      std::memcpy(target, from, size);
    }
    return target;
  }

  const uint8_t* StoredRow(uint32_t row) {
    if (!header_.is_in_runs) return &bytes_[pixels_at_ + row * row_bytes()];
    RunState state = run_rows_[row];
    ReadRuns(state, row_.data());
    return row_.data();
  }

  // False if a colour is not in the map.
  bool Expand(const uint8_t* from, std::span<uint8_t> row) const {
    const size_t size = header_.pixel_bytes();
    const size_t channels = spec_.shape.channels;
    if (header_.kind == kMapped) {
      if (!ExpandMapped(from, row)) return false;
    } else if (header_.kind == kGrey) {
      // Beside alpha that is none, grey is every other byte.
      for (size_t x = 0; x < header_.width; ++x) {
        std::memcpy(&row[x * channels], from + x * size, channels);
      }
    } else if (size >= 3) {
      SwapRedAndBlue(from, size, row, channels);
    } else {
      for (size_t x = 0; x < header_.width; ++x) {
        const Color color = ParseColor(from + x * size, header_.bits);
        std::memcpy(&row[x * channels], color.data(), channels);
      }
    }
    if ((header_.descriptor & kFromTheRight) != 0) Mirror(row);
    if (is_multiplied_in_) {
      for (size_t x = 0; x < header_.width; ++x) {
        const auto pixel = row.subspan(x * channels, channels);
        DivideOut(pixel.first(channels - 1), pixel.back());
      }
    }
    return true;
  }

  bool ExpandMapped(const uint8_t* from, std::span<uint8_t> row) const {
    const size_t channels = spec_.shape.channels;
    for (size_t x = 0; x < header_.width; ++x) {
      const uint32_t stored =
          header_.bits == 8 ? from[x] : LoadLittle16(from + 2 * x);
      // A smaller one than the first wraps to a very large one.
      const size_t index = size_t{stored} - header_.map_first;
      if (index >= map_.size()) return false;
      std::memcpy(&row[x * channels], map_[index].data(), channels);
    }
    return true;
  }

  void Mirror(std::span<uint8_t> row) const {
    // All bytes, and then those of each pixel back.
    std::reverse(row.begin(), row.end());
    const size_t channels = spec_.shape.channels;
    for (size_t at = 0; at < row.size(); at += channels) {
      std::reverse(&row[at], &row[at] + channels);
    }
  }

  absl::Status BadRow(uint32_t row, absl::string_view problem) const {
    return DamagedRows(kFormat, row, spec_.shape.height, problem);
  }

  Buffer file_;
  std::span<const uint8_t> bytes_;  // of file_
  Header header_;
  ImageSpec spec_;
  const ImageMetadata metadata_ = {};
  bool is_multiplied_in_ = false;  // alpha
  std::vector<Color> map_;
  size_t pixels_at_ = 0;
  std::vector<RunState> run_rows_;
  std::vector<uint8_t> row_;  // unpacked
  uint32_t next_row_ = 0;
};

class TgaEncoder final : public Encoder {
 public:
  TgaEncoder(ByteSink& sink, const ImageSpec& spec, bool in_runs)
      : sink_(sink), channels_(spec.shape.channels), in_runs_(in_runs) {}

  absl::Status Begin(const ImageShape& shape) {
    out_.assign(12, 0);
    out_[2] = static_cast<uint8_t>((channels_ < 3 ? kGrey : kColor) |
                                   (in_runs_ ? kInRuns : 0));
    AppendLittle16(out_, shape.width);
    AppendLittle16(out_, shape.height);
    out_.push_back(static_cast<uint8_t>(8 * channels_));
    out_.push_back(kFromTheTop | (HasAlpha(shape.channels) ? 8 : 0));
    return Flush();
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    const ImageView<const uint8_t> rows = source.As<const uint8_t>();
    for (uint32_t y = 0; y < rows.shape().height; ++y) {
      const std::span<const uint8_t> row = rows.row(y);
      stored_.assign(row.begin(), row.end());
      if (channels_ >= 3) {
        SwapRedAndBlue(row.data(), channels_, stored_, channels_);
      }
      if (in_runs_) {
        PutPackets(rows.shape().width);
      } else {
        out_.swap(stored_);
      }
      RETURN_IF_ERROR(Flush());
    }
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    out_.assign(8, 0);  // no areas
    out_.insert(out_.end(), kSignature.begin(), kSignature.end());
    return Flush();
  }

 private:
  static constexpr size_t kLongestPacket = 128;

  bool AreSame(size_t a, size_t b) const {
    return std::memcmp(&stored_[a * channels_], &stored_[b * channels_],
                       channels_) == 0;
  }

  // How many pixels from `first` on are the same.
  size_t RunAt(size_t first, size_t width) const {
    const size_t end = std::min(width, first + kLongestPacket);
    size_t next = first + 1;
    while (next < end && AreSame(first, next)) ++next;
    return next - first;
  }

  // Packets end with their row.
  void PutPackets(size_t width) {
    // Two of one byte save nothing where they cut other pixels in two.
    const size_t shortest = channels_ == 1 ? 3 : 2;
    for (size_t x = 0; x < width;) {
      const size_t run = RunAt(x, width);
      if (run >= shortest) {
        PutPacket(0x80, x, run, 1);
        x += run;
        continue;
      }
      size_t end = x + run;
      while (end < width && end - x < kLongestPacket) {
        const size_t next = RunAt(end, width);
        if (next >= shortest) break;
        end = std::min(end + next, x + kLongestPacket);
      }
      PutPacket(0, x, end - x, end - x);
      x = end;
    }
  }

  void PutPacket(uint8_t kind, size_t x, size_t pixels, size_t stored) {
    out_.push_back(static_cast<uint8_t>(kind | (pixels - 1)));
    const uint8_t* const first = &stored_[x * channels_];
    out_.insert(out_.end(), first, first + stored * channels_);
  }

  absl::Status Flush() {
    const absl::Status status = sink_.Append(std::as_bytes(std::span(out_)));
    out_.clear();
    return status;
  }

  ByteSink& sink_;
  const size_t channels_;
  const bool in_runs_;
  std::vector<uint8_t> stored_;  // a row in the file's order of colours
  std::vector<uint8_t> out_;
};

bool Recognizes(std::span<const std::byte> head) {
  return ProblemOf({reinterpret_cast<const uint8_t*>(head.data()), head.size()})
      .empty();
}

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  auto decoder = std::make_unique<TgaDecoder>();
  RETURN_IF_ERROR(decoder->Open(source, limits));
  return decoder;
}

absl::Status CanHold(const ImageSpec& spec) {
  RETURN_IF_ERROR(CheckHasBytes("TGA", spec));
  return CheckSides("TGA", spec, 65535);
}

absl::StatusOr<std::unique_ptr<Encoder>> Create(ByteSink& sink,
                                                const ImageSpec& spec,
                                                const EncodeOptions& options) {
  auto encoder = std::make_unique<TgaEncoder>(
      sink, spec, options.effort != EncodeOptions::Effort::kFast);
  RETURN_IF_ERROR(encoder->Begin(spec.shape));
  return encoder;
}

}  // namespace

const Codec kTgaCodec = {.name = kFormat,
                         .mime_type = "image/x-tga",
                         .recognizes = Recognizes,
                         .open = Open,
                         .can_hold = CanHold,
                         .create = Create,
                         .turn_losslessly = nullptr,
                         .extensions = "tga",
                         .reads = kReadsU8,
                         .is_lossless = true,
                         .holds_file = true};

}  // namespace imageadapt
