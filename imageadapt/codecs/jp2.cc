// JPEG 2000 (ISO/IEC 15444-1): JP2 files and plain codestreams, by OpenJPEG on
// the calling thread. The boxes of JP2 are read by our own code (jp2_boxes.cc),
// the library sees the codestream only.
//
// Samples of 1 to 8 bits become u8, those of 9 to 16 bits u16, spread over the
// whole range to the nearest, halves up; signed samples are shifted so that the
// lowest is 0 first. Components with fewer samples than pixels are repeated
// (the sample at or before the pixel). sYCC, and three components of which only
// the first has all pixels, become RGB. Palettes are expanded. What a "cdef"
// box calls opacity is alpha (divided out if it was multiplied in), and so is,
// without such a box, a component that is one more than the colours need.
//
// A picture is decoded tile by tile, a row of tiles at a time. Written are JP2
// files of 8 and 16 bits in tiles of at most 1024 x 1024; reversibly if that is
// asked for or the quality is 100, otherwise as near as `quality` says.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/byte_order.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/jp2_boxes.h"
#include "imageadapt/codecs/whole_file.h"

#if IMAGEADAPT_HAS_JP2
#include <openjpeg.h>
#endif

namespace imageadapt {
namespace {

#if IMAGEADAPT_HAS_JP2

constexpr uint64_t kMaxTiles = 65535;
// A part of a tile has a header of so many bytes, and a tile one part or more.
constexpr uint64_t kPartHead = 14;

// Of lists beside the samples: files that want more than this and a multiple of
// their samples mean harm.
constexpr uint64_t kMaxListBytes = uint64_t{32} << 20;
constexpr uint64_t kListBytesPerSample = 4;

constexpr size_t kStreamBytes = size_t{64} << 10;
constexpr uint32_t kTileSide = 1024;

constexpr uint16_t kOpacity = 1;
constexpr uint16_t kPremultipliedOpacity = 2;
constexpr uint16_t kWholePicture = 0;

template <auto kDestroy>
struct Destroyer {
  template <typename T>
  void operator()(T* object) const {
    kDestroy(object);
  }
};
using OpjImage = std::unique_ptr<opj_image_t, Destroyer<opj_image_destroy>>;
using OpjCodec = std::unique_ptr<opj_codec_t, Destroyer<opj_destroy_codec>>;
using OpjStream = std::unique_ptr<opj_stream_t, Destroyer<opj_stream_destroy>>;

void IgnoreMessage(const char* /*text*/, void* /*data*/) {}

void SetUp(opj_codec_t* codec) {
  opj_set_info_handler(codec, IgnoreMessage, nullptr);
  opj_set_warning_handler(codec, IgnoreMessage, nullptr);
  opj_set_error_handler(codec, IgnoreMessage, nullptr);
}

// The codestream, for the library to read.
struct Input {
  std::span<const std::byte> bytes;
  size_t at = 0;

  static OPJ_SIZE_T Read(void* target, OPJ_SIZE_T size, void* self) {
    auto& input = *static_cast<Input*>(self);
    const size_t count = std::min(size, input.bytes.size() - input.at);
    if (count == 0) return static_cast<OPJ_SIZE_T>(-1);
    std::memcpy(target, &input.bytes[input.at], count);
    input.at += count;
    return count;
  }
  static OPJ_OFF_T Skip(OPJ_OFF_T count, void* self) {
    auto& input = *static_cast<Input*>(self);
    if (count < 0 ||
        static_cast<uint64_t>(count) > input.bytes.size() - input.at) {
      return -1;
    }
    input.at += static_cast<size_t>(count);
    return count;
  }
  static OPJ_BOOL Seek(OPJ_OFF_T at, void* self) {
    auto& input = *static_cast<Input*>(self);
    if (at < 0 || static_cast<uint64_t>(at) > input.bytes.size()) {
      return OPJ_FALSE;
    }
    input.at = static_cast<size_t>(at);
    return OPJ_TRUE;
  }
};

uint32_t CeilDivide(uint64_t value, uint32_t by) {
  return static_cast<uint32_t>((value + by - 1) / by);
}

// Spreads so many bits over all of 8 or 16.
uint16_t Spread(uint32_t value, uint32_t bits, uint32_t full) {
  const uint32_t most = (1u << bits) - 1;
  if (most == full) return static_cast<uint16_t>(value);
  return static_cast<uint16_t>((uint64_t{value} * full + most / 2) / most);
}

class Jp2Decoder final : public Decoder {
 public:
  explicit Jp2Decoder(Buffer file) : file_(std::move(file)) {}

