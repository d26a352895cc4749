#include "imageadapt/codecs/heif_scan.h"

#include <algorithm>

#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/bmff_boxes.h"
#include "imageadapt/codecs/decode_checks.h"

namespace imageadapt {
namespace {

// A picture in tiles has one for each; phones make about 50.
constexpr uint64_t kMaxItems = 1000;
// Of each list of a "meta" box. Libraries look up every entry among all items.
constexpr uint64_t kMaxListBytes = uint64_t{256} << 10;
// Of tracks: pictures, their alpha, and what libraries leave out, as sound.
constexpr int kMaxTracks = 16;
// libavif finds the time of a frame by adding up all before it, each found by
// going through the list of delays: about 2 seconds for so many steps.
constexpr uint64_t kMaxTimeSteps = 2'000'000'000;
absl::Status HasTooMany(absl::string_view format, absl::string_view what,
                        uint64_t count, uint64_t most) {
  return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge, "the ",
                 format, " file has ", count, " ", what, "; the limit is ",
                 most);
}

class Scanner {
 public:
  Scanner(absl::string_view format, const DecodeLimits& limits)
      : format_(format), limits_(limits) {}

  absl::Status ScanFile(std::span<const std::byte> file) {
    BmffReader boxes(file);
    while (const std::optional<BmffBox> box = boxes.Next()) {
      scan_.ends_early = box->is_cut;
      if (box->type == "meta") RETURN_IF_ERROR(ScanMeta(box->content));
      if (box->type == "moov") RETURN_IF_ERROR(ScanMovie(box->content));
    }
    return absl::OkStatus();
  }

  const HeifScan& scan() const { return scan_; }

 private:
  absl::Status TooMany(absl::string_view what, uint64_t count,
                       uint64_t most) const {
    return HasTooMany(format_, what, count, most);
  }

  absl::Status AddSize(uint64_t width, uint64_t height) {
    RETURN_IF_ERROR(CheckSize(width, height, limits_));
    if (width * height > scan_.largest_pixels) {
      scan_.largest_pixels = width * height;
      scan_.largest_height = static_cast<uint32_t>(height);
    }
    return absl::OkStatus();
  }

  absl::Status ScanMeta(std::span<const std::byte> content) {
    constexpr size_t kVersionAndFlags = 4;
    if (content.size() < kVersionAndFlags) return absl::OkStatus();
    BmffReader boxes(content.subspan(kVersionAndFlags));
    while (const std::optional<BmffBox> box = boxes.Next()) {
      const bool is_list =
          box->type == "iinf" || box->type == "iloc" || box->type == "iref";
      if (is_list && box->content.size() > kMaxListBytes) {
        return TooMany("bytes in a list of items", box->content.size(),
                       kMaxListBytes);
      }
      if (box->type == "iinf") RETURN_IF_ERROR(CountItems(box->content, false));
      if (box->type == "iloc") RETURN_IF_ERROR(CountItems(box->content, true));
      if (box->type == "iprp") RETURN_IF_ERROR(ScanProperties(box->content));
    }
    return absl::OkStatus();
  }

  // The number of entries of an "iinf" or "iloc".
  absl::Status CountItems(std::span<const std::byte> content,
                          bool is_location) {
    BmffFields fields(content);
    const uint64_t version = fields.Number(1);
    fields.Skip(3);
    if (is_location) fields.Skip(2);
    const uint64_t count =
        fields.Number(version < (is_location ? 2u : 1u) ? 2 : 4);
    if (count > kMaxItems) return TooMany("items", count, kMaxItems);
    scan_.items = std::max(scan_.items, static_cast<uint32_t>(count));
    return absl::OkStatus();
  }

  absl::Status ScanProperties(std::span<const std::byte> content) {
    uint64_t count = 0;
    BmffReader boxes(content);
    while (const std::optional<BmffBox> box = boxes.Next()) {
      if (box->type == "ipma" && box->content.size() > kMaxListBytes) {
        return TooMany("bytes in a list of properties", box->content.size(),
                       kMaxListBytes);
      }
      if (box->type != "ipco") continue;
      BmffReader properties(box->content);
      while (const std::optional<BmffBox> property = properties.Next()) {
        if (++count > 4 * kMaxItems) {
          return TooMany("properties", count, 4 * kMaxItems);
        }
        if (property->type != "ispe") continue;
        BmffFields fields(property->content);
        fields.Skip(4);
        const uint64_t width = fields.Number(4);
        RETURN_IF_ERROR(AddSize(width, fields.Number(4)));
      }
    }
    return absl::OkStatus();
  }

  absl::Status ScanMovie(std::span<const std::byte> content) {
    int tracks = 0;
    BmffReader boxes(content);
    while (const std::optional<BmffBox> box = boxes.Next()) {
      if (box->type != "trak") continue;
      if (++tracks > kMaxTracks) return TooMany("tracks", tracks, kMaxTracks);
      RETURN_IF_ERROR(ScanTrack(box->content));
      if (tracks == 1) scan_.plays = PlaysOf(box->content);
    }
    return absl::OkStatus();
  }

