#include "imageadapt/codecs/dicom_header.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/decode_checks.h"

namespace imageadapt {
namespace {

constexpr char kTooShort[] = "it ends too early";

constexpr size_t kPreambleBytes = 128;

// Sequences within sequences; real files have about ten.
constexpr size_t kMaxDepth = 64;

// Of a value that is kept: times of 65536 frames as text.
constexpr uint32_t kMaxValueBytes = uint32_t{1} << 20;

constexpr uint32_t Tag(uint32_t group, uint32_t element) {
  return group << 16 | element;
}

// Of values that are read, together, beside an ICC profile: each can stand
// there any number of times.
constexpr uint64_t kMaxKeptBytes = uint64_t{4} << 20;

// Of a deflated file, before its pixels.
constexpr uint64_t kMaxInflatedHead = uint64_t{64} << 20;

constexpr uint32_t kTransferSyntax = Tag(0x0002, 0x0010);
constexpr uint32_t kDisplayFrameRate = Tag(0x0008, 0x2144);
constexpr uint32_t kCineRate = Tag(0x0018, 0x0040);
constexpr uint32_t kFrameTime = Tag(0x0018, 0x1063);
constexpr uint32_t kFrameTimeVector = Tag(0x0018, 0x1065);
constexpr uint32_t kSamplesPerPixel = Tag(0x0028, 0x0002);
constexpr uint32_t kPhotometric = Tag(0x0028, 0x0004);
constexpr uint32_t kPlanar = Tag(0x0028, 0x0006);
constexpr uint32_t kNumberOfFrames = Tag(0x0028, 0x0008);
constexpr uint32_t kRows = Tag(0x0028, 0x0010);
constexpr uint32_t kColumns = Tag(0x0028, 0x0011);
constexpr uint32_t kBitsAllocated = Tag(0x0028, 0x0100);
constexpr uint32_t kBitsStored = Tag(0x0028, 0x0101);
constexpr uint32_t kHighBit = Tag(0x0028, 0x0102);
constexpr uint32_t kPixelRepresentation = Tag(0x0028, 0x0103);
constexpr uint32_t kWindowCenter = Tag(0x0028, 0x1050);
constexpr uint32_t kWindowWidth = Tag(0x0028, 0x1051);
constexpr uint32_t kRescaleIntercept = Tag(0x0028, 0x1052);
constexpr uint32_t kRescaleSlope = Tag(0x0028, 0x1053);
constexpr uint32_t kVoiFunction = Tag(0x0028, 0x1056);
constexpr uint32_t kPaletteDescriptor = Tag(0x0028, 0x1101);  // and 2 more
constexpr uint32_t kPaletteData = Tag(0x0028, 0x1201);        // and 2 more
constexpr uint32_t kSegmentedPalette = Tag(0x0028, 0x1221);
constexpr uint32_t kIccProfile = Tag(0x0028, 0x2000);
constexpr uint32_t kModalityLut = Tag(0x0028, 0x3000);
constexpr uint32_t kSharedGroups = Tag(0x5200, 0x9229);
constexpr uint32_t kFrameGroups = Tag(0x5200, 0x9230);
constexpr uint32_t kFloatPixelData = Tag(0x7fe0, 0x0008);
constexpr uint32_t kDoublePixelData = Tag(0x7fe0, 0x0009);
constexpr uint32_t kPixelData = Tag(0x7fe0, 0x0010);
constexpr uint32_t kItem = Tag(0xfffe, 0xe000);
constexpr uint32_t kItemEnd = Tag(0xfffe, 0xe00d);
constexpr uint32_t kSequenceEnd = Tag(0xfffe, 0xe0dd);

// Sequences in functional groups that hold such values.
constexpr uint32_t kFrameVoiLut = Tag(0x0028, 0x9132);
constexpr uint32_t kPixelValueTransformation = Tag(0x0028, 0x9145);

// Of values in functional groups these count.
bool IsOfValues(uint32_t tag) {
  return tag == kWindowCenter || tag == kWindowWidth ||
         tag == kRescaleIntercept || tag == kRescaleSlope ||
         tag == kVoiFunction;
}

absl::Status Damaged(absl::string_view problem) {
  return DamagedHeader(kDicomFormat, problem);
}

absl::string_view TextOf(std::span<const std::byte> value) {
  absl::string_view text(reinterpret_cast<const char*>(value.data()),
                         value.size());
  while (!text.empty() && (text.back() == '\0' || text.back() == ' ')) {
    text.remove_suffix(1);
  }
  return absl::StripLeadingAsciiWhitespace(text);
}

// All numbers of a text; none if one of them is not.
std::vector<double> NumbersOf(std::span<const std::byte> value) {
  std::vector<double> numbers;
  for (const absl::string_view part : absl::StrSplit(TextOf(value), '\\')) {
    double number = 0;
    if (!absl::SimpleAtod(absl::StripAsciiWhitespace(part), &number) ||
        !std::isfinite(number)) {
      return {};
    }
    numbers.push_back(number);
  }
  return numbers;
}

class HeaderReader {
 public:
  HeaderReader(DicomStream& stream, const DecodeLimits& limits,
               DicomHeader& header)
      : stream_(stream), limits_(limits), header_(header) {}

