// WebP by libwebp. Files are written around what the library encodes: its own
// writer of animations joins frames that are equal, and drops the sign that a
// picture has alpha if all of it is opaque.
#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/animation_alpha.h"
#include "imageadapt/codecs/codec_list.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/encode_checks.h"
#include "imageadapt/codecs/exif_orientation.h"
#include "imageadapt/codecs/webp_scan.h"
#include "imageadapt/codecs/whole_file.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "WebP";
constexpr char kEndsTooEarly[] = "it ends too early";

// What libwebp takes beside pixels: rows, caches, tables of codes.
constexpr uint64_t kLibraryBytes = uint64_t{3} << 20;

// Deleters for the library's objects.
struct Delete {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
  void operator()(WebPIDecoder* decoder) const { WebPIDelete(decoder); }
  void operator()(WebPAnimDecoder* decoder) const {
    WebPAnimDecoderDelete(decoder);
  }
};
template <typename T>
using Owned = std::unique_ptr<T, Delete>;

class FrameIterator {
 public:
  explicit FrameIterator(const WebPDemuxer* demuxer) {
    is_valid_ = WebPDemuxGetFrame(demuxer, 1, &at_) != 0;
  }
  ~FrameIterator() { WebPDemuxReleaseIterator(&at_); }
  FrameIterator(const FrameIterator&) = delete;
  FrameIterator& operator=(const FrameIterator&) = delete;

  bool is_valid() const { return is_valid_; }
  const WebPIterator& operator*() const { return at_; }
  const WebPIterator* operator->() const { return &at_; }
  void Next() { is_valid_ = WebPDemuxNextFrame(&at_) != 0; }

 private:
  WebPIterator at_ = {};
  bool is_valid_ = false;
};

class WebpDecoder final : public Decoder {
 public:
  explicit WebpDecoder(Buffer file) : file_(std::move(file)) {}

  absl::Status Open(const DecodeLimits& limits) {
    ASSIGN_OR_RETURN(scan_, ScanWebp(file_.span(), limits));
    const WebPData data = Data();
    WebPDemuxState state = WEBP_DEMUX_PARSE_ERROR;
    const Owned<WebPDemuxer> demuxer(WebPDemuxPartial(&data, &state));
    if (state == WEBP_DEMUX_PARSING_HEADER) {
      return DamagedHeader(kFormat, kEndsTooEarly);
    }
    if (demuxer == nullptr || state == WEBP_DEMUX_PARSE_ERROR) {
      return DamagedHeader(kFormat, "its chunks do not fit together");
    }
    is_whole_ = state == WEBP_DEMUX_DONE;
    const auto get = [&](WebPFormatFeature feature) {
      return WebPDemuxGetI(demuxer.get(), feature);
    };
    const uint32_t flags = get(WEBP_FF_FORMAT_FLAGS);
    is_animation_ = (flags & ANIMATION_FLAG) != 0;
    spec_.shape = {.width = get(WEBP_FF_CANVAS_WIDTH),
                   .height = get(WEBP_FF_CANVAS_HEIGHT),
                   .channels = 3};
    const uint32_t count = get(WEBP_FF_FRAME_COUNT);
    RETURN_IF_ERROR(CheckFrames(std::max(count, 1u), spec_.shape.width,
                                spec_.shape.height, limits));
    if (count == 0) {
      return DamagedHeader(
          kFormat, is_whole_ ? "there is no picture in it" : kEndsTooEarly);
    }
    if (is_animation_) {
      metadata_.frames = {.count = count,
                          .is_animation = true,
                          .plays = get(WEBP_FF_LOOP_COUNT)};
    }
    LookAtFrames(*demuxer, (flags & ALPHA_FLAG) != 0);
    ReadMetadata(*demuxer, limits);
    return absl::OkStatus();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }

  uint64_t max_working_bytes() const override {
    const uint64_t pixels = uint64_t{spec_.shape.width} * spec_.shape.height;
    const uint64_t held = is_animation_ ? 2 * 4 : spec_.shape.channels;
    // A lossless picture is ARGB inside, and what its transforms say of blocks;
    // another's alpha is bytes, twice if it is packed.
    const uint64_t inside = scan_.has_lossless               ? 5
                            : scan_.has_lossless_alpha       ? 3
                            : HasAlpha(spec_.shape.channels) ? 2
                                                             : 0;
    // Blocks of memory are up to an eighth longer than was asked for.
    return pixels * (held + inside) + pixels * held / 8 + kLibraryBytes +
           scan_.table_bytes + scan_.list_bytes + metadata_.icc_profile.size() +
           milliseconds_.size() * sizeof(uint32_t) * 2;
  }

