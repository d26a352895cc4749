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

// So that differences fit, with a sign: those of whole windows, of half ones.
inline constexpr uint32_t kWidestShort = 128;
inline constexpr uint32_t kWidestHalves = 2 * kWidestShort;

constexpr size_t RoundedUp(size_t n, size_t unit) {
  return (n + unit - 1) / unit * unit;
}
constexpr size_t RoundedDown(size_t n, size_t unit) { return n / unit * unit; }

// Samples that a window sees on each side, at most, and those of one column.
inline constexpr size_t kLongestReach =
    RoundedUp(kWidestHalves / 2 * 4, kShortBlock);

// What is kept of windows from row to row.
enum class ShortState : uint8_t {
  kSums,        // of columns; those of windows fit in 16 bits, too
  kRemainders,  // and quotients; these change by what fits in 16 bits
  kHalves,      // the same, where only what half a window changes by fits
};

// What remainders of ShortState::kHalves may be more than the count.
inline constexpr uint32_t kHalvesSlack = 32;

inline bool ShortStateFits(const WindowSize& window, ShortState state) {
  const uint64_t count = uint64_t{window.width} * window.height;
  switch (state) {
    case ShortState::kSums:
      return window.width <= kWidestShort && 255 * count + count / 2 < 65536;
    case ShortState::kRemainders:
      // Remainders carry up to 257 columns, change by 255 each, and by as much
      // again while the count changes.
      return window.width <= kWidestShort &&
             513 * window.width + 2 * count < 65536;
    case ShortState::kHalves:
      return window.width <= kWidestHalves && count + kHalvesSlack < 65536;
  }
  return false;
}

inline bool AnyShortStateFits(const WindowSize& window) {
  return window.height <= kTallestShort &&
         (ShortStateFits(window, ShortState::kSums) ||
          ShortStateFits(window, ShortState::kRemainders) ||
          ShortStateFits(window, ShortState::kHalves));
}

// Requires that one of them fits.
inline ShortState ShortStateFor(const WindowSize& window) {
  for (const ShortState state : {ShortState::kSums, ShortState::kRemainders}) {
    if (ShortStateFits(window, state)) return state;
  }
  return ShortState::kHalves;
}

// The number of samples in windows, and what goes with it.
struct BoxCount {
  uint32_t count = 1;
  uint32_t half = 0;   // of it, for rounding
  uint32_t whole = 0;  // as often as remainders carry it, to stay positive
};

// How many counts make up for what sums can shrink by from row to row,
// roundings included.
inline uint32_t WholeCounts(uint32_t width, uint32_t count) {
  return (256 * width + count - 1) / count;
}

// Of windows in two parts, the columns of the first.
inline uint32_t FirstHalf(uint32_t width) { return width / 2; }

// What goes with ShortState::kHalves, besides counts.
struct HalvesDivision {
  uint32_t quarter = 0;     // of what is added to a remainder and a step
  uint32_t multiplier = 0;  // of quarters, to be shifted by 16 and `shift`
  int shift = 0;
  // How the counts of both halves change from row to row.
  uint32_t first_growth = 0;
  uint32_t second_growth = 0;
};

// The quotient is right for four times a number of 16 bits, or 1 too small for
// what is less than 8 above a multiple of the count. Requires counts of more
// than 4.
inline HalvesDivision MakeHalvesDivision(uint32_t width, const BoxCount& was,
                                         const BoxCount& now) {
  HalvesDivision division;
  division.quarter = (now.half + now.whole * now.count - was.half) / 4;
  while ((uint64_t{1} << (19 + division.shift)) / now.count < 65536) {
    ++division.shift;
  }
  division.multiplier =
      static_cast<uint32_t>((uint64_t{1} << (18 + division.shift)) / now.count);
  // One row more, one row less, or none: modulo 2^32.
  const uint32_t rows = now.count / width - was.count / width;
  division.first_growth = rows * FirstHalf(width);
  division.second_growth = rows * (width - FirstHalf(width));
  return division;
}

struct ShortPlan {
  size_t samples = 0;  // of a row
  size_t channels = 0;
  size_t reach = 0;    // samples that a window sees on each side
  size_t halo = 0;     // in arrays, before a row: reach and more, whole blocks
  size_t length = 0;   // of arrays for a row and what it sees
  size_t clipped = 0;  // samples in blocks with clipped windows, at most
};

inline ShortPlan MakeShortPlan(const ImageShape& shape,
                               const MeanOptions& options) {
  ShortPlan plan;
  plan.samples = RowSamples(shape);
  plan.channels = shape.channels;
  plan.reach = options.window.width / 2 * plan.channels;
  // A sum of a window is that up to its end, less that up to the column before.
  plan.halo = RoundedUp(plan.reach + plan.channels, kShortBlock);
  plan.length =
      RoundedUp(plan.samples, kShortBlock) + 2 * plan.halo + 4 * kShortBlock;
  if (options.border == BorderMode::kClip) {
    plan.clipped = 2 * plan.halo + 2 * kShortBlock;
  }
  return plan;
}

// Scratch.
struct ShortArrays {
  uint16_t* columns = nullptr;   // sums of columns
  uint16_t* prefixes = nullptr;  // sums up to each column of these, or of steps
  uint16_t* remainders = nullptr;
  uint8_t* means = nullptr;  // quotients
  uint8_t* zeros = nullptr;
  // For the clipped windows, block by block; in half a block, those at even
  // places come first.
  uint32_t* sums = nullptr;
  double* per_column = nullptr;  // 1 / columns that they see
};

// Sets `arrays` if there is scratch, and returns how many bytes they are.
inline size_t LayOut(const ShortPlan& plan, std::byte* scratch,
                     ShortArrays* arrays) {
  size_t used = 0;
  const auto take = [&]<typename T>(size_t count, T** taken) {
    if (scratch != nullptr) *taken = reinterpret_cast<T*>(scratch + used);
    used += RoundedUp(count * sizeof(T), kShortBlock);
  };
  for (uint16_t** const array :
       {&arrays->columns, &arrays->prefixes, &arrays->remainders}) {
    take(plan.length, array);
  }
  take(plan.length, &arrays->means);
  take(plan.length, &arrays->zeros);
  take(plan.clipped, &arrays->sums);
  take(plan.clipped, &arrays->per_column);
  return used;
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_SHORT_PLAN_H_
