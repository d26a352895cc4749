// An image in memory: pixels, and the duty to free them.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_IMAGE_IMAGE_H_
#define IMAGEADAPT_IMAGE_IMAGE_H_

#include "absl/status/statusor.h"
#include "imageadapt/base/buffer_pool.h"
#include "imageadapt/image/image_spec.h"
#include "imageadapt/image/image_view.h"

namespace imageadapt {

// Move-only. Rows lie one after the other without padding, the first aligned to
// 64 bytes.
class Image {
 public:
  // No pixels.
  Image() = default;

  // Pixels start uninitialized. INVALID_ARGUMENT if a side is zero or the
  // channels are not 1 to 4, RESOURCE_EXHAUSTED if the pixels do not fit in
  // memory.
  static absl::StatusOr<Image> Create(const ImageSpec& spec, BufferPool& pool);

  const ImageSpec& spec() const { return spec_; }

  AnyImageView view();
  AnyConstImageView view() const;

  // Gives up the pixels as bytes, row by row in the machine's byte order.
  Buffer TakeBuffer() { return std::move(pixels_); }

 private:
  Image(const ImageSpec& spec, Buffer pixels)
      : spec_(spec), pixels_(std::move(pixels)) {}

  ImageSpec spec_;
  Buffer pixels_;
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_IMAGE_IMAGE_H_