  FrameDelay delay() const override {
    if (!is_animation_) return {};
    return {.numerator = milliseconds_[frame_], .denominator = 1000};
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    if (next_row_ == 0) {
      RETURN_IF_ERROR(is_animation_ ? DecodeFrame() : DecodePicture());
    }
    const ImageView<uint8_t> rows = target.As<uint8_t>();
    for (uint32_t y = 0; y < rows.shape().height; ++y) {
      CopyRow(next_row_++, rows.row(y));
    }
    if (next_row_ == spec_.shape.height && !is_whole_ &&
        frame_ + 1 == metadata_.frames.count) {
      return Damaged(next_row_, kEndsTooEarly);
    }
    return absl::OkStatus();
  }

  absl::Status NextFrame() override {
    ++frame_;
    next_row_ = 0;
    return absl::OkStatus();
  }

 private:
  WebPData Data() const {
    return {.bytes = reinterpret_cast<const uint8_t*>(file_.data()),
            .size = file_.size()};
  }

  // Channels, and delays. The library has checked that frames lie on the
  // canvas, and that their data say the same size.
  void LookAtFrames(const WebPDemuxer& demuxer, bool says_alpha) {
    AnimationAlpha alpha;
    bool has_alpha = says_alpha;
    for (FrameIterator at(&demuxer); at.is_valid(); at.Next()) {
      const bool covers = at->width == static_cast<int>(spec_.shape.width) &&
                          at->height == static_cast<int>(spec_.shape.height);
      has_alpha = has_alpha || at->has_alpha != 0;
      alpha.Add(covers, at->has_alpha == 0,
                at->dispose_method == WEBP_MUX_DISPOSE_BACKGROUND);
      milliseconds_.push_back(static_cast<uint32_t>(std::max(at->duration, 0)));
    }
    if (has_alpha || (is_animation_ && alpha.is_needed())) {
      spec_.shape.channels = 4;
    }
  }

  void ReadMetadata(const WebPDemuxer& demuxer, const DecodeLimits& limits) {
    const auto chunk = [&](const char* name, auto use) {
      WebPChunkIterator at = {};
      if (WebPDemuxGetChunk(&demuxer, name, 1, &at) != 0) {
        use(std::as_bytes(std::span(at.chunk.bytes, at.chunk.size)));
      }
      WebPDemuxReleaseChunkIterator(&at);
    };
    chunk("ICCP", [&](std::span<const std::byte> profile) {
      if (profile.size() > limits.max_icc_bytes) return;
      metadata_.icc_profile.assign(profile.begin(), profile.end());
    });
    chunk("EXIF", [&](std::span<const std::byte> exif) {
      // Some writers leave the head of JPEG's segment before it.
      const absl::string_view text(reinterpret_cast<const char*>(exif.data()),
                                   exif.size());
      metadata_.orientation = text.substr(0, 4) == "Exif"
                                  ? ExifOrientationOfApp1(exif)
                                  : ExifOrientation(exif);
    });
  }

  absl::Status Damaged(uint32_t row, const char* problem) const {
    if (!is_animation_) {
      return DamagedRows(kFormat, row, spec_.shape.height, problem);
    }
    return DamagedRows(kFormat, row, spec_.shape.height,
                       absl::StrCat("frame ", frame_, ": ", problem));
  }