  absl::Status ScanTrack(std::span<const std::byte> content) {
    BmffReader boxes(content);
    while (const std::optional<BmffBox> box = boxes.Next()) {
      if (box->type == "tkhd" && !box->is_cut) {
        RETURN_IF_ERROR(ScanTrackHeader(box->content));
      }
      if (box->type == "meta") RETURN_IF_ERROR(ScanMeta(box->content));
      if (box->type == "mdia") RETURN_IF_ERROR(ScanMedia(box->content));
    }
    return absl::OkStatus();
  }

  // Of boxes that should be there once libraries may take all.
  absl::Status ScanMedia(std::span<const std::byte> content) {
    BmffReader boxes(content);
    while (const std::optional<BmffBox> box = boxes.Next()) {
      if (box->type != "minf") continue;
      BmffReader tables(box->content);
      while (const std::optional<BmffBox> table = tables.Next()) {
        if (table->type != "stbl") continue;
        RETURN_IF_ERROR(ScanSamples(table->content));
      }
    }
    return absl::OkStatus();
  }

  // The content of the first box of that type; nothing if there is none.
  static std::span<const std::byte> Inside(std::span<const std::byte> content,
                                           absl::string_view type) {
    BmffReader boxes(content);
    while (const std::optional<BmffBox> box = boxes.Next()) {
      if (box->type == type) return box->content;
    }
    return {};
  }

  absl::Status ScanTrackHeader(std::span<const std::byte> content) {
    constexpr size_t kSizeBytes = 8;  // 16.16 each
    if (content.size() < kSizeBytes) return absl::OkStatus();
    BmffFields fields(content.last(kSizeBytes));
    const uint64_t width = fields.Number(4) >> 16;
    return AddSize(width, fields.Number(4) >> 16);
  }

  absl::Status ScanSamples(std::span<const std::byte> content) {
    uint64_t frames = 0;
    BmffReader boxes(content);
    while (const std::optional<BmffBox> box = boxes.Next()) {
      BmffFields fields(box->content);
      fields.Skip(4);
      if (box->type == "stsz") {
        fields.Skip(4);
        frames += fields.Number(4);
        if (frames > limits_.max_frames) {
          return TooMany("frames", frames, limits_.max_frames);
        }
      } else if (box->type == "stts" || box->type == "stsc" ||
                 box->type == "stco" || box->type == "co64" ||
                 box->type == "stss") {
        const uint64_t count = fields.Number(4);
        if (count > limits_.max_frames) {
          return TooMany("entries in a list of frames", count,
                         limits_.max_frames);
        }
        // Libraries put lists of one kind together.
        if (box->type == "stts") scan_.delays += count;
      }
    }
    return CheckHeifDelays(format_, frames, scan_.delays);
  }

  // As an edit list says that is shown once or again and again, and the length
  // of the whole.
  static uint32_t PlaysOf(std::span<const std::byte> track) {
    const std::span<const std::byte> list =
        Inside(Inside(track, "edts"), "elst");
    if (list.empty()) return 0;
    BmffFields fields(list);
    const uint64_t version = fields.Number(1);
    const bool repeats = (fields.Number(3) & 1) != 0;
    fields.Skip(4);
    const uint64_t once = fields.Number(version == 1 ? 8 : 4);
    if (!repeats) return 1;

    BmffFields header(Inside(track, "tkhd"));
    const uint64_t header_version = header.Number(1);
    const size_t size = header_version == 1 ? 8 : 4;
    header.Skip(3 + 2 * size + 8);
    const uint64_t whole = header.Number(size);
    const uint64_t endless = size == 8 ? UINT64_MAX : UINT32_MAX;
    if (!header.ok() || !fields.ok() || whole == endless || once == 0) return 0;
    const uint64_t plays = whole / once + (whole % once != 0 ? 1 : 0);
    return static_cast<uint32_t>(std::clamp<uint64_t>(plays, 1, UINT32_MAX));
  }

  const absl::string_view format_;
  const DecodeLimits& limits_;
  HeifScan scan_;
};

}  // namespace

absl::Status CheckHeifDelays(absl::string_view format, uint64_t frames,
                             uint64_t delays) {
  const uint64_t most =
      kMaxTimeSteps / std::max<uint64_t>(frames * frames / 4, 1);
  if (delays <= most) return absl::OkStatus();
  return HasTooMany(format, "different delays, too many for its frames", delays,
                    most);
}

absl::StatusOr<HeifScan> ScanHeif(absl::string_view format,
                                  std::span<const std::byte> file,
                                  const DecodeLimits& limits) {
  Scanner scanner(format, limits);
  RETURN_IF_ERROR(scanner.ScanFile(file));
  return scanner.scan();
}

}  // namespace imageadapt