  absl::Status Open(const DecodeLimits& limits) {
    ASSIGN_OR_RETURN(header_, ParseJp2(file_.span()));
    RETURN_IF_ERROR(SetChannels());
    RETURN_IF_ERROR(SetSize(limits));
    RETURN_IF_ERROR(CheckLists());
    if (header_.icc_profile.size() <= limits.max_icc_bytes) {
      metadata_.icc_profile.assign(header_.icc_profile.begin(),
                                   header_.icc_profile.end());
    }
    if (!StartLibrary()) {
      return DamagedHeader(kJp2Format, "its codestream cannot be read");
    }
    return PixelBytes(spec_).status();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    // A tile within the library, and as it gives it, in 32 bits each.
    const uint64_t tile =
        std::min<uint64_t>(header_.tile_width, header_.x1 - header_.x0) *
        std::min<uint64_t>(header_.tile_height, header_.y1 - header_.y0);
    return Jp2ListBytes(header_) + 2 * file_.size() +
           8 * header_.components.size() *
               std::min(tile,
                        uint64_t{spec_.shape.width} * spec_.shape.height) +
           BandBytes() + uint64_t{16} * spec_.shape.width + kStreamBytes;
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      while (next_row_ >= band_end_) RETURN_IF_ERROR(ReadBand());
      const std::span<std::byte> row = target.row_bytes(y);
      std::memcpy(row.data(),
                  band_.data() + (next_row_ - band_begin_) * row.size(),
                  row.size());
      ++next_row_;
    }
    return absl::OkStatus();
  }

 private:
  // Which components and columns of the palette make the picture.
  absl::Status SetChannels() {
    std::vector<Jp2Channel> all = header_.map;
    if (header_.palette.entries.empty() || all.empty()) {
      all.resize(header_.components.size());
      for (uint32_t c = 0; c < all.size(); ++c) all[c] = {.component = c};
    }
    for (const Jp2Channel& channel : all) {
      if (channel.component >= header_.components.size() ||
          (channel.is_mapped &&
           channel.column >= header_.palette.column_bits.size())) {
        return DamagedHeader(kJp2Format, "its channels make no sense");
      }
    }
    uint32_t colors = 0;
    RETURN_IF_ERROR(FindColors(all.size(), colors));
    channels_.assign(colors, {});
    std::vector<bool> is_there(colors);
    const auto set = [&](size_t color, const Jp2Channel& channel) {
      channels_[color] = channel;
      is_there[color] = true;
    };
    for (size_t c = 0; c < colors && c < all.size(); ++c) set(c, all[c]);
    const Jp2Channel* alpha = nullptr;
    if (header_.definitions.empty() && all.size() == colors + 1) {
      alpha = &all[colors];
    }
    for (const Jp2Definition& definition : header_.definitions) {
      if (definition.channel >= all.size()) {
        return DamagedHeader(kJp2Format, "its channels make no sense");
      }
      const Jp2Channel& channel = all[definition.channel];
      if (definition.type == 0 && definition.of >= 1 &&
          definition.of <= colors) {
        set(definition.of - 1u, channel);
      } else if ((definition.type == kOpacity ||
                  definition.type == kPremultipliedOpacity) &&
                 definition.of == kWholePicture) {
        alpha = &channel;
        is_premultiplied_ = definition.type == kPremultipliedOpacity;
      }
    }
    if (std::find(is_there.begin(), is_there.end(), false) != is_there.end()) {
      return DamagedHeader(kJp2Format, "it has too few channels");
    }
    if (alpha != nullptr) channels_.push_back(*alpha);
    spec_.shape.channels = static_cast<uint32_t>(channels_.size());
    return absl::OkStatus();
  }

