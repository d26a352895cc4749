// The Netpbm family: PBM, PGM and PPM, plain and raw (P1 to P6), PAM (P7), and
// PFM with one, three or four channels of float (Pf, PF, PF4), after the manual
// pages pbm(5), pgm(5), ppm(5), pam(5) and pfm(5) of Netpbm.
//
// Samples of a file with a maximum other than 255 or 65535 are spread over all
// of 8 bits (maximum below 256) or 16 bits, to the nearest: sample * full /
// maximum, halves up. This can be undone exactly. Float samples are taken as
// they are: PFM's scale is a unit of measurement and is not applied. Of several
// images in one file the first is read.
//
// Written are P5 and P6, P7 where there is alpha, PFM for float; all with the
// whole range as their maximum.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/byte_reader.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_checks.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "PNM";
constexpr char kTooShort[] = "it ends too early";

// Words of a header are shorter than this, lines of a PAM header too.
constexpr size_t kLongestWord = 40;
constexpr size_t kLongestLine = 1000;

constexpr uint32_t kLargestMaximum = 65535;

enum class Raster : uint8_t {
  kPlainBits,  // digits 0 and 1, 1 is black
  kPlain,      // numbers
  kBits,       // eight a byte, 1 is black
  kBytes,
  kWords,   // of 16 bits, the higher byte first
  kFloats,  // the last row first
};

bool IsSpace(uint8_t byte) {
  return absl::ascii_isspace(static_cast<unsigned char>(byte));
}

void SwapWords(std::span<std::byte> bytes) {
  for (size_t at = 0; at + 1 < bytes.size(); at += 2) {
    std::swap(bytes[at], bytes[at + 1]);
  }
}

void SwapFloats(std::span<std::byte> bytes) {
  for (size_t at = 0; at + 3 < bytes.size(); at += 4) {
    std::reverse(&bytes[at], &bytes[at] + 4);
  }
}

// What the words of PAM's TUPLTYPE say.
struct TupleType {
  absl::string_view name;
  uint32_t channels;
};
constexpr std::array<TupleType, 6> kTupleTypes = {{{"BLACKANDWHITE", 1},
                                                   {"GRAYSCALE", 1},
                                                   {"BLACKANDWHITE_ALPHA", 2},
                                                   {"GRAYSCALE_ALPHA", 2},
                                                   {"RGB", 3},
                                                   {"RGB_ALPHA", 4}}};

class PnmDecoder final : public Decoder {
 public:
  explicit PnmDecoder(ByteSource& source) : reader_(source) {}

