// Rows of pixels that begin with blue, as BMP and TGA store them.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_BGR_ROWS_H_
#define IMAGEADAPT_CODECS_BGR_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace imageadapt {

template <size_t kFrom, size_t kTo>
void SwapRedAndBlueOf(const uint8_t* from, std::span<uint8_t> to) {
  for (size_t at = 0; at + kTo <= to.size(); at += kTo, from += kFrom) {
    const uint8_t first = from[0];
    to[at] = from[2];
    to[at + 1] = from[1];
    to[at + 2] = first;
    if constexpr (kTo == 4) to[at + 3] = from[3];
  }
}

// Pixels of `from_bytes` bytes become pixels of `to_bytes`, each 3 or 4 and not
// more than before, with red and blue changed over. Both may be the same row.
inline void SwapRedAndBlue(const uint8_t* from, size_t from_bytes,
                           std::span<uint8_t> to, size_t to_bytes) {
  if (from_bytes == 3) {
    SwapRedAndBlueOf<3, 3>(from, to);
  } else if (to_bytes == 3) {
    SwapRedAndBlueOf<4, 3>(from, to);
  } else {
    SwapRedAndBlueOf<4, 4>(from, to);
  }
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_BGR_ROWS_H_