  static absl::Status NoMemory() {
    return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                   "libwebp has no memory to decode");
  }

  // A still picture is decoded into memory of ours.
  absl::Status DecodePicture() {
    const size_t row_bytes = RowBytes(spec_);
    ASSIGN_OR_RETURN(picture_,
                     BufferPool(0).Take(row_bytes * spec_.shape.height));
    auto* const pixels = reinterpret_cast<uint8_t*>(picture_.data());
    const Owned<WebPIDecoder> decoder(
        WebPINewRGB(spec_.shape.channels == 4 ? MODE_RGBA : MODE_RGB, pixels,
                    picture_.size(), static_cast<int>(row_bytes)));
    if (decoder == nullptr) return NoMemory();
    const WebPData data = Data();
    const VP8StatusCode status =
        WebPIUpdate(decoder.get(), data.bytes, data.size);
    if (status == VP8_STATUS_OK) return absl::OkStatus();
    if (status == VP8_STATUS_OUT_OF_MEMORY) return NoMemory();
    int last_row = 0;
    if (WebPIDecGetRGB(decoder.get(), &last_row, nullptr, nullptr, nullptr) ==
        nullptr) {
      last_row = 0;
    }
    return Damaged(std::min(static_cast<uint32_t>(std::max(last_row, 0)),
                            spec_.shape.height),
                   status == VP8_STATUS_SUSPENDED
                       ? kEndsTooEarly
                       : "its compressed data are wrong");
  }

  absl::Status DecodeFrame() {
    if (!is_whole_) return Damaged(0, kEndsTooEarly);
    if (animation_ == nullptr) {
      WebPAnimDecoderOptions options;
      if (WebPAnimDecoderOptionsInit(&options) == 0) return NoMemory();
      options.color_mode = MODE_RGBA;
      const WebPData data = Data();
      animation_.reset(WebPAnimDecoderNew(&data, &options));
      if (animation_ == nullptr) return NoMemory();
    }
    int timestamp = 0;
    if (WebPAnimDecoderGetNext(animation_.get(), &canvas_, &timestamp) == 0) {
      return Damaged(0, "its compressed data are wrong");
    }
    return absl::OkStatus();
  }

  void CopyRow(uint32_t y, std::span<uint8_t> target) const {
    if (!is_animation_) {
      std::memcpy(target.data(), picture_.data() + y * target.size(),
                  target.size());
      return;
    }
    const size_t width = spec_.shape.width;
    const size_t channels = spec_.shape.channels;
    const uint8_t* const source = canvas_ + y * width * 4;
    for (size_t x = 0; x < width; ++x) {
      std::copy_n(source + x * 4, channels, target.data() + x * channels);
    }
  }

  const Buffer file_;
  WebpScan scan_;
  ImageSpec spec_;
  ImageMetadata metadata_;
  std::vector<uint32_t> milliseconds_;
  bool is_animation_ = false;
  bool is_whole_ = false;
  uint32_t frame_ = 0;
  uint32_t next_row_ = 0;
  Buffer picture_;                    // of a still file
  Owned<WebPAnimDecoder> animation_;  // of an animated one
  uint8_t* canvas_ = nullptr;         // within `animation_`
};

// Little-endian numbers of `size` bytes.
void AppendNumber(std::string& text, uint64_t value, int size) {
  for (int i = 0; i < size; ++i) {
    text.push_back(static_cast<char>(value >> 8 * i & 255));
  }
}

std::string ChunkHead(absl::string_view name, uint64_t size) {
  std::string head(name);
  AppendNumber(head, size, 4);
  return head;
}

// Chunks have even sizes, with padding that is not counted.
uint64_t Padded(uint64_t size) { return size + size % 2; }

class WebpEncoder final : public Encoder {
 public:
  WebpEncoder(ByteSink& sink, const ImageSpec& spec,
              const EncodeOptions& options)
      : sink_(sink),
        spec_(spec),
        options_(options),
        is_animation_(options.frames.is_animation || options.frames.count > 1),
        delay_(options.first_delay) {}

  ~WebpEncoder() override { WebPPictureFree(&picture_); }

  absl::Status Begin() {
    if (WebPConfigInit(&config_) == 0 || WebPPictureInit(&picture_) == 0) {
      return Refusal(absl::StatusCode::kInternal, kBug,
                     "libwebp is of another version");
    }
    Configure();
    return absl::OkStatus();
  }

  absl::Status WriteRows(const AnyConstImageView& source) override {
    if (next_row_ == 0) RETURN_IF_ERROR(StartPicture());
    const ImageView<const uint8_t> rows = source.As<uint8_t>();
    for (uint32_t y = 0; y < rows.shape().height; ++y) {
      TakeRow(rows.row(y), picture_.argb + static_cast<ptrdiff_t>(next_row_) *
                                               picture_.argb_stride);
      ++next_row_;
    }
    return next_row_ == spec_.shape.height ? EncodePicture() : absl::OkStatus();
  }