  absl::Status FindColors(size_t channels, uint32_t& colors) {
    if (channels > 64) {
      return NotSupported(kJp2Format, "more than 64 channels");
    }
    switch (header_.color_space) {
      case kJp2Grey:
        colors = 1;
        return absl::OkStatus();
      case kJp2Sycc:
        is_ycc_ = true;
        colors = 3;
        return absl::OkStatus();
      case kJp2Srgb:
        colors = 3;
        return absl::OkStatus();
      case 0:
        break;
      default:
        return NotSupported(kJp2Format,
                            absl::StrCat("colour space ", header_.color_space));
    }
    constexpr size_t kSpaceAt = 16;
    if (header_.icc_profile.size() >= kSpaceAt + 4) {
      const absl::string_view space(
          reinterpret_cast<const char*>(&header_.icc_profile[kSpaceAt]), 4);
      if (space != "GRAY" && space != "RGB ") {
        return NotSupported(kJp2Format, "colours other than grey and RGB");
      }
      colors = space == "GRAY" ? 1 : 3;
      return absl::OkStatus();
    }
    if (channels > kMaxChannels) {
      return NotSupported(kJp2Format,
                          absl::StrCat(channels, " channels of no known kind"));
    }
    colors = channels < 3 ? 1 : 3;
    // As other readers take it.
    const auto& components = header_.components;
    is_ycc_ = channels == 3 && components.size() == 3 &&
              components[0].dx == components[0].dy && components[0].dx == 1 &&
              components[1].dx != 1;
    return absl::OkStatus();
  }

  absl::Status SetSize(const DecodeLimits& limits) {
    uint32_t bits = 0;
    step_x_ = UINT32_MAX;
    step_y_ = UINT32_MAX;
    for (const Jp2Channel& channel : channels_) {
      const Jp2Component& component = header_.components[channel.component];
      if (component.bits > 16) {
        return NotSupported(
            kJp2Format, absl::StrCat("samples of ", component.bits, " bits"));
      }
      bits = std::max(bits, channel.is_mapped
                                ? header_.palette.column_bits[channel.column]
                                : component.bits);
      step_x_ = std::min(step_x_, component.dx);
      step_y_ = std::min(step_y_, component.dy);
    }
    for (const Jp2Channel& channel : channels_) {
      const Jp2Component& component = header_.components[channel.component];
      if (component.dx % step_x_ != 0 || component.dy % step_y_ != 0) {
        return NotSupported(kJp2Format,
                            "components whose steps do not fit each other");
      }
    }
    first_x_ = CeilDivide(header_.x0, step_x_);
    first_y_ = CeilDivide(header_.y0, step_y_);
    const uint32_t width = CeilDivide(header_.x1, step_x_) - first_x_;
    const uint32_t height = CeilDivide(header_.y1, step_y_) - first_y_;
    if (width == 0 || height == 0) {
      return DamagedHeader(kJp2Format, "a side is 0");
    }
    RETURN_IF_ERROR(CheckSize(width, height, limits));
    spec_.shape.width = width;
    spec_.shape.height = height;
    spec_.sample_type = bits > 8 ? SampleType::kU16 : SampleType::kU8;
    full_ = bits > 8 ? 65535 : 255;
    return absl::OkStatus();
  }

