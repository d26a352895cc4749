#include "imageadapt/codecs/png_reader.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/exif_orientation.h"
#include "imageadapt/codecs/png_canvas.h"
#include "imageadapt/codecs/png_chunks.h"
#include "imageadapt/codecs/png_inflater.h"
#include "imageadapt/codecs/png_rows.h"
#include "imageadapt/codecs/png_samples.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "PNG";
constexpr uint32_t kLongestSide = 0x7fffffff;

// EXIF blocks of cameras are a few tens of kilobytes; longer ones are skipped.
constexpr uint32_t kMaxExifBytes = uint32_t{1} << 20;

// One of the seven pictures that an interlaced one is sent as.
struct Pass {
  uint32_t x = 0;
  uint32_t y = 0;
  uint32_t x_step = 1;
  uint32_t y_step = 1;

  uint32_t Width(uint32_t width) const {
    return width <= x ? 0 : (width - x - 1) / x_step + 1;
  }
  uint32_t Height(uint32_t height) const {
    return height <= y ? 0 : (height - y - 1) / y_step + 1;
  }
};

constexpr std::array<Pass, 7> kPasses = {{{0, 0, 8, 8},
                                          {4, 0, 8, 8},
                                          {0, 4, 4, 8},
                                          {2, 0, 4, 4},
                                          {0, 2, 2, 4},
                                          {1, 0, 2, 2},
                                          {0, 1, 1, 2}}};

// The profile of an iCCP chunk; empty if it is too long or none.
std::vector<std::byte> InflateProfile(std::span<const std::byte> chunk,
                                      size_t max_bytes) {
  constexpr size_t kMaxName = 79;
  constexpr size_t kHead = 128;
  const auto name_end = std::find(
      chunk.begin(), chunk.begin() + std::min(chunk.size(), kMaxName + 1),
      std::byte{0});
  const auto name = static_cast<size_t>(name_end - chunk.begin());
  if (name == 0 || name + 2 > chunk.size() || chunk[name + 1] != std::byte{0}) {
    return {};
  }
  const std::span<const std::byte> packed = chunk.subspan(name + 2);
  const auto inflate_to = [&](std::vector<std::byte>& target) {
    auto size = static_cast<uLongf>(target.size());
    auto packed_size = static_cast<uLong>(packed.size());
    const int result = uncompress2(
        reinterpret_cast<Bytef*>(target.data()), &size,
        reinterpret_cast<const Bytef*>(packed.data()), &packed_size);
    // Z_BUF_ERROR: there is more.
    return (result == Z_OK || result == Z_BUF_ERROR) && size == target.size();
  };
  std::vector<std::byte> head(kHead);
  if (!inflate_to(head)) return {};
  // A profile begins with its own length.
  const uint32_t size = BigEndian32(head.data());
  if (size <= kHead || size > max_bytes) return {};
  std::vector<std::byte> profile(size);
  if (!inflate_to(profile)) return {};
  return profile;
}

class PngDecoder final : public Decoder {
 public:
  PngDecoder(ByteSource& source, const DecodeLimits& limits)
      : limits_(limits),
        chunks_(source),
        inflater_(chunks_),
        rows_(inflater_) {}

  absl::Status Open() {
    if (!chunks_.ReadSignature() || !chunks_.Next()) return HeaderStatus();
    RETURN_IF_ERROR(ReadHeader());
    while (true) {
      if (!chunks_.Next()) return HeaderStatus();
      if (chunks_.type() == "IDAT") break;
      RETURN_IF_ERROR(ReadChunkBeforeData());
    }
    if (const auto problem = samples_.CheckComplete(); !problem.empty()) {
      return Damaged(problem);
    }
    spec_.shape.channels = samples_.channels();
    spec_.sample_type = samples_.sample_type();
    ASSIGN_OR_RETURN(pixel_bytes_, PixelBytes(spec_));
    return FinishOpen();
  }

  const ImageSpec& spec() const override { return spec_; }
  const ImageMetadata& metadata() const override { return metadata_; }
  FrameDelay delay() const override { return delay_; }

  uint64_t max_working_bytes() const override {
    constexpr uint64_t kRest = uint64_t{64} << 10;
    const uint64_t packed = samples_.PackedBytes(spec_.shape.width);
    uint64_t bytes = kRest + PngInflater::WorkingBytes() +
                     PngRows::WorkingBytes(packed) + RowBytes(spec_) +
                     2 * metadata_.icc_profile.size();
    if (is_interlaced_) bytes += pixel_bytes_;
    // What is shown, and what may be restored.
    if (HasCanvas()) bytes += 2 * pixel_bytes_;
    return bytes;
  }

