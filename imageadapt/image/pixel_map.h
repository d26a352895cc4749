// Where the pixels of an image stood in the image that it was made from.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_IMAGE_PIXEL_MAP_H_
#define IMAGEADAPT_IMAGE_PIXEL_MAP_H_

#include "imageadapt/image/image_spec.h"
#include "imageadapt/image/orientation.h"

namespace imageadapt {

// The centre of pixel (x, y) stood at (xx * x + xy * y + x0,
// yx * x + yy * y + y0), both counted from the centre of the first pixel.
struct PixelMap {
  double xx = 1;
  double xy = 0;
  double x0 = 0;
  double yx = 0;
  double yy = 1;
  double y0 = 0;

  bool operator==(const PixelMap&) const = default;

  // Of an image that was made from this one's by `next`.
  constexpr PixelMap Then(const PixelMap& next) const {
    return {.xx = xx * next.xx + xy * next.yx,
            .xy = xx * next.xy + xy * next.yy,
            .x0 = xx * next.x0 + xy * next.y0 + x0,
            .yx = yx * next.xx + yy * next.yx,
            .yy = yx * next.xy + yy * next.yy,
            .y0 = yx * next.x0 + yy * next.y0 + y0};
  }
};

// Of what `turn` makes of an image of `shape`.
constexpr PixelMap PixelMapOf(Orientation turn, ImageShape shape) {
  PixelMap map;
  if (turn.mirrored) {
    map.xx = -1;
    map.x0 = shape.width - 1.0;
  }
  for (int i = 0; i < turn.quarter_turns; ++i) {
    map = map.Then({.xx = 0,
                    .xy = -1,
                    .x0 = shape.width - 1.0,
                    .yx = 1,
                    .yy = 0,
                    .y0 = 0});
    shape = Orientation{.mirrored = false, .quarter_turns = 1}.Apply(shape);
  }
  return map;
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_IMAGE_PIXEL_MAP_H_