  // Against files that are small, but whose tiles, blocks or components not.
  absl::Status CheckLists() const {
    const uint64_t across = header_.tiles_across();
    const uint64_t down = header_.tiles_down();
    if (across > kMaxTiles || down > kMaxTiles || across * down > kMaxTiles) {
      return DamagedHeader(kJp2Format, "it has more than 65535 tiles");
    }
    if (across * down > file_.size() / kPartHead) {
      return DamagedHeader(kJp2Format, "it is too short for its tiles");
    }
    // Components that are left out have samples, too.
    uint64_t samples = 0;
    for (const Jp2Component& component : header_.components) {
      samples += uint64_t{CeilDivide(header_.x1 - header_.x0, component.dx)} *
                 CeilDivide(header_.y1 - header_.y0, component.dy);
    }
    const uint64_t pixels = uint64_t{spec_.shape.width} * spec_.shape.height;
    const uint64_t bytes = Jp2ListBytes(header_);
    if (samples > 16 * (pixels + 4096) ||
        bytes > kMaxListBytes + kListBytesPerSample * samples) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "the JPEG 2000 file has ", samples, " samples and ", bytes,
                     " bytes of lists, too much for its ", pixels, " pixels");
    }
    return absl::OkStatus();
  }

  bool StartLibrary() {
    input_.bytes =
        std::span<const std::byte>(file_.span())
            .subspan(header_.codestream_at, header_.codestream_bytes);
    stream_.reset(opj_stream_create(kStreamBytes, OPJ_TRUE));
    codec_.reset(opj_create_decompress(OPJ_CODEC_J2K));
    if (stream_ == nullptr || codec_ == nullptr) return false;
    opj_stream_set_read_function(stream_.get(), Input::Read);
    opj_stream_set_skip_function(stream_.get(), Input::Skip);
    opj_stream_set_seek_function(stream_.get(), Input::Seek);
    opj_stream_set_user_data(stream_.get(), &input_, nullptr);
    opj_stream_set_user_data_length(stream_.get(), input_.bytes.size());
    SetUp(codec_.get());
    opj_dparameters_t parameters;
    opj_set_default_decoder_parameters(&parameters);
    if (opj_setup_decoder(codec_.get(), &parameters) == OPJ_FALSE) return false;
    opj_codec_set_threads(codec_.get(), 0);
    opj_image_t* image = nullptr;
    const OPJ_BOOL is_read =
        opj_read_header(stream_.get(), codec_.get(), &image);
    image_.reset(image);
    return is_read == OPJ_TRUE && image_->numcomps == header_.components.size();
  }

  // Rows of pixels in a row of tiles, at the most.
  uint64_t BandBytes() const {
    const uint64_t rows = std::min<uint64_t>(
        spec_.shape.height, uint64_t{header_.tile_height} / step_y_ + 1);
    return rows * RowBytes(spec_);
  }

  // First and end of the pixels that a tile has along an axis.
  static std::pair<uint32_t, uint32_t> PixelsOf(uint64_t begin, uint64_t end,
                                                uint32_t step, uint32_t first) {
    return {CeilDivide(begin, step) - first, CeilDivide(end, step) - first};
  }

  absl::Status ReadBand() {
    if (band_.size() == 0) {
      ASSIGN_OR_RETURN(band_, BufferPool(0).Take(BandBytes()));
      for (auto& row : rows_) row.resize(spec_.shape.width);
    }
    const uint64_t begin =
        header_.tile_y0 + uint64_t{next_tile_row_} * header_.tile_height;
    const auto [first, end] =
        PixelsOf(std::max<uint64_t>(begin, header_.y0),
                 std::min<uint64_t>(begin + header_.tile_height, header_.y1),
                 step_y_, first_y_);
    band_begin_ = first;
    band_end_ = end;
    for (uint32_t x = 0; x < header_.tiles_across(); ++x) {
      if (!ReadTile(x)) {
        return DamagedRows(kJp2Format, next_row_, spec_.shape.height,
                           "a tile is cut off or cannot be decoded");
      }
    }
    ++next_tile_row_;
    return absl::OkStatus();
  }

  bool ReadTile(uint32_t x) {
    const uint64_t tile = uint64_t{next_tile_row_} * header_.tiles_across() + x;
    if (opj_get_decoded_tile(codec_.get(), stream_.get(), image_.get(),
                             static_cast<OPJ_UINT32>(tile)) == OPJ_FALSE) {
      return false;
    }
    for (const Jp2Channel& channel : channels_) {
      const opj_image_comp_t& component = image_->comps[channel.component];
      if (component.data == nullptr || component.w == 0 || component.h == 0) {
        return false;
      }
    }
    const uint64_t begin = header_.tile_x0 + uint64_t{x} * header_.tile_width;
    const auto [first, end] =
        PixelsOf(std::max<uint64_t>(begin, header_.x0),
                 std::min<uint64_t>(begin + header_.tile_width, header_.x1),
                 step_x_, first_x_);
    for (uint32_t y = band_begin_; y < band_end_; ++y) {
      for (size_t c = 0; c < channels_.size(); ++c) {
        FillRow(channels_[c], first, end, y, rows_[c]);
      }
      if (is_ycc_) YccToRgb(first, end);
      if (is_premultiplied_) DivideOut(first, end);
      StoreRow(first, end, y);
    }
    return true;
  }

  // The samples of the pixels [first, end) of a row, over the whole range.
  void FillRow(const Jp2Channel& channel, uint32_t first, uint32_t end,
               uint32_t y, std::vector<uint16_t>& row) const {
    const Jp2Component& component = header_.components[channel.component];
    const opj_image_comp_t& samples = image_->comps[channel.component];
    const uint32_t every_x = component.dx / step_x_;
    const uint32_t every_y = component.dy / step_y_;
    const auto place = [](uint32_t pixel, uint32_t every, uint32_t origin,
                          uint32_t size) {
      const uint32_t at = std::max(pixel / every, origin) - origin;
      return std::min(at, size - 1);
    };
    const OPJ_INT32* const from =
        samples.data +
        size_t{place(first_y_ + y, every_y, samples.y0, samples.h)} * samples.w;
    const int64_t half =
        component.is_signed ? int64_t{1} << (component.bits - 1) : 0;
    const int64_t most = (int64_t{1} << component.bits) - 1;
    const size_t columns = header_.palette.column_bits.size();
    for (uint32_t x = first; x < end; ++x) {
      const int64_t stored =
          from[place(first_x_ + x, every_x, samples.x0, samples.w)] + half;
      auto value = static_cast<uint32_t>(std::clamp<int64_t>(stored, 0, most));
      uint32_t bits = component.bits;
      if (channel.is_mapped) {
        const size_t entries = header_.palette.entries.size() / columns;
        const size_t entry = std::min<size_t>(value, entries - 1);
        bits = header_.palette.column_bits[channel.column];
        value = std::min<uint32_t>(
            header_.palette.entries[entry * columns + channel.column],
            (1u << bits) - 1);
      }
      row[x] = Spread(value, bits, full_);
    }
  }

  // As in JPEG: all of the range, the middle of colours at half of it.
  void YccToRgb(uint32_t first, uint32_t end) {
    const double middle = (full_ + 1) / 2.0;
    const auto to_sample = [this](double value) {
      return static_cast<uint16_t>(
          std::lround(std::clamp<double>(value, 0, full_)));
    };
    for (uint32_t x = first; x < end; ++x) {
      const double luma = rows_[0][x];
      const double blue = rows_[1][x] - middle;
      const double red = rows_[2][x] - middle;
      rows_[0][x] = to_sample(luma + 1.402 * red);
      rows_[1][x] = to_sample(luma - 0.344136 * blue - 0.714136 * red);
      rows_[2][x] = to_sample(luma + 1.772 * blue);
    }
  }

  void DivideOut(uint32_t first, uint32_t end) {
    const std::vector<uint16_t>& alphas = rows_[channels_.size() - 1];
    for (uint32_t x = first; x < end; ++x) {
      const uint32_t alpha = alphas[x];
      if (alpha == 0) continue;
      for (size_t c = 0; c + 1 < channels_.size(); ++c) {
        rows_[c][x] = static_cast<uint16_t>(std::min<uint64_t>(
            (uint64_t{rows_[c][x]} * full_ + alpha / 2) / alpha, full_));
      }
    }
  }

  void StoreRow(uint32_t first, uint32_t end, uint32_t y) const {
    std::byte* const target =
        band_.data() + size_t{y - band_begin_} * RowBytes(spec_);
    const size_t channels = channels_.size();
    const auto store = [&]<typename T>(T* samples) {
      for (uint32_t x = first; x < end; ++x) {
        for (size_t c = 0; c < channels; ++c) {
          samples[x * channels + c] = static_cast<T>(rows_[c][x]);
        }
      }
    };
    if (spec_.sample_type == SampleType::kU8) {
      store(reinterpret_cast<uint8_t*>(target));
    } else {
      store(reinterpret_cast<uint16_t*>(target));
    }
  }

  const Buffer file_;
  Jp2Header header_;
  ImageSpec spec_;
  ImageMetadata metadata_;
  std::vector<Jp2Channel> channels_;  // of the picture, alpha last
  bool is_ycc_ = false;
  bool is_premultiplied_ = false;
  uint32_t full_ = 255;
  // Of the grid for a pixel, and the pixels that lie before the first.
  uint32_t step_x_ = 1;
  uint32_t step_y_ = 1;
  uint32_t first_x_ = 0;
  uint32_t first_y_ = 0;
  Input input_;
  OpjStream stream_;
  OpjCodec codec_;
  OpjImage image_;
  Buffer band_;
  uint32_t band_begin_ = 0;
  uint32_t band_end_ = 0;
  uint32_t next_tile_row_ = 0;
  std::array<std::vector<uint16_t>, kMaxChannels> rows_;
  uint32_t next_row_ = 0;
};

