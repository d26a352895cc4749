// What a JPEG 2000 file says before its samples: the boxes of JP2, and the
// headers of the codestream.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_JP2_BOXES_H_
#define IMAGEADAPT_CODECS_JP2_BOXES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "absl/status/statusor.h"

namespace imageadapt {

inline constexpr char kJp2Format[] = "JPEG 2000";

// One component of the codestream.
struct Jp2Component {
  uint32_t bits = 8;
  bool is_signed = false;
  // Steps of the reference grid from sample to sample.
  uint32_t dx = 1;
  uint32_t dy = 1;
};

// A box "pclr": entries of so many columns each.
struct Jp2Palette {
  std::vector<uint32_t> column_bits;
  // Row by row.
  std::vector<uint16_t> entries;
};

// One channel of the picture: a component, or what a palette makes of it.
struct Jp2Channel {
  uint32_t component = 0;
  bool is_mapped = false;
  uint32_t column = 0;
};

// An entry of a box "cdef".
struct Jp2Definition {
  uint16_t channel = 0;
  uint16_t type = 0;
  uint16_t of = 0;
};

// What EnumCS of a box "colr" can be.
inline constexpr uint32_t kJp2Srgb = 16;
inline constexpr uint32_t kJp2Grey = 17;
inline constexpr uint32_t kJp2Sycc = 18;

struct Jp2Header {
  // The codestream, from its first byte to the end of the file or box.
  size_t codestream_at = 0;
  size_t codestream_bytes = 0;

  // The reference grid: the picture [x0, x1) x [y0, y1), cut into tiles.
  uint32_t x0 = 0;
  uint32_t y0 = 0;
  uint32_t x1 = 0;
  uint32_t y1 = 0;
  uint32_t tile_x0 = 0;
  uint32_t tile_y0 = 0;
  uint32_t tile_width = 0;
  uint32_t tile_height = 0;
  std::vector<Jp2Component> components;

  // Of all parts of the file, what takes the most memory.
  uint32_t layers = 1;
  uint32_t levels = 0;
  uint32_t block_width_bits = 10;
  uint32_t block_height_bits = 10;
  std::array<uint8_t, 33> precinct_width_bits;
  std::array<uint8_t, 33> precinct_height_bits;

  bool has_boxes = false;
  uint32_t color_space = 0;                // EnumCS; 0 if there is none
  std::span<const std::byte> icc_profile;  // in the file
  Jp2Palette palette;
  std::vector<Jp2Channel> map;  // "cmap"
  std::vector<Jp2Definition> definitions;

  uint64_t tiles_across() const {
    return (uint64_t{x1} - tile_x0 + tile_width - 1) / tile_width;
  }
  uint64_t tiles_down() const {
    return (uint64_t{y1} - tile_y0 + tile_height - 1) / tile_height;
  }
};

// Reads all of it from a JP2 file or a plain codestream. `file` is lent.
// INVALID_ARGUMENT (IMAGE_DAMAGED) if it makes no sense.
absl::StatusOr<Jp2Header> ParseJp2(std::span<const std::byte> file);

// Memory of a decoder's lists for one tile, and of all tiles' headers.
uint64_t Jp2ListBytes(const Jp2Header& header);

bool IsJp2(std::span<const std::byte> head);
bool IsJp2Codestream(std::span<const std::byte> head);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_JP2_BOXES_H_
