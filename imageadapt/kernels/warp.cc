#include "imageadapt/kernels/warp.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "imageadapt/kernels/border.h"
#include "imageadapt/kernels/channels.h"
#include "imageadapt/kernels/warp_border.h"
#include "imageadapt/kernels/warp_plain.h"
#include "imageadapt/kernels/warp_span.h"

namespace imageadapt {
namespace {

// A position of any size, in units of WarpSpan.
using FixedPoint = int64_t;

constexpr FixedPoint PixelsToFixed(int64_t pixels) {
  return pixels * kWarpPixel;
}

// To the nearest.
FixedPoint ToFixed(double pixels) {
  // std::floor is a call where the compiler may not use SSE4.
  const double shifted = pixels * kWarpPixel + 0.5;
  const auto cut = static_cast<FixedPoint>(shifted);
  return cut - (static_cast<double>(cut) > shifted ? 1 : 0);
}

WarpSteps MakeSteps(const Rotation& rotation) {
  WarpSteps steps = {};
  const auto fill = [](double step, auto& fine, auto& coarse) {
    for (size_t i = 0; i < fine.size(); ++i) {
      fine[i] = static_cast<int32_t>(ToFixed(step * static_cast<double>(i)));
    }
    constexpr double kUnits = 1 << kCoarseBits;
    for (size_t i = 0; i < coarse.size(); ++i) {
      coarse[i] = static_cast<int16_t>(
          std::floor(step * static_cast<double>(i) * kUnits + 0.5));
    }
  };
  fill(rotation.cosine, steps.x, steps.coarse_x);
  fill(rotation.sine, steps.y, steps.coarse_y);
  return steps;
}

// Pixels [first, end) of a tile.
struct Range {
  uint32_t first;
  uint32_t end;
};

Range Intersection(Range a, Range b) {
  const uint32_t first = std::max(a.first, b.first);
  return {.first = first, .end = std::max(first, std::min(a.end, b.end))};
}

// Those of the first `count` pixels whose position is in [low, high).
Range WhereBetween(FixedPoint start,
                   const std::array<int32_t, kWarpTile>& steps, uint32_t count,
                   FixedPoint low, FixedPoint high) {
  const auto is_inside = [&](uint32_t i) {
    return start + steps[i] >= low && start + steps[i] < high;
  };
  if (is_inside(0) && is_inside(count - 1)) return {.first = 0, .end = count};
  const auto begin = steps.begin();
  const auto end = begin + count;
  const bool grows = steps[count - 1] >= steps[0];
  // The first pixel that is past `bound` in the direction of the steps.
  const auto past = [&](FixedPoint bound) {
    const auto* const found = std::partition_point(begin, end, [&](int32_t s) {
      return grows ? start + s < bound : start + s >= bound;
    });
    return static_cast<uint32_t>(found - begin);
  };
  const uint32_t first = past(grows ? low : high);
  return {.first = first, .end = std::max(first, past(grows ? high : low))};
}

template <Sample T, int kChannels>
WarpKernel<T> PlainKernel(Interpolation interpolation) {
  switch (interpolation) {
    case Interpolation::kNearest:
      return {.run = PlainSpan<T, 1, kChannels>};
    case Interpolation::kBilinear:
      return {.run = PlainSpan<T, 2, kChannels>};
    case Interpolation::kBicubic:
      return {.run = PlainSpan<T, 4, kChannels>};
    case Interpolation::kLanczos3:
      return {.run = PlainSpan<T, 6, kChannels>};
  }
  return {};
}

template <Sample T, int kChannels>
WarpKernel<T> BestKernel(Interpolation interpolation) {
  WarpKernel<T> kernel;
  if constexpr (kChannels == 4) {
    kernel = AlphaKernel<T>(interpolation);
  } else if constexpr (std::is_same_v<T, uint8_t>) {
    kernel = ByteKernel(interpolation, kChannels);
  } else {
    kernel = WideKernel<T>(interpolation, kChannels);
  }
  return kernel.run != nullptr ? kernel
                               : PlainKernel<T, kChannels>(interpolation);
}

WarpReach ReachOf(Interpolation interpolation, int spill) {
  const int taps = TapsOf(interpolation);
  if (taps == 1) return {.before = 0, .after = 0, .spill = spill};
  return {.before = taps / 2, .after = taps / 2 + 1, .spill = spill};
}

// Blocks of target pixels are kWarpTile wide and so high: neighbouring rows
// read the same part of the source, which stays in the first-level cache
// meanwhile.
constexpr uint32_t kBlockRows = 32;

struct Point {
  FixedPoint x;
  FixedPoint y;
};

// Fetches the source of a block into the cache, row by row, while another block
// is worked on: the processor does not guess where the next one's short pieces
// of rows begin.
template <Sample T>
class SourceFetch {
 public:
  // To be fetched in `steps` steps, the block whose first pixel is at `corner`.
  SourceFetch(const ImageView<const T>& source, const Rotation& rotation,
              const Point& corner, uint32_t steps)
      : source_(source),
        cosine_(static_cast<float>(rotation.cosine)),
        sine_(static_cast<float>(rotation.sine)),
        per_cosine_(Inverse(cosine_)),
        per_sine_(Inverse(sine_)),
        left_(corner.x >> kWarpBits),
        top_(corner.y >> kWarpBits) {
    // Of the corners, from the first one.
    const float across = kWarpTile * sine_;
    const float down = kBlockRows * cosine_;
    const auto low =
        static_cast<int64_t>(std::min(across, 0.F) + std::min(down, 0.F)) -
        kMargin;
    const auto high =
        static_cast<int64_t>(std::max(across, 0.F) + std::max(down, 0.F)) +
        kMargin;
    const int64_t height = source.shape().height;
    row_ = std::clamp<int64_t>(top_ + low, 0, height);
    end_ = std::clamp<int64_t>(top_ + high + 1, 0, height);
    rows_per_step_ = (end_ - row_ + steps - 1) / steps;
  }

