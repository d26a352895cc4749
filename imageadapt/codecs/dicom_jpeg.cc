#include "imageadapt/codecs/dicom_jpeg.h"

#include <algorithm>
#include <array>

#include "imageadapt/codecs/byte_order.h"

namespace imageadapt {
namespace {

// A library's tables and buffers of some rows.
constexpr uint64_t kLibraryBytes = uint64_t{1} << 20;

constexpr uint8_t kStartOfImage = 0xd8;
constexpr uint8_t kEndOfImage = 0xd9;
constexpr uint8_t kStartOfScan = 0xda;

bool StandsAlone(uint8_t marker) {
  return marker == 0x01 || (marker >= 0xd0 && marker <= kEndOfImage);
}

// All frame headers but those for JPEG-LS (0xf7): Huffman and arithmetic.
bool IsFrameHeader(uint8_t marker) {
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
         marker != 0xcc;
}

bool ReadFrameHeader(std::span<const uint8_t> segment, JpegMarkers& markers) {
  if (segment.size() < 6) return false;
  markers.precision = segment[0];
  markers.height = LoadBig16(&segment[1]);
  markers.width = LoadBig16(&segment[3]);
  markers.components = segment[5];
  if (markers.precision < 2 || markers.precision > 16 || markers.width == 0 ||
      markers.height == 0 ||
      (markers.components != 1 && markers.components != 3) ||
      segment.size() < 6 + 3 * size_t{markers.components}) {
    return false;
  }
  uint32_t most_across = 1;
  uint32_t most_down = 1;
  std::array<uint32_t, 3> across = {};
  std::array<uint32_t, 3> down = {};
  for (size_t c = 0; c < markers.components; ++c) {
    const uint8_t sampling = segment[6 + 3 * c + 1];
    across[c] = sampling >> 4;
    down[c] = sampling & 15;
    if (across[c] < 1 || across[c] > 4 || down[c] < 1 || down[c] > 4) {
      return false;
    }
    most_across = std::max(most_across, across[c]);
    most_down = std::max(most_down, down[c]);
  }
  const auto units = [](uint64_t length, uint32_t unit) {
    return (length + unit - 1) / unit;
  };
  const uint64_t blocks = units(markers.width, 8 * most_across) *
                          units(markers.height, 8 * most_down);
  markers.padded_samples = 0;
  for (size_t c = 0; c < markers.components; ++c) {
    markers.padded_samples += blocks * across[c] * down[c] * 64;
  }
  return true;
}

void ReadApplicationSegment(uint8_t marker, std::span<const uint8_t> segment,
                            JpegMarkers& markers) {
  const auto begins = [&](std::span<const uint8_t> name) {
    return segment.size() >= name.size() &&
           std::equal(name.begin(), name.end(), segment.begin());
  };
  constexpr std::array<uint8_t, 4> kJfif = {'J', 'F', 'I', 'F'};
  constexpr std::array<uint8_t, 5> kAdobe = {'A', 'd', 'o', 'b', 'e'};
  if (marker == 0xe0 && begins(kJfif)) markers.has_jfif = true;
  if (marker == 0xee && begins(kAdobe) && segment.size() >= 12) {
    markers.adobe_transform = segment[11];
  }
}

}  // namespace

bool ReadJpegMarkers(std::span<const std::byte> frame, JpegMarkers& markers) {
  const std::span bytes(reinterpret_cast<const uint8_t*>(frame.data()),
                        frame.size());
  markers = {};
  bool has_frame = false;
  size_t at = 0;
  if (bytes.size() < 4 || bytes[0] != 0xff || bytes[1] != kStartOfImage) {
    return false;
  }
  while (true) {
    // Coded data, whose bytes are never followed by a marker's.
    while (at + 1 < bytes.size() &&
           (bytes[at] != 0xff || bytes[at + 1] == 0 || bytes[at + 1] == 0xff)) {
      ++at;
    }
    if (at + 1 >= bytes.size()) break;
    const uint8_t marker = bytes[at + 1];
    at += 2;
    if (marker == kEndOfImage) break;
    // In JPEG-LS a bit, not a byte, is stuffed: less than 0x80 is no marker.
    if (StandsAlone(marker) || marker < 0x80) continue;
    if (bytes.size() - at < 2) return false;
    const size_t length = LoadBig16(&bytes[at]);
    if (length < 2 || length > bytes.size() - at) return false;
    const auto segment = bytes.subspan(at + 2, length - 2);
    at += length;
    if (IsFrameHeader(marker) || marker == 0xf7) {
      if (has_frame || !ReadFrameHeader(segment, markers)) return false;
      has_frame = true;
      markers.is_lossless = marker == 0xc3 || marker == 0xf7;
      markers.is_jpeg_ls = marker == 0xf7;
    } else if (marker == kStartOfScan) {
      ++markers.scans;
    } else {
      ReadApplicationSegment(marker, segment, markers);
    }
  }
  return has_frame && markers.scans > 0;
}

uint64_t DicomJpegBytes(const JpegMarkers& markers) {
  // Of several scans all coefficients are held, or the differences of lossless
  // ones, in four bytes; of any, some rows of blocks.
  const uint64_t rows = uint64_t{markers.width} * markers.components * 256;
  return kLibraryBytes + 4 * markers.padded_samples + rows;
}

const char* DecodeDicomJpeg(std::span<const std::byte> frame,
                            const JpegMarkers& markers,
                            std::span<std::byte> target) {
#if IMAGEADAPT_HAS_DICOM
  if (markers.precision <= 8) return DecodeDicomJpeg8(frame, markers, target);
  if (markers.precision <= 12) return DecodeDicomJpeg12(frame, markers, target);
  return DecodeDicomJpeg16(frame, markers, target);
#else
  static_cast<void>(frame);
  static_cast<void>(markers);
  static_cast<void>(target);
  return "this build has no library for it";
#endif
}

}  // namespace imageadapt