  absl::Status Read() {
    std::array<std::byte, kPreambleBytes + 4> preamble;
    if (!stream_.Fill(preamble)) return TooShort();
    if (!IsDicom(preamble)) return Damaged("it does not begin as one does");
    RETURN_IF_ERROR(ReadMeta());
    RETURN_IF_ERROR(ReadDataset());
    return Finish();
  }

 private:
  struct Element {
    uint32_t tag = 0;
    std::array<char, 2> vr = {};
    uint32_t length = 0;
  };
  // A value whose length is not told, and how what is in it is written.
  struct Open {
    bool is_implicit = false;
  };

  absl::Status TooShort() const { return stream_.Failure(Damaged(kTooShort)); }

  uint16_t Load16(const std::byte* bytes) const {
    const auto* const at = reinterpret_cast<const uint8_t*>(bytes);
    return header_.is_big_endian ? LoadBig16(at) : LoadLittle16(at);
  }
  uint32_t Load32(const std::byte* bytes) const {
    const auto* const at = reinterpret_cast<const uint8_t*>(bytes);
    return header_.is_big_endian ? LoadBig32(at) : LoadLittle32(at);
  }

  absl::Status ReadElement(Element& element) {
    std::array<std::byte, 4> bytes;
    if (!stream_.FillTag(bytes)) {
      return stream_.Failure(Damaged("it ends before any pixel data"));
    }
    element.tag = Tag(Load16(bytes.data()), Load16(&bytes[2]));
    element.vr = {};
    if (!stream_.Fill(bytes)) return TooShort();
    if (is_implicit_ || element.tag >> 16 == 0xfffe) {
      element.length = Load32(bytes.data());
      return absl::OkStatus();
    }
    element.vr = {static_cast<char>(bytes[0]), static_cast<char>(bytes[1])};
    if (!absl::ascii_isupper(static_cast<unsigned char>(element.vr[0])) ||
        !absl::ascii_isupper(static_cast<unsigned char>(element.vr[1]))) {
      // Some writers promise explicit kinds in the file's head, and have none.
      if (!is_first_ || header_.is_big_endian) {
        return Damaged("a value is of no known kind");
      }
      is_implicit_ = true;
      element.vr = {};
      element.length = Load32(bytes.data());
      return absl::OkStatus();
    }
    if (!HasLongLength(element.vr)) {
      element.length = Load16(&bytes[2]);
      return absl::OkStatus();
    }
    if (!stream_.Fill(bytes)) return TooShort();
    element.length = Load32(bytes.data());
    return absl::OkStatus();
  }

  static bool HasLongLength(const std::array<char, 2>& vr) {
    constexpr absl::string_view kLong[] = {"OB", "OD", "OF", "OL", "OV",
                                           "OW", "SQ", "SV", "UC", "UN",
                                           "UR", "UT", "UV"};
    return std::find(std::begin(kLong), std::end(kLong),
                     absl::string_view(vr.data(), vr.size())) !=
           std::end(kLong);
  }

