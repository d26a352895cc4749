#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "imageadapt/kernels/border.h"
#include "imageadapt/kernels/pixel_moves.h"
#include "imageadapt/kernels/warp.h"
#include "imageadapt/kernels/warp_border.h"

namespace imageadapt {
namespace {

// Positions one after another, for which others stand that rise by `step`.
struct PositionRun {
  int64_t first = 0;
  int64_t step = 1;  // -1, 0 or 1
  int64_t count = 1;
};

// The longest run from `position` on, of at most `limit`.
PositionRun RunAt(int64_t position, int64_t limit, int64_t length,
                  BorderMode mode) {
  const auto inside = [&](int64_t at) {
    return int64_t{BorderPosition(at, static_cast<uint32_t>(length), mode)};
  };
  PositionRun run = {.first = inside(position)};
  if (limit == 1) return run;
  run.step = inside(position + 1) - run.first;
  run.count = limit;
  if (run.step > 0) run.count = std::min(limit, length - run.first);
  if (run.step < 0) run.count = std::min(limit, run.first + 1);
  if (run.step == 0 && position < 0) run.count = std::min(limit, 1 - position);
  return run;
}

// Fills up with the pixel that stands at `first`, twice as many each time.
void Repeat(uint8_t* first, size_t pixel_bytes, size_t count) {
  const size_t size = count * pixel_bytes;
  for (size_t done = pixel_bytes; done < size; done *= 2) {
    std::memcpy(first + done, first, std::min(done, size - done));
  }
}

template <Sample T>
class CanvasTurn {
 public:
  CanvasTurn(const ImageView<const T>& source, int quarter_turns,
             WarpBorder border,
             const std::array<double, kMaxChannels>& background,
             const RowBand<ImageView<T>>& target)
      : source_(source),
        target_(target),
        is_counter_clockwise_(quarter_turns == 1),
        is_constant_(border == WarpBorder::kConstant),
        mode_(BorderModeOf(border)),
        width_(source.shape().width),
        height_(source.shape().height),
        offset_((height_ - width_) >> 1),
        begin_(std::max<int64_t>(0, -offset_)),
        end_(std::min(width_, height_ - offset_)),
        pixel_bytes_(source.shape().channels * sizeof(T)),
        background_(BackgroundSamples<T>(background, source.shape().channels)) {
  }

  void Run() const {
    const int64_t rows = target_.rows.shape().height;
    const int64_t first = int64_t{target_.first_row} - offset_;
    for (int64_t y = 0; y < rows;) {
      const int64_t turned = first + y;
      if (is_constant_ && (turned < 0 || turned >= width_)) {
        FillWithBackground(Row(y), width_);
        ++y;
        continue;
      }
      const int64_t left = rows - y;
      const int64_t limit =
          is_constant_ ? std::min(left, width_ - turned) : left;
      const PositionRun run = RunAt(turned, limit, width_, mode_);
      TurnRows(y, run);
      for (int64_t i = 0; i < run.count; ++i) FillSides(Row(y + i));
      y += run.count;
    }
  }

 private:
  size_t Bytes(int64_t pixels) const {
    return static_cast<size_t>(pixels) * pixel_bytes_;
  }

  uint8_t* Row(int64_t y) const {
    return reinterpret_cast<uint8_t*>(
        target_.rows.row(static_cast<uint32_t>(y)).data());
  }

  void FillWithBackground(uint8_t* first, int64_t count) const {
    if (count == 0) return;
    std::memcpy(first, background_.data(), pixel_bytes_);
    Repeat(first, pixel_bytes_, static_cast<size_t>(count));
  }