  absl::Status NextFrame(const ImageSpec& /*spec*/, FrameDelay delay) override {
    delay_ = delay;
    next_row_ = 0;
    return absl::OkStatus();
  }

  uint64_t held_bytes() const override { return held_bytes_; }

  absl::Status Finish() override {
    std::string head = Extended() + Profile();
    if (is_animation_) {
      head += ChunkHead("ANIM", 6);
      AppendNumber(head, 0, 4);  // transparent background
      AppendNumber(head, std::min(options_.frames.plays, 65535u), 2);
    }
    uint64_t size = 4 + head.size();
    for (const Frame& frame : frames_)
      size += FrameHead(frame).size() + frame.chunks.size();
    if (size > std::numeric_limits<uint32_t>::max() - 8) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "WebP cannot hold a file of ", size, " bytes");
    }
    std::string start = ChunkHead("RIFF", size);
    absl::StrAppend(&start, "WEBP", head);
    RETURN_IF_ERROR(Append(start));
    for (Frame& frame : frames_) {
      RETURN_IF_ERROR(Append(FrameHead(frame)));
      RETURN_IF_ERROR(sink_.AppendBuffer(std::move(frame.chunks)));
    }
    return absl::OkStatus();
  }

  // As measured, on noise and on drawings; with the ARGB picture of 4 bytes a
  // pixel, and with the file that is collected.
  static uint64_t Bytes(const ImageSpec& spec, const EncodeOptions& options) {
    const uint64_t pixels = uint64_t{spec.shape.width} * spec.shape.height;
    // Statistics of blocks, from 4 x 4 pixels on but of no more than 2600.
    constexpr uint64_t kMostBlocks = 2600;
    constexpr uint64_t kBlockBytes = 9500;
    const uint64_t statistics =
        std::min(pixels / 16 + 1, kMostBlocks) * kBlockBytes;
    if (options.lossless) return pixels * 44 + statistics + kLibraryBytes;
    uint64_t per_pixel = options.full_chroma ? 16 : 12;
    if (KeepsTokens(spec, options)) per_pixel = 38;
    // Alpha is packed as a lossless picture is.
    if (!HasAlpha(spec.shape.channels)) {
      return pixels * per_pixel + kLibraryBytes;
    }
    return pixels * std::max<uint64_t>(per_pixel, 44) + statistics +
           kLibraryBytes;
  }

 private:
  // The chunks of one encoded picture.
  struct Frame {
    Buffer chunks;
    uint32_t milliseconds = 0;
  };

  bool has_alpha() const { return HasAlpha(spec_.shape.channels); }

  // Whether all coefficients are kept as tokens, from which the file is made in
  // one go: quicker, but noise takes 30 bytes a pixel. Without it the file is
  // as large.
  static bool KeepsTokens(const ImageSpec& spec, const EncodeOptions& options) {
    constexpr uint64_t kMostPixels = 4'000'000;
    return uint64_t{spec.shape.width} * spec.shape.height <= kMostPixels &&
           options.effort != EncodeOptions::Effort::kFast;
  }

  void Configure() {
    using Effort = EncodeOptions::Effort;
    const Effort effort = options_.effort;
    if (options_.lossless) {
      // 9 tries all ways, for 100 seconds a megapixel.
      const int level = effort == Effort::kFast      ? 1
                        : effort == Effort::kDefault ? 6
                                                     : 8;
      WebPConfigLosslessPreset(&config_, level);
      config_.exact = 1;
      return;
    }
    config_.quality = static_cast<float>(options_.quality);
    // 6 would pack alpha as lossless level 9 does.
    config_.method = effort == Effort::kFast      ? 2
                     : effort == Effort::kDefault ? 4
                     : has_alpha()                ? 5
                                                  : 6;
    config_.low_memory = KeepsTokens(spec_, options_) ? 0 : 1;
    // Colour has half the resolution in any case; made from sharper edges.
    config_.use_sharp_yuv = options_.full_chroma ? 1 : 0;
  }

  absl::Status StartPicture() {
    WebPPictureFree(&picture_);
    picture_.use_argb = 1;
    picture_.width = static_cast<int>(spec_.shape.width);
    picture_.height = static_cast<int>(spec_.shape.height);
    if (WebPPictureAlloc(&picture_) == 0) return NoMemory();
    return absl::OkStatus();
  }

  void TakeRow(std::span<const uint8_t> row, uint32_t* target) const {
    const uint32_t channels = spec_.shape.channels;
    const bool is_grey = channels < 3;
    for (size_t at = 0; at < row.size(); at += channels) {
      const uint32_t red = row[at];
      const uint32_t green = is_grey ? red : row[at + 1];
      const uint32_t blue = is_grey ? red : row[at + 2];
      const uint32_t alpha = has_alpha() ? row[at + channels - 1] : 255;
      *target++ = alpha << 24 | red << 16 | green << 8 | blue;
    }
  }

  // Collects what the library writes in blocks.
  struct Collector {
    BufferPool pool{0};
    BufferSink sink{pool};
    absl::Status status;
  };

  static int Collect(const uint8_t* bytes, size_t size,
                     const WebPPicture* picture) {
    auto* const collector = static_cast<Collector*>(picture->custom_ptr);
    collector->status.Update(
        collector->sink.Append(std::as_bytes(std::span(bytes, size))));
    return collector->status.ok() ? 1 : 0;
  }

  absl::Status EncodePicture() {
    auto collector = std::make_unique<Collector>();
    picture_.writer = Collect;
    picture_.custom_ptr = collector.get();
    bool is_written = WebPEncode(&config_, &picture_) != 0;
    if (!is_written && IsPartitionOverflow()) {
      // Very large pictures of high quality: what is said about blocks must
      // fit in 512 KiB.
      collector = std::make_unique<Collector>();
      picture_.custom_ptr = collector.get();
      WebPConfig smaller = config_;
      smaller.partition_limit = 100;
      is_written = WebPEncode(&smaller, &picture_) != 0;
    }
    RETURN_IF_ERROR(collector->status);
    if (!is_written) return EncodingStatus();
    WebPPictureFree(&picture_);
    return TakeChunks(collector->sink.TakeBlocks());
  }

  bool IsPartitionOverflow() const {
    return picture_.error_code == VP8_ENC_ERROR_PARTITION0_OVERFLOW ||
           picture_.error_code == VP8_ENC_ERROR_PARTITION_OVERFLOW;
  }

  absl::Status EncodingStatus() const {
    if (picture_.error_code == VP8_ENC_ERROR_OUT_OF_MEMORY ||
        picture_.error_code == VP8_ENC_ERROR_BITSTREAM_OUT_OF_MEMORY) {
      return NoMemory();
    }
    if (IsPartitionOverflow() ||
        picture_.error_code == VP8_ENC_ERROR_FILE_TOO_BIG) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "WebP cannot hold so much detail in one picture; a lower "
                     "quality may fit");
    }
    return Refusal(absl::StatusCode::kInternal, kBug,
                   "libwebp cannot encode: error ",
                   static_cast<int>(picture_.error_code));
  }

  static absl::Status NoMemory() {
    return Refusal(absl::StatusCode::kResourceExhausted, kOutOfMemory,
                   "libwebp has no memory to encode");
  }

  // Keeps the chunks of the picture alone: ALPH and VP8, or VP8L.
  absl::Status TakeChunks(const std::vector<Buffer>& file) {
    constexpr size_t kRiffHead = 12;
    constexpr size_t kExtendedChunk = 18;
    const ByteRope rope = RopeOf(file);
    std::array<std::byte, kRiffHead + 4> head = {};
    rope.CopyTo(0, head);
    const bool is_extended =
        std::memcmp(head.data() + kRiffHead, "VP8X", 4) == 0;
    const size_t first = kRiffHead + (is_extended ? kExtendedChunk : 0);
    Frame frame{.chunks = {}, .milliseconds = Milliseconds()};
    ASSIGN_OR_RETURN(frame.chunks, BufferPool(0).Take(rope.size() - first));
    rope.CopyTo(first, frame.chunks.span());
    held_bytes_ += frame.chunks.size();
    frames_.push_back(std::move(frame));
    return absl::OkStatus();
  }

  uint32_t Milliseconds() const {
    const uint64_t denominator = std::max(delay_.denominator, 1u);
    const uint64_t rounded =
        (uint64_t{delay_.numerator} * 1000 + denominator / 2) / denominator;
    return static_cast<uint32_t>(std::min<uint64_t>(rounded, 0xffffff));
  }

  std::string Extended() const {
    const bool has_profile = !options_.icc_profile.empty();
    if (!is_animation_ && !has_profile && !has_alpha()) return std::string();
    std::string chunk = ChunkHead("VP8X", 10);
    uint32_t flags = 0;
    if (has_profile) flags |= ICCP_FLAG;
    if (has_alpha()) flags |= ALPHA_FLAG;
    if (is_animation_) flags |= ANIMATION_FLAG;
    AppendNumber(chunk, flags, 4);
    AppendNumber(chunk, spec_.shape.width - 1, 3);
    AppendNumber(chunk, spec_.shape.height - 1, 3);
    return chunk;
  }

  std::string Profile() const {
    const auto& profile = options_.icc_profile;
    if (profile.empty()) return std::string();
    std::string chunk = ChunkHead("ICCP", profile.size());
    chunk.append(reinterpret_cast<const char*>(profile.data()), profile.size());
    chunk.resize(Padded(chunk.size()));
    return chunk;
  }

  // What stands before the chunks of a frame. Frames are whole canvases that
  // replace the one before.
  std::string FrameHead(const Frame& frame) const {
    if (!is_animation_) return std::string();
    constexpr uint32_t kHead = 16;
    constexpr uint32_t kNoBlend = 2;
    std::string head = ChunkHead("ANMF", kHead + frame.chunks.size());
    AppendNumber(head, 0, 6);  // at the upper left corner
    AppendNumber(head, spec_.shape.width - 1, 3);
    AppendNumber(head, spec_.shape.height - 1, 3);
    AppendNumber(head, frame.milliseconds, 3);
    AppendNumber(head, kNoBlend, 1);
    return head;
  }

  absl::Status Append(const std::string& text) {
    return sink_.Append(std::as_bytes(std::span(text)));
  }

  ByteSink& sink_;
  const ImageSpec spec_;
  const EncodeOptions options_;
  const bool is_animation_;
  FrameDelay delay_;
  WebPConfig config_ = {};
  WebPPicture picture_ = {};
  uint32_t next_row_ = 0;
  std::vector<Frame> frames_;
  uint64_t held_bytes_ = 0;
};

