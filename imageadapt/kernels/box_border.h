// Windows of a box filter that reach beyond the edges of an image.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BOX_BORDER_H_
#define IMAGEADAPT_KERNELS_BOX_BORDER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/border.h"
#include "imageadapt/kernels/channels.h"
#include "imageadapt/kernels/window_size.h"

namespace imageadapt {

// How often a window of positions [first, last] sees `position` of an axis of
// this length.
inline uint64_t TimesSeen(uint32_t position, int64_t first, int64_t last,
                          uint32_t length, BorderMode mode) {
  const int64_t end = int64_t{length} - 1;
  if (mode == BorderMode::kReflect101 && end > 0) {
    const int64_t period = 2 * end;
    const auto floor_divided = [&](int64_t a) {
      return a / period - (a % period < 0 ? 1 : 0);
    };
    const auto congruent = [&](int64_t residue) {
      return floor_divided(last - residue) - floor_divided(first - 1 - residue);
    };
    int64_t times = congruent(position);
    if (position != 0 && position != end)
      times += congruent(-int64_t{position});
    return static_cast<uint64_t>(times);
  }
  int64_t times = first <= position && position <= last ? 1 : 0;
  if (mode != BorderMode::kClip) {
    if (position == 0) {
      times += std::max<int64_t>(0, std::min<int64_t>(last, -1) - first + 1);
    }
    if (position == end) {
      times += std::max<int64_t>(0, last - std::max(first, end + 1) + 1);
    }
  }
  return static_cast<uint64_t>(times);
}

// The first sample of the row that stands for `row`, which may be beyond the
// image; null where a clipped window sees nothing.
template <typename T>
const T* BorderRow(const RowBand<ImageView<const T>>& source, int64_t row,
                   BorderMode mode) {
  if (mode == BorderMode::kClip &&
      (row < 0 || row >= int64_t{source.image_height})) {
    return nullptr;
  }
  const uint32_t position =
      mode == BorderMode::kClip
          ? static_cast<uint32_t>(row)
          : BorderPosition(row, source.image_height, mode);
  return source.rows.row(position - source.first_row).data();
}

// Fills the columns of `padded` that lie beyond the image. `padded` holds
// columns [first, end), with those inside [0, width) filled in; at least one of
// them, and all that stand for a column beyond, must be there.
template <int kChannels, typename L>
void FillBorderColumns(int64_t first, int64_t end, uint32_t width,
                       BorderMode mode, L* padded) {
  constexpr size_t kStep = kChannels;
  const auto column = [&](int64_t x) {
    return padded + static_cast<size_t>(x - first) * kStep;
  };
  const auto fill = [&](int64_t from, int64_t to) {
    if (from >= to) return;
    if (mode == BorderMode::kClip) {
      std::fill(column(from), column(to), L{0});
      return;
    }
    const int64_t last = int64_t{width} - 1;
    for (int64_t x = from; x < to; ++x) {
      // Near the edges without the divisions of BorderPosition.
      const int64_t mirrored = x < 0 ? -x : 2 * last - x;
      const bool is_near =
          mode == BorderMode::kReflect101 && mirrored >= 0 && mirrored <= last;
      const L* const seen =
          column(is_near ? mirrored : BorderPosition(x, width, mode));
      L* const to_fill = column(x);
      for (size_t c = 0; c < kStep; ++c) to_fill[c] = seen[c];
    }
  };
  fill(first, std::min<int64_t>(0, end));
  fill(std::max<int64_t>(first, width), end);
}

template <typename L>
void FillBorderColumns(int64_t first, int64_t end, uint32_t width,
                       size_t channels, BorderMode mode, L* padded) {
  if (first >= 0 && end <= width) return;
  WithChannels(static_cast<uint32_t>(channels), [&](auto count) {
    FillBorderColumns<decltype(count)::value>(first, end, width, mode, padded);
  });
}

// One axis of a filter, with a window that is at most about twice as long as
// the image: a longer one sees the whole image `folds` times more.
struct BoxAxis {
  uint32_t length = 0;
  uint32_t side = 1;  // odd
  int64_t start = 0;  // of the window of position 0
  uint64_t folds = 0;
};

// A fold is the first and the last sample for kReplicate, one period for
// kReflect101 (all samples, and all but the outer two once more).
inline BoxAxis MakeBoxAxis(uint32_t length, uint32_t side, BorderMode mode) {
  BoxAxis axis = {.length = length, .side = side, .start = 0, .folds = 0};
  const uint32_t radius = side / 2;
  const uint32_t last = length - 1;
  if (radius > last) {
    if (mode == BorderMode::kReflect101 && last > 0) {
      const uint64_t period = 2 * uint64_t{last};
      axis.folds = side / period;
      axis.side = static_cast<uint32_t>(side % period);
      axis.start = -int64_t{radius};
      return axis;
    }
    axis.side = 2 * last + 1;
    axis.folds = mode == BorderMode::kClip ? 0 : radius - last;
  }
  axis.start = -int64_t{axis.side / 2};
  return axis;
}

// Whether a fold sees `position` once more.
inline bool FoldSeesTwice(uint32_t position, uint32_t length, BorderMode mode) {
  return length == 1 || (mode == BorderMode::kReflect101 && position != 0 &&
                         position != length - 1);
}

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_BORDER_H_
