#include "imageadapt/codecs/webp_scan.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/string_view.h"
#include "imageadapt/base/refusal.h"
#include "imageadapt/base/status_macros.h"
#include "imageadapt/codecs/decode_checks.h"
#include "imageadapt/codecs/vp8l_scan.h"

namespace imageadapt {
namespace {

// ICC, EXIF, XMP, and what programs add of their own.
constexpr uint32_t kMaxOtherChunks = 1000;

// The library's own notes on one, with what malloc adds.
constexpr uint64_t kFrameBytes = 192;
constexpr uint64_t kChunkBytes = 64;

uint32_t Number(std::span<const std::byte> bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value |= static_cast<uint32_t>(bytes[at + i]) << 8 * i;
  }
  return value;
}

struct Chunk {
  absl::string_view name;
  std::span<const std::byte> data;  // that is there
};

// Takes the next chunk off `bytes`; false if there is no whole head.
bool TakeChunk(std::span<const std::byte>& bytes, Chunk& chunk) {
  constexpr size_t kHead = 8;
  if (bytes.size() < kHead) return false;
  chunk.name = {reinterpret_cast<const char*>(bytes.data()), 4};
  const uint64_t size = Number(bytes, 4, 4);
  bytes = bytes.subspan(kHead);
  chunk.data = bytes.first(std::min<uint64_t>(size, bytes.size()));
  bytes = bytes.subspan(std::min<uint64_t>(size + size % 2, bytes.size()));
  return true;
}

// libwebp's encoder makes at most 2600 groups of codes: 54 MB at most.
constexpr uint64_t kMaxTableBytes = uint64_t{64} << 20;
constexpr uint64_t kMaxTableBytesPerPixel = 16;

// Counts the tables of a chunk that is one of a picture, for a canvas or frame
// of this size.
absl::Status AddPicture(const Chunk& chunk, uint32_t width, uint32_t height,
                        const DecodeLimits& limits, WebpScan& scan) {
  uint64_t table_bytes = 0;
  if (chunk.name == "VP8L") {
    // A signature, 14 bits each for width and height, 4 of others.
    constexpr size_t kHead = 5;
    if (chunk.data.size() < kHead) return absl::OkStatus();
    const uint32_t head = Number(chunk.data, 1, 4);
    width = (head & 0x3fff) + 1;
    height = (head >> 14 & 0x3fff) + 1;
    RETURN_IF_ERROR(CheckSize(width, height, limits));
    scan.has_lossless = true;
    table_bytes = Vp8lTableBytes(chunk.data.subspan(kHead), width, height);
  } else if (chunk.name == "ALPH" && !chunk.data.empty() &&
             (static_cast<unsigned>(chunk.data[0]) & 3) == 1) {
    scan.has_lossless_alpha = true;
    table_bytes = Vp8lTableBytes(chunk.data.subspan(1), width, height);
  }
  const uint64_t pixels = uint64_t{width} * height;
  if (table_bytes > std::max(kMaxTableBytes, kMaxTableBytesPerPixel * pixels)) {
    return Refusal(absl::StatusCode::kInvalidArgument, kImageTooLarge,
                   "to decode the image of ", width, " x ", height,
                   " pixels takes ", table_bytes, " bytes of tables");
  }
  scan.table_bytes = std::max(scan.table_bytes, table_bytes);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<WebpScan> ScanWebp(std::span<const std::byte> file,
                                  const DecodeLimits& limits) {
  constexpr size_t kRiffHead = 12;
  WebpScan scan;
  if (file.size() < kRiffHead) return scan;
  std::span<const std::byte> left = file.subspan(kRiffHead);
  uint32_t width = 1;
  uint32_t height = 1;
  uint32_t frames = 0;
  uint32_t others = 0;
  Chunk chunk;
  while (TakeChunk(left, chunk)) {
    scan.list_bytes += kChunkBytes;
    if (chunk.name == "VP8X" && chunk.data.size() >= 10) {
      width = Number(chunk.data, 4, 3) + 1;
      height = Number(chunk.data, 7, 3) + 1;
      RETURN_IF_ERROR(CheckSize(width, height, limits));
    } else if (chunk.name == "ANMF" && chunk.data.size() >= 16) {
      RETURN_IF_ERROR(CheckFrames(++frames, width, height, limits));
      scan.list_bytes += kFrameBytes;
      const uint32_t frame_width = Number(chunk.data, 6, 3) + 1;
      const uint32_t frame_height = Number(chunk.data, 9, 3) + 1;
      std::span<const std::byte> inside = chunk.data.subspan(16);
      // Alpha, and the picture.
      for (int i = 0; i < 2 && TakeChunk(inside, chunk); ++i) {
        RETURN_IF_ERROR(
            AddPicture(chunk, frame_width, frame_height, limits, scan));
      }
    } else if (++others > kMaxOtherChunks) {
      return DamagedHeader("WebP", "it has more chunks than make sense");
    } else if (frames == 0) {
      RETURN_IF_ERROR(AddPicture(chunk, width, height, limits, scan));
    }
  }
  return scan;
}

}  // namespace imageadapt
