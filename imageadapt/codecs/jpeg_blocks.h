// JPEG pictures as blocks of coefficients, for moves that lose nothing.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_JPEG_BLOCKS_H_
#define IMAGEADAPT_CODECS_JPEG_BLOCKS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/base/byte_stream.h"
#include "imageadapt/base/parallel.h"
#include "imageadapt/image/orientation.h"
#include "imageadapt/image/pixel_rect.h"

namespace imageadapt {

inline constexpr size_t kJpegSide = 8;
inline constexpr size_t kJpegBlock = kJpegSide * kJpegSide;

// Column and row of each place in a block, in the order of files (ITU T.81,
// figure A.6: along the diagonals from the mean to the finest detail).
struct JpegPlace {
  uint8_t column = 0;
  uint8_t row = 0;
};
using JpegPlaces = std::array<JpegPlace, kJpegBlock>;
constexpr JpegPlaces MakeJpegPlaces() {
  JpegPlaces places = {};
  size_t k = 0;
  for (unsigned diagonal = 0; diagonal < 2 * kJpegSide - 1; ++diagonal) {
    for (unsigned i = 0; i <= diagonal; ++i) {
      const unsigned column = diagonal % 2 == 0 ? i : diagonal - i;
      const unsigned row = diagonal - column;
      if (column >= kJpegSide || row >= kJpegSide) continue;
      places[k++] = {.column = static_cast<uint8_t>(column),
                     .row = static_cast<uint8_t>(row)};
    }
  }
  return places;
}
inline constexpr JpegPlaces kJpegPlaces = MakeJpegPlaces();

// One colour component.
struct JpegPlane {
  uint8_t id = 0;
  // Samples of it in the smallest unit of all planes together.
  uint8_t across = 1;
  uint8_t down = 1;
  uint8_t quantization = 0;  // number of its table
  // Blocks that hold pixels.
  uint32_t columns = 0;
  uint32_t rows = 0;
  // For each block 64 coefficients in the order of files. The first is a
  // signed number. The others are as files have them, so that they need not be
  // made numbers and back: the upper 4 bits say how many of the lower ones are
  // written. Those that are 0 are not there at all.
  Buffer coefficients;
  // For each block which coefficients are not 0, from the lowest bit on. The
  // first does not count.
  Buffer present;

  uint16_t* block(size_t index) const {
    return reinterpret_cast<uint16_t*>(coefficients.data()) +
           index * kJpegBlock;
  }
  uint64_t& mask(size_t index) const {
    return reinterpret_cast<uint64_t*>(present.data())[index];
  }
};

using JpegQuantization = std::array<uint16_t, kJpegBlock>;

struct JpegBlocks {
  uint32_t width = 0;  // of the picture, in pixels
  uint32_t height = 0;
  // Of the finest planes.
  uint32_t across = 1;
  uint32_t down = 1;
  // Planes are red, green and blue; otherwise luma and chroma, or grey.
  bool is_rgb = false;
  // Unit, and pixels a unit from left to right and from top to bottom.
  uint8_t density_unit = 0;
  uint16_t density_x = 1;
  uint16_t density_y = 1;
  std::array<std::optional<JpegQuantization>, 4> quantization;
  std::vector<JpegPlane> planes;
};

// What is taken of a picture, and how it is laid down.
struct JpegMove {
  std::optional<PixelRect> region = std::nullopt;  // nothing: all
  Orientation turn = {};                           // after that
  Parallel* parallel = nullptr;  // null: the calling thread alone
};

enum class JpegBlocksResult : uint8_t {
  kDone,
  // Not of the kind that is read here, or damaged: whoever reads every kind
  // knows which.
  kOtherKind,
  // The move would have to start with a part of a block.
  kInexact,
  kNoMemory,
};

// Reads the coefficients of a file in one piece, and lays them down as `move`
// says. Of the usual kind only: 8 bits, Huffman codes, one scan of one or three
// planes.
JpegBlocksResult ReadJpegBlocks(std::span<const std::byte> file,
                                const JpegMove& move, BufferPool& buffers,
                                JpegBlocks& blocks);

// Writes such a file, with `icc_segments` among its first segments. The codes
// are those that the standard gives as an example. RESOURCE_EXHAUSTED if there
// is no memory; fails otherwise only as the sink does.
absl::Status WriteJpegBlocks(const JpegBlocks& blocks,
                             std::span<const std::byte> icc_segments,
                             Parallel* parallel, BufferPool& buffers,
                             ByteSink& sink);

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_JPEG_BLOCKS_H_
