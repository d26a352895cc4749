// How the means of windows of float samples are cut into work.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_KERNELS_BOX_FLOAT_PLAN_H_
#define IMAGEADAPT_KERNELS_BOX_FLOAT_PLAN_H_

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "imageadapt/image/image_view.h"
#include "imageadapt/kernels/box_border.h"
#include "imageadapt/kernels/box_mean.h"

namespace imageadapt {

// Output samples that are worked on at a time: their sums stay in the
// first-level cache.
inline constexpr size_t kFloatTile = 1536;

// What arrays of doubles have beyond their samples.
inline constexpr size_t kFloatPadding = 16;

// How the work is cut. Rows of windows are summed in groups of `group` rows
// that lie at absolute places, so that no sum depends on how bands are cut: a
// window is the end of one group, whole groups, and the beginning of another
// one or two.
struct FloatPlan {
  BoxAxis columns;
  BoxAxis rows;
  uint32_t tile = 0;    // columns of output at a time
  size_t samples = 0;   // of a row of sums, with those beyond the tile
  uint32_t group = 0;   // rows
  uint32_t groups = 0;  // rows.side = groups * group + rest
  uint32_t rest = 0;
};

inline FloatPlan MakeFloatPlan(const ImageShape& shape, uint32_t image_height,
                               const MeanOptions& options) {
  FloatPlan plan;
  plan.columns = MakeBoxAxis(shape.width, options.window.width, options.border);
  plan.rows = MakeBoxAxis(image_height, options.window.height, options.border);
  // Wide windows see much beyond a tile, which is work done twice.
  const auto tile = static_cast<uint32_t>(kFloatTile / shape.channels +
                                          2 * size_t{plan.columns.side});
  plan.tile =
      plan.columns.folds != 0 ? shape.width : std::min(shape.width, tile);
  plan.samples =
      (size_t{plan.tile} + plan.columns.side) * shape.channels + kFloatPadding;
  if (plan.columns.folds != 0) {
    plan.samples = std::max(
        plan.samples, size_t{shape.width} * shape.channels + kFloatPadding);
  }
  // Few rows stay near the processor; with as many groups as rows in one, their
  // sums cost least.
  constexpr uint32_t kFewRows = 17;
  const auto root = static_cast<uint32_t>(std::sqrt(plan.rows.side));
  const uint32_t most = std::max(kFewRows, root);
  plan.groups = (plan.rows.side + most - 1) / most;
  plan.group = plan.rows.side / plan.groups;
  plan.rest = plan.rows.side - plan.groups * plan.group;
  return plan;
}

struct FloatJob {
  const RowBand<ImageView<const float>>* source;
  const RowBand<ImageView<float>>* target;
  const FloatPlan* plan;
  MeanOptions options;
};

// Columns of output, and of what they need.
struct FloatTile {
  uint32_t first = 0;
  uint32_t width = 0;
  Extent seen;  // in the image
};

inline FloatTile MakeFloatTile(const FloatPlan& plan, uint32_t first) {
  const BoxAxis& axis = plan.columns;
  FloatTile tile = {.first = first,
                    .width = std::min(plan.tile, axis.length - first),
                    .seen = {.first = 0, .end = axis.length}};
  if (axis.folds != 0) return tile;
  tile.seen.first =
      static_cast<uint32_t>(std::max<int64_t>(0, axis.start + first));
  tile.seen.end = static_cast<uint32_t>(std::min<int64_t>(
      axis.length, axis.start + first + int64_t{tile.width} + axis.side - 1));
  return tile;
}

// What the sums of a row's windows are multiplied with, where all their samples
// are numbers.
class FloatReciprocals {
 public:
  // `reciprocals` has a row of the plan's samples.
  FloatReciprocals(const FloatJob& job, const FloatTile& tile,
                   double* reciprocals)
      : job_(job), tile_(tile), reciprocals_(reciprocals) {}

  const double* values() const { return reciprocals_; }

  // For row y of the target from now on.
  void SetRow(uint32_t y) {
    const WindowSize& window = job_.options.window;
    const size_t channels = job_.target->rows.shape().channels;
    if (job_.options.border != BorderMode::kClip) {
      if (rows_ != 0) return;
      rows_ = window.height;
      const double count = double{1} * window.width * window.height;
      std::fill_n(reciprocals_, tile_.width * channels, 1 / count);
      return;
    }
    const uint32_t rows = ClippedExtent(job_.target->first_row + y,
                                        window.height, job_.plan->rows.length)
                              .size();
    if (rows == rows_) return;
    rows_ = rows;
    const uint32_t width = job_.plan->columns.length;
    uint32_t columns = 0;
    double reciprocal = 0;
    for (uint32_t x = 0; x < tile_.width; ++x) {
      const uint32_t now =
          ClippedExtent(tile_.first + x, window.width, width).size();
      if (now != columns) {
        columns = now;
        reciprocal = 1 / (double{1} * columns * rows);
      }
      std::fill_n(reciprocals_ + x * channels, channels, reciprocal);
    }
  }

 private:
  const FloatJob& job_;
  const FloatTile tile_;
  double* const reciprocals_;
  uint32_t rows_ = 0;  // that they are for
};

}  // namespace imageadapt

#endif  // IMAGEADAPT_KERNELS_BOX_FLOAT_PLAN_H_
