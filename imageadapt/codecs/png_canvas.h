// The picture that the frames of an APNG draw on.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_PNG_CANVAS_H_
#define IMAGEADAPT_CODECS_PNG_CANVAS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/image/image.h"

namespace imageadapt {

// Where a frame stands, and what it does to what is there.
struct PngFrame {
  enum class Dispose : uint8_t { kKeep, kClear, kRestore };
  enum class Blend : uint8_t { kReplace, kOver };

  uint32_t x = 0;
  uint32_t y = 0;
  uint32_t width = 0;
  uint32_t height = 0;
  Dispose dispose = Dispose::kKeep;  // what happens once it was shown
  Blend blend = Blend::kReplace;
};

class PngCanvas {
 public:
  // Takes memory for the picture, all transparent black (black without alpha).
  absl::Status Create(const ImageSpec& spec);

  // Disposes of the frame before, and makes room for this one. Requires that it
  // lies within the picture.
  absl::Status Begin(const PngFrame& frame);

  // Draws a row of the frame, counted from its top, in the spec's samples.
  void DrawRow(uint32_t row, std::span<const std::byte> pixels);

  AnyConstImageView view() const { return picture_.view(); }

 private:
  void Dispose();

  ImageSpec spec_;
  Image picture_;
  PngFrame frame_;
  // What a frame covered that will be restored; empty if none will.
  Buffer before_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_CODECS_PNG_CANVAS_H_
