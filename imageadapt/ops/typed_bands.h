// From bands of any sample type to bands of the one they have.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_OPS_TYPED_BANDS_H_
#define IMAGEADAPT_OPS_TYPED_BANDS_H_

#include "imageadapt/image/image_view.h"

namespace imageadapt {

// Calls work(RowBand<ImageView<const T>>, RowBand<ImageView<T>>). Requires that
// both have the same sample type.
template <typename Work>
void WithTypedBands(const RowBand<AnyConstImageView>& source,
                    const RowBand<AnyImageView>& target, Work&& work) {
  target.rows.Visit([&]<typename T>(ImageView<T> rows) {
    const RowBand<ImageView<const T>> from = {
        .rows = source.rows.As<T>(),
        .first_row = source.first_row,
        .image_height = source.image_height};
    const RowBand<ImageView<T>> to = {.rows = rows,
                                      .first_row = target.first_row,
                                      .image_height = target.image_height};
    work(from, to);
  });
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_OPS_TYPED_BANDS_H_
