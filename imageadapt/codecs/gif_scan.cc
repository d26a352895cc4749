#include "imageadapt/codecs/gif_scan.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "absl/strings/string_view.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/decode_checks.h"

namespace imageadapt {
namespace {

constexpr char kEndsTooEarly[] = "it ends too early";

constexpr uint8_t kExtension = 0x21;
constexpr uint8_t kPicture = 0x2c;
constexpr uint8_t kTrailer = 0x3b;
constexpr uint8_t kGraphicControl = 0xf9;
constexpr uint8_t kApplication = 0xff;

// What a graphic control extension says about the picture that follows it.
struct Control {
  int transparent_index = -1;
  GifFrame::Disposal disposal = GifFrame::Disposal::kKeep;
  uint32_t delay_hundredths = 0;
};

GifFrame::Disposal DisposalOf(unsigned packed) {
  switch (packed >> 2 & 7) {
    case 2:
      return GifFrame::Disposal::kClear;
    case 3:
    case 4:  // as early encoders wrote it, having taken it for a bit
      return GifFrame::Disposal::kRestore;
    default:
      return GifFrame::Disposal::kKeep;
  }
}

class Scanner {
 public:
  Scanner(std::span<const std::byte> file, const DecodeLimits& limits)
      : file_(file), limits_(limits) {}

  absl::StatusOr<GifScan> Run() {
    if (!Skip(6) || !ReadScreen()) return DamagedHeader("GIF", kEndsTooEarly);
    while (scan_.problem == nullptr) {
      const std::optional<uint8_t> kind = Byte();
      if (!kind.has_value()) {
        scan_.problem = kEndsTooEarly;
      } else if (*kind == kTrailer) {
        break;
      } else if (*kind == kExtension) {
        if (!ReadExtension()) scan_.problem = kEndsTooEarly;
      } else if (*kind == kPicture) {
        RETURN_IF_ERROR(ReadPicture());
      } else {
        scan_.problem = "between its pictures is a block of no known kind";
      }
    }
    if (scan_.frames.empty()) {
      return DamagedHeader("GIF", scan_.problem != nullptr
                                      ? scan_.problem
                                      : "there is no picture in it");
    }
    Conclude();
    return std::move(scan_);
  }

 private:
  bool Skip(size_t count) {
    if (count > file_.size() - at_) return false;
    at_ += count;
    return true;
  }

  std::optional<uint8_t> Byte() {
    if (at_ == file_.size()) return std::nullopt;
    return static_cast<uint8_t>(file_[at_++]);
  }

  // Of bytes that were skipped over.
  unsigned ByteAt(size_t at) const { return static_cast<uint8_t>(file_[at]); }
  uint32_t WordAt(size_t at) const { return ByteAt(at) | ByteAt(at + 1) << 8; }

  // A palette of so many colours as `packed` says, if it says that there is
  // one.
  bool SkipPalette(unsigned packed, size_t& at, uint32_t& colors) {
    if ((packed & 0x80) == 0) return true;
    at = at_;
    colors = 2u << (packed & 7);
    return Skip(size_t{3} * colors);
  }

  bool ReadScreen() {
    const size_t at = at_;
    if (!Skip(7)) return false;
    scan_.width = WordAt(at);
    scan_.height = WordAt(at + 2);
    if (!SkipPalette(ByteAt(at + 4), palette_at_, colors_)) return false;
    const unsigned background = ByteAt(at + 5);
    if (background < colors_) {
      scan_.background_at = palette_at_ + size_t{3} * background;
    }
    return true;
  }

  // Blocks up to the empty one.
  bool SkipBlocks() {
    while (true) {
      const std::optional<uint8_t> size = Byte();
      if (!size.has_value()) return false;
      if (*size == 0) return true;
      if (!Skip(*size)) return false;
    }
  }

  bool ReadExtension() {
    const std::optional<uint8_t> kind = Byte();
    if (!kind.has_value()) return false;
    const size_t first = at_;
    if (!SkipBlocks()) return false;
    const unsigned size = ByteAt(first);
    if (*kind == kGraphicControl && size >= 4) {
      ReadControl(first + 1);
    } else if (*kind == kApplication && size == 11) {
      ReadLoops(first + 1);
    }
    return true;
  }