  absl::Status Open(const DecodeLimits& limits) {
    std::array<uint8_t, 2> magic = {};
    if (!reader_.Fill(magic)) return BadHeader(kTooShort);
    if (magic[0] != 'P') {
      return BadHeader("it does not begin as such files do");
    }
    RETURN_IF_ERROR(magic[1] == '7' ? ReadPamHeader()
                                    : ReadHeader(static_cast<char>(magic[1])));
    if (width_ == 0 || height_ == 0) return BadHeader("a side is 0");
    RETURN_IF_ERROR(CheckSize(width_, height_, limits));
    spec_.shape.width = static_cast<uint32_t>(width_);
    spec_.shape.height = static_cast<uint32_t>(height_);
    if (raster_ == Raster::kFloats) spec_.sample_type = SampleType::kF32;
    return PixelBytes(spec_).status();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    if (raster_ == Raster::kFloats) {
      return uint64_t{RowBytes(spec_)} * spec_.shape.height;
    }
    return spec_.shape.width / 8 + 1 + scaled_.size() * sizeof(scaled_[0]);
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    if (raster_ == Raster::kFloats && next_row_ == 0) {
      RETURN_IF_ERROR(ReadFloats());
    }
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      if (const absl::string_view problem = ReadRow(target.Rows(y, 1));
          !problem.empty()) {
        return BadRows(problem);
      }
      ++next_row_;
    }
    return absl::OkStatus();
  }

 private:
  // The next byte of a text; a comment is one end of line.
  bool ReadText(uint8_t& byte) {
    if (!reader_.ReadByte(byte)) return false;
    if (byte != '#') return true;
    while (byte != '\n' && byte != '\r') {
      if (!reader_.ReadByte(byte)) return false;
    }
    return true;
  }

  // The next word, and the one byte of white space behind it. Empty if there is
  // none, or if it is longer than any that we know.
  std::string ReadWord() {
    std::string word;
    uint8_t byte = ' ';
    while (IsSpace(byte)) {
      if (!ReadText(byte)) return word;
    }
    while (!IsSpace(byte)) {
      word.push_back(static_cast<char>(byte));
      if (word.size() > kLongestWord) return std::string();
      // A plain file can end with its last digit.
      if (!ReadText(byte)) break;
    }
    return word;
  }

  // Numbers that would not fit are larger than everything that is allowed.
  static bool ParseNumber(absl::string_view word, uint64_t& number) {
    number = 0;
    for (const char digit : word) {
      if (!absl::ascii_isdigit(static_cast<unsigned char>(digit))) return false;
      if (number < uint64_t{1} << 32) {
        number = number * 10 + static_cast<uint64_t>(digit - '0');
      }
    }
    return !word.empty();
  }

  absl::Status ReadHeader(char kind) {
    constexpr absl::string_view kKinds = "123456fF";
    if (kKinds.find(kind) == absl::string_view::npos) {
      return BadHeader("it is of no known kind");
    }
    const bool is_color = kind == '3' || kind == '6' || kind == 'F';
    spec_.shape.channels = is_color ? 3 : 1;
    RETURN_IF_ERROR(ReadEndOfMagic(kind));
    if (!ParseNumber(ReadWord(), width_) || !ParseNumber(ReadWord(), height_)) {
      return BadHeader("its width and height are not numbers");
    }
    if (kind == 'f' || kind == 'F') return ReadFloatOrder();
    if (kind == '1' || kind == '4') {
      raster_ = kind == '1' ? Raster::kPlainBits : Raster::kBits;
      return absl::OkStatus();
    }
    uint64_t maximum = 0;
    if (!ParseNumber(ReadWord(), maximum)) {
      return BadHeader("its maximum is not a number");
    }
    RETURN_IF_ERROR(SetMaximum(maximum));
    if (kind == '2' || kind == '3') raster_ = Raster::kPlain;
    return absl::OkStatus();
  }

  // White space, or the 4 of PF4.
  absl::Status ReadEndOfMagic(char kind) {
    uint8_t byte = 0;
    if (!ReadText(byte)) return BadHeader(kTooShort);
    if (kind == 'F' && byte == '4') {
      spec_.shape.channels = 4;
      if (!ReadText(byte)) return BadHeader(kTooShort);
    }
    if (!IsSpace(byte)) return BadHeader("it is of no known kind");
    return absl::OkStatus();
  }

  absl::Status ReadFloatOrder() {
    double scale = 0;
    if (!absl::SimpleAtod(ReadWord(), &scale) || !std::isfinite(scale) ||
        scale == 0) {
      return BadHeader("its scale is not a number other than 0");
    }
    raster_ = Raster::kFloats;
    is_swapped_ = (scale < 0) != (std::endian::native == std::endian::little);
    return absl::OkStatus();
  }

  // Of integers; decides how they are stored, too.
  absl::Status SetMaximum(uint64_t maximum) {
    if (maximum == 0 || maximum > kLargestMaximum) {
      return BadHeader("its maximum is not one of 1 to 65535");
    }
    maximum_ = static_cast<uint32_t>(maximum);
    raster_ = maximum_ < 256 ? Raster::kBytes : Raster::kWords;
    spec_.sample_type = maximum_ < 256 ? SampleType::kU8 : SampleType::kU16;
    const uint32_t full = maximum_ < 256 ? 255 : 65535;
    if (maximum_ == full) return absl::OkStatus();
    scaled_.resize(maximum_ + 1);
    for (uint32_t value = 0; value <= maximum_; ++value) {
      scaled_[value] =
          static_cast<uint16_t>((value * full + maximum_ / 2) / maximum_);
    }
    return absl::OkStatus();
  }

  // The next line of a PAM header, comments and empty lines left out. False at
  // the end of the file and where a line is longer than any of use.
  bool ReadLine(std::string& line) {
    line.clear();
    while (true) {
      uint8_t byte = 0;
      if (!reader_.ReadByte(byte) || line.size() > kLongestLine) return false;
      if (byte != '\n') {
        // The rest of a comment can be of any length.
        if (line.empty() || line[0] != '#') {
          line.push_back(static_cast<char>(byte));
        }
        continue;
      }
      if (!line.empty() && line[0] != '#') {
        absl::StripAsciiWhitespace(&line);
        if (!line.empty()) return true;
      }
      line.clear();
    }
  }

  absl::Status ReadPamHeader() {
    uint64_t depth = 0;
    uint64_t maximum = 0;
    std::string type;
    std::string line;
    uint8_t byte = 0;
    if (!reader_.ReadByte(byte)) return BadHeader(kTooShort);
    if (byte != '\n') return BadHeader("it is of no known kind");
    while (true) {
      if (!ReadLine(line)) return BadHeader("its header has no end");
      if (line == "ENDHDR") break;
      const size_t space = std::min(line.find_first_of(" \t"), line.size());
      const std::string name = line.substr(0, space);
      const absl::string_view value =
          absl::StripAsciiWhitespace(absl::string_view(line).substr(space));
      if (name == "TUPLTYPE") {
        absl::StrAppend(&type, type.empty() ? "" : " ", value);
        if (type.size() > kLongestLine) return NoSuchTuples();
        continue;
      }
      uint64_t* const number = name == "WIDTH"    ? &width_
                               : name == "HEIGHT" ? &height_
                               : name == "DEPTH"  ? &depth
                               : name == "MAXVAL" ? &maximum
                                                  : nullptr;
      if (number == nullptr || !ParseNumber(value, *number)) {
        return BadHeader("a line of it is not understood");
      }
    }
    RETURN_IF_ERROR(SetMaximum(maximum));
    return SetTuples(depth, type);
  }

  // Without a type the number of channels says what they are.
  absl::Status SetTuples(uint64_t depth, const std::string& type) {
    if (depth == 0) return BadHeader("it has no DEPTH");
    spec_.shape.channels = static_cast<uint32_t>(std::min<uint64_t>(depth, 5));
    if (type.empty()) {
      return depth <= kMaxChannels ? absl::OkStatus() : NoSuchTuples();
    }
    for (const TupleType& known : kTupleTypes) {
      if (known.name != type) continue;
      if (known.channels == depth) return absl::OkStatus();
      return BadHeader("its DEPTH is not that of its TUPLTYPE");
    }
    return NoSuchTuples();
  }

  static absl::Status NoSuchTuples() {
    return NotSupported(kFormat, "tuples other than grey and RGB");
  }

  absl::Status ReadFloats() {
    const size_t row_bytes = RowBytes(spec_);
    const uint32_t height = spec_.shape.height;
    ASSIGN_OR_RETURN(floats_, BufferPool(0).Take(row_bytes * height));
    for (uint32_t stored = 0; stored < height; ++stored) {
      const size_t at = size_t{height - 1 - stored} * row_bytes;
      if (!reader_.Fill(floats_.span().subspan(at, row_bytes))) {
        next_row_ = stored;
        return BadRows(kTooShort);
      }
    }
    return absl::OkStatus();
  }

  // What is wrong, or "".
  absl::string_view ReadRow(const AnyImageView& target) {
    const std::span<std::byte> bytes = target.row_bytes(0);
    switch (raster_) {
      case Raster::kBits:
        return ReadBits(target.As<uint8_t>().row(0));
      case Raster::kPlainBits:
        return ReadPlainBits(target.As<uint8_t>().row(0));
      case Raster::kFloats:
        std::memcpy(bytes.data(), &floats_.data()[next_row_ * bytes.size()],
                    bytes.size());
        if (is_swapped_) SwapFloats(bytes);
        return "";
      case Raster::kPlain:
        if (maximum_ < 256) return ReadPlain(target.As<uint8_t>().row(0));
        return ReadPlain(target.As<uint16_t>().row(0));
      case Raster::kBytes:
        if (!reader_.Fill(bytes)) return kTooShort;
        return Scale(target.As<uint8_t>().row(0));
      case Raster::kWords:
        if (!reader_.Fill(bytes)) return kTooShort;
        if (std::endian::native == std::endian::little) SwapWords(bytes);
        return Scale(target.As<uint16_t>().row(0));
    }
    return "";
  }

  absl::string_view ReadBits(std::span<uint8_t> row) {
    packed_.resize((row.size() + 7) / 8);
    if (!reader_.Fill(packed_)) return kTooShort;
    for (size_t x = 0; x < row.size(); ++x) {
      row[x] = (packed_[x / 8] << x % 8 & 0x80) != 0 ? 0 : 255;
    }
    return "";
  }

  absl::string_view ReadPlainBits(std::span<uint8_t> row) {
    for (uint8_t& sample : row) {
      uint8_t byte = ' ';
      while (IsSpace(byte)) {
        if (!ReadText(byte)) return kTooShort;
      }
      if (byte != '0' && byte != '1') return "a digit is neither 0 nor 1";
      sample = byte == '1' ? 0 : 255;
    }
    return "";
  }

  template <typename T>
  absl::string_view ReadPlain(std::span<T> row) {
    for (T& sample : row) {
      uint8_t byte = ' ';
      while (IsSpace(byte)) {
        if (!ReadText(byte)) return kTooShort;
      }
      uint32_t value = 0;
      do {
        if (byte < '0' || byte > '9') return "a sample is not a number";
        value = value * 10 + (byte - '0');
        if (value > maximum_) return "a sample is over the file's maximum";
        // The file can end with its last digit.
        if (!ReadText(byte)) break;
      } while (!IsSpace(byte));
      sample = static_cast<T>(scaled_.empty() ? value : scaled_[value]);
    }
    return "";
  }

  template <typename T>
  absl::string_view Scale(std::span<T> row) const {
    if (scaled_.empty()) return "";
    for (T& sample : row) {
      if (sample > maximum_) return "a sample is over the file's maximum";
      sample = static_cast<T>(scaled_[sample]);
    }
    return "";
  }

  absl::Status BadHeader(absl::string_view problem) const {
    return reader_.Failure(DamagedHeader(kFormat, problem));
  }
  absl::Status BadRows(absl::string_view problem) const {
    return reader_.Failure(
        DamagedRows(kFormat, next_row_, spec_.shape.height, problem));
  }

  ByteReader reader_;
  ImageSpec spec_;
  const ImageMetadata metadata_;
  uint64_t width_ = 0;
  uint64_t height_ = 0;
  Raster raster_ = Raster::kBytes;
  uint32_t maximum_ = 0;
  bool is_swapped_ = false;       // of floats
  std::vector<uint16_t> scaled_;  // empty if the maximum is full scale
  std::vector<uint8_t> packed_;   // a row of bits
  Buffer floats_;                 // all rows
  uint32_t next_row_ = 0;
};

