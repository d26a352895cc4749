// Images whose neighbours in memory may not be touched.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_TESTING_GUARDED_IMAGE_H_
#define IMAGEADAPT_TESTING_GUARDED_IMAGE_H_

#include <cstddef>

#include "imageadapt/image/image_view.h"
#include "imageadapt/testing/guarded_rows.h"

namespace imageadapt::testing {

// The pixels, zeroed, end (or begin) where GuardedBytes does; between rows lie
// `padding` samples that nobody may write to, nor read where AddressSanitizer
// looks on.
template <Sample T>
class GuardedImage {
 public:
  GuardedImage(const ImageShape& shape, size_t padding, bool at_end)
      : shape_(shape),
        stride_(RowSamples(shape) + padding),
        rows_({.row_bytes = RowSamples(shape) * sizeof(T),
               .rows = shape.height,
               .stride_bytes = stride_ * sizeof(T),
               .at_end = at_end}) {}

  ImageView<T> view() const {
    return {reinterpret_cast<T*>(rows_.data()), shape_, stride_};
  }
  ImageView<const T> const_view() const { return view(); }

  bool PaddingIsUntouched() const { return rows_.SurroundingsAreUntouched(); }

 private:
  ImageShape shape_;
  size_t stride_;
  GuardedRows rows_;
};

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_TESTING_GUARDED_IMAGE_H_