  absl::Status ReadValue(const Element& element) {
    const uint64_t most =
        element.tag == kIccProfile
            ? std::max<uint64_t>(limits_.max_icc_bytes, kMaxValueBytes)
            : kMaxValueBytes;
    if (element.length > most) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "the DICOM file has a value of ", element.length,
                     " bytes that is read at once; the limit is ", most);
    }
    // So much is there at least, before memory is taken for it.
    const std::optional<uint64_t> left = stream_.bytes_left();
    if (left.has_value() && element.length > *left) return TooShort();
    kept_bytes_ += element.length;
    if (kept_bytes_ > kMaxKeptBytes + limits_.max_icc_bytes) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "the DICOM file has values of ", kept_bytes_,
                     " bytes about its picture; the limit is ",
                     kMaxKeptBytes + limits_.max_icc_bytes);
    }
    value_.resize(element.length);
    if (!stream_.Fill(value_)) return TooShort();
    return absl::OkStatus();
  }

  // Group 2, which is always explicit and little-endian.
  absl::Status ReadMeta() {
    std::string syntax;
    while (true) {
      std::array<std::byte, 4> bytes;
      if (!stream_.FillTag(bytes)) return TooShort();
      stream_.PutBack(bytes);
      if (Load16(bytes.data()) != 2) break;
      Element element;
      RETURN_IF_ERROR(ReadElement(element));
      if (element.tag == kTransferSyntax) {
        RETURN_IF_ERROR(ReadValue(element));
        syntax = std::string(TextOf(value_));
      } else if (!stream_.Skip(element.length)) {
        return TooShort();
      }
    }
    return SetSyntax(syntax);
  }

  absl::Status SetSyntax(absl::string_view uid) {
    constexpr absl::string_view kRoot = "1.2.840.10008.1.2";
    using Packing = DicomHeader::Packing;
    constexpr std::pair<absl::string_view, Packing> kPacked[] = {
        {".4.50", Packing::kJpeg},     {".4.51", Packing::kJpeg},
        {".4.53", Packing::kJpeg},     {".4.55", Packing::kJpeg},
        {".4.57", Packing::kJpeg},     {".4.70", Packing::kJpeg},
        {".4.80", Packing::kJpegLs},   {".4.81", Packing::kJpegLs},
        {".4.90", Packing::kJpeg2000}, {".4.91", Packing::kJpeg2000},
        {".5", Packing::kRle}};
    if (uid.substr(0, kRoot.size()) == kRoot) {
      const absl::string_view kind = uid.substr(kRoot.size());
      is_implicit_ = kind.empty();
      header_.is_big_endian = kind == ".2";
      if (kind == ".1.99") stream_.Inflate();
      if (kind.empty() || kind == ".1" || kind == ".2" || kind == ".1.99") {
        return absl::OkStatus();
      }
      for (const auto& [known, packing] : kPacked) {
        if (kind != known) continue;
        header_.packing = packing;
        return absl::OkStatus();
      }
    }
    return NotSupported(
        kDicomFormat, absl::StrCat("the transfer syntax \"",
                                   absl::CHexEscape(uid.substr(0, 64)), "\""));
  }

  absl::Status ReadDataset() {
    is_first_ = true;
    while (true) {
      Element element;
      RETURN_IF_ERROR(ReadElement(element));
      is_first_ = false;
      RETURN_IF_ERROR(CheckInflated(0));
      if (open_.empty() && element.tag == kPixelData) {
        header_.pixel_bytes = element.length;
        return absl::OkStatus();
      }
      if (element.tag == kFloatPixelData || element.tag == kDoublePixelData) {
        return NotSupported(kDicomFormat, "float pixel data");
      }
      if (open_.empty() && element.tag >> 16 > 0x7fe0 &&
          element.tag >> 16 != 0xfffe) {
        return NotSupported(kDicomFormat, "no picture inside");
      }
      RETURN_IF_ERROR(TakeElement(element));
    }
  }

  // Before `more` bytes are inflated that are not pixels: a deflated file can
  // become a thousand times as long.
  absl::Status CheckInflated(uint64_t more) const {
    if (!stream_.is_inflating() || stream_.at() + more <= kMaxInflatedHead) {
      return absl::OkStatus();
    }
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "the DICOM file inflates to more than ", kMaxInflatedHead,
                   " bytes before its pixels, which is the limit");
  }

  absl::Status TakeElement(const Element& element) {
    switch (element.tag) {
      case kItem:
        if (open_.empty() && !InGroups()) {
          return Damaged("an item is in no sequence");
        }
        if (element.length == kDicomNoLength) return Enter(is_implicit_);
        return InGroups() ? absl::OkStatus() : SkipValue(element);
      case kItemEnd:
      case kSequenceEnd:
        return Leave();
      case kModalityLut:
        header_.has_modality_lut |=
            element.length != 0 && (open_.empty() || InGroups());
        break;
      case kSharedGroups:
      case kFrameGroups:
        if (open_.empty()) return EnterGroups(element);
        break;
      default:
        break;
    }
    if (element.length == kDicomNoLength) {
      // Such a value of no known kind is written as the implicit syntax is.
      return Enter(is_implicit_ || element.vr == std::array{'U', 'N'});
    }
    if (InGroups() && IsSequence(element)) return absl::OkStatus();
    bool is_wanted = open_.empty() && IsKept(element);
    if (InGroups()) {
      is_wanted = IsOfValues(element.tag);
      header_.has_values_of_frames |= is_wanted && are_of_frames_;
      is_wanted &= !are_of_frames_;
    }
    if (!is_wanted) return SkipValue(element);
    RETURN_IF_ERROR(ReadValue(element));
    return Keep(element.tag);
  }

  absl::Status SkipValue(const Element& element) {
    RETURN_IF_ERROR(CheckInflated(element.length));
    return stream_.Skip(element.length) ? absl::OkStatus() : TooShort();
  }

  absl::Status Enter(bool is_implicit) {
    if (open_.size() == kMaxDepth) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "the DICOM file has sequences within sequences, more than "
                     "the limit of ",
                     kMaxDepth);
    }
    open_.push_back({.is_implicit = is_implicit_});
    is_implicit_ = is_implicit;
    return absl::OkStatus();
  }

  absl::Status Leave() {
    if (open_.empty()) return Damaged("a sequence ends that has not begun");
    is_implicit_ = open_.back().is_implicit;
    open_.pop_back();
    if (open_.size() < groups_depth_) groups_depth_ = SIZE_MAX;
    return absl::OkStatus();
  }

  // Functional groups, whichever way their end is told.
  absl::Status EnterGroups(const Element& element) {
    are_of_frames_ = element.tag == kFrameGroups;
    if (element.length != kDicomNoLength) {
      groups_end_ = stream_.at() + element.length;
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Enter(is_implicit_));
    groups_depth_ = open_.size();
    return absl::OkStatus();
  }
  bool InGroups() const {
    return stream_.at() <= groups_end_ || open_.size() >= groups_depth_;
  }

  static bool IsSequence(const Element& element) {
    return element.vr == std::array{'S', 'Q'} || element.tag == kFrameVoiLut ||
           element.tag == kPixelValueTransformation;
  }

  static bool IsKept(const Element& element) {
    const uint32_t tag = element.tag;
    if (tag >> 16 == 0x0028) {
      return IsOfValues(tag) || tag <= kPixelRepresentation ||
             tag == kSegmentedPalette || tag == kIccProfile ||
             IsOfPalette(tag, kPaletteDescriptor) ||
             IsOfPalette(tag, kPaletteData);
    }
    return tag == kDisplayFrameRate || tag == kCineRate || tag == kFrameTime ||
           tag == kFrameTimeVector;
  }
  static bool IsOfPalette(uint32_t tag, uint32_t red) {
    return tag >= red && tag < red + 3;
  }

  uint32_t Number16() const {
    return value_.size() >= 2 ? Load16(value_.data()) : 0;
  }

  absl::Status Keep(uint32_t tag) {
    switch (tag) {
      case kSamplesPerPixel:
        header_.samples_per_pixel = Number16();
        break;
      case kPhotometric:
        photometric_ = std::string(TextOf(value_));
        break;
      case kPlanar:
        header_.is_planar = Number16() != 0;
        break;
      case kRows:
        header_.rows = Number16();
        break;
      case kColumns:
        header_.columns = Number16();
        break;
      case kBitsAllocated:
        header_.bits_allocated = Number16();
        break;
      case kBitsStored:
        header_.bits_stored = Number16();
        break;
      case kHighBit:
        high_bit_ = Number16();
        break;
      case kPixelRepresentation:
        header_.is_signed = Number16() == 1;
        break;
      case kSegmentedPalette:
        return NotSupported(kDicomFormat, "a palette in segments");
      case kIccProfile:
        if (value_.size() <= limits_.max_icc_bytes) {
          header_.icc_profile = value_;
        }
        break;
      case kVoiFunction:
        return KeepFunction();
      default:
        if (IsOfPalette(tag, kPaletteDescriptor)) {
          descriptors_[tag - kPaletteDescriptor] = value_;
        } else if (IsOfPalette(tag, kPaletteData)) {
          palette_data_[tag - kPaletteData] = value_;
        } else {
          return KeepText(tag);
        }
    }
    return absl::OkStatus();
  }

  absl::Status KeepFunction() {
    using Function = DicomHeader::VoiFunction;
    const absl::string_view name = TextOf(value_);
    if (name == "LINEAR" || name.empty()) {
      header_.voi_function = Function::kLinear;
    } else if (name == "LINEAR_EXACT") {
      header_.voi_function = Function::kLinearExact;
    } else if (name == "SIGMOID") {
      header_.voi_function = Function::kSigmoid;
    }
    return absl::OkStatus();
  }

  // Numbers as text. What is empty or none counts as not there.
  absl::Status KeepText(uint32_t tag) {
    const std::vector<double> numbers = NumbersOf(value_);
    if (numbers.empty()) return absl::OkStatus();
    const double first = numbers.front();
    switch (tag) {
      case kNumberOfFrames:
        if (first < 1 || first != std::floor(first)) {
          return Damaged("it has no whole number of frames");
        }
        header_.frames =
            first < 1e15 ? static_cast<uint64_t>(first) : uint64_t{1} << 62;
        break;
      case kFrameTime:
        times_ = {first};
        break;
      case kFrameTimeVector:
        time_vector_ = numbers;
        break;
      case kDisplayFrameRate:
      case kCineRate:
        if (first > 0 && !rate_.has_value()) rate_ = first;
        break;
      case kWindowCenter:
        header_.window_center = first;
        break;
      case kWindowWidth:
        header_.window_width = first;
        break;
      case kRescaleIntercept:
        header_.has_rescale = true;
        header_.rescale_intercept = first;
        break;
      case kRescaleSlope:
        header_.has_rescale = true;
        header_.rescale_slope = first;
        break;
      default:
        break;
    }
    return absl::OkStatus();
  }

  absl::Status Finish() {
    if (header_.rows == 0 || header_.columns == 0) {
      return Damaged("a side is 0");
    }
    RETURN_IF_ERROR(
        CheckFrames(header_.frames, header_.columns, header_.rows, limits_));
    RETURN_IF_ERROR(SetPhotometric());
    RETURN_IF_ERROR(CheckBits());
    SetTimes();
    return CheckPixelBytes();
  }

  absl::Status SetPhotometric() {
    using Photometric = DicomHeader::Photometric;
    constexpr std::pair<absl::string_view, Photometric> kKnown[] = {
        {"MONOCHROME1", Photometric::kMonochrome1},
        {"MONOCHROME2", Photometric::kMonochrome2},
        {"PALETTE COLOR", Photometric::kPalette},
        {"RGB", Photometric::kRgb},
        {"YBR_FULL", Photometric::kYbrFull},
        {"YBR_FULL_422", Photometric::kYbrFull422},
        {"YBR_ICT", Photometric::kYbrOfJpeg2000},
        {"YBR_RCT", Photometric::kYbrOfJpeg2000}};
    const auto* const found = std::find_if(
        std::begin(kKnown), std::end(kKnown),
        [&](const auto& each) { return each.first == photometric_; });
    if (found == std::end(kKnown)) {
      return NotSupported(
          kDicomFormat,
          absl::StrCat("the photometric interpretation \"",
                       absl::CHexEscape(photometric_.substr(0, 16)), "\""));
    }
    header_.photometric = found->second;
    const bool has_index =
        header_.is_monochrome() || header_.photometric == Photometric::kPalette;
    if (header_.samples_per_pixel != (has_index ? 1u : 3u)) {
      return Damaged("its samples do not fit its colours");
    }
    if (header_.photometric == Photometric::kPalette) return SetPalette();
    if (header_.photometric == Photometric::kYbrOfJpeg2000 &&
        header_.packing != DicomHeader::Packing::kJpeg2000) {
      return Damaged("its colours are those of JPEG 2000, which it is not");
    }
    return absl::OkStatus();
  }

  absl::Status SetPalette() {
    for (size_t color = 0; color < 3; ++color) {
      const std::vector<std::byte>& descriptor = descriptors_[color];
      const std::vector<std::byte>& data = palette_data_[color];
      DicomPalette& palette = header_.palette[color];
      if (descriptor.size() < 6) return Damaged("its palette is incomplete");
      palette.entries = Load16(descriptor.data());
      if (palette.entries == 0) palette.entries = 65536;
      const uint16_t first = Load16(&descriptor[2]);
      palette.first = header_.is_signed ? static_cast<int16_t>(first) : first;
      palette.bits = Load16(&descriptor[4]);
      if (palette.bits != 8 && palette.bits != 16) {
        return Damaged("its palette has not 8 or 16 bits");
      }
      const bool is_wide = data.size() / 2 >= palette.entries;
      if (!is_wide && (palette.bits == 16 || data.size() < palette.entries)) {
        return Damaged("its palette is too short");
      }
      palette.values.resize(palette.entries);
      for (size_t i = 0; i < palette.entries; ++i) {
        const uint16_t value =
            is_wide ? Load16(&data[2 * i]) : static_cast<uint8_t>(data[i]);
        palette.values[i] = palette.bits == 8 ? value & 0xff : value;
      }
    }
    if (header_.palette[0].bits != header_.palette[1].bits ||
        header_.palette[0].bits != header_.palette[2].bits) {
      return Damaged("its palettes differ");
    }
    return absl::OkStatus();
  }

  absl::Status CheckBits() {
    const uint32_t allocated = header_.bits_allocated;
    if (allocated != 1 && allocated != 8 && allocated != 16 &&
        allocated != 32) {
      return NotSupported(kDicomFormat,
                          absl::StrCat(allocated, " bits for a sample"));
    }
    if (header_.bits_stored == 0 || header_.bits_stored > allocated) {
      return Damaged("its bits do not fit each other");
    }
    header_.high_bit = high_bit_.value_or(header_.bits_stored - 1);
    if (header_.high_bit >= allocated ||
        header_.high_bit + 1 < header_.bits_stored) {
      return Damaged("its bits do not fit each other");
    }
    if (header_.samples_per_pixel == 3 &&
        (header_.is_signed || allocated == 1)) {
      return NotSupported(kDicomFormat, "colours of signed samples or bits");
    }
    if (allocated == 1 && header_.packing != DicomHeader::Packing::kNone) {
      return NotSupported(kDicomFormat, "bits that are packed");
    }
    return absl::OkStatus();
  }

  void SetTimes() {
    if (header_.frames == 1) return;
    // The vector has the time from the frame before; a frame is shown until
    // the next one is.
    if (time_vector_.size() == header_.frames) {
      std::rotate(time_vector_.begin(), time_vector_.begin() + 1,
                  time_vector_.end());
      time_vector_.back() = time_vector_[time_vector_.size() - 2];
      header_.frame_milliseconds = std::move(time_vector_);
    } else if (!times_.empty()) {
      header_.frame_milliseconds = std::move(times_);
    } else if (rate_.has_value()) {
      header_.frame_milliseconds = {1000 / *rate_};
    }
  }

  absl::Status CheckPixelBytes() const {
    const bool is_packed = header_.packing != DicomHeader::Packing::kNone;
    if (is_packed != (header_.pixel_bytes == kDicomNoLength)) {
      return Damaged("its pixel data are not as its transfer syntax says");
    }
    if (is_packed) return absl::OkStatus();
    // Within limits: no product is larger than 2^55.
    uint64_t samples = uint64_t{header_.rows} * header_.columns *
                       header_.frames * header_.samples_per_pixel;
    if (header_.photometric == DicomHeader::Photometric::kYbrFull422) {
      if (header_.columns % 2 != 0 || header_.bits_allocated != 8) {
        return NotSupported(kDicomFormat, "YBR_FULL_422 of odd columns");
      }
      samples = samples / 3 * 2;
    }
    if ((samples * header_.bits_allocated + 7) / 8 > header_.pixel_bytes) {
      return Damaged("its pixel data are too short for its frames");
    }
    return absl::OkStatus();
  }

  DicomStream& stream_;
  const DecodeLimits& limits_;
  DicomHeader& header_;
  bool is_implicit_ = false;
  bool is_first_ = false;  // of the data set's elements
  std::vector<std::byte> value_;
  uint64_t kept_bytes_ = 0;  // of values read so far
  std::vector<Open> open_;
  uint64_t groups_end_ = 0;
  size_t groups_depth_ = SIZE_MAX;
  bool are_of_frames_ = false;
  std::string photometric_;
  std::optional<uint32_t> high_bit_;
  std::array<std::vector<std::byte>, 3> descriptors_;
  std::array<std::vector<std::byte>, 3> palette_data_;
  std::vector<double> times_;
  std::vector<double> time_vector_;
  std::optional<double> rate_;
};

}  // namespace

absl::Status ReadDicomHeader(DicomStream& stream, const DecodeLimits& limits,
                             DicomHeader& header) {
  return HeaderReader(stream, limits, header).Read();
}

bool IsDicom(std::span<const std::byte> head) {
  constexpr absl::string_view kMagic = "DICM";
  return head.size() >= kPreambleBytes + kMagic.size() &&
         std::equal(kMagic.begin(), kMagic.end(), &head[kPreambleBytes],
                    [](char a, std::byte b) {
                      return static_cast<std::byte>(a) == b;
                    });
}

}  // namespace imageadapt
