#include "imageadapt/codecs/tiff_pages.h"

#include <array>
#include <unordered_set>

#include "absl/strings/str_cat.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/decode_checks.h"

namespace imageadapt {
namespace {

constexpr char kFormat[] = "TIFF";

// libtiff's time grows with the square of the tags it does not know.
constexpr uint64_t kMaxTags = 1000;

enum Tag : uint16_t {
  kNewSubfileType = 254,
  kImageWidth = 256,
  kImageLength = 257,
  kRowsPerStrip = 278,
  kTileWidth = 322,
  kTileLength = 323,
};

// Bytes of a value of each type; 0 for types that do not exist.
constexpr std::array<uint8_t, 19> kTypeBytes = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4,
                                                8, 4, 8, 4, 0, 0, 8, 8, 8};

class Walk {
 public:
  explicit Walk(std::span<const std::byte> file) : file_(file) {}

  absl::StatusOr<std::vector<TiffPage>> Run(const DecodeLimits& limits) {
    if (file_.size() < 8) {
      return DamagedHeader(kFormat, "it ends too early");
    }
    is_big_endian_ = file_[0] == std::byte{'M'};
    is_big_tiff_ = Get(2, 2) == 43;
    if (is_big_tiff_ && (file_.size() < 16 || Get(4, 2) != 8)) {
      return DamagedHeader(kFormat, "the BigTIFF header is wrong");
    }
    uint64_t offset = is_big_tiff_ ? Get(8, 8) : Get(4, 4);
    std::vector<TiffPage> pages;
    std::unordered_set<uint64_t> passed;
    while (offset != 0 && passed.insert(offset).second) {
      // As many thumbnails as pages.
      if (passed.size() > 2 * uint64_t{limits.max_frames}) {
        return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                       "the TIFF file has more than ",
                       2 * uint64_t{limits.max_frames}, " directories");
      }
      TiffPage page{.offset = offset};
      is_copy_ = false;
      RETURN_IF_ERROR(ReadDirectory(page, offset));
      if (is_copy_ && passed.size() > 1) continue;
      pages.push_back(page);
      RETURN_IF_ERROR(CheckFrames(pages.size(), 1, 1, limits));
    }
    if (pages.empty()) return DamagedHeader(kFormat, "it has no pages");
    return pages;
  }

 private:
  // Requires that the bytes exist.
  uint64_t Get(uint64_t at, unsigned bytes) const {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) {
      const unsigned shift = 8 * (is_big_endian_ ? bytes - 1 - i : i);
      value |= std::to_integer<uint64_t>(file_[at + i]) << shift;
    }
    return value;
  }

  bool Has(uint64_t at, uint64_t bytes) const {
    return at <= file_.size() && bytes <= file_.size() - at;
  }

  // Reads what stands at `offset`, which becomes that of the next directory.
  absl::Status ReadDirectory(TiffPage& page, uint64_t& offset) {
    const unsigned count_bytes = is_big_tiff_ ? 8 : 2;
    const unsigned entry_bytes = is_big_tiff_ ? 20 : 12;
    const unsigned link_bytes = is_big_tiff_ ? 8 : 4;
    if (!Has(offset, count_bytes)) return Outside();
    const uint64_t tags = Get(offset, count_bytes);
    if (tags > kMaxTags) {
      return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                     "a directory of the TIFF file has ", tags,
                     " tags, and the limit is ", kMaxTags);
    }
    const uint64_t first = offset + count_bytes;
    const uint64_t link = first + tags * entry_bytes;
    if (!Has(first, tags * entry_bytes + link_bytes)) return Outside();
    uint64_t value_bytes = 0;
    for (uint64_t at = first; at < link; at += entry_bytes) {
      RETURN_IF_ERROR(ReadEntry(page, at, value_bytes));
    }
    offset = Get(link, link_bytes);
    return absl::OkStatus();
  }

  absl::Status ReadEntry(TiffPage& page, uint64_t at, uint64_t& value_bytes) {
    const uint64_t tag = Get(at, 2);
    const uint64_t type = Get(at + 2, 2);
    const uint64_t count = Get(at + 4, is_big_tiff_ ? 8 : 4);
    const unsigned bytes = type < kTypeBytes.size() ? kTypeBytes[type] : 0;
    if (bytes == 0) return absl::OkStatus();
    // Values that are longer than the file overlap or do not exist; reading
    // them all would take memory without measure.
    if (count > file_.size()) return absl::OkStatus();
    value_bytes += count * bytes;
    if (value_bytes > 2 * file_.size() + 65536) {
      return DamagedHeader(kFormat, "its tags are longer than the file");
    }
    const unsigned room = is_big_tiff_ ? 8 : 4;
    if (count != 1 || bytes > room) return absl::OkStatus();
    Note(page, tag, Get(at + 4 + room, bytes));
    return absl::OkStatus();
  }

  void Note(TiffPage& page, uint64_t tag, uint64_t value) {
    switch (tag) {
      case kNewSubfileType:
        is_copy_ = (value & 5) != 0;
        break;
      case kImageWidth:
        page.width = value;
        break;
      case kImageLength:
        page.height = value;
        break;
      case kRowsPerStrip:
        page.rows_per_strip = value;
        break;
      case kTileWidth:
        page.tile_width = value;
        break;
      case kTileLength:
        page.tile_height = value;
        break;
      default:
        break;
    }
  }

  static absl::Status Outside() {
    return DamagedHeader(kFormat,
                         "it ends before a directory that it refers to");
  }

  const std::span<const std::byte> file_;
  bool is_big_endian_ = false;
  bool is_big_tiff_ = false;
  bool is_copy_ = false;
};

}  // namespace

absl::StatusOr<std::vector<TiffPage>> FindTiffPages(
    std::span<const std::byte> file, const DecodeLimits& limits) {
  return Walk(file).Run(limits);
}

}  // namespace imageadapt