  void Go() {
    const int64_t end = std::min(end_, row_ + rows_per_step_);
    for (; row_ < end; ++row_) FetchRow();
  }

 private:
  static constexpr int64_t kMargin = 3;  // about what kernels reach

  // Of a side that is nearly parallel to the rows, anything large.
  static float Inverse(float slope) {
    constexpr float kMost = 1e3F;
    return std::clamp(1 / (slope == 0 ? 1 / kMost : slope), -kMost, kMost);
  }

  // The columns of the turned block at this height: between two parallels to
  // either of its sides. Inlined by force, because GCC removes calls of
  // functions that only prefetch, as if they did nothing.
  [[gnu::always_inline]] void FetchRow() const {
    const auto dy = static_cast<float>(row_ - top_);
    const float right_a = -dy * sine_ * per_cosine_;
    const float right_b = (kWarpTile - dy * sine_) * per_cosine_;
    const float down_a = dy * cosine_ * per_sine_;
    const float down_b = (dy * cosine_ - kBlockRows) * per_sine_;
    const float low =
        std::max(std::min(right_a, right_b), std::min(down_a, down_b));
    const float high =
        std::min(std::max(right_a, right_b), std::max(down_a, down_b));
    const int64_t width = source_.shape().width;
    const int64_t first = std::clamp<int64_t>(
        left_ + static_cast<int64_t>(low) - kMargin, 0, width);
    const int64_t end = std::clamp<int64_t>(
        left_ + static_cast<int64_t>(high) + kMargin, first, width);
    const size_t channels = source_.shape().channels;
    const T* const row = source_.row(static_cast<uint32_t>(row_)).data();
    constexpr size_t kLine = 64 / sizeof(T);
    for (size_t i = first * channels; i < end * channels; i += kLine) {
      __builtin_prefetch(row + i);
    }
  }

  const ImageView<const T>& source_;
  const float cosine_;
  const float sine_;
  const float per_cosine_;
  const float per_sine_;
  const int64_t left_;
  const int64_t top_;
  int64_t row_ = 0;
  int64_t end_ = 0;
  int64_t rows_per_step_ = 0;
};

template <Sample T, int kChannels>
class Rotator {
 public:
  Rotator(const ImageView<const T>& source, const Rotation& rotation,
          const ImageShape& canvas)
      : source_(source),
        rotation_(rotation),
        canvas_(canvas),
        steps_(MakeSteps(rotation)),
        kernel_(BestKernel<T, kChannels>(rotation.interpolation)),
        reach_(ReachOf(rotation.interpolation, kernel_.spill)),
        background_(BackgroundSamples<T>(rotation.background, kChannels)) {
    for (size_t i = 0; i < background_row_.size(); ++i) {
      background_row_[i] = background_[i % kChannels];
    }
  }

