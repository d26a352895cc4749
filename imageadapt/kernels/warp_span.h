// Pieces of target rows whose source pixels all exist: what the arithmetic of a
// rotation works on.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_WARP_SPAN_H_
#define IMAGEADAPT_KERNELS_WARP_SPAN_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/warp.h"

namespace imageadapt {

// Positions in the source are whole numbers of 2^-22 pixels, counted from the
// centre of a pixel nearby.
inline constexpr int kWarpBits = 22;
inline constexpr int32_t kWarpPixel = int32_t{1} << kWarpBits;
inline constexpr int32_t kWarpFraction = kWarpPixel - 1;

// Target rows are cut into tiles of so many pixels, wherever bands begin.
inline constexpr uint32_t kWarpTile = 128;

// Where 8-bit samples are interpolated between two, positions are reckoned in
// 2^-10 pixels from every 32nd pixel of a span, so that they fit in 16 bits.
inline constexpr int kCoarseBits = 10;
inline constexpr uint32_t kCoarseGroup = 32;

// How far the pixels of a tile are from its first one, in the source. From a
// table, so that errors do not add up.
struct WarpSteps {
  std::array<int32_t, kWarpTile> x;
  std::array<int32_t, kWarpTile> y;
  // The same for a group.
  alignas(64) std::array<int16_t, kCoarseGroup> coarse_x;
  alignas(64) std::array<int16_t, kCoarseGroup> coarse_y;
};

template <Sample T>
struct WarpSpan {
  // Pixel i of the span is at (x + steps->x[first + i], y + ...), counted from
  // the pixel at `source`. Each pixel that takes part must exist, see
  // WarpReach.
  const T* source = nullptr;
  ptrdiff_t stride = 0;  // of the source, in samples; at most kMostWarpStride
  int32_t x = 0;         // at most kWarpTile pixels, either way
  int32_t y = 0;
  const WarpSteps* steps = nullptr;
  uint32_t first = 0;
  uint32_t count = 0;  // at most kWarpTile
  T* target = nullptr;
  const T* background = nullptr;  // the colour where nothing is visible
};

// In bytes: offsets within a tile fit in 31 bits, and a stride in two numbers
// of 12 and 15 bits.
inline constexpr ptrdiff_t kMostWarpStride = ptrdiff_t{1} << 23;

// The source columns (and rows) that a span reads for a position in [p, p + 1):
// p - before to p + after; in the last row `spill` columns more. One more than
// the formulas say at either end, for rounded positions.
struct WarpReach {
  int before = 0;
  int after = 0;
  int spill = 0;
};

constexpr int TapsOf(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::kNearest:
      return 1;
    case Interpolation::kBilinear:
      return 2;
    case Interpolation::kBicubic:
      return 4;
    case Interpolation::kLanczos3:
      return 6;
  }
  return 0;
}

template <Sample T>
struct WarpKernel {
  void (*run)(const WarpSpan<T>& span) = nullptr;
  int spill = 0;  // see WarpReach
};

// Kernels that are faster than the plain ones; null if there is none.
WarpKernel<uint8_t> ByteKernel(Interpolation interpolation, uint32_t channels);
// For one and three channels.
template <Sample T>
WarpKernel<T> WideKernel(Interpolation interpolation, uint32_t channels);
template <>
WarpKernel<uint16_t> WideKernel(Interpolation interpolation, uint32_t channels);
template <>
WarpKernel<float> WideKernel(Interpolation interpolation, uint32_t channels);
// For four channels.
template <Sample T>
WarpKernel<T> AlphaKernel(Interpolation interpolation);
template <>
WarpKernel<uint8_t> AlphaKernel(Interpolation interpolation);
template <>
WarpKernel<uint16_t> AlphaKernel(Interpolation interpolation);
template <>
WarpKernel<float> AlphaKernel(Interpolation interpolation);
WarpKernel<uint8_t> BilinearAlphaKernel();  // the first one's

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_WARP_SPAN_H_
