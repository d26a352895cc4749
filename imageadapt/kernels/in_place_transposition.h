// Transposing a matrix of pixels in the memory where it stands.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_IN_PLACE_TRANSPOSITION_H_
#define IMAGEADAPT_KERNELS_IN_PLACE_TRANSPOSITION_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace imageadapt {

// Scratch for pixels; the marks of chunks, a bit each, come on top.
inline constexpr size_t kInPlaceScratchBytes = size_t{3} << 19;  // 1.5 MiB

// How a matrix is cut.
struct InPlacePlan {
  enum class Method : uint8_t {
    kLine,         // one row or column: at most reversed
    kWhole,        // turned through scratch
    kSquare,       // tiles change places in fours
    kPanelsFirst,  // `part` rows are turned through scratch, then chunks moved
    kChunksFirst,  // chunks of `part` pixels of a row are moved, then turned
  };

  Method method = Method::kWhole;
  size_t pixel_bytes = 1;
  size_t width = 0;
  size_t height = 0;
  size_t part = 0;  // rows of a panel, or columns; the side of a tile
  size_t rest = 0;  // rows, or columns, that are left over and set aside

  size_t PartBytes() const;   // scratch for a part
  size_t RestBytes() const;   // scratch for the rest
  size_t ChunkBytes() const;  // of the chunks that are moved whole, if any
  size_t Chunks() const;      // how many
  size_t ScratchBytes() const;
};

// The fastest plan whose scratch is at most `max_bytes` and a bit for each
// chunk. There always is one: in the worst case single pixels are moved.
// Requires sides of at least 1, pixels as in TransposePixels(), and at least
// 4 KiB.
InPlacePlan PlanInPlace(size_t width, size_t height, size_t pixel_bytes,
                        size_t max_bytes = kInPlaceScratchBytes);

// Mirrors the source before it is transposed: its columns for a turn
// counter-clockwise, its rows for one clockwise.
enum class InPlaceMirror : uint8_t { kNone, kColumns, kRows };

// Pixel (x, y) of the matrix becomes its pixel (y, x). Rows, at first `stride`
// bytes apart, are packed afterwards. Requires plan.ScratchBytes() of scratch,
// aligned to 64 bytes.
//
// Two passes over memory: panels are turned, each into the place of the one
// before it, and chunks, which are rows of panels, are permuted (in stages as
// by Sung, Gomez-Luna, Gonzalez-Linares, Guil and Hwu, "In-place transposition
// of rectangular matrices on accelerators", 2014). If no good divisor of either
// side exists, some rows or columns are set aside, and panels go by way of
// scratch, so that the gaps for the rest are there when the chunks arrive, or
// still there when they leave. Squares need one pass.
void TransposeInPlace(const InPlacePlan& plan, InPlaceMirror mirror,
                      uint8_t* pixels, size_t stride,
                      std::span<std::byte> scratch);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_IN_PLACE_TRANSPOSITION_H_
