// GIF: the file's blocks are found by gif_scan, compressed data are unpacked by
// gif_lzw, which is stricter than giflib: that one makes pixels of codes that
// no encoder can have written. Files are written by giflib.
#include <gif_lib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/color_quantizer.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/encode_checks.h"
#include "imageadapt/codecs/gif_lzw.h"
#include "imageadapt/codecs/gif_scan.h"
#include "imageadapt/codecs/whole_file.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "GIF";

constexpr uint32_t kMaxSide = 65535;

// What giflib takes for itself: tables of codes, buffers; and what a block of
// memory is longer than was asked for.
constexpr uint64_t kGiflibBytes = uint64_t{3} << 20;

using Pixel = std::array<uint8_t, 4>;

class GifDecoder final : public Decoder {
 public:
  explicit GifDecoder(Buffer file) : file_(std::move(file)) {}

  absl::Status Open(const DecodeLimits& limits) {
    ASSIGN_OR_RETURN(scan_, ScanGif(file_.span(), limits));
    spec_.shape = {.width = scan_.width,
                   .height = scan_.height,
                   .channels = scan_.has_alpha ? 4u : 3u};
    metadata_.frames = scan_.sequence;
    canvas_bytes_ = uint64_t{scan_.width} * scan_.height * sizeof(Pixel);
    const GifFrame& first = scan_.frames.front();
    needs_canvas_ = scan_.frames.size() > 1 || first.is_interlaced ||
                    first.left > 0 || first.top > 0 ||
                    first.width < scan_.width || first.height < scan_.height;
    restores_ = std::any_of(
        scan_.frames.begin(), scan_.frames.end(), [](const GifFrame& frame) {
          return frame.disposal == GifFrame::Disposal::kRestore;
        });
    return absl::OkStatus();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    const uint64_t canvases =
        !needs_canvas_ ? 0 : canvas_bytes_ * (restores_ ? 2 : 1);
    // Blocks of memory are up to an eighth longer than was asked for.
    return canvases + canvases / 8 + sizeof(GifDecoder) +
           kMaxSide * (1 + sizeof(Pixel)) +
           scan_.frames.size() * sizeof(GifFrame) * 2;
  }

  FrameDelay delay() const override {
    return {.numerator = scan_.frames[frame_].delay_hundredths,
            .denominator = 100};
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    if (next_row_ == 0) RETURN_IF_ERROR(StartFrame());
    const ImageView<uint8_t> rows = target.As<uint8_t>();
    for (uint32_t y = 0; y < rows.shape().height; ++y) {
      if (!needs_canvas_) {
        if (const char* const problem = rows_->Next(indices_)) {
          return Damaged(next_row_, problem);
        }
        Paint(indices_, row_);
      }
      const std::span<const Pixel> source =
          needs_canvas_
              ? std::span(Canvas(canvas_), PixelCount())
                    .subspan(size_t{next_row_} * scan_.width, scan_.width)
              : std::span<const Pixel>(row_);
      CopyRow(source, rows.row(y));
      ++next_row_;
      if (next_row_ == scan_.height) RETURN_IF_ERROR(EndFrame());
    }
    return absl::OkStatus();
  }

  absl::Status NextFrame() override {
    ++frame_;
    next_row_ = 0;
    return absl::OkStatus();
  }

 private:
  static Pixel* Canvas(const Buffer& buffer) {
    return reinterpret_cast<Pixel*>(buffer.data());
  }
  size_t PixelCount() const { return size_t{scan_.width} * scan_.height; }
  const GifFrame& frame() const { return scan_.frames[frame_]; }

  absl::Status Damaged(uint32_t row, const char* problem) const {
    if (scan_.frames.size() == 1) {
      return DamagedRows(kFormat, row, scan_.height, problem);
    }
    return DamagedRows(kFormat, row, scan_.height,
                       absl::StrCat("frame ", frame_, ": ", problem));
  }

  absl::Status StartFrame() {
    if (needs_canvas_) RETURN_IF_ERROR(PrepareCanvas());
    ReadPalette();
    indices_.resize(frame().width);
    row_.resize(needs_canvas_ ? 0 : scan_.width);
    rows_.emplace(file_.span().subspan(frame().data_at));
    return needs_canvas_ ? PaintFrame() : absl::OkStatus();
  }

