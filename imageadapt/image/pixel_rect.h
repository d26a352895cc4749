// A part of an image.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_IMAGE_PIXEL_RECT_H_
#define IMAGEADAPT_IMAGE_PIXEL_RECT_H_

#include <cstdint>

#include "imageadapt/image/image_spec.h"
#include "imageadapt/image/orientation.h"

namespace imageadapt {

// Columns x to x + width - 1 of rows y to y + height - 1.
struct PixelRect {
  uint32_t x = 0;
  uint32_t y = 0;
  uint32_t width = 0;
  uint32_t height = 0;

  bool operator==(const PixelRect&) const = default;
};

// Whether `rect` has pixels, and all of them are in an image of `shape`.
constexpr bool IsWithin(const PixelRect& rect, const ImageShape& shape) {
  return rect.width > 0 && rect.height > 0 && rect.x < shape.width &&
         rect.y < shape.height && rect.width <= shape.width - rect.x &&
         rect.height <= shape.height - rect.y;
}

// Where the pixels of `rect` stood in an image of `shape` before `turn` made
// another one of it. Requires IsWithin(rect, turn.Apply(shape)).
constexpr PixelRect BeforeTurn(PixelRect rect, Orientation turn,
                               const ImageShape& shape) {
  ImageShape turned = turn.Apply(shape);
  for (int i = 0; i < turn.quarter_turns; ++i) {
    // A quarter clockwise: the lowest row becomes the first column.
    const PixelRect now = rect;
    rect = {.x = turned.height - now.y - now.height,
            .y = now.x,
            .width = now.height,
            .height = now.width};
    turned = Orientation{.mirrored = false, .quarter_turns = 1}.Apply(turned);
  }
  if (turn.mirrored) rect.x = shape.width - rect.x - rect.width;
  return rect;
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_IMAGE_PIXEL_RECT_H_
