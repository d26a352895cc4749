// Where on the circle of hues a pixel's integer hue is counted from.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_HSV_SECTOR_H_
#define IMAGEADAPT_KERNELS_HSV_SECTOR_H_

#include <cstdint>
#include <limits>

namespace imageadapt {

// Integer hues are computed in two steps, which together are exact because
// floor divisions may be nested: with y = |h - base * D|, where base is 0, 2 or
// 4 (the channel that is max),
//
//   m = round(N / 2 * y / D)            never halfway, as D < N
//   hue = (±m + 1 + N / 2 * base) / 3   rounded down
//       = turn ± (m + rest) / 3
//
// where turn and rest depend only on which channel is max, and on the sign of
// the difference. They are looked up by three bits: 1 if G >= B, 2 if R is at
// least the larger of these, 4 if the smaller of R and that is at least the
// smaller of G and B. Whichever of two equal channels is taken, the hue is the
// same.
struct Sector {
  uint32_t thirds = 0;  // of N steps: the hue of R, G or B
  bool negative = false;

  // N / 3 rounded to nearest is N / 3 for one third, and one more for two.
  template <typename T>
  constexpr T turn() const {
    constexpr uint32_t kThird = std::numeric_limits<T>::max() / 3;
    return static_cast<T>(thirds * kThird + (thirds == 2 ? 1 : 0));
  }
  constexpr uint8_t rest() const {
    constexpr uint8_t kRests[] = {1, 2, 0};
    const uint8_t rest = kRests[thirds];
    return static_cast<uint8_t>(negative ? 2 - rest : rest);
  }
};

constexpr Sector SectorOf(uint32_t bits) {
  const bool g_first = (bits & 1) != 0;
  if ((bits & 2) != 0) return {.thirds = 0, .negative = !g_first};
  const bool r_above = (bits & 4) != 0;
  // (B - R) / D, or (R - G) / D.
  return g_first ? Sector{.thirds = 1, .negative = r_above}
                 : Sector{.thirds = 2, .negative = !r_above};
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_HSV_SECTOR_H_