  void Run(const RowBand<ImageView<T>>& target) const {
    const uint32_t height = target.rows.shape().height;
    for (uint32_t block = 0; block < height; block += kBlockRows) {
      const uint32_t end = std::min(height, block + kBlockRows);
      for (uint64_t x = 0; x < canvas_.width; x += kWarpTile) {
        const auto left = static_cast<uint32_t>(x);
        // The next block is fetched meanwhile.
        const bool is_last = canvas_.width - x <= kWarpTile;
        SourceFetch fetch(
            source_, rotation_,
            is_last ? PointOf(0, target.first_row + end)
                    : PointOf(left + kWarpTile, target.first_row + block),
            end - block);
        for (uint32_t y = block; y < end; ++y) {
          fetch.Go();
          RunTile(left, target.first_row + y,
                  target.rows.row(y).data() + x * kChannels);
        }
      }
    }
  }

 private:
  // Longer edges are cut: what they read must fit in a patch, which it does at
  // 45 degrees with 31 sqrt(1/2) + 9 pixels on either side.
  static constexpr uint32_t kEdgePixels = 32;
  static constexpr size_t kPatchPixels = 1024;

  // Where target pixel (x, y) is in the source, from its first pixel's centre.
  Point PointOf(uint32_t x, uint32_t y) const {
    const double u = x + 0.5 - canvas_.width / 2.0;
    const double v = y + 0.5 - canvas_.height / 2.0;
    // The nearest centre is found by rounding down from half a pixel further.
    const double centre =
        rotation_.interpolation == Interpolation::kNearest ? 0 : 0.5;
    const ImageShape& shape = source_.shape();
    return {.x = ToFixed(rotation_.cosine * u - rotation_.sine * v +
                         shape.width / 2.0 - centre),
            .y = ToFixed(rotation_.sine * u + rotation_.cosine * v +
                         shape.height / 2.0 - centre)};
  }

  // The pixels whose positions are at least `before` and less than `after`
  // pixels from the first and the last column and row.
  Range WhereInside(const Point& start, uint32_t count, int before_x,
                    int after_x, int before_y, int after_y) const {
    const ImageShape& shape = source_.shape();
    return Intersection(
        WhereBetween(start.x, steps_.x, count, PixelsToFixed(before_x),
                     PixelsToFixed(int64_t{shape.width} - after_x)),
        WhereBetween(start.y, steps_.y, count, PixelsToFixed(before_y),
                     PixelsToFixed(int64_t{shape.height} - after_y)));
  }

  void RunTile(uint32_t x, uint32_t y, T* to) const {
    const uint32_t count = std::min(kWarpTile, canvas_.width - x);
    const Point start = PointOf(x, y);
    Range inside = {.first = 0, .end = 0};
    if (std::cmp_less_equal(source_.stride() * sizeof(T), kMostWarpStride)) {
      inside =
          WhereInside(start, count, reach_.before, reach_.after + reach_.spill,
                      reach_.before, reach_.after);
    }
    Range touching = {.first = 0, .end = count};
    if (inside.first == 0 && inside.end == count) {
      RunInside(start, inside, to);
      return;
    }
    if (rotation_.border == WarpBorder::kConstant) {
      touching = WhereInside(start, count, -reach_.after, -reach_.before,
                             -reach_.after, -reach_.before);
      FillWithBackground(0, touching.first, to);
      FillWithBackground(touching.end, count, to);
    }
    if (inside.first == inside.end) inside.first = inside.end = touching.first;
    RunEdge(start, {.first = touching.first, .end = inside.first}, to);
    if (inside.first < inside.end) RunInside(start, inside, to);
    RunEdge(start, {.first = inside.end, .end = touching.end}, to);
  }

  void FillWithBackground(uint32_t first, uint32_t end, T* to) const {
    std::copy_n(background_row_.data(), (end - first) * kChannels,
                to + first * kChannels);
  }

  void RunInside(const Point& start, Range pixels, T* to) const {
    RunKernel(start, pixels, {.x = 0, .y = 0}, source_.row(0).data(),
              static_cast<ptrdiff_t>(source_.stride()), to);
  }