  absl::Status ReadRows(const AnyImageView& target) override {
    if (next_row_ == 0) RETURN_IF_ERROR(StartFrame());
    for (uint32_t y = 0; y < target.shape().height; ++y) {
      const std::span<std::byte> row = target.row_bytes(y);
      if (HasCanvas()) {
        const auto from = canvas_.view().row_bytes(next_row_);
        std::memcpy(row.data(), from.data(), row.size());
      } else if (is_interlaced_) {
        const auto from = whole_.view().row_bytes(next_row_);
        std::memcpy(row.data(), from.data(), row.size());
      } else {
        std::span<const uint8_t> packed;
        RETURN_IF_ERROR(Checked(rows_.Next(packed)));
        samples_.Expand(packed, row);
      }
      ++next_row_;
    }
    if (next_row_ < spec_.shape.height) return absl::OkStatus();
    if (!HasCanvas() && !is_interlaced_) {
      RETURN_IF_ERROR(Checked(inflater_.Finish()));
    }
    if (frame_number_ + 1 == metadata_.frames.count) return ReadEnd();
    return absl::OkStatus();
  }

  absl::Status NextFrame() override {
    ++frame_number_;
    next_row_ = 0;
    return FindFrame();
  }

 private:
  // Frames of an animation are put together.
  bool HasCanvas() const { return metadata_.frames.count > 1; }

  // --- The chunks before the data.

  absl::Status ReadHeader() {
    std::array<std::byte, 13> header;
    if (chunks_.type() != "IHDR" || chunks_.bytes_left() != header.size()) {
      return Damaged("it does not begin with its header");
    }
    if (!chunks_.Read(header)) return HeaderStatus();
    const uint32_t width = BigEndian32(header.data());
    const uint32_t height = BigEndian32(&header[4]);
    if (std::min(width, height) == 0 ||
        std::max(width, height) > kLongestSide) {
      return Damaged("it has an impossible size");
    }
    const auto at = [&](size_t i) {
      return std::to_integer<uint32_t>(header[i]);
    };
    if (const auto problem = samples_.SetKind(at(8), at(9)); !problem.empty()) {
      return Damaged(problem);
    }
    if (at(10) != 0 || at(11) != 0 || at(12) > 1) {
      return Damaged(
          "its method of compression, filtering or interlacing is unknown");
    }
    is_interlaced_ = at(12) == 1;
    spec_.shape.width = width;
    spec_.shape.height = height;
    return CheckSize(width, height, limits_);
  }

  // The data of the present chunk, if it is no longer than `most`.
  absl::StatusOr<std::vector<std::byte>> ReadData(uint64_t most) {
    if (chunks_.bytes_left() > most) return std::vector<std::byte>();
    std::vector<std::byte> data(chunks_.bytes_left());
    if (!chunks_.Read(data)) return HeaderStatus();
    return data;
  }

  absl::Status ReadChunkBeforeData() {
    constexpr uint64_t kMaxPalette = 3 * 257;
    const absl::string_view type = chunks_.type();
    if (type == "PLTE") {
      if (chunks_.bytes_left() > kMaxPalette) {
        return Damaged("its palette has an impossible size");
      }
      ASSIGN_OR_RETURN(const auto data, ReadData(kMaxPalette));
      return Damaged(samples_.SetPalette(data));
    }
    if (type == "tRNS") {
      if (chunks_.bytes_left() > kMaxPalette) {
        return Damaged("its transparency has an impossible size");
      }
      ASSIGN_OR_RETURN(const auto data, ReadData(kMaxPalette));
      return Damaged(samples_.SetTransparency(data));
    }
    if (type == "eXIf") {
      ASSIGN_OR_RETURN(const auto data, ReadData(kMaxExifBytes));
      metadata_.orientation = ExifOrientation(data);
      return absl::OkStatus();
    }
    if (type == "iCCP") {
      constexpr uint64_t kHeadroom = uint64_t{64} << 10;
      ASSIGN_OR_RETURN(const auto data,
                       ReadData(limits_.max_icc_bytes + kHeadroom));
      if (metadata_.icc_profile.empty()) {
        metadata_.icc_profile = InflateProfile(data, limits_.max_icc_bytes);
      }
      return absl::OkStatus();
    }
    if (type == "acTL") return ReadAnimationControl();
    if (type == "fcTL") return ReadFrameControl();
    return CheckSkippable();
  }