// Decibels between the picture and its copy, for a quality of 1 to 99.
float DecibelsOf(int quality) {
  return 24.0f + 0.22f * static_cast<float>(quality);
}

void AppendText(std::vector<uint8_t>& bytes, absl::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
}

void AppendBig16(std::vector<uint8_t>& bytes, uint32_t value) {
  bytes.push_back(static_cast<uint8_t>(value >> 8));
  bytes.push_back(static_cast<uint8_t>(value));
}

void AppendBox(std::vector<uint8_t>& bytes, absl::string_view type,
               const std::vector<uint8_t>& content) {
  AppendBig32(bytes, static_cast<uint32_t>(content.size() + 8));
  AppendText(bytes, type);
  bytes.insert(bytes.end(), content.begin(), content.end());
}

// Everything up to the codestream, whose box reaches to the end of the file.
std::vector<uint8_t> BoxesOf(const ImageSpec& spec,
                             std::span<const std::byte> icc_profile) {
  const auto [width, height, channels] = spec.shape;
  std::vector<uint8_t> size;
  AppendBig32(size, height);
  AppendBig32(size, width);
  AppendBig16(size, channels);
  const auto bits = static_cast<uint8_t>(8 * SampleBytes(spec.sample_type));
  // Bits less one; wavelets; a known colour space; no rights.
  size.insert(size.end(), {static_cast<uint8_t>(bits - 1), 7, 0, 0});

  std::vector<uint8_t> color;
  if (icc_profile.empty()) {
    color = {1, 0, 0};
    AppendBig32(color, channels < 3 ? kJp2Grey : kJp2Srgb);
  } else {
    color = {2, 0, 0};
    const auto* const profile =
        reinterpret_cast<const uint8_t*>(icc_profile.data());
    color.insert(color.end(), profile, profile + icc_profile.size());
  }
  std::vector<uint8_t> header;
  AppendBox(header, "ihdr", size);
  AppendBox(header, "colr", color);
  if (HasAlpha(channels)) {
    std::vector<uint8_t> definitions;
    AppendBig16(definitions, channels);
    for (uint32_t c = 0; c < channels; ++c) {
      const bool is_alpha = c + 1 == channels;
      AppendBig16(definitions, c);
      AppendBig16(definitions, is_alpha ? kOpacity : 0);
      AppendBig16(definitions, is_alpha ? kWholePicture : c + 1);
    }
    AppendBox(header, "cdef", definitions);
  }
  std::vector<uint8_t> bytes;
  AppendBox(bytes, "jP  ", {'\r', '\n', 0x87, '\n'});
  AppendBox(bytes, "ftyp",
            {'j', 'p', '2', ' ', 0, 0, 0, 0, 'j', 'p', '2', ' '});
  AppendBox(bytes, "jp2h", header);
  AppendBig32(bytes, 0);
  AppendText(bytes, "jp2c");
  return bytes;
}

