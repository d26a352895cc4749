// TIFF and BigTIFF, read by libtiff, written by tiff_writer.cc.
//
// What samples become: unsigned integers of up to 8 bits u8, of 9 to 16 bits
// u16, scaled to the full range where they have fewer bits; signed integers of
// 8 and 16 bits the same with 2^(n-1) added; all other integers, half, float
// and double f32 of the same value. Palettes become RGB of u8, or of u16 if u8
// would lose something. MINISWHITE is turned round. CMYK becomes RGB by its
// profile, without one (and for float) as in jpeg.cc. YCbCr, CIELab and LogLuv
// become RGB of u8 as libtiff does it. Alpha is what ExtraSamples calls so,
// un-premultiplied where it must be; other extra samples are dropped.
//
// Pages are frames; reduced copies and masks of pages are not, unless they come
// first. The orientation and profile are those of the first page.
#include <tiffio.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/color_transform.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/tiff_pages.h"
#include "imageadapt/codecs/tiff_writer.h"
#include "imageadapt/codecs/whole_file.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "TIFF";
constexpr uint32_t kMaxSamplesPerPixel = 32;
// Tiles may be larger than a small image, but not much.
constexpr uint64_t kSmallTilePixels = uint64_t{1} << 22;

// Strips and rows of tiles up to this size are decoded as a whole; that is
// quicker, and some of libtiff's codecs know no other way.
constexpr uint64_t kSmallBandBytes = uint64_t{1} << 20;

// What libtiff holds of a file beside strips and directories: the tables of
// most codecs; the windows of LZMA and Zstandard at their usual levels.
constexpr uint64_t kLibraryBytes = uint64_t{1} << 20;
constexpr uint64_t kWindowBytes = uint64_t{12} << 20;

struct Closer {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using Library = std::unique_ptr<TIFF, Closer>;

// Memory of zeros, which is not touched before it is used: a codec may leave
// some of it as it was.
struct Freer {
  // new has no zeros without touch.
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc,cppcoreguidelines-owning-memory)
  void operator()(std::byte* bytes) const { std::free(bytes); }
};
using Zeros = std::unique_ptr<std::byte, Freer>;

absl::StatusOr<Zeros> TakeZeros(uint64_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-no-malloc)
  Zeros zeros(static_cast<std::byte*>(std::calloc(size, 1)));
  if (zeros != nullptr) return zeros;
  return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                 "no memory for ", size, " bytes of a TIFF file");
}

// The codecs of libtiff whose memory does not depend on what a strip says; not
// JBIG, LERC and PixarLog.
bool IsCompressionRead(uint16_t compression) {
  switch (compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTRLEW:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
    case COMPRESSION_LZW:
    case COMPRESSION_OJPEG:
    case COMPRESSION_JPEG:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_NEXT:
    case COMPRESSION_THUNDERSCAN:
    case COMPRESSION_SGILOG:
    case COMPRESSION_SGILOG24:
    case COMPRESSION_LZMA:
    case COMPRESSION_ZSTD:
    case COMPRESSION_WEBP:
      return TIFFIsCODECConfigured(compression) != 0;
    default:
      return false;
  }
}

// Whether libtiff decodes a strip of it row by row.
bool IsReadByRows(uint16_t compression) {
  switch (compression) {
    case COMPRESSION_NONE:
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTRLEW:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
    case COMPRESSION_LZW:
    case COMPRESSION_JPEG:
    case COMPRESSION_ADOBE_DEFLATE:
    case COMPRESSION_DEFLATE:
    case COMPRESSION_PACKBITS:
    case COMPRESSION_LZMA:
    case COMPRESSION_ZSTD:
      return true;
    default:
      return false;
  }
}

float FloatOfHalf(uint16_t half) {
  const int exponent = half >> 10 & 31;
  const int fraction = half & 1023;
  const uint32_t sign = uint32_t{half & 0x8000u} << 16;
  if (exponent == 31) {
    return std::bit_cast<float>(sign | 0x7f800000u |
                                static_cast<uint32_t>(fraction) << 13);
  }
  const float size =
      exponent == 0
          ? std::ldexp(static_cast<float>(fraction), -24)
          : std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  return sign != 0 ? -size : size;
}