  // Names of chunks that a reader must know begin with a capital.
  absl::Status CheckSkippable() const {
    const absl::string_view type = chunks_.type();
    if ((type[0] & 0x20) != 0 || type == "IDAT" || type == "PLTE") {
      return absl::OkStatus();
    }
    return Damaged("a chunk that cannot be left out is unknown");
  }

  absl::Status ReadAnimationControl() {
    constexpr uint64_t kSize = 8;
    if (chunks_.bytes_left() != kSize) {
      return Damaged("its animation has an impossible header");
    }
    ASSIGN_OR_RETURN(const auto data, ReadData(kSize));
    // One that is said twice is none.
    said_frames_ = said_frames_.has_value() ? 0 : BigEndian32(data.data());
    metadata_.frames.plays = BigEndian32(&data[4]);
    return absl::OkStatus();
  }

  absl::Status ReadFrameControl() {
    constexpr uint64_t kSize = 26;
    if (chunks_.bytes_left() != kSize) {
      return Damaged("a frame has an impossible header");
    }
    ASSIGN_OR_RETURN(const auto data, ReadData(kSize));
    if (BigEndian32(data.data()) != sequence_++) {
      return Damaged("the chunks of its frames are out of order");
    }
    frame_ = {.x = BigEndian32(&data[12]),
              .y = BigEndian32(&data[16]),
              .width = BigEndian32(&data[4]),
              .height = BigEndian32(&data[8]),
              .dispose = static_cast<PngFrame::Dispose>(data[24]),
              .blend = static_cast<PngFrame::Blend>(data[25])};
    if (std::min(frame_.width, frame_.height) == 0 ||
        uint64_t{frame_.x} + frame_.width > spec_.shape.width ||
        uint64_t{frame_.y} + frame_.height > spec_.shape.height) {
      return Damaged("a frame lies outside of the picture");
    }
    if (frame_.dispose > PngFrame::Dispose::kRestore ||
        frame_.blend > PngFrame::Blend::kOver) {
      return Damaged("a frame is to be drawn in an unknown way");
    }
    // There is nothing before the first frame of the animation.
    if (sequence_ == 1 && frame_.dispose == PngFrame::Dispose::kRestore) {
      frame_.dispose = PngFrame::Dispose::kClear;
    }
    const uint32_t denominator = BigEndian16(&data[22]);
    delay_ = {.numerator = BigEndian16(&data[20]),
              .denominator = denominator == 0 ? 100 : denominator};
    has_frame_control_ = true;
    return absl::OkStatus();
  }

  // Once the data are reached.
  absl::Status FinishOpen() {
    // An animation of nothing is a still picture.
    if (said_frames_.value_or(0) == 0 || *said_frames_ > kLongestSide) {
      metadata_.frames = {};
      delay_ = {};
      return absl::OkStatus();
    }
    metadata_.frames.is_animation = true;
    metadata_.frames.count = *said_frames_;
    if (!has_frame_control_) {
      ++metadata_.frames.count;
      // The animation itself begins with nothing.
      frame_ = {.x = 0,
                .y = 0,
                .width = spec_.shape.width,
                .height = spec_.shape.height,
                .dispose = PngFrame::Dispose::kClear};
    }
    return CheckFrames(metadata_.frames.count, spec_.shape.width,
                       spec_.shape.height, limits_);
  }

  // --- Frames.

  // To the data of the next frame.
  absl::Status FindFrame() {
    has_frame_control_ = false;
    while (true) {
      if (!chunks_.Next()) return RowStatus(chunks_.problem());
      const absl::string_view type = chunks_.type();
      if (type == "IEND") {
        return RowStatus("it has fewer frames than it says");
      }
      if (type == "fdAT") {
        if (has_frame_control_) return absl::OkStatus();
        // Surplus data of the frame before.
        ++sequence_;
      } else if (type == "fcTL") {
        RETURN_IF_ERROR(ReadFrameControl());
      } else {
        RETURN_IF_ERROR(CheckSkippable());
      }
    }
  }