std::string HeaderOf(const ImageSpec& spec) {
  const auto [width, height, channels] = spec.shape;
  if (spec.sample_type == SampleType::kF32) {
    constexpr std::array<absl::string_view, kMaxChannels> kMagic = {
        "Pf", "", "PF", "PF4"};
    const bool is_little = std::endian::native == std::endian::little;
    return absl::StrCat(kMagic[channels - 1], "\n", width, " ", height, "\n",
                        is_little ? "-1.0\n" : "1.0\n");
  }
  const uint32_t maximum = spec.sample_type == SampleType::kU8 ? 255 : 65535;
  if (HasAlpha(channels)) {
    return absl::StrCat("P7\nWIDTH ", width, "\nHEIGHT ", height, "\nDEPTH ",
                        channels, "\nMAXVAL ", maximum, "\nTUPLTYPE ",
                        channels == 2 ? "GRAYSCALE" : "RGB",
                        "_ALPHA\nENDHDR\n");
  }
  return absl::StrCat(channels == 1 ? "P5\n" : "P6\n", width, " ", height, "\n",
                      maximum, "\n");
}

class PnmEncoder final : public Encoder {
 public:
  PnmEncoder(ByteSink& sink, const ImageSpec& spec)
      : sink_(sink), spec_(spec) {}