template <typename T>
T Load(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <typename T>
constexpr T kFull = std::numeric_limits<T>::max();
template <>
constexpr float kFull<float> = 1.0f;

template <typename T>
T Unpremultiplied(T color, T alpha) {
  if (alpha == 0) return 0;
  if constexpr (std::is_same_v<T, float>) {
    return color / alpha;
  } else {
    const uint64_t scaled =
        (uint64_t{color} * kFull<T> + alpha / 2) / uint64_t{alpha};
    return static_cast<T>(std::min<uint64_t>(scaled, kFull<T>));
  }
}

template <typename T>
T InkToLight(T ink, T black) {
  if constexpr (std::is_same_v<T, float>) {
    return (1 - ink) * (1 - black);
  } else {
    const uint64_t product =
        uint64_t{static_cast<T>(kFull<T> - ink)} * (kFull<T> - black);
    return static_cast<T>((product + kFull<T> / 2) / kFull<T>);
  }
}

class TiffDecoder final : public Decoder {
 public:
  absl::Status Open(ByteSource& source, const DecodeLimits& limits) {
    limits_ = limits;
    ASSIGN_OR_RETURN(file_, ReadWholeFile(source));
    ASSIGN_OR_RETURN(pages_, FindTiffPages(file_.span(), limits));
    metadata_.frames.count = static_cast<uint32_t>(pages_.size());
    RETURN_IF_ERROR(CheckPage());
    tiff_ = OpenLibrary();
    if (tiff_ == nullptr) return HeaderStatus();
    RETURN_IF_ERROR(StartPage());
    ReadMetadata();
    return absl::OkStatus();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    // Where libtiff makes RGB of it, it holds what it makes it of, too.
    const uint64_t bands = (band_bytes_ + tile_bytes_) * (uses_rgba_ ? 3 : 1);
    // Rows of MCUs, differences of neighbours.
    const uint64_t rows = 32 * row_bytes_;
    uint64_t library = kLibraryBytes;
    if (compression_ == COMPRESSION_LZMA || compression_ == COMPRESSION_ZSTD) {
      library += kWindowBytes;
    }
    // Bits are turned round in a copy of the whole strip.
    if (Field(TIFFTAG_FILLORDER) == FILLORDER_LSB2MSB) library += file_.size();
    if (compression_ == COMPRESSION_WEBP) library += 2 * band_bytes_;
    return bands + (rows + library) * (row_libraries_.size() + 1) +
           strips_ * 32 + metadata_.icc_profile.size() * 2 + InkBytes() +
           pages_.size() * sizeof(TiffPage);
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      if (next_row_ >= band_end_) RETURN_IF_ERROR(ReadBand());
      target.Visit([&](auto view) { ConvertRow(view.row(y)); });
      ++next_row_;
    }
    return absl::OkStatus();
  }

  absl::Status NextFrame() override {
    ++page_;
    RETURN_IF_ERROR(CheckPage());
    return StartPage();
  }

 private:
  // What a row of raw samples needs on its way.
  enum class Kind : uint8_t {
    kPacked,  // fewer bits than 8, or 9 to 15
    kU8,
    kI8,
    kU16,
    kI16,
    kU24,
    kU32,
    kI32,
    kU64,
    kI64,
    kF16,
    kF32,
    kF64
  };

  static TiffDecoder& Self(thandle_t handle) {
    return *static_cast<TiffDecoder*>(handle);
  }
  static tmsize_t Read(thandle_t handle, void* target, tmsize_t size) {
    TiffDecoder& self = Self(handle);
    const uint64_t left =
        self.file_.size() - std::min<uint64_t>(self.at_, self.file_.size());
    const uint64_t taken =
        std::min<uint64_t>(left, static_cast<uint64_t>(size));
    if (taken == 0) return 0;
    std::memcpy(target, self.file_.data() + self.at_, taken);
    self.at_ += taken;
    return static_cast<tmsize_t>(taken);
  }
  static tmsize_t Write(thandle_t /*handle*/, void* /*data*/,
                        tmsize_t /*size*/) {
    return -1;
  }
  static toff_t Seek(thandle_t handle, toff_t offset, int whence) {
    TiffDecoder& self = Self(handle);
    if (whence == SEEK_CUR) offset += self.at_;
    if (whence == SEEK_END) offset += self.file_.size();
    return self.at_ = offset;
  }
  static int Close(thandle_t /*handle*/) { return 0; }
  static toff_t Size(thandle_t handle) { return Self(handle).file_.size(); }
  static int Map(thandle_t handle, void** base, toff_t* size) {
    *base = Self(handle).file_.data();
    *size = Self(handle).file_.size();
    return 1;
  }
  static void Unmap(thandle_t /*handle*/, void* /*base*/, toff_t /*size*/) {}

  static int OnError(TIFF* /*tiff*/, void* self, const char* /*module*/,
                     const char* format, va_list arguments) {
    auto& decoder = *static_cast<TiffDecoder*>(self);
    std::vsnprintf(decoder.error_, sizeof(decoder.error_), format, arguments);
    return 1;
  }
  // Where a strip ends too early, libjpeg fills the rest with grey and the fax
  // codecs leave it out; both only warn.
  static int OnWarning(TIFF* /*tiff*/, void* self, const char* /*module*/,
                       const char* format, va_list arguments) {
    auto& decoder = *static_cast<TiffDecoder*>(self);
    char text[sizeof(decoder.error_)];
    std::vsnprintf(text, sizeof(text), format, arguments);
    for (const absl::string_view start :
         {"Premature end", "Premature EOF", "Corrupt JPEG"}) {
      if (absl::StartsWith(text, start)) {
        std::memcpy(decoder.error_, text, sizeof(text));
        decoder.is_damaged_ = true;
      }
    }
    return 1;
  }

  Library OpenLibrary() {
    TIFFOpenOptions* const options = TIFFOpenOptionsAlloc();
    if (options == nullptr) return nullptr;
    at_ = 0;
    // Sizes were checked before; this is for what codecs and tags ask for.
    const uint64_t most =
        std::max<uint64_t>(uint64_t{32} << 20, limits_.max_pixels * 16);
    TIFFOpenOptionsSetMaxSingleMemAlloc(
        options, static_cast<tmsize_t>(std::min<uint64_t>(most, 1ull << 40)));
    TIFFOpenOptionsSetErrorHandlerExtR(options, OnError, this);
    TIFFOpenOptionsSetWarningHandlerExtR(options, OnWarning, this);
    // The header only: directories are read where pages_ says they are.
    Library library(TIFFClientOpenExt("file", "rh", this, Read, Write, Seek,
                                      Close, Size, Map, Unmap, options));
    TIFFOpenOptionsFree(options);
    return library;
  }

  // Before libtiff reads the directory.
  absl::Status CheckPage() const {
    const TiffPage& page = pages_[page_];
    RETURN_IF_ERROR(CheckSize(page.width, page.height, limits_));
    if (page.tile_width != 0 || page.tile_height != 0) {
      if (page.tile_width == 0 || page.tile_height == 0) {
        return DamagedHeader(kFormat, "its tiles have no size");
      }
      const uint64_t most =
          std::max(kSmallTilePixels, 4 * page.width * page.height);
      if (page.tile_width > most || page.tile_height > most ||
          page.tile_width * page.tile_height > most) {
        return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                       "tiles of ", page.tile_width, " x ", page.tile_height,
                       " pixels are too large for this TIFF image");
      }
    }
    return absl::OkStatus();
  }

  uint16_t Field(uint32_t tag) const {
    uint16_t value = 0;
    TIFFGetFieldDefaulted(tiff_.get(), tag, &value);
    return value;
  }

  absl::Status StartPage() {
    error_[0] = '\0';
    next_row_ = band_end_ = 0;
    band_.reset();
    tile_.reset();
    row_libraries_.clear();
    if (TIFFSetSubDirectory(tiff_.get(), pages_[page_].offset) != 1) {
      return HeaderStatus();
    }
    uint32_t width = 0;
    uint32_t height = 0;
    TIFFGetField(tiff_.get(), TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(tiff_.get(), TIFFTAG_IMAGELENGTH, &height);
    RETURN_IF_ERROR(CheckSize(width, height, limits_));
    if (width != pages_[page_].width || height != pages_[page_].height) {
      return DamagedHeader(kFormat, "it says its size twice");
    }
    spec_.shape.width = width;
    spec_.shape.height = height;
    RETURN_IF_ERROR(ReadKind());
    ReadInkProfile();
    return PlanBands();
  }

  absl::Status ReadKind() {
    TIFF* const tiff = tiff_.get();
    const uint16_t compression = compression_ = Field(TIFFTAG_COMPRESSION);
    if (!IsCompressionRead(compression)) {
      return NotSupported(kFormat, absl::StrCat("compression ", compression));
    }
    bits_ = Field(TIFFTAG_BITSPERSAMPLE);
    samples_ = Field(TIFFTAG_SAMPLESPERPIXEL);
    if (samples_ == 0 || bits_ == 0) {
      return DamagedHeader(kFormat, "its pixels have no samples");
    }
    if (samples_ > kMaxSamplesPerPixel) {
      return NotSupported(kFormat,
                          absl::StrCat(samples_, " samples in a pixel"));
    }
    is_planar_ =
        samples_ > 1 && Field(TIFFTAG_PLANARCONFIG) == PLANARCONFIG_SEPARATE;
    if (TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &photometric_) != 1) {
      photometric_ = samples_ < 3 ? PHOTOMETRIC_MINISBLACK : PHOTOMETRIC_RGB;
    }
    uses_rgba_ = false;
    if (photometric_ == PHOTOMETRIC_YCBCR && compression == COMPRESSION_JPEG &&
        !is_planar_) {
      TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      photometric_ = PHOTOMETRIC_RGB;
    }
    uint32_t colors = 1;
    switch (photometric_) {
      case PHOTOMETRIC_MINISBLACK:
      case PHOTOMETRIC_MINISWHITE:
      case PHOTOMETRIC_MASK:
        break;
      case PHOTOMETRIC_PALETTE:
        RETURN_IF_ERROR(ReadPalette());
        break;
      case PHOTOMETRIC_RGB:
        colors = 3;
        break;
      case PHOTOMETRIC_SEPARATED:
        colors = 4;
        if (Field(TIFFTAG_INKSET) != INKSET_CMYK) {
          return NotSupported(kFormat, "inks other than CMYK");
        }
        break;
      case PHOTOMETRIC_YCBCR:
      case PHOTOMETRIC_CIELAB:
      case PHOTOMETRIC_ICCLAB:
      case PHOTOMETRIC_ITULAB:
      case PHOTOMETRIC_LOGL:
      case PHOTOMETRIC_LOGLUV:
        uses_rgba_ = true;
        break;
      default:
        return NotSupported(
            kFormat, absl::StrCat("photometric interpretation ", photometric_));
    }
    if (uses_rgba_ || compression == COMPRESSION_OJPEG) return ReadRgbaKind();
    if (samples_ < colors) {
      return DamagedHeader(kFormat, "its pixels have too few samples");
    }
    return ReadRawKind(colors);
  }

  // libtiff makes 8-bit RGB of it.
  absl::Status ReadRgbaKind() {
    uses_rgba_ = true;
    char why[1024] = "";
    if (TIFFRGBAImageOK(tiff_.get(), why) != 1) {
      why[sizeof(why) - 1] = '\0';
      return NotSupported(kFormat, absl::StrCat("such colours (", why, ")"));
    }
    const uint16_t orientation = Field(TIFFTAG_ORIENTATION);
    if (page_ == 0) first_orientation_ = orientation;
    // Or it would be turned twice.
    TIFFSetField(tiff_.get(), TIFFTAG_ORIENTATION, ORIENTATION_TOPLEFT);
    spec_.shape.channels = 3;
    spec_.sample_type = SampleType::kU8;
    return absl::OkStatus();
  }

  absl::Status ReadRawKind(uint32_t colors) {
    if (page_ == 0) first_orientation_ = Field(TIFFTAG_ORIENTATION);
    RETURN_IF_ERROR(ReadSampleKind());
    colors_ = colors;
    alpha_ = -1;
    is_premultiplied_ = false;
    uint16_t extra = 0;
    uint16_t* extras = nullptr;
    TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_EXTRASAMPLES, &extra, &extras);
    for (uint32_t i = 0; i < extra && extras != nullptr; ++i) {
      if (extras[i] == EXTRASAMPLE_UNSPECIFIED || colors + i >= samples_) {
        continue;
      }
      alpha_ = static_cast<int>(colors + i);
      is_premultiplied_ = extras[i] == EXTRASAMPLE_ASSOCALPHA;
      break;
    }
    const bool is_palette = photometric_ == PHOTOMETRIC_PALETTE;
    if (is_palette) {
      // Alpha beside indices is not of the palette's depth.
      alpha_ = -1;
      if (kind_ != Kind::kU8 && kind_ != Kind::kU16 &&
          !(kind_ == Kind::kPacked && bits_ < 8)) {
        return NotSupported(kFormat,
                            absl::StrCat("palettes of ", bits_, " bits"));
      }
      spec_.sample_type =
          has_wide_palette_ ? SampleType::kU16 : SampleType::kU8;
    }
    spec_.shape.channels =
        (colors == 1 && !is_palette ? 1u : 3u) + (alpha_ >= 0 ? 1u : 0u);
    return absl::OkStatus();
  }

  absl::Status ReadSampleKind() {
    const uint16_t format = Field(TIFFTAG_SAMPLEFORMAT);
    const bool is_signed = format == SAMPLEFORMAT_INT;
    spec_.sample_type = SampleType::kF32;
    if (format == SAMPLEFORMAT_IEEEFP) {
      if (bits_ != 16 && bits_ != 32 && bits_ != 64) {
        return NotSupported(kFormat,
                            absl::StrCat("floats of ", bits_, " bits"));
      }
      kind_ = bits_ == 16 ? Kind::kF16 : bits_ == 32 ? Kind::kF32 : Kind::kF64;
      return absl::OkStatus();
    }
    if (format == SAMPLEFORMAT_COMPLEXINT ||
        format == SAMPLEFORMAT_COMPLEXIEEEFP) {
      return NotSupported(kFormat, "complex samples");
    }
    switch (bits_) {
      case 8:
        kind_ = is_signed ? Kind::kI8 : Kind::kU8;
        break;
      case 16:
        kind_ = is_signed ? Kind::kI16 : Kind::kU16;
        break;
      case 32:
        kind_ = is_signed ? Kind::kI32 : Kind::kU32;
        break;
      case 64:
        kind_ = is_signed ? Kind::kI64 : Kind::kU64;
        break;
      default:
        if (is_signed || (bits_ > 16 && bits_ != 24)) {
          return NotSupported(
              kFormat, absl::StrCat(is_signed ? "signed " : "", "samples of ",
                                    bits_, " bits"));
        }
        kind_ = bits_ == 24 ? Kind::kU24 : Kind::kPacked;
    }
    if (bits_ <= 8) spec_.sample_type = SampleType::kU8;
    if (bits_ > 8 && bits_ <= 16) spec_.sample_type = SampleType::kU16;
    return absl::OkStatus();
  }

  absl::Status ReadPalette() {
    uint16_t* red = nullptr;
    uint16_t* green = nullptr;
    uint16_t* blue = nullptr;
    if (bits_ > 16 ||
        TIFFGetField(tiff_.get(), TIFFTAG_COLORMAP, &red, &green, &blue) != 1) {
      return DamagedHeader(kFormat, "it has no palette");
    }
    const size_t size = size_t{1} << bits_;
    palette_.resize(size * 3);
    uint16_t most = 0;
    has_wide_palette_ = false;
    for (size_t i = 0; i < size; ++i) {
      palette_[3 * i] = red[i];
      palette_[3 * i + 1] = green[i];
      palette_[3 * i + 2] = blue[i];
    }
    for (const uint16_t value : palette_) {
      most = std::max(most, value);
      has_wide_palette_ |= (value & 255) != 0 && (value & 255) != (value >> 8);
    }
    // Some writers put 8-bit values there.
    if (most < 256) {
      has_wide_palette_ = false;
      for (uint16_t& value : palette_) {
        value = static_cast<uint16_t>(value * 257);
      }
    }
    return absl::OkStatus();
  }

  absl::Status PlanBands() {
    TIFF* const tiff = tiff_.get();
    const uint64_t width = spec_.shape.width;
    planes_ = 1;
    tile_bytes_ = 0;
    if (TIFFIsTiled(tiff) != 0) {
      uint32_t tile_width = 0;
      uint32_t tile_height = 0;
      TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tile_width);
      TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tile_height);
      if (tile_width == 0 || tile_height == 0 ||
          tile_width != pages_[page_].tile_width ||
          tile_height != pages_[page_].tile_height) {
        return DamagedHeader(kFormat, "its tiles have no size");
      }
      tile_width_ = tile_width;
      tile_height_ = tile_height;
      band_rows_ = tile_height;
      tile_bytes_ = uses_rgba_ ? uint64_t{tile_width} * tile_height * 4
                               : TIFFTileSize64(tiff);
    } else {
      uint32_t rows = 0;
      TIFFGetFieldDefaulted(tiff, TIFFTAG_ROWSPERSTRIP, &rows);
      tile_width_ = 0;
      band_rows_ = std::clamp(rows, 1u, spec_.shape.height);
    }
    if (uses_rgba_) {
      row_bytes_ = width * 4;
    } else {
      if (is_planar_) planes_ = colors_ + (alpha_ >= 0 ? 1 : 0);
      const uint64_t row_bits = width * (is_planar_ ? 1 : samples_) * bits_;
      row_bytes_ = (row_bits + 7) / 8;
      if (tile_width_ != 0) {
        const uint64_t tile_row_bits =
            uint64_t{tile_width_} * (is_planar_ ? 1 : samples_) * bits_;
        if (tile_row_bits % 8 != 0 && tile_width_ < width) {
          return DamagedHeader(kFormat, "its tiles end within bytes");
        }
        tile_row_bytes_ = (tile_row_bits + 7) / 8;
        if (tile_bytes_ != tile_row_bytes_ * tile_height_) {
          return NotSupported(kFormat, "subsampled tiles");
        }
      } else if (TIFFScanlineSize64(tiff) != row_bytes_) {
        return NotSupported(kFormat, "subsampled rows");
      }
    }
    strips_ =
        tile_width_ != 0 ? TIFFNumberOfTiles(tiff) : TIFFNumberOfStrips(tiff);
    band_rows_ = std::min(band_rows_, spec_.shape.height);
    if (tile_width_ == 0 && !uses_rgba_ && IsReadByRows(compression_) &&
        row_bytes_ * band_rows_ * planes_ > kSmallBandBytes) {
      RETURN_IF_ERROR(PlanRows());
    }
    band_bytes_ = row_bytes_ * band_rows_ * planes_;
    return PixelBytes(spec_).status();
  }

  // Large strips row by row: libtiff keeps its place in one strip, so each
  // plane is read by a library of its own.
  absl::Status PlanRows() {
    band_rows_ = 1;
    for (uint32_t plane = 0; plane < planes_; ++plane) {
      Library library = OpenLibrary();
      if (library == nullptr ||
          TIFFSetSubDirectory(library.get(), pages_[page_].offset) != 1) {
        return HeaderStatus();
      }
      if (compression_ == COMPRESSION_JPEG &&
          Field(TIFFTAG_PHOTOMETRIC) == PHOTOMETRIC_YCBCR && !is_planar_) {
        TIFFSetField(library.get(), TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      }
      row_libraries_.push_back(std::move(library));
    }
    return absl::OkStatus();
  }

  // Which of the file's planes the band has there.
  uint16_t PlaneAt(uint32_t place) const {
    return static_cast<uint16_t>(
        place < colors_ ? place : static_cast<uint32_t>(alpha_));
  }

  // The strip, the row of tiles or the row that begins with the next row.
  absl::Status ReadBand() {
    if (band_ == nullptr) {
      PrepareInks();
      ASSIGN_OR_RETURN(band_, TakeZeros(band_bytes_));
      if (tile_bytes_ != 0) {
        ASSIGN_OR_RETURN(tile_, TakeZeros(tile_bytes_));
      }
    }
    band_first_ = next_row_;
    const uint32_t rows = std::min(band_rows_, spec_.shape.height - next_row_);
    is_damaged_ = false;
    if (uses_rgba_) {
      RETURN_IF_ERROR(ReadRgbaBand(rows));
    } else {
      for (uint32_t place = 0; place < planes_; ++place) {
        RETURN_IF_ERROR(ReadPlane(place, rows));
      }
    }
    if (is_damaged_) return RowStatus();
    band_end_ = next_row_ + rows;
    return absl::OkStatus();
  }

  absl::Status ReadPlane(uint32_t place, uint32_t rows) {
    std::byte* const target = band_.get() + place * row_bytes_ * band_rows_;
    const uint16_t plane = is_planar_ ? PlaneAt(place) : uint16_t{0};
    if (tile_width_ != 0) return ReadTiles(plane, rows, target);
    if (!row_libraries_.empty()) {
      const bool is_read = TIFFReadScanline(row_libraries_[place].get(), target,
                                            next_row_, plane) == 1;
      return is_read ? absl::OkStatus() : RowStatus();
    }
    const uint32_t strip = TIFFComputeStrip(tiff_.get(), next_row_, plane);
    const auto size = static_cast<tmsize_t>(row_bytes_ * rows);
    if (TIFFReadEncodedStrip(tiff_.get(), strip, target, size) != size) {
      return RowStatus();
    }
    return absl::OkStatus();
  }

  absl::Status ReadTiles(uint16_t plane, uint32_t rows, std::byte* target) {
    const auto size = static_cast<tmsize_t>(tile_bytes_);
    for (uint64_t x = 0; x < spec_.shape.width; x += tile_width_) {
      const uint32_t tile = TIFFComputeTile(
          tiff_.get(), static_cast<uint32_t>(x), next_row_, 0, plane);
      if (TIFFReadEncodedTile(tiff_.get(), tile, tile_.get(), size) != size) {
        return RowStatus();
      }
      const uint64_t at = x / tile_width_ * tile_row_bytes_;
      const uint64_t bytes = std::min(tile_row_bytes_, row_bytes_ - at);
      for (uint32_t y = 0; y < rows; ++y) {
        std::memcpy(target + y * row_bytes_ + at,
                    tile_.get() + y * tile_row_bytes_, bytes);
      }
    }
    return absl::OkStatus();
  }

  // libtiff fills what it makes RGB of with zeros before it decodes: of a large
  // strip or tile, it must first be known that it is there.
  absl::Status CheckRgbaBlock(uint32_t x) {
    if (band_bytes_ + tile_bytes_ <= 4 * kSmallBandBytes ||
        compression_ == COMPRESSION_OJPEG) {
      return absl::OkStatus();
    }
    TIFF* const tiff = tiff_.get();
    const bool is_tiled = tile_width_ != 0;
    const uint64_t size =
        is_tiled ? TIFFTileSize64(tiff) : TIFFStripSize64(tiff);
    ASSIGN_OR_RETURN(const Zeros block, TakeZeros(size));
    const uint32_t index = is_tiled ? TIFFComputeTile(tiff, x, next_row_, 0, 0)
                                    : TIFFComputeStrip(tiff, next_row_, 0);
    const tmsize_t read =
        is_tiled ? TIFFReadEncodedTile(tiff, index, block.get(),
                                       static_cast<tmsize_t>(size))
                 : TIFFReadEncodedStrip(tiff, index, block.get(),
                                        static_cast<tmsize_t>(size));
    return read > 0 ? absl::OkStatus() : RowStatus();
  }

  // Both come with their last row first.
  absl::Status ReadRgbaBand(uint32_t rows) {
    constexpr int kStopOnError = 1;
    if (tile_width_ == 0) {
      RETURN_IF_ERROR(CheckRgbaBlock(0));
      if (TIFFReadRGBAStripExt(tiff_.get(), next_row_,
                               reinterpret_cast<uint32_t*>(band_.get()),
                               kStopOnError) != 1) {
        return RowStatus();
      }
      for (uint32_t y = 0; y < rows / 2; ++y) {
        std::byte* const a = band_.get() + y * row_bytes_;
        std::byte* const b = band_.get() + (rows - 1 - y) * row_bytes_;
        std::swap_ranges(a, a + row_bytes_, b);
      }
      return absl::OkStatus();
    }
    for (uint64_t x = 0; x < spec_.shape.width; x += tile_width_) {
      RETURN_IF_ERROR(CheckRgbaBlock(static_cast<uint32_t>(x)));
      if (TIFFReadRGBATileExt(tiff_.get(), static_cast<uint32_t>(x), next_row_,
                              reinterpret_cast<uint32_t*>(tile_.get()),
                              kStopOnError) != 1) {
        return RowStatus();
      }
      const uint64_t bytes =
          4 * std::min<uint64_t>(tile_width_, spec_.shape.width - x);
      for (uint32_t y = 0; y < rows; ++y) {
        std::memcpy(
            band_.get() + y * row_bytes_ + 4 * x,
            tile_.get() + uint64_t{tile_height_ - 1 - y} * tile_width_ * 4,
            bytes);
      }
    }
    return absl::OkStatus();
  }

  // Sample `at` of a packed row.
  uint32_t Bits(const uint8_t* row, uint64_t at) const {
    uint32_t value = 0;
    const uint64_t first = at * bits_;
    for (uint64_t bit = first; bit < first + bits_; ++bit) {
      value = value << 1 | (row[bit / 8] >> (7 - bit % 8) & 1u);
    }
    return value;
  }

  template <typename T>
  T Sample(const uint8_t* row, uint64_t at) const {
    switch (kind_) {
      case Kind::kPacked: {
        const uint64_t most = (uint64_t{1} << bits_) - 1;
        const uint64_t full = bits_ < 8 ? 255 : 65535;
        const uint64_t spread = (Bits(row, at) * full + most / 2) / most;
        return static_cast<T>(spread);
      }
      case Kind::kU8:
        return static_cast<T>(row[at]);
      case Kind::kI8:
        return static_cast<T>(row[at] ^ 0x80);
      case Kind::kU16:
        return static_cast<T>(Load<uint16_t>(row + 2 * at));
      case Kind::kI16:
        return static_cast<T>(Load<uint16_t>(row + 2 * at) ^ 0x8000);
      case Kind::kU24: {
        const uint8_t* const b = row + 3 * at;
        const bool little = std::endian::native == std::endian::little;
        return static_cast<T>(uint32_t{b[1]} << 8 |
                              uint32_t{b[0]} << (little ? 0 : 16) |
                              uint32_t{b[2]} << (little ? 16 : 0));
      }
      case Kind::kU32:
        return static_cast<T>(Load<uint32_t>(row + 4 * at));
      case Kind::kI32:
        return static_cast<T>(Load<int32_t>(row + 4 * at));
      case Kind::kU64:
        return static_cast<T>(Load<uint64_t>(row + 8 * at));
      case Kind::kI64:
        return static_cast<T>(Load<int64_t>(row + 8 * at));
      case Kind::kF16:
        return static_cast<T>(FloatOfHalf(Load<uint16_t>(row + 2 * at)));
      case Kind::kF32:
        return static_cast<T>(Load<float>(row + 4 * at));
      case Kind::kF64:
        return ToFloat<T>(Load<double>(row + 8 * at));
    }
    return T{};
  }

  // The alpha that follows the colours need not do so in the file.
  template <typename T>
  T SampleAt(const uint8_t* row, uint64_t x, uint32_t place) const {
    return is_planar_ ? Sample<T>(row + place * row_bytes_ * band_rows_, x)
                      : Sample<T>(row, x * samples_ + PlaneAt(place));
  }

  template <typename T>
  static T ToFloat(double value) {
    // Out of float's range a cast is not defined.
    constexpr double kMost = std::numeric_limits<float>::max();
    if (std::isfinite(value) && std::abs(value) > kMost) {
      return static_cast<T>(
          std::copysign(std::numeric_limits<float>::infinity(),
                        static_cast<float>(std::copysign(1.0, value))));
    }
    return static_cast<T>(static_cast<float>(value));
  }

  template <typename T>
  void ConvertRow(std::span<T> target) {
    const uint64_t y = next_row_ - band_first_;
    const auto* const row =
        reinterpret_cast<const uint8_t*>(band_.get()) + y * row_bytes_;
    if (uses_rgba_) {
      for (size_t i = 0, from = 0; i < target.size(); i += 3, from += 4) {
        const auto pixel = Load<uint32_t>(row + from);
        target[i] = static_cast<T>(TIFFGetR(pixel));
        target[i + 1] = static_cast<T>(TIFFGetG(pixel));
        target[i + 2] = static_cast<T>(TIFFGetB(pixel));
      }
      return;
    }
    if (ink_transform_ != nullptr) {
      InksToColors(target, row);
      return;
    }
    ConvertPlainRow(target, row);
  }

  template <typename T>
  void ConvertPlainRow(std::span<T> target, const uint8_t* row) {
    const uint32_t channels = spec_.shape.channels;
    const bool is_plain =
        (kind_ == Kind::kU8 || kind_ == Kind::kU16 || kind_ == Kind::kF32) &&
        photometric_ != PHOTOMETRIC_MINISWHITE &&
        photometric_ != PHOTOMETRIC_PALETTE &&
        photometric_ != PHOTOMETRIC_SEPARATED && !is_premultiplied_ &&
        planes_ == 1 && samples_ == channels;
    if (is_plain) {
      std::memcpy(target.data(), row, target.size_bytes());
      return;
    }
    const auto sample = [&](uint64_t x, uint32_t place) {
      return SampleAt<T>(row, x, place);
    };
    for (uint64_t x = 0; x < spec_.shape.width; ++x) {
      T* const pixel = target.data() + x * channels;
      ConvertColors(pixel, row, x, sample);
      if (alpha_ < 0) continue;
      const T alpha = sample(x, colors_);
      pixel[channels - 1] = alpha;
      if (!is_premultiplied_) continue;
      for (uint32_t c = 0; c + 1 < channels; ++c) {
        pixel[c] = Unpremultiplied(pixel[c], alpha);
      }
    }
  }

  template <typename T>
  void InksToColors(std::span<T> target, const uint8_t* row) {
    const uint32_t width = spec_.shape.width;
    const uint32_t channels = spec_.shape.channels;
    constexpr uint32_t kInks = 4;
    auto* const inks = reinterpret_cast<T*>(inks_.data());
    for (uint64_t x = 0; x < width; ++x) {
      for (uint32_t ink = 0; ink < kInks; ++ink) {
        inks[x * kInks + ink] = SampleAt<T>(row, x, ink);
      }
    }
    ink_transform_->Run(inks_.data(), light_.data(), width);
    const auto* const light = reinterpret_cast<const T*>(light_.data());
    for (uint64_t x = 0; x < width; ++x) {
      T* const pixel = target.data() + x * channels;
      std::copy_n(light + 3 * x, 3, pixel);
      if (alpha_ < 0) continue;
      const T alpha = pixel[3] = SampleAt<T>(row, x, colors_);
      if (!is_premultiplied_) continue;
      for (uint32_t c = 0; c < 3; ++c) {
        pixel[c] = Unpremultiplied(pixel[c], alpha);
      }
    }
  }

  template <typename T, typename GetSample>
  void ConvertColors(T* pixel, const uint8_t* row, uint64_t x,
                     const GetSample& sample) const {
    switch (photometric_) {
      case PHOTOMETRIC_PALETTE: {
        const uint64_t at = is_planar_ ? x : x * samples_;
        const uint32_t index = kind_ == Kind::kU8 ? row[at]
                               : kind_ == Kind::kU16
                                   ? Load<uint16_t>(row + 2 * at)
                                   : Bits(row, at);
        const uint16_t* const color = palette_.data() + size_t{index} * 3;
        const int shift = has_wide_palette_ ? 0 : 8;
        for (int c = 0; c < 3; ++c)
          pixel[c] = static_cast<T>(color[c] >> shift);
        break;
      }
      case PHOTOMETRIC_SEPARATED: {
        const T black = sample(x, 3);
        for (uint32_t c = 0; c < 3; ++c) {
          pixel[c] = InkToLight(sample(x, c), black);
        }
        break;
      }
      case PHOTOMETRIC_MINISWHITE:
        pixel[0] = static_cast<T>(White<T>() - sample(x, 0));
        break;
      default:
        for (uint32_t c = 0; c < colors_; ++c) pixel[c] = sample(x, c);
    }
  }

  template <typename T>
  T White() const {
    if constexpr (!std::is_same_v<T, float>) return kFull<T>;
    switch (kind_) {
      case Kind::kU24:
        return static_cast<T>((1 << 24) - 1);
      case Kind::kU32:
        return static_cast<T>(4294967295.0);
      case Kind::kU64:
        return static_cast<T>(18446744073709551615.0);
      case Kind::kI32:
      case Kind::kI64:
        return static_cast<T>(-1);
      default:
        return kFull<T>;
    }
  }

  void ReadMetadata() {
    metadata_.orientation = OrientationOfExifTag(first_orientation_);
    // A profile for inks or Lab says nothing about RGB.
    if (photometric_ == PHOTOMETRIC_SEPARATED ||
        (uses_rgba_ && photometric_ != PHOTOMETRIC_YCBCR)) {
      return;
    }
    metadata_.icc_profile = ReadProfile();
  }

  std::vector<std::byte> ReadProfile() const {
    uint32_t size = 0;
    void* profile = nullptr;
    if (TIFFGetField(tiff_.get(), TIFFTAG_ICCPROFILE, &size, &profile) != 1 ||
        profile == nullptr || size > limits_.max_icc_bytes) {
      return {};
    }
    const auto* const first = static_cast<const std::byte*>(profile);
    return {first, first + size};
  }

  // It makes RGB of the inks; each page has its own.
  void ReadInkProfile() {
    ink_profile_.clear();
    ink_transform_ = nullptr;
    if (photometric_ == PHOTOMETRIC_SEPARATED &&
        spec_.sample_type != SampleType::kF32) {
      ink_profile_ = ReadProfile();
    }
  }

  uint64_t InkBytes() const {
    if (ink_profile_.empty()) return 0;
    return ink_profile_.size() +
           ColorTransform::MemoryBytes(ink_profile_.size()) +
           uint64_t{spec_.shape.width} * 7 * SampleBytes(spec_.sample_type);
  }

  void PrepareInks() {
    if (ink_profile_.empty()) return;
    auto transform = ColorTransform::InksToSrgb(
        ink_profile_, /*is_inverted=*/false, spec_.sample_type);
    // One that cannot be used is as none.
    if (!transform.ok()) return;
    ink_transform_ = *std::move(transform);
    const size_t samples = spec_.shape.width;
    inks_.resize(samples * 4 * SampleBytes(spec_.sample_type));
    light_.resize(samples * 3 * SampleBytes(spec_.sample_type));
  }

  const char* Problem() const {
    return error_[0] != '\0' ? error_ : "it ends too early";
  }
  absl::Status HeaderStatus() const {
    return DamagedHeader(kFormat, Problem());
  }
  absl::Status RowStatus() const {
    return DamagedRows(kFormat, next_row_, spec_.shape.height, Problem());
  }

  DecodeLimits limits_;
  Buffer file_;
  uint64_t at_ = 0;  // where libtiff reads file_
  std::vector<TiffPage> pages_;
  size_t page_ = 0;
  char error_[200] = "";
  bool is_damaged_ = false;
  Library tiff_;
  std::vector<Library> row_libraries_;
  ImageSpec spec_;
  ImageMetadata metadata_;
  uint16_t first_orientation_ = 1;

  uint16_t compression_ = COMPRESSION_NONE;
  uint16_t bits_ = 0;
  uint16_t samples_ = 0;  // in a pixel of the file
  uint16_t photometric_ = 0;
  bool is_planar_ = false;
  bool uses_rgba_ = false;
  Kind kind_ = Kind::kU8;
  uint32_t colors_ = 0;  // samples that are not extra
  int alpha_ = -1;       // which sample it is
  bool is_premultiplied_ = false;
  std::vector<uint16_t> palette_;
  bool has_wide_palette_ = false;
  std::vector<std::byte> ink_profile_;
  std::unique_ptr<ColorTransform> ink_transform_;
  std::vector<std::byte> inks_;   // of a row
  std::vector<std::byte> light_;  // RGB of it

  uint32_t planes_ = 1;      // in a band
  uint64_t strips_ = 0;      // or tiles
  uint32_t tile_width_ = 0;  // 0: strips
  uint32_t tile_height_ = 0;
  uint32_t band_rows_ = 0;
  uint64_t row_bytes_ = 0;  // of a plane
  uint64_t tile_row_bytes_ = 0;
  uint64_t tile_bytes_ = 0;
  uint64_t band_bytes_ = 0;
  Zeros band_;
  Zeros tile_;
  uint32_t band_first_ = 0;
  uint32_t band_end_ = 0;
  uint32_t next_row_ = 0;
};

bool Recognizes(std::span<const std::byte> head) {
  if (head.size() < 4) return false;
  for (const char* const start : {"II*\0", "MM\0*", "II+\0", "MM\0+"}) {
    if (std::memcmp(head.data(), start, 4) == 0) return true;
  }
  return false;
}

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  auto decoder = std::make_unique<TiffDecoder>();
  RETURN_IF_ERROR(decoder->Open(source, limits));
  return decoder;
}

}  // namespace

const Codec kTiffCodec = {.name = kFormat,
                          .mime_type = "image/tiff",
                          .recognizes = Recognizes,
                          .open = Open,
                          .can_hold = CanTiffHold,
                          .create = CreateTiff,
                          .turn_losslessly = nullptr,
                          .frames = Codec::Frames::kDifferent,
                          .extensions = "tiff tif",
                          .reads = kReadsU8 | kReadsU16 | kReadsF32,
                          .is_lossless = true,
                          .keeps_icc_profile = true,
                          .holds_file = true};

}  // namespace imageadapt