  absl::Status StartFrame() {
    RETURN_IF_ERROR(Checked(inflater_.Start(&sequence_)));
    if (HasCanvas()) return DrawFrame();
    if (!is_interlaced_) {
      rows_.Start(samples_.PackedBytes(spec_.shape.width),
                  samples_.filter_bytes(), spec_.shape.height);
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(ReadPasses(spec_));
    return Checked(inflater_.Finish());
  }

  absl::Status DrawFrame() {
    if (frame_number_ == 0) RETURN_IF_ERROR(canvas_.Create(spec_));
    RETURN_IF_ERROR(canvas_.Begin(frame_));
    ImageSpec frame = spec_;
    frame.shape.width = frame_.width;
    frame.shape.height = frame_.height;
    if (is_interlaced_) {
      RETURN_IF_ERROR(ReadPasses(frame));
      for (uint32_t y = 0; y < frame_.height; ++y) {
        canvas_.DrawRow(y, AnyConstImageView(whole_.view()).row_bytes(y));
      }
      whole_ = Image();
    } else {
      std::vector<std::byte> pixels(RowBytes(frame));
      rows_.Start(samples_.PackedBytes(frame_.width), samples_.filter_bytes(),
                  frame_.height);
      for (uint32_t y = 0; y < frame_.height; ++y) {
        std::span<const uint8_t> packed;
        RETURN_IF_ERROR(Checked(rows_.Next(packed)));
        samples_.Expand(packed, pixels);
        canvas_.DrawRow(y, pixels);
      }
    }
    return Checked(inflater_.Finish());
  }

  // Reads all of an interlaced picture.
  absl::Status ReadPasses(const ImageSpec& spec) {
    BufferPool pool(0);
    ASSIGN_OR_RETURN(whole_, Image::Create(spec, pool));
    const size_t pixel = spec.shape.channels * SampleBytes(spec.sample_type);
    std::vector<std::byte> pixels;
    for (const Pass& pass : kPasses) {
      const uint32_t width = pass.Width(spec.shape.width);
      const uint32_t height = pass.Height(spec.shape.height);
      if (width == 0 || height == 0) continue;
      pixels.resize(width * pixel);
      rows_.Start(samples_.PackedBytes(width), samples_.filter_bytes(), height);
      for (uint32_t y = 0; y < height; ++y) {
        std::span<const uint8_t> packed;
        if (const char* problem = rows_.Next(packed); *problem != '\0') {
          // As much of the picture as the passes before have filled.
          next_row_ = &pass == &kPasses.back() ? 2 * y : 0;
          return RowStatus(problem);
        }
        samples_.Expand(packed, pixels);
        std::byte* to =
            whole_.view().row_bytes(pass.y + y * pass.y_step).data() +
            pass.x * pixel;
        for (uint32_t x = 0; x < width; ++x) {
          std::memcpy(to, &pixels[x * pixel], pixel);
          to += pass.x_step * pixel;
        }
      }
    }
    return absl::OkStatus();
  }

  // What stands behind the last row.
  absl::Status ReadEnd() {
    while (chunks_.type() != "IEND") {
      if (!chunks_.Next()) return RowStatus(chunks_.problem());
      RETURN_IF_ERROR(chunks_.type() == "IEND" ? absl::OkStatus()
                                               : CheckSkippable());
    }
    if (!chunks_.FinishLast()) return RowStatus(chunks_.problem());
    return absl::OkStatus();
  }

  // --- Errors.

  // OK if there is no problem.
  static absl::Status Damaged(absl::string_view problem) {
    if (problem.empty()) return absl::OkStatus();
    return DamagedHeader(kFormat, problem);
  }
  absl::Status HeaderStatus() const {
    if (!chunks_.status().ok()) return chunks_.status();
    return Damaged(chunks_.problem());
  }
  absl::Status RowStatus(const char* problem) const {
    if (!chunks_.status().ok()) return chunks_.status();
    return DamagedRows(kFormat, next_row_, spec_.shape.height, problem);
  }
  absl::Status Checked(const char* problem) const {
    return *problem == '\0' ? absl::OkStatus() : RowStatus(problem);
  }

  const DecodeLimits limits_;
  PngChunkReader chunks_;
  PngInflater inflater_;
  PngRows rows_;
  PngSamples samples_;
  ImageSpec spec_;
  ImageMetadata metadata_;
  uint64_t pixel_bytes_ = 0;
  bool is_interlaced_ = false;

  std::optional<uint32_t> said_frames_;
  bool has_frame_control_ = false;
  uint32_t sequence_ = 0;
  uint32_t frame_number_ = 0;
  PngFrame frame_;
  FrameDelay delay_;

  PngCanvas canvas_;
  Image whole_;  // of an interlaced picture
  uint32_t next_row_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Decoder>> OpenPng(ByteSource& source,
                                                 const DecodeLimits& limits) {
  auto decoder = std::make_unique<PngDecoder>(source, limits);
  RETURN_IF_ERROR(decoder->Open());
  return decoder;
}

}  // namespace imageadapt