  absl::Status Begin() {
    if (spec_.sample_type == SampleType::kF32) {
      ASSIGN_OR_RETURN(const uint64_t bytes, PixelBytes(spec_));
      ASSIGN_OR_RETURN(floats_, BufferPool(0).Take(bytes));
    }
    const std::string header = HeaderOf(spec_);
    return sink_.Append(std::as_bytes(std::span(header)));
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    for (uint32_t y = 0; y < source.shape().height; ++y) {
      const std::span<const std::byte> row = source.row_bytes(y);
      if (spec_.sample_type == SampleType::kF32) {
        // The last row comes first.
        const size_t stored = spec_.shape.height - 1 - next_row_;
        std::memcpy(&floats_.data()[stored * row.size()], row.data(),
                    row.size());
      } else if (spec_.sample_type == SampleType::kU8) {
        RETURN_IF_ERROR(sink_.Append(row));
      } else {
        words_.assign(row.begin(), row.end());
        if (std::endian::native == std::endian::little) SwapWords(words_);
        RETURN_IF_ERROR(sink_.Append(words_));
      }
      ++next_row_;
    }
    return absl::OkStatus();
  }

  uint64_t held_bytes() const override { return floats_.size(); }

  absl::Status Finish() override {
    if (floats_.size() == 0) return absl::OkStatus();
    return sink_.AppendBuffer(std::move(floats_));
  }