  // Takes the canvas, or does with it what the frame before asked for.
  absl::Status PrepareCanvas() {
    if (frame_ == 0) {
      BufferPool pool(0);
      ASSIGN_OR_RETURN(canvas_, pool.Take(canvas_bytes_));
      std::memset(canvas_.data(), 0, canvas_.size());
      if (restores_) {
        ASSIGN_OR_RETURN(saved_, pool.Take(canvas_bytes_));
      }
    } else {
      const GifFrame& before = scan_.frames[frame_ - 1];
      if (before.disposal == GifFrame::Disposal::kRestore) {
        ForEachRow(before, [&](std::span<Pixel> row) {
          std::copy_n(Saved(row), row.size(), row.data());
        });
      } else if (before.disposal == GifFrame::Disposal::kClear) {
        const Pixel clear = ClearPixel(before);
        ForEachRow(before, [&](std::span<Pixel> row) {
          std::fill(row.begin(), row.end(), clear);
        });
      }
    }
    if (frame().disposal == GifFrame::Disposal::kRestore) {
      ForEachRow(frame(), [&](std::span<Pixel> row) {
        std::copy_n(row.data(), row.size(), Saved(row));
      });
    }
    return absl::OkStatus();
  }

  // Pictures lie within the canvas, which the scan has made large enough.
  std::span<Pixel> RowOnCanvas(const GifFrame& frame, uint32_t row) const {
    return {
        Canvas(canvas_) + size_t{frame.top + row} * scan_.width + frame.left,
        frame.width};
  }
  template <typename Work>
  void ForEachRow(const GifFrame& frame, Work work) const {
    for (uint32_t row = 0; row < frame.height; ++row) {
      work(RowOnCanvas(frame, row));
    }
  }
  Pixel* Saved(std::span<const Pixel> row) const {
    return Canvas(saved_) + (row.data() - Canvas(canvas_));
  }

  // GIF89a (23.c) has the background's colour for the place of a frame that
  // goes; of frames that have holes the place becomes transparent, as all
  // readers have it.
  Pixel ClearPixel(const GifFrame& frame) const {
    if (frame.transparent_index >= 0 || !scan_.background_at.has_value()) {
      return {};
    }
    const auto* const color =
        reinterpret_cast<const uint8_t*>(file_.data()) + *scan_.background_at;
    return {color[0], color[1], color[2], 255};
  }

  void ReadPalette() {
    // Indices without a colour are black, and so is everything in a picture
    // without a palette.
    palette_.fill({0, 0, 0, 255});
    const auto* const colors =
        reinterpret_cast<const uint8_t*>(file_.data()) + frame().palette_at;
    for (size_t i = 0; i < frame().colors; ++i) {
      palette_[i] = {colors[3 * i], colors[3 * i + 1], colors[3 * i + 2], 255};
    }
    is_seen_.fill(true);
    if (frame().transparent_index >= 0) {
      is_seen_[static_cast<size_t>(frame().transparent_index)] = false;
    }
  }

  absl::Status PaintFrame() {
    struct Pass {
      uint32_t first;
      uint32_t step;
    };
    constexpr std::array<Pass, 4> kPasses = {{{0, 8}, {4, 8}, {2, 4}, {1, 2}}};
    if (!frame().is_interlaced) return PaintPass(0, 1);
    for (const Pass& pass : kPasses) {
      RETURN_IF_ERROR(PaintPass(pass.first, pass.step));
    }
    return absl::OkStatus();
  }

  absl::Status PaintPass(uint32_t first, uint32_t step) {
    for (uint32_t y = first; y < frame().height; y += step) {
      if (const char* const problem = rows_->Next(indices_)) {
        return Damaged(frame().top + y, problem);
      }
      Paint(indices_, RowOnCanvas(frame(), y));
    }
    return absl::OkStatus();
  }

  // Requires that no frame before has left anything, where there is no canvas.
  void Paint(std::span<const uint8_t> indices, std::span<Pixel> target) const {
    for (size_t x = 0; x < target.size(); ++x) {
      const uint8_t index = indices[x];
      if (is_seen_[index]) {
        target[x] = palette_[index];
      } else if (!needs_canvas_) {
        target[x] = {};
      }
    }
  }

  void CopyRow(std::span<const Pixel> source, std::span<uint8_t> target) const {
    const size_t channels = spec_.shape.channels;
    for (size_t x = 0; x < source.size(); ++x) {
      std::copy_n(source[x].data(), channels, target.data() + x * channels);
    }
  }

  absl::Status EndFrame() {
    if (frame_ + 1 == scan_.frames.size() && scan_.problem != nullptr) {
      return Damaged(scan_.height, scan_.problem);
    }
    return absl::OkStatus();
  }

  const Buffer file_;
  GifScan scan_;
  ImageSpec spec_;
  ImageMetadata metadata_;
  uint64_t canvas_bytes_ = 0;
  bool needs_canvas_ = false;
  bool restores_ = false;
  size_t frame_ = 0;
  uint32_t next_row_ = 0;
  std::optional<GifLzwReader> rows_;  // of this frame
  std::array<Pixel, 256> palette_ = {};
  std::array<bool, 256> is_seen_ = {};
  std::vector<uint8_t> indices_;
  std::vector<Pixel> row_;
  Buffer canvas_;
  Buffer saved_;  // what is restored after the frame
};