  // Of the rows from `y` on what lies on the turned source; `run` has its rows.
  void TurnRows(int64_t y, const PositionRun& run) const {
    const bool repeats = run.step == 0;
    const int64_t count = repeats ? 1 : run.count;
    const auto source_stride =
        static_cast<ptrdiff_t>(source_.stride() * sizeof(T));
    const auto target_stride =
        static_cast<ptrdiff_t>(target_.rows.stride() * sizeof(T));
    // Columns of the source are rows of the turned one, from the last on if it
    // is turned counter-clockwise.
    const int64_t last = run.first + run.step * (count - 1);
    const int64_t lowest = std::min(run.first, last);
    const int64_t highest = std::max(run.first, last);
    const int64_t column =
        is_counter_clockwise_ ? width_ - 1 - highest : lowest;
    const bool descends = (run.step < 0) != is_counter_clockwise_;
    const int64_t turned_x = begin_ + offset_;
    const int64_t row =
        is_counter_clockwise_ ? turned_x : height_ - 1 - turned_x;
    uint8_t* const target = Row(descends ? y + count - 1 : y) + Bytes(begin_);
    TransposePixels(
        pixel_bytes_,
        {.source = reinterpret_cast<const uint8_t*>(
                       source_.row(static_cast<uint32_t>(row)).data()) +
                   Bytes(column),
         .source_stride =
             is_counter_clockwise_ ? source_stride : -source_stride,
         .source_width = static_cast<size_t>(count),
         .source_height = static_cast<size_t>(end_ - begin_),
         .target = target,
         .target_stride = descends ? -target_stride : target_stride});
    for (int64_t i = 1; repeats && i < run.count; ++i) {
      std::memcpy(Row(y + i) + Bytes(begin_), target, Bytes(end_ - begin_));
    }
  }

  // Of a row what lies beside the turned source, which is all there then.
  void FillSides(uint8_t* row) const {
    if (is_constant_) {
      FillWithBackground(row, begin_);
      FillWithBackground(row + Bytes(end_), width_ - end_);
      return;
    }
    FillFromInside(row, 0, begin_);
    FillFromInside(row, end_, width_);
  }

  void FillFromInside(uint8_t* row, int64_t first, int64_t end) const {
    while (first < end) {
      const PositionRun run =
          RunAt(first + offset_, end - first, height_, mode_);
      const auto count = static_cast<size_t>(run.count);
      uint8_t* const to = row + Bytes(first);
      const uint8_t* const from = row + Bytes(run.first - offset_);
      if (run.step > 0) {
        std::memcpy(to, from, Bytes(run.count));
      } else if (run.step == 0) {
        std::memcpy(to, from, pixel_bytes_);
        Repeat(to, pixel_bytes_, count);
      } else {
        ReversePixels(pixel_bytes_, {.source = from - Bytes(run.count - 1),
                                     .width = count,
                                     .height = 1,
                                     .target = to});
      }
      first += run.count;
    }
  }

  const ImageView<const T>& source_;
  const RowBand<ImageView<T>>& target_;
  const bool is_counter_clockwise_;
  const bool is_constant_;
  const BorderMode mode_;
  const int64_t width_;
  const int64_t height_;
  // The turned image is `height_` wide; half a pixel that is left over goes to
  // the right or the bottom. Its column x + offset_ and row y - offset_ are
  // seen at (x, y).
  const int64_t offset_;
  // Columns of the canvas that lie on the turned source.
  const int64_t begin_;
  const int64_t end_;
  const size_t pixel_bytes_;
  const std::array<T, kMaxChannels> background_;
};

}  // namespace

template <Sample T>
void QuarterTurnOntoSameCanvas(
    const ImageView<const T>& source, int quarter_turns, WarpBorder border,
    const std::array<double, kMaxChannels>& background,
    const RowBand<ImageView<T>>& target) {
  CanvasTurn<T>(source, quarter_turns, border, background, target).Run();
}

#define INSTANTIATE(T)                            \
  template void QuarterTurnOntoSameCanvas(        \
      const ImageView<const T>&, int, WarpBorder, \
      const std::array<double, kMaxChannels>&, const RowBand<ImageView<T>>&)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
INSTANTIATE(float);
#undef INSTANTIATE

}  // namespace imageadapt
