// The eight ways to lay an image down without resampling it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_IMAGE_ORIENTATION_H_
#define IMAGEADAPT_IMAGE_ORIENTATION_H_

#include <cstdint>
#include <utility>

#include "imageadapt/image/image_spec.h"

namespace imageadapt {

// First mirrors left and right (if `mirrored`), then turns counter-clockwise by
// `quarter_turns` (0 to 3).
struct Orientation {
  bool mirrored = false;
  int quarter_turns = 0;

  bool operator==(const Orientation&) const = default;

  bool is_upright() const { return !mirrored && quarter_turns == 0; }

  // First this, then `next`, as one.
  constexpr Orientation Then(Orientation next) const {
    // Mirroring what was turned by q is turning by -q what was mirrored.
    const int turned = next.mirrored ? 4 - quarter_turns : quarter_turns;
    return {.mirrored = mirrored != next.mirrored,
            .quarter_turns = (turned + next.quarter_turns) % 4};
  }

  constexpr ImageShape Apply(ImageShape shape) const {
    if (quarter_turns % 2 == 1) std::swap(shape.width, shape.height);
    return shape;
  }
};

// What turns an image upright whose EXIF orientation tag is `tag`: upright for
// 1 and for every number that is not 1 to 8.
constexpr Orientation OrientationOfExifTag(uint32_t tag) {
  switch (tag) {
    case 2:
      return {.mirrored = true, .quarter_turns = 0};
    case 3:
      return {.mirrored = false, .quarter_turns = 2};
    case 4:
      return {.mirrored = true, .quarter_turns = 2};
    case 5:  // transposed
      return {.mirrored = true, .quarter_turns = 1};
    case 6:
      return {.mirrored = false, .quarter_turns = 3};
    case 7:  // transposed about the other diagonal
      return {.mirrored = true, .quarter_turns = 3};
    case 8:
      return {.mirrored = false, .quarter_turns = 1};
    default:
      return {};
  }
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_IMAGE_ORIENTATION_H_
