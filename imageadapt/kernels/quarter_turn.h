// Turning and mirroring by moving whole pixels.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_QUARTER_TURN_H_
#define IMAGEADAPT_KERNELS_QUARTER_TURN_H_

#include "imageadapt/image/image_view.h"

namespace imageadapt {

// Turns `source` counter-clockwise by `quarter_turns` (1 to 3). Requires that
// the image of `target` has the turned shape.
template <Sample T>
void QuarterTurn(const ImageView<const T>& source, int quarter_turns,
                 const RowBand<ImageView<T>>& target);

// Mirrors on the main diagonal. Requires that the image of `target` has the
// turned shape.
template <Sample T>
void TransposeImage(const ImageView<const T>& source,
                    const RowBand<ImageView<T>>& target);

// Mirrors left and right. Requires that `source` has the rows of `target`.
template <Sample T>
void MirrorColumns(const RowBand<ImageView<const T>>& source,
                   const RowBand<ImageView<T>>& target);

// Mirrors top and bottom.
template <Sample T>
void MirrorRows(const ImageView<const T>& source,
                const RowBand<ImageView<T>>& target);

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_QUARTER_TURN_H_