  void ReadControl(size_t at) {
    const unsigned packed = ByteAt(at);
    control_ = {.transparent_index = -1,
                .disposal = DisposalOf(packed),
                .delay_hundredths = WordAt(at + 1)};
    if ((packed & 1) != 0) {
      control_.transparent_index = static_cast<int>(ByteAt(at + 3));
    }
  }

  void ReadLoops(size_t at) {
    const absl::string_view name(
        reinterpret_cast<const char*>(file_.data() + at), 11);
    if (name != "NETSCAPE2.0" && name != "ANIMEXTS1.0") return;
    at += 11;
    if (ByteAt(at) < 3 || (ByteAt(at + 1) & 7) != 1) return;
    const uint32_t repetitions = WordAt(at + 2);
    plays_ = repetitions == 0 ? 0 : repetitions + 1;
  }

  absl::Status ReadPicture() {
    GifFrame frame{.transparent_index = control_.transparent_index,
                   .disposal = control_.disposal,
                   .delay_hundredths = control_.delay_hundredths,
                   .palette_at = palette_at_,
                   .colors = colors_};
    control_ = {};
    const size_t at = at_;
    if (!Skip(9)) {
      scan_.problem = kEndsTooEarly;
      return absl::OkStatus();
    }
    frame.left = WordAt(at);
    frame.top = WordAt(at + 2);
    frame.width = WordAt(at + 4);
    frame.height = WordAt(at + 6);
    const unsigned packed = ByteAt(at + 8);
    frame.is_interlaced = (packed & 0x40) != 0;
    if (!SkipPalette(packed, frame.palette_at, frame.colors)) {
      scan_.problem = kEndsTooEarly;
      return absl::OkStatus();
    }
    frame.data_at = at_;
    if (frame.width == 0 || frame.height == 0) {
      scan_.problem = "one of its pictures has no pixels";
      return absl::OkStatus();
    }
    RETURN_IF_ERROR(Count(frame));
    const bool is_whole = Skip(1) && SkipBlocks();
    const size_t end = is_whole ? at_ : file_.size();
    if (!is_whole) scan_.problem = kEndsTooEarly;
    // No code of 12 bits stands for more than 4096 pixels, and shorter codes
    // stand for fewer by more than they are shorter.
    constexpr uint64_t kMostPixelsOfAByte = 4096 * 8 / 12 + 1;
    if (uint64_t{frame.width} * frame.height >
        (end - frame.data_at) * kMostPixelsOfAByte) {
      scan_.problem = "its data are too few for its pictures";
      return absl::OkStatus();
    }
    scan_.frames.push_back(frame);
    return absl::OkStatus();
  }

  // Checked picture by picture, so that a long list of them is not even made.
  absl::Status Count(const GifFrame& frame) {
    scan_.width = std::max(scan_.width, frame.left + frame.width);
    scan_.height = std::max(scan_.height, frame.top + frame.height);
    return CheckFrames(scan_.frames.size() + 1, scan_.width, scan_.height,
                       limits_);
  }

  void Conclude() {
    scan_.has_alpha = std::any_of(
        scan_.frames.begin(), scan_.frames.end(),
        [](const GifFrame& frame) { return frame.transparent_index >= 0; });
    scan_.sequence.count = static_cast<uint32_t>(scan_.frames.size());
    scan_.sequence.is_animation = scan_.frames.size() > 1 || plays_.has_value();
    if (scan_.sequence.is_animation) {
      scan_.sequence.plays = plays_.value_or(1);
    }
  }

  const std::span<const std::byte> file_;
  const DecodeLimits& limits_;
  size_t at_ = 0;
  size_t palette_at_ = 0;
  uint32_t colors_ = 0;
  Control control_;
  std::optional<uint32_t> plays_;
  GifScan scan_;
};

}  // namespace

absl::StatusOr<GifScan> ScanGif(std::span<const std::byte> file,
                                const DecodeLimits& limits) {
  return Scanner(file, limits).Run();
}

}  // namespace imageadapt