 private:
  ByteSink& sink_;
  const ImageSpec spec_;
  std::vector<std::byte> words_;  // a row of 16 bits
  Buffer floats_;                 // all rows, as they are stored
  uint32_t next_row_ = 0;
};

bool Recognizes(std::span<const std::byte> head) {
  const auto at = [&](size_t i) {
    return i < head.size() ? static_cast<char>(head[i]) : '\0';
  };
  if (at(0) != 'P') return false;
  if (at(1) == '7') return at(2) == '\n';
  if (absl::string_view("123456fF").find(at(1)) == absl::string_view::npos) {
    return false;
  }
  // Words that begin so are not followed by a number.
  size_t next = at(1) == 'F' && at(2) == '4' ? 3 : 2;
  if (!IsSpace(static_cast<uint8_t>(at(next))) && at(next) != '#') return false;
  while (IsSpace(static_cast<uint8_t>(at(next)))) ++next;
  return next == head.size() || at(next) == '#' ||
         (at(next) >= '0' && at(next) <= '9');
}

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  auto decoder = std::make_unique<PnmDecoder>(source);
  RETURN_IF_ERROR(decoder->Open(limits));
  return decoder;
}

absl::Status CanHold(const ImageSpec& spec) {
  if (spec.sample_type == SampleType::kF32 && spec.shape.channels == 2) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "PFM cannot hold grey and alpha");
  }
  return PixelBytes(spec).status();
}

absl::StatusOr<std::unique_ptr<Encoder>> Create(
    ByteSink& sink, const ImageSpec& spec, const EncodeOptions& /*options*/) {
  auto encoder = std::make_unique<PnmEncoder>(sink, spec);
  RETURN_IF_ERROR(encoder->Begin());
  return encoder;
}

}  // namespace

const Codec kPnmCodec = {.name = kFormat,
                         .mime_type = "image/x-portable-anymap",
                         .recognizes = Recognizes,
                         .open = Open,
                         .can_hold = CanHold,
                         .create = Create,
                         .turn_losslessly = nullptr,
                         .extensions = "pnm pbm pgm ppm pam pfm",
                         .reads = kReadsU8 | kReadsU16 | kReadsF32,
                         .is_lossless = true};

}  // namespace imageadapt