  // `from` is the source's pixel at `origin`, in pixels.
  void RunKernel(const Point& start, Range pixels, const Point& origin,
                 const T* from, ptrdiff_t stride, T* to) const {
    // Counted from where the first pixel is.
    const FixedPoint row = (start.y + steps_.y[pixels.first]) >> kWarpBits;
    const FixedPoint column = (start.x + steps_.x[pixels.first]) >> kWarpBits;
    kernel_.run({.source = from + ((row - origin.y) * stride +
                                   (column - origin.x) * kChannels),
                 .stride = stride,
                 .x = static_cast<int32_t>(start.x - PixelsToFixed(column)),
                 .y = static_cast<int32_t>(start.y - PixelsToFixed(row)),
                 .steps = &steps_,
                 .first = pixels.first,
                 .count = pixels.end - pixels.first,
                 .target = to + size_t{pixels.first} * kChannels,
                 .background = background_.data()});
  }

  void RunEdge(const Point& start, Range pixels, T* to) const {
    for (uint32_t first = pixels.first; first < pixels.end;
         first += kEdgePixels) {
      RunOnPatch(
          start,
          {.first = first, .end = std::min(first + kEdgePixels, pixels.end)},
          to);
    }
  }

  // Copies what the pixels read, border and all, and works on the copy.
  void RunOnPatch(const Point& start, Range pixels, T* to) const {
    // Spilled reads need memory, but not its contents.
    T patch[(kPatchPixels + 32) * kChannels];
    const auto range = [&](FixedPoint from,
                           const std::array<int32_t, kWarpTile>& steps) {
      const auto [low, high] =
          std::minmax(steps[pixels.first], steps[pixels.end - 1]);
      return std::pair(((from + low) >> kWarpBits) - reach_.before,
                       ((from + high) >> kWarpBits) + reach_.after + 1);
    };
    const auto [left, right] = range(start.x, steps_.x);
    const auto [top, bottom] = range(start.y, steps_.y);
    const auto width = static_cast<size_t>(right - left);
    T* row = patch;
    for (int64_t y = top; y < bottom; ++y) {
      FillPatchRow(left, width, y, row);
      row += width * kChannels;
    }
    RunKernel(start, pixels, {.x = left, .y = top}, patch,
              static_cast<ptrdiff_t>(width * kChannels), to);
  }

  // Columns [left, left + width) of row y.
  void FillPatchRow(int64_t left, size_t width, int64_t y, T* to) const {
    const ImageShape& shape = source_.shape();
    const bool is_constant = rotation_.border == WarpBorder::kConstant;
    const auto count = static_cast<int64_t>(width);
    if (is_constant && (y < 0 || y >= shape.height)) {
      FillWithBackground(0, static_cast<uint32_t>(width), to);
      return;
    }
    const BorderMode mode = BorderModeOf(rotation_.border);
    const T* const from =
        source_.row(BorderPosition(y, shape.height, mode)).data();
    // Of the row, before, inside and after the source.
    const int64_t begin = std::clamp<int64_t>(-left, 0, count);
    const int64_t end = std::clamp<int64_t>(shape.width - left, begin, count);
    const auto fill = [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const T* const pixel =
            is_constant
                ? background_.data()
                : from + size_t{BorderPosition(left + i, shape.width, mode)} *
                             kChannels;
        std::copy_n(pixel, kChannels, to + i * kChannels);
      }
    };
    fill(0, begin);
    std::copy_n(from + (left + begin) * kChannels, (end - begin) * kChannels,
                to + begin * kChannels);
    fill(end, count);
  }

  const ImageView<const T>& source_;
  const Rotation& rotation_;
  const ImageShape canvas_;
  const WarpSteps steps_;
  const WarpKernel<T> kernel_;
  const WarpReach reach_;
  const std::array<T, kMaxChannels> background_;
  std::array<T, size_t{kWarpTile} * kChannels> background_row_;
};

}  // namespace

template <Sample T>
void Rotate(const ImageView<const T>& source, const Rotation& rotation,
            const ImageShape& canvas, const RowBand<ImageView<T>>& target) {
  WithChannels(source.shape().channels, [&](auto channels) {
    Rotator<T, decltype(channels)::value>(source, rotation, canvas).Run(target);
  });
}

#define INSTANTIATE(T)                                             \
  template void Rotate(const ImageView<const T>&, const Rotation&, \
                       const ImageShape&, const RowBand<ImageView<T>>&)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
