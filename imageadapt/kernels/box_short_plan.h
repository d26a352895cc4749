// How the means of windows of 8-bit samples are cut up, and what they need.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BOX_SHORT_PLAN_H_
#define IMAGEADAPT_KERNELS_BOX_SHORT_PLAN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "imageadapt/image/image_spec.h"
#include "imageadapt/kernels/box_mean.h"

namespace imageadapt {

// Bytes of the longest vector.
inline constexpr size_t kShortBlock = 64;

// Samples of a row that are worked on before others: what they need stays in
// the first-level cache.
inline constexpr size_t kShortTile = 3072;

// How many samples further memory is asked for: rows come from the last cache,
// and without this a mean takes up to a fifth more time.
inline constexpr size_t kShortAhead = 3072;

// Sums of columns fit in 16 bits.
inline constexpr uint32_t kTallestShort = 257;

inline constexpr uint32_t kWidestShort = 128;  // differences fit, with a sign
inline constexpr size_t kLongestReach =
    (kWidestShort / 2 * 4 + kShortBlock - 1) / kShortBlock * kShortBlock;

constexpr size_t RoundedUp(size_t n, size_t unit) {
  return (n + unit - 1) / unit * unit;
}
constexpr size_t RoundedDown(size_t n, size_t unit) { return n / unit * unit; }

inline bool ShortSumsFit(const WindowSize& window) {
  const uint64_t count = uint64_t{window.width} * window.height;
  return 255 * count + count / 2 < 65536;
}

// The number of samples in windows, and what goes with it.
struct BoxCount {
  uint32_t count = 1;
  uint32_t half = 0;   // of it, for rounding
  uint32_t whole = 0;  // as often as remainders carry it, to stay positive
};

// A row of numbers, those at even places apart from those at odd ones: bytes
// become so, and bytes again, without shuffles.
struct SplitRow {
  uint16_t* even = nullptr;
  uint16_t* odd = nullptr;

  // Where i, i + 2, i + 4... are.
  uint16_t* At(size_t i) const { return (i % 2 == 0 ? even : odd) + i / 2; }

  // From i on, which is even.
  SplitRow From(size_t i) const { return {even + i / 2, odd + i / 2}; }
};

struct ShortPlan {
  size_t samples = 0;  // of a row
  size_t channels = 0;
  size_t reach = 0;    // samples that a window sees on each side
  size_t halo = 0;     // in arrays, before a row: reach, in whole blocks
  size_t length = 0;   // of arrays for a row and what it sees
  size_t tile = 0;     // of arrays for a tile and what it sees
  size_t clipped = 0;  // samples in blocks with clipped windows, at most
};

inline ShortPlan MakeShortPlan(const ImageShape& shape,
                               const MeanOptions& options) {
  ShortPlan plan;
  plan.samples = RowSamples(shape);
  plan.channels = shape.channels;
  plan.reach = options.window.width / 2 * plan.channels;
  plan.halo = RoundedUp(plan.reach, kShortBlock);
  // Passes along rows read up to two vectors further.
  const size_t samples = RoundedUp(plan.samples, kShortBlock);
  const size_t more = 2 * plan.halo + 4 * kShortBlock;
  plan.length = samples + more;
  plan.tile = std::min(samples, kShortTile) + more;
  if (options.border == BorderMode::kClip) {
    plan.clipped = 2 * plan.halo + 2 * kShortBlock;
  }
  return plan;
}

// Scratch.
struct ShortArrays {
  SplitRow columns;  // sums of columns, or how they changed
  SplitRow wider;    // of several columns, for a tile
  SplitRow remainders;
  uint8_t* means = nullptr;  // quotients
  uint8_t* zeros = nullptr;
  // For the clipped windows, block by block. Of four samples, the first of all
  // come first, then the second ones, and so on.
  uint32_t* sums = nullptr;
  uint32_t* multipliers = nullptr;
  uint32_t* more = nullptr;
  uint32_t* shifts = nullptr;
};

// Sets `arrays` if there is scratch, and returns how many bytes they are.
inline size_t LayOut(const ShortPlan& plan, std::byte* scratch,
                     ShortArrays* arrays) {
  size_t used = 0;
  const auto take = [&]<typename T>(size_t count, T** taken) {
    if (scratch != nullptr) *taken = reinterpret_cast<T*>(scratch + used);
    used += RoundedUp(count * sizeof(T), kShortBlock);
  };
  const auto take_row = [&](size_t count, SplitRow* row) {
    take(count / 2, &row->even);
    take(count / 2, &row->odd);
  };
  take_row(plan.length, &arrays->columns);
  take_row(plan.tile, &arrays->wider);
  take_row(plan.length, &arrays->remainders);
  take(plan.length, &arrays->means);
  take(plan.length, &arrays->zeros);
  for (uint32_t** const array :
       {&arrays->sums, &arrays->multipliers, &arrays->more, &arrays->shifts}) {
    take(plan.clipped, array);
  }
  return used;
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_SHORT_PLAN_H_