class Jp2Encoder final : public Encoder {
 public:
  Jp2Encoder(ByteSink& sink, const ImageSpec& spec)
      : sink_(sink), spec_(spec) {}

  absl::Status Begin(const EncodeOptions& options) {
    const std::vector<uint8_t> boxes = BoxesOf(spec_, options.icc_profile);
    RETURN_IF_ERROR(sink_.Append(std::as_bytes(std::span(boxes))));
    const uint64_t rows = std::min(kTileSide, spec_.shape.height);
    ASSIGN_OR_RETURN(band_, BufferPool(0).Take(rows * RowBytes(spec_)));
    ASSIGN_OR_RETURN(tile_, BufferPool(0).Take(TileBytes(spec_)));
    return Result(StartLibrary(options));
  }

  static uint64_t TileBytes(const ImageSpec& spec) {
    return uint64_t{std::min(kTileSide, spec.shape.width)} *
           std::min(kTileSide, spec.shape.height) * spec.shape.channels *
           SampleBytes(spec.sample_type);
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    for (uint32_t y = 0; y < source.shape().height; ++y) {
      const std::span<const std::byte> row = source.row_bytes(y);
      std::memcpy(band_.data() + band_rows_ * row.size(), row.data(),
                  row.size());
      ++band_rows_;
      ++rows_taken_;
      if (band_rows_ == kTileSide || rows_taken_ == spec_.shape.height) {
        RETURN_IF_ERROR(WriteBand());
      }
    }
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    return Result(opj_end_compress(codec_.get(), stream_.get()) == OPJ_TRUE);
  }