bool Recognizes(std::span<const std::byte> head) {
  const absl::string_view text(reinterpret_cast<const char*>(head.data()),
                               head.size());
  return text.size() >= 12 && text.substr(0, 4) == "RIFF" &&
         text.substr(8, 4) == "WEBP";
}

absl::StatusOr<std::unique_ptr<Decoder>> Open(ByteSource& source,
                                              const DecodeLimits& limits) {
  ASSIGN_OR_RETURN(Buffer file, ReadWholeFile(source));
  auto decoder = std::make_unique<WebpDecoder>(std::move(file));
  RETURN_IF_ERROR(decoder->Open(limits));
  return decoder;
}

absl::Status CanHold(const ImageSpec& spec) {
  RETURN_IF_ERROR(CheckHasBytes("WebP", spec));
  return CheckSides("WebP", spec, WEBP_MAX_DIMENSION);
}

absl::StatusOr<std::unique_ptr<Encoder>> Create(ByteSink& sink,
                                                const ImageSpec& spec,
                                                const EncodeOptions& options) {
  auto encoder = std::make_unique<WebpEncoder>(sink, spec, options);
  RETURN_IF_ERROR(encoder->Begin());
  return encoder;
}

}  // namespace

const Codec kWebpCodec = {.name = kFormat,
                          .mime_type = "image/webp",
                          .recognizes = Recognizes,
                          .open = Open,
                          .can_hold = CanHold,
                          .create = Create,
                          .turn_losslessly = nullptr,
                          .encoder_bytes = WebpEncoder::Bytes,
                          .frames = Codec::Frames::kAlike,
                          .extensions = "webp",
                          .reads = kReadsU8,
                          .takes_quality = true,
                          .keeps_icc_profile = true,
                          .holds_file = true,
                          .stores_grey_as_rgb = true};

}  // namespace imageadapt