class GifEncoder final : public Encoder {
 public:
  GifEncoder(ByteSink& sink, const ImageSpec& spec,
             const EncodeOptions& options)
      : sink_(sink),
        spec_(spec),
        frames_(options.frames),
        delay_(options.first_delay) {}

  ~GifEncoder() override {
    // Of a file that was given up: nothing more is written.
    if (sink_status_.ok()) sink_status_ = absl::CancelledError();
    if (gif_ != nullptr) EGifCloseFile(gif_, nullptr);
  }

  absl::Status Begin() {
    int error = 0;
    gif_ = EGifOpen(this, Write, &error);
    if (gif_ == nullptr) return Result(GIF_ERROR);
    EGifSetGifVersion(gif_, /*gif89=*/true);
    RETURN_IF_ERROR(Result(EGifPutScreenDesc(
        gif_, static_cast<int>(spec_.shape.width),
        static_cast<int>(spec_.shape.height), 8, 0, nullptr)));
    return WriteLoops();
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    const ImageView<const uint8_t> rows = source.As<uint8_t>();
    const size_t row_bytes = size_t{spec_.shape.width} * channels();
    if (pixels_.size() == 0) {
      ASSIGN_OR_RETURN(pixels_,
                       BufferPool(0).Take(row_bytes * spec_.shape.height));
    }
    for (uint32_t y = 0; y < rows.shape().height; ++y) {
      std::byte* const target = pixels_.data() + next_row_ * row_bytes;
      Expand(rows.row(y), reinterpret_cast<uint8_t*>(target));
      ++next_row_;
    }
    return next_row_ == spec_.shape.height ? WriteFrame() : absl::OkStatus();
  }

  absl::Status NextFrame(const ImageSpec& /*spec*/, FrameDelay delay) override {
    delay_ = delay;
    next_row_ = 0;
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    const int result = EGifCloseFile(std::exchange(gif_, nullptr), nullptr);
    return Result(result);
  }

  static uint64_t Bytes(const ImageSpec& spec) {
    const uint64_t pixels = uint64_t{spec.shape.width} * spec.shape.height;
    // Noise becomes larger by an eighth more than others reckon with.
    return pixels * (HasAlpha(spec.shape.channels) ? 4 : 3) + pixels / 8 +
           ColorQuantizer::Bytes(spec.shape.width) + spec.shape.width +
           kGiflibBytes;
  }

 private:
  static int Write(GifFileType* gif, const GifByteType* bytes, int size) {
    auto* const self = static_cast<GifEncoder*>(gif->UserData);
    if (!self->sink_status_.ok()) return 0;
    self->sink_status_ = self->sink_.Append(
        std::as_bytes(std::span(bytes, static_cast<size_t>(size))));
    return self->sink_status_.ok() ? size : 0;
  }

  uint32_t channels() const { return HasAlpha(spec_.shape.channels) ? 4 : 3; }

  // Grey becomes RGB, here and in the file.
  void Expand(std::span<const uint8_t> row, uint8_t* target) const {
    if (spec_.shape.channels >= 3) {
      std::memcpy(target, row.data(), row.size());
      return;
    }
    for (size_t at = 0; at < row.size(); at += spec_.shape.channels) {
      target = std::fill_n(target, 3, row[at]);
      if (spec_.shape.channels == 2) *target++ = row[at + 1];
    }
  }

  // N repetitions are N + 1 plays: no block for one play.
  absl::Status WriteLoops() {
    if (frames_.count == 1 && !frames_.is_animation) return absl::OkStatus();
    if (frames_.plays == 1) return absl::OkStatus();
    const uint32_t repetitions =
        frames_.plays == 0 ? 0 : std::min(frames_.plays - 1, 65535u);
    const std::array<uint8_t, 3> loops = {
        1, static_cast<uint8_t>(repetitions & 255),
        static_cast<uint8_t>(repetitions >> 8)};
    RETURN_IF_ERROR(
        Result(EGifPutExtensionLeader(gif_, APPLICATION_EXT_FUNC_CODE)));
    RETURN_IF_ERROR(Result(EGifPutExtensionBlock(gif_, 11, "NETSCAPE2.0")));
    RETURN_IF_ERROR(
        Result(EGifPutExtensionBlock(gif_, loops.size(), loops.data())));
    return Result(EGifPutExtensionTrailer(gif_));
  }

