// The arithmetic of a rotation, pixel by pixel: what every faster form must
// give the same bytes as, for integers.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_WARP_PLAIN_H_
#define IMAGEADAPT_KERNELS_WARP_PLAIN_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "imageadapt/kernels/channels.h"
#include "imageadapt/kernels/warp_border.h"
#include "imageadapt/kernels/warp_span.h"
#include "imageadapt/kernels/warp_weights.h"

namespace imageadapt {

// A position as a whole pixel and a number of phases, of which a pixel has
// 1 << kBits, rounded to the nearest.
struct Phase {
  ptrdiff_t pixel;
  size_t phase;
};
template <int kBits>
constexpr Phase PhaseOf(int32_t position) {
  constexpr int kShift = kWarpBits - kBits;
  const int32_t rounded = (position + (1 << (kShift - 1))) >> kShift;
  return {.pixel = rounded >> kBits,
          .phase = static_cast<size_t>(rounded & ((1 << kBits) - 1))};
}

// Multiplies numbers of 15 fractional bits, rounded.
constexpr int RoundedProduct(int a, int b) { return (a * b + 0x4000) >> 15; }

// For two taps the weights are the fractions themselves.
template <int kTaps>
constexpr Phase IntegerPhase(int32_t position) {
  if constexpr (kTaps == 2) {
    constexpr int kShift = kWarpBits - kWeightBits;
    const int32_t fraction = position & kWarpFraction;
    return {.pixel = position >> kWarpBits,
            .phase = static_cast<size_t>((fraction + (1 << (kShift - 1))) >>
                                         kShift)};
  } else {
    return PhaseOf<kPhaseBits>(position);
  }
}

template <int kTaps>
constexpr std::array<int16_t, kWeightsPerPhase<kTaps>> IntegerWeights(
    size_t phase) {
  if constexpr (kTaps == 2) {
    return {static_cast<int16_t>((1 << kWeightBits) - static_cast<int>(phase)),
            static_cast<int16_t>(phase)};
  } else {
    return kIntegerWeights<kTaps>[phase];
  }
}

// 127 / 128 and less along the row, 15 bits down the column.
template <int kChannels>
void PlainByteBilinear(const uint8_t* source, ptrdiff_t stride, int32_t x,
                       int32_t y, uint8_t* target) {
  const uint8_t* const top =
      source + (y >> kCoarseBits) * stride + (x >> kCoarseBits) * kChannels;
  const int right = (x >> (kCoarseBits - 7)) & 127;
  const int low = (y & ((1 << kCoarseBits) - 1)) << (15 - kCoarseBits);
  for (int c = 0; c < kChannels; ++c) {
    const uint8_t* const p = top + c;
    const int above = p[0] * (127 - right) + p[kChannels] * right;
    const int below = p[stride] * (127 - right) + p[stride + kChannels] * right;
    const int sum = above + RoundedProduct(below - above, low);
    // A division by 127.
    target[c] = static_cast<uint8_t>(RoundedProduct(sum, 258));
  }
}

// Opaque pixels as if there were no alpha. Otherwise colours, from the middle
// of their range, are weighted by alpha along the row exactly, down the column
// to 16 bits.
template <int kChannels>
void PlainByteBilinearWithAlpha(const uint8_t* source, ptrdiff_t stride,
                                int32_t x, int32_t y, const uint8_t* background,
                                uint8_t* target) {
  constexpr int kAlpha = kChannels - 1;
  constexpr int kMiddle = 128;
  constexpr int kMask = (1 << kCoarseBits) - 1;
  const uint8_t* const row =
      source + (y >> kCoarseBits) * stride + (x >> kCoarseBits) * kChannels;
  const uint8_t* const rows[] = {row, row + stride};
  bool is_opaque = true;
  for (const uint8_t* const pixel : rows) {
    is_opaque &= pixel[kAlpha] == 255 && pixel[kChannels + kAlpha] == 255;
  }
  if (is_opaque) {
    PlainByteBilinear<kChannels>(source, stride, x, y, target);
    return;
  }
  const int right =
      ((x & kMask) + (1 << (kCoarseBits - 8))) >> (kCoarseBits - 7);
  const int down[] = {kMask + 1 - (y & kMask), y & kMask};
  int sums[kChannels] = {};
  for (int j = 0; j < 2; ++j) {
    const uint8_t* const pixel = rows[j];
    const int first = (128 - right) * pixel[kAlpha];
    const int second = right * pixel[kChannels + kAlpha];
    for (int c = 0; c < kAlpha; ++c) {
      const int sum = first * (pixel[c] - kMiddle) +
                      second * (pixel[kChannels + c] - kMiddle);
      sums[c] += down[j] * ((sum + 64) >> 7);
    }
    sums[kAlpha] += down[j] * (first + second);
  }
  const auto alpha = static_cast<float>(sums[kAlpha]);
  const float inverse = 128 / alpha;
  for (int c = 0; c < kAlpha; ++c) {
    if (sums[kAlpha] == 0) {
      target[c] = background[c];
      continue;
    }
    const auto color =
        kMiddle + std::lrint(static_cast<float>(sums[c]) * inverse);
    target[c] = static_cast<uint8_t>(std::clamp<long>(color, 0, 255));
  }
  constexpr float kUnit = 1.0F / (1 << (7 + kCoarseBits));
  target[kAlpha] = static_cast<uint8_t>(std::lrint(alpha * kUnit));
}

// Positions are those of PlainByteBilinear, half a phase further.
template <int kTaps, int kChannels>
void PlainBytes(const uint8_t* source, ptrdiff_t stride, int32_t x, int32_t y,
                uint8_t* target) {
  constexpr int kShift = kCoarseBits - kBytePhaseBits;
  constexpr int kPairs = kTaps / 2;
  const auto& row_weights =
      kByteRowWeights<kTaps>[(x >> kShift) & (kBytePhases - 1)];
  const auto& column_weights =
      kByteColumnWeights<kTaps>[(y >> kShift) & (kBytePhases - 1)];
  const uint8_t* const first =
      source + ((y >> kCoarseBits) - (kTaps / 2 - 1)) * stride +
      ((x >> kCoarseBits) - (kTaps / 2 - 1)) * kChannels;
  for (int c = 0; c < kChannels; ++c) {
    // Pairs of columns are summed at once, or last of all.
    int sums[kPairs] = {};
    for (const int j : kByteRowOrder<kTaps>) {
      const uint8_t* const row = first + j * stride + c;
      int pairs[kPairs] = {};
      for (int i = 0; i < kTaps; ++i) {
        pairs[kChannels == 1 ? i / 2 : 0] +=
            row_weights[i] * row[i * kChannels];
      }
      for (int i = 0; i < kPairs; ++i) {
        sums[i] =
            std::clamp(sums[i] + RoundedProduct(pairs[i], column_weights[j]),
                       -32768, 32767);
      }
    }
    int sum = 0;
    for (const int pair : sums) sum += pair;
    target[c] = static_cast<uint8_t>(
        std::clamp(RoundedProduct(sum, kByteFactor<kTaps>), 0, 255));
  }
}

// About the middle of the range, so that samples fit in 16 bits with a sign.
template <int kTaps, int kChannels>
void PlainWords(const uint16_t* source, ptrdiff_t stride, int32_t x, int32_t y,
                uint16_t* target) {
  constexpr int kMiddle = 1 << 15;
  constexpr int kHalf = 1 << (kWeightBits - 1);
  const Phase across = IntegerPhase<kTaps>(x);
  const Phase down = IntegerPhase<kTaps>(y);
  const auto row_weights = IntegerWeights<kTaps>(across.phase);
  const auto column_weights = IntegerWeights<kTaps>(down.phase);
  const uint16_t* const first = source +
                                (down.pixel - (kTaps / 2 - 1)) * stride +
                                (across.pixel - (kTaps / 2 - 1)) * kChannels;
  for (int c = 0; c < kChannels; ++c) {
    int sum = kHalf;
    for (int i = 0; i < kTaps; ++i) {
      int column = kHalf;
      for (int j = 0; j < kTaps; ++j) {
        column += column_weights[j] *
                  (first[j * stride + i * kChannels + c] - kMiddle);
      }
      sum += row_weights[i] * (column >> kWeightBits);
    }
    target[c] = static_cast<uint16_t>(
        std::clamp((sum >> kWeightBits) + kMiddle, 0, 65535));
  }
}

// Sums of 16-bit colour times alpha are cut to what double can hold, so that
// vectors of those give the same.
template <typename T>
inline constexpr int kAlphaRowShift = sizeof(T) == 1 ? 0 : 9;

template <typename T, int kTaps, int kChannels>
void PlainIntegersWithAlpha(const T* source, ptrdiff_t stride, int32_t x,
                            int32_t y, const T* background, T* target) {
  constexpr int kAlpha = kChannels - 1;
  constexpr int kShift = kAlphaRowShift<T>;
  constexpr int64_t kHalf = (int64_t{1} << kShift) >> 1;
  const Phase across = IntegerPhase<kTaps>(x);
  const Phase down = IntegerPhase<kTaps>(y);
  const auto row_weights = IntegerWeights<kTaps>(across.phase);
  const auto column_weights = IntegerWeights<kTaps>(down.phase);
  const T* const first = source + (down.pixel - (kTaps / 2 - 1)) * stride +
                         (across.pixel - (kTaps / 2 - 1)) * kChannels;
  int64_t sums[kChannels] = {};
  for (int j = 0; j < kTaps; ++j) {
    int64_t row[kChannels] = {};
    for (int i = 0; i < kTaps; ++i) {
      const T* const pixel = first + j * stride + i * kChannels;
      const int64_t alpha = int64_t{row_weights[i]} * pixel[kAlpha];
      for (int c = 0; c < kAlpha; ++c) row[c] += alpha * pixel[c];
      row[kAlpha] += alpha;
    }
    for (int c = 0; c < kChannels; ++c) {
      sums[c] += column_weights[j] * ((row[c] + kHalf) >> kShift);
    }
  }
  const auto alpha = static_cast<double>(sums[kAlpha]);
  for (int c = 0; c < kAlpha; ++c) {
    target[c] = sums[kAlpha] <= 0
                    ? background[c]
                    : ToSample<T>(static_cast<double>(sums[c]) / alpha);
  }
  constexpr double kUnit = 1.0 / (int64_t{1} << (2 * kWeightBits - kShift));
  target[kAlpha] = ToSample<T>(alpha * kUnit);
}

template <int kTaps>
std::array<float, kWeightsPerPhase<kTaps>> FloatWeights(int32_t position) {
  const auto fraction = static_cast<float>(position & kWarpFraction) *
                        (1.0F / static_cast<float>(kWarpPixel));
  if constexpr (kTaps == 2) {
    return {1 - fraction, fraction};
  } else if constexpr (kTaps == 4) {
    return CubicWeights(fraction);
  } else {
    constexpr int kShift = kWarpBits - kLanczosPhaseBits;
    const auto phase =
        static_cast<size_t>((position & kWarpFraction) >> kShift);
    const float share = static_cast<float>(position & ((1 << kShift) - 1)) *
                        (1.0F / (1 << kShift));
    std::array<float, kWeightsPerPhase<kTaps>> weights;
    for (size_t i = 0; i < weights.size(); ++i) {
      const float here = kLanczosTable[phase][i];
      weights[i] = here + share * (kLanczosTable[phase + 1][i] - here);
    }
    return weights;
  }
}

template <int kTaps, int kChannels>
void PlainFloats(const float* source, ptrdiff_t stride, int32_t x, int32_t y,
                 const float* background, float* target) {
  constexpr int kColors = HasAlpha(kChannels) ? kChannels - 1 : kChannels;
  const auto row_weights = FloatWeights<kTaps>(x);
  const auto column_weights = FloatWeights<kTaps>(y);
  const float* const first = source +
                             ((y >> kWarpBits) - (kTaps / 2 - 1)) * stride +
                             ((x >> kWarpBits) - (kTaps / 2 - 1)) * kChannels;
  float sums[kChannels] = {};
  for (int j = 0; j < kTaps; ++j) {
    // Not for speed: nothing times infinity is not nothing.
    if (column_weights[j] == 0) continue;
    float row[kChannels] = {};
    for (int i = 0; i < kTaps; ++i) {
      const float* const pixel = first + j * stride + i * kChannels;
      float weight = row_weights[i];
      if (weight == 0) continue;
      if (HasAlpha(kChannels)) {
        weight *= pixel[kChannels - 1];
        row[kChannels - 1] += weight;
        if (weight == 0) continue;
      }
      for (int c = 0; c < kColors; ++c) row[c] += weight * pixel[c];
    }
    for (int c = 0; c < kChannels; ++c) sums[c] += column_weights[j] * row[c];
  }
  for (int c = 0; c < kColors; ++c) {
    if (HasAlpha(kChannels)) {
      target[c] = sums[kChannels - 1] == 0 ? background[c]
                                           : sums[c] / sums[kChannels - 1];
    } else {
      target[c] = sums[c];
    }
  }
  if (HasAlpha(kChannels)) target[kChannels - 1] = sums[kChannels - 1];
}

template <Sample T, int kChannels>
void PlainNearest(const WarpSpan<T>& span) {
  T* to = span.target;
  for (uint32_t i = span.first; i < span.first + span.count; ++i) {
    const int32_t x = span.x + span.steps->x[i];
    const int32_t y = span.y + span.steps->y[i];
    const T* const from = span.source + (y >> kWarpBits) * span.stride +
                          (x >> kWarpBits) * kChannels;
    for (int c = 0; c < kChannels; ++c) to[c] = from[c];
    to += kChannels;
  }
}

// Half a phase, where positions are rounded to the nearest.
template <int kTaps>
inline constexpr int32_t kCoarseRounding =
    kTaps == 2 ? 0 : 1 << (kCoarseBits - kBytePhaseBits - 1);

// Where a group begins.
template <int kTaps>
constexpr int32_t CoarsePosition(int32_t position) {
  return (position >> (kWarpBits - kCoarseBits)) + kCoarseRounding<kTaps>;
}

template <int kTaps, int kChannels>
void PlainByteSpan(const WarpSpan<uint8_t>& span) {
  uint8_t* to = span.target;
  for (uint32_t group = 0; group < span.count; group += kCoarseGroup) {
    const uint32_t at = span.first + group;
    const int32_t x = CoarsePosition<kTaps>(span.x + span.steps->x[at]);
    const int32_t y = CoarsePosition<kTaps>(span.y + span.steps->y[at]);
    const uint32_t count = std::min(span.count - group, kCoarseGroup);
    for (uint32_t i = 0; i < count; ++i, to += kChannels) {
      const int32_t pixel_x = x + span.steps->coarse_x[i];
      const int32_t pixel_y = y + span.steps->coarse_y[i];
      if constexpr (HasAlpha(kChannels)) {
        static_assert(kTaps == 2);
        PlainByteBilinearWithAlpha<kChannels>(span.source, span.stride, pixel_x,
                                              pixel_y, span.background, to);
      } else if constexpr (kTaps == 2) {
        PlainByteBilinear<kChannels>(span.source, span.stride, pixel_x, pixel_y,
                                     to);
      } else {
        PlainBytes<kTaps, kChannels>(span.source, span.stride, pixel_x, pixel_y,
                                     to);
      }
    }
  }
}

template <Sample T, int kTaps, int kChannels>
void PlainPixel(const WarpSpan<T>& span, int32_t x, int32_t y, T* to) {
  if constexpr (std::is_same_v<T, float>) {
    PlainFloats<kTaps, kChannels>(span.source, span.stride, x, y,
                                  span.background, to);
  } else if constexpr (HasAlpha(kChannels)) {
    PlainIntegersWithAlpha<T, kTaps, kChannels>(span.source, span.stride, x, y,
                                                span.background, to);
  } else {
    PlainWords<kTaps, kChannels>(span.source, span.stride, x, y, to);
  }
}

template <Sample T, int kTaps, int kChannels>
void PlainSpan(const WarpSpan<T>& span) {
  if constexpr (kTaps == 1) {
    PlainNearest<T, kChannels>(span);
  } else if constexpr (sizeof(T) == 1 && (kTaps == 2 || !HasAlpha(kChannels))) {
    PlainByteSpan<kTaps, kChannels>(span);
  } else {
    T* to = span.target;
    for (uint32_t i = span.first; i < span.first + span.count; ++i) {
      PlainPixel<T, kTaps, kChannels>(span, span.x + span.steps->x[i],
                                      span.y + span.steps->y[i], to);
      to += kChannels;
    }
  }
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_WARP_PLAIN_H_