 private:
  static OPJ_SIZE_T Write(void* bytes, OPJ_SIZE_T size, void* self) {
    auto& encoder = *static_cast<Jp2Encoder*>(self);
    encoder.sink_status_ = encoder.sink_.Append(
        std::span(static_cast<const std::byte*>(bytes), size));
    return encoder.sink_status_.ok() ? size : static_cast<OPJ_SIZE_T>(-1);
  }

  bool StartLibrary(const EncodeOptions& options) {
    const auto [width, height, channels] = spec_.shape;
    const auto bits =
        static_cast<OPJ_UINT32>(8 * SampleBytes(spec_.sample_type));
    std::array<opj_image_cmptparm_t, kMaxChannels> components = {};
    for (opj_image_cmptparm_t& component : components) {
      component.dx = 1;
      component.dy = 1;
      component.w = width;
      component.h = height;
      component.prec = bits;
    }
    image_.reset(opj_image_tile_create(
        channels, components.data(),
        channels < 3 ? OPJ_CLRSPC_GRAY : OPJ_CLRSPC_SRGB));
    codec_.reset(opj_create_compress(OPJ_CODEC_J2K));
    stream_.reset(opj_stream_create(kStreamBytes, OPJ_FALSE));
    if (image_ == nullptr || codec_ == nullptr || stream_ == nullptr) {
      return false;
    }
    image_->x1 = width;
    image_->y1 = height;
    SetUp(codec_.get());
    opj_stream_set_write_function(stream_.get(), Write);
    opj_stream_set_user_data(stream_.get(), this, nullptr);
    opj_cparameters_t parameters;
    opj_set_default_encoder_parameters(&parameters);
    SetParameters(options, parameters);
    return opj_setup_encoder(codec_.get(), &parameters, image_.get()) ==
               OPJ_TRUE &&
           opj_codec_set_threads(codec_.get(), 0) == OPJ_TRUE &&
           opj_start_compress(codec_.get(), image_.get(), stream_.get()) ==
               OPJ_TRUE;
  }

  void SetParameters(const EncodeOptions& options,
                     opj_cparameters_t& parameters) const {
    parameters.tile_size_on = OPJ_TRUE;
    parameters.cp_tdx =
        static_cast<int>(std::min(kTileSide, spec_.shape.width));
    parameters.cp_tdy =
        static_cast<int>(std::min(kTileSide, spec_.shape.height));
    // No more halvings than a tile has.
    const int side = std::min(parameters.cp_tdx, parameters.cp_tdy);
    while (parameters.numresolution > 1 &&
           side < 1 << (parameters.numresolution - 1)) {
      --parameters.numresolution;
    }
    parameters.tcp_mct = spec_.shape.channels >= 3 ? 1 : 0;
    parameters.tcp_numlayers = 1;
    if (options.lossless || options.quality >= 100) {
      parameters.cp_disto_alloc = 1;
      parameters.tcp_rates[0] = 0;
    } else {
      parameters.irreversible = 1;
      parameters.cp_fixed_quality = 1;
      parameters.tcp_distoratio[0] = DecibelsOf(options.quality);
    }
  }

  absl::Status WriteBand() {
    for (uint32_t x = 0; x < spec_.shape.width; x += kTileSide) {
      const uint32_t width = std::min(kTileSide, spec_.shape.width - x);
      const size_t size = size_t{width} * band_rows_ * spec_.shape.channels *
                          SampleBytes(spec_.sample_type);
      if (spec_.sample_type == SampleType::kU8) {
        PutTile<uint8_t>(x, width);
      } else {
        PutTile<uint16_t>(x, width);
      }
      RETURN_IF_ERROR(
          Result(opj_write_tile(codec_.get(), next_tile_++,
                                reinterpret_cast<OPJ_BYTE*>(tile_.data()),
                                static_cast<OPJ_UINT32>(size),
                                stream_.get()) == OPJ_TRUE));
    }
    band_rows_ = 0;
    return absl::OkStatus();
  }