  // Whole pictures: those with transparent pixels are cleared before the next,
  // which would otherwise show them through its holes.
  absl::Status WriteControl(bool has_alpha, uint8_t transparent) {
    const uint64_t hundredths =
        (uint64_t{delay_.numerator} * 100 + delay_.denominator / 2) /
        std::max(delay_.denominator, 1u);
    const GraphicsControlBlock control = {
        .DisposalMode = has_alpha ? DISPOSE_BACKGROUND : DISPOSE_DO_NOT,
        .UserInputFlag = false,
        .DelayTime = static_cast<int>(std::min<uint64_t>(hundredths, 65535)),
        .TransparentColor = has_alpha ? transparent : NO_TRANSPARENT_COLOR};
    std::array<GifByteType, 4> bytes = {};
    EGifGCBToExtension(&control, bytes.data());
    return Result(EGifPutExtension(gif_, GRAPHICS_EXT_FUNC_CODE, bytes.size(),
                                   bytes.data()));
  }

  absl::Status WriteFrame() {
    const bool has_alpha = channels() == 4;
    const ImageView<const uint8_t> picture(
        reinterpret_cast<const uint8_t*>(pixels_.data()),
        {.width = spec_.shape.width,
         .height = spec_.shape.height,
         .channels = channels()},
        size_t{spec_.shape.width} * channels());
    ColorQuantizer quantizer(picture, has_alpha ? 255 : 256);
    const size_t colors = quantizer.palette().size();
    const auto transparent = static_cast<uint8_t>(has_alpha ? colors : 0);
    RETURN_IF_ERROR(WriteControl(has_alpha, transparent));
    RETURN_IF_ERROR(
        WritePalette(quantizer.palette(), colors + (has_alpha ? 1 : 0)));
    std::vector<uint8_t> indices(spec_.shape.width);
    for (uint32_t y = 0; y < spec_.shape.height; ++y) {
      quantizer.ToIndices(picture.row(y), Dither::kDiffuse, transparent,
                          indices);
      RETURN_IF_ERROR(Result(
          EGifPutLine(gif_, indices.data(), static_cast<int>(indices.size()))));
    }
    return absl::OkStatus();
  }

  // And all else that stands before the data of a picture.
  absl::Status WritePalette(std::span<const Rgb> palette, size_t indices) {
    std::array<GifColorType, 256> colors = {};
    for (size_t i = 0; i < palette.size(); ++i) {
      colors[i] = {.Red = palette[i].red,
                   .Green = palette[i].green,
                   .Blue = palette[i].blue};
    }
    const int bits = std::max(1, GifBitSize(static_cast<int>(indices)));
    const ColorMapObject map = {.ColorCount = 1 << bits,
                                .BitsPerPixel = bits,
                                .SortFlag = false,
                                .Colors = colors.data()};
    return Result(EGifPutImageDesc(
        gif_, 0, 0, static_cast<int>(spec_.shape.width),
        static_cast<int>(spec_.shape.height), /*GifInterlace=*/false, &map));
  }

  absl::Status Result(int result) const {
    if (!sink_status_.ok()) return sink_status_;
    if (result != GIF_ERROR) return absl::OkStatus();
    return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                   "giflib has no memory to write");
  }

  ByteSink& sink_;
  const ImageSpec spec_;
  const FrameSequence frames_;
  FrameDelay delay_;
  absl::Status sink_status_;
  GifFileType* gif_ = nullptr;
  Buffer pixels_;  // of this frame, RGB or RGBA
  uint32_t next_row_ = 0;
};

bool Recognizes(std::span<const std::byte> head) {
  const absl::string_view text(reinterpret_cast<const char*>(head.data()),
                               head.size());
  return absl::StartsWith(text, "GIF87a") || absl::StartsWith(text, "GIF89a");
}

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  ASSIGN_OR_RETURN(Buffer file, ReadWholeFile(source));
  auto decoder = std::make_unique<GifDecoder>(std::move(file));
  RETURN_IF_ERROR(decoder->Open(limits));
  return decoder;
}

absl::Status CanHold(const ImageSpec& spec) {
  RETURN_IF_ERROR(CheckHasBytes("GIF", spec));
  return CheckSides("GIF", spec, kMaxSide);
}

absl::StatusOr<std::unique_ptr<Encoder>> Create(ByteSink& sink,
                                                const ImageSpec& spec,
                                                const EncodeOptions& options) {
  auto encoder = std::make_unique<GifEncoder>(sink, spec, options);
  RETURN_IF_ERROR(encoder->Begin());
  return encoder;
}

uint64_t EncoderBytes(const ImageSpec& spec, const EncodeOptions& /*options*/) {
  return GifEncoder::Bytes(spec);
}

}  // namespace

const Codec kGifCodec = {.name = kFormat,
                         .mime_type = "image/gif",
                         .recognizes = Recognizes,
                         .open = Open,
                         .can_hold = CanHold,
                         .create = Create,
                         .turn_losslessly = nullptr,
                         .encoder_bytes = EncoderBytes,
                         .frames = Codec::Frames::kAlike,
                         .extensions = "gif",
                         .reads = kReadsU8,
                         .keeps_icc_profile = false,
                         .holds_file = true,
                         .stores_grey_as_rgb = true};

}  // namespace imageadapt