  // Channel by channel.
  template <typename T>
  void PutTile(uint32_t first, uint32_t width) const {
    const uint32_t channels = spec_.shape.channels;
    auto* target = reinterpret_cast<T*>(tile_.data());
    const auto* const band = reinterpret_cast<const T*>(band_.data());
    for (uint32_t c = 0; c < channels; ++c) {
      for (size_t y = 0; y < band_rows_; ++y) {
        const T* const row = band + y * RowSamples(spec_.shape);
        for (uint32_t x = 0; x < width; ++x) {
          *target++ = row[size_t{first + x} * channels + c];
        }
      }
    }
  }

  absl::Status Result(bool came_through) const {
    if (!sink_status_.ok()) return sink_status_;
    if (came_through) return absl::OkStatus();
    return Refusal(absl::StatusCode::kInternal, kBug,
                   "OpenJPEG cannot write a tile");
  }

  ByteSink& sink_;
  const ImageSpec spec_;
  absl::Status sink_status_;
  OpjStream stream_;
  OpjCodec codec_;
  OpjImage image_;
  Buffer band_;
  Buffer tile_;
  size_t band_rows_ = 0;
  uint32_t rows_taken_ = 0;
  OPJ_UINT32 next_tile_ = 0;
};

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  ASSIGN_OR_RETURN(Buffer file, ReadWholeFile(source));
  auto decoder = std::make_unique<Jp2Decoder>(std::move(file));
  RETURN_IF_ERROR(decoder->Open(limits));
  return decoder;
}

absl::Status CanHold(const ImageSpec& spec) {
  if (spec.sample_type == SampleType::kF32) {
    return Refusal(absl::StatusCode::kInvalidArgument, kBadField,
                   "JPEG 2000 cannot hold float samples");
  }
  return PixelBytes(spec).status();
}

absl::StatusOr<std::unique_ptr<Encoder>> Create(ByteSink& sink,
                                                const ImageSpec& spec,
                                                const EncodeOptions& options) {
  auto encoder = std::make_unique<Jp2Encoder>(sink, spec);
  RETURN_IF_ERROR(encoder->Begin(options));
  return encoder;
}

uint64_t EncoderBytes(const ImageSpec& spec, const EncodeOptions& options) {
  const uint64_t samples =
      Jp2Encoder::TileBytes(spec) / SampleBytes(spec.sample_type);
  // Samples in 32 bits, blocks as they are coded, the tile's part of the file.
  constexpr uint64_t kPerSample = 16;
  constexpr uint64_t kLibrary = uint64_t{2} << 20;
  return kPerSample * samples + Jp2Encoder::TileBytes(spec) +
         uint64_t{std::min(kTileSide, spec.shape.height)} * RowBytes(spec) +
         2 * options.icc_profile.size() + kLibrary;
}

#endif  // IMAGEADAPT_HAS_JP2

bool Recognizes(std::span<const std::byte> head) {
  return IsJp2(head) || IsJp2Codestream(head);
}

}  // namespace

const Codec kJp2Codec = {.name = kJp2Format,
                         .mime_type = "image/jp2",
                         .recognizes = Recognizes,
#if IMAGEADAPT_HAS_JP2
                         .open = Open,
                         .can_hold = CanHold,
                         .create = Create,
#else
                         .open = nullptr,
                         .can_hold = nullptr,
                         .create = nullptr,
#endif
                         .turn_losslessly = nullptr,
#if IMAGEADAPT_HAS_JP2
                         .encoder_bytes = EncoderBytes,
#endif
                         .extensions = "jp2 j2k jpc j2c jpx",
                         .reads = kReadsU8 | kReadsU16,
                         .takes_quality = true,
                         .keeps_icc_profile = true,
                         .holds_file = true,
                         .decodes_in_tiles = true};

}  // namespace imageadapt
