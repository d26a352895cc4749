#include "imageadapt/kernels/box_sliding.h"

#include <algorithm>

#include "imageadapt/kernels/box_border.h"
#include "imageadapt/kernels/box_division.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/box_sliding.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"
#include "imageadapt/kernels/box_divider-inl.h"
#include "imageadapt/kernels/box_sums-inl.h"

#ifndef IMAGEADAPT_KERNELS_BOX_SLIDING_CC_
#define IMAGEADAPT_KERNELS_BOX_SLIDING_CC_
namespace imageadapt {
namespace {

// Samples that are worked on at a time: what they need stays in the first-level
// cache.
constexpr size_t kSlidingTile = 2048;

// What arrays have beyond their samples: vectors reach so far.
constexpr size_t kSlidingPadding = 128;

struct SlidingPlan {
  // Half windows change by less than 2^15 from row to row.
  bool short_steps = false;
  size_t channels = 0;
  uint32_t tile = 0;  // columns; a multiple of any vector
  uint32_t edge = 0;  // columns at the left whose windows are clipped
  size_t row = 0;     // samples, padded
  size_t work = 0;    // samples of a tile and what it sees, padded
};

SlidingPlan MakeSlidingPlan(const ImageSpec& spec, const MeanOptions& options) {
  const WindowSize& window = options.window;
  const ImageShape& shape = spec.shape;
  SlidingPlan plan;
  plan.channels = shape.channels;
  plan.short_steps = spec.sample_type == SampleType::kU8 && window.width > 1 &&
                     255 * (window.width / 2) < 32768;
  const uint32_t radius = window.width / 2;
  plan.edge =
      options.border == BorderMode::kClip ? std::min(radius, shape.width) : 0;
  const size_t tile = std::max(kSlidingTile, window.width * plan.channels);
  plan.tile = static_cast<uint32_t>(tile / plan.channels / 64 * 64);
  plan.row = RowSamples(shape) + kSlidingPadding;
  plan.work =
      (size_t{plan.tile} + 2 * plan.edge + window.width) * plan.channels +
      kSlidingPadding;
  return plan;
}

// Arrays of 32 bits for the windows that are clipped at the left and right.
struct ClippedColumns {
  uint32_t* sums;
  uint32_t* multipliers;
  uint32_t* more;  // half of the count, for rounding, too
  uint32_t* shifts;
};
constexpr size_t kClippedArrays = 4;

size_t ClippedSamples(const SlidingPlan& plan) {
  return 2 * (plan.edge * plan.channels + kSlidingPadding);
}

template <typename T>
struct SlidingJob {
  const RowBand<ImageView<const T>>* source;
  const RowBand<ImageView<T>>* target;
  MeanOptions options;
  SlidingPlan plan;
  uint32_t* sums;  // row
  ClippedColumns clipped;
  uint32_t* columns;  // work
  uint32_t* doubled;  // work
  T* zeros;           // row
};

size_t SlidingWords(const SlidingPlan& plan) {
  return plan.row + kClippedArrays * ClippedSamples(plan) + 2 * plan.work;
}

template <typename T>
SlidingJob<T> MakeSlidingJob(const RowBand<ImageView<const T>>& source,
                             const MeanOptions& options,
                             const RowBand<ImageView<T>>& target,
                             std::span<std::byte> scratch) {
  SlidingJob<T> job = {.source = &source,
                       .target = &target,
                       .options = options,
                       .plan = MakeSlidingPlan(
                           {target.rows.shape(), kSampleTypeOf<T>}, options)};
  auto* words = reinterpret_cast<uint32_t*>(scratch.data());
  const auto take = [&](size_t count) {
    uint32_t* const taken = words;
    words += count;
    return taken;
  };
  job.sums = take(job.plan.row);
  const size_t clipped = ClippedSamples(job.plan);
  job.clipped = {take(clipped), take(clipped), take(clipped), take(clipped)};
  job.columns = take(job.plan.work);
  job.doubled = take(job.plan.work);
  job.zeros = reinterpret_cast<T*>(words);
  return job;
}

}  // namespace
}  // namespace imageadapt
#endif  // IMAGEADAPT_KERNELS_BOX_SLIDING_CC_

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

// The two kinds of states. Each has Step(i, step): the means of a vector at i,
// whose windows' sums grow by `step`.

class Sums32 {
 public:
  Sums32(uint32_t* sums, uint32_t half, const Division32& division)
      : sums_(sums),
        more_(hn::Set(Tag32(), half + division.more)),
        multiplier_(hn::Set(Tag32(), division.multiplier)),
        shift_(division.shift) {}

  HWY_INLINE Vec32 Step(size_t i, Vec32 step) const {
    const Tag32 d;
    const Vec32 sum = hn::Add(hn::LoadU(d, sums_ + i), step);
    hn::StoreU(sum, d, sums_ + i);
    return hn::ShiftRightSame(MulHigh32(hn::Add(sum, more_), multiplier_),
                              shift_);
  }

 private:
  uint32_t* const sums_;
  const Vec32 more_;
  const Vec32 multiplier_;
  const int shift_;
};

// With another count for each column.
class ClippedSums32 {
 public:
  ClippedSums32(const ClippedColumns& columns, size_t first)
      : sums_(columns.sums + first),
        multipliers_(columns.multipliers + first),
        more_(columns.more + first),
        shifts_(columns.shifts + first) {}

  HWY_INLINE Vec32 Step(size_t i, Vec32 step) const {
    const Tag32 d;
    const Vec32 sum = hn::Add(hn::LoadU(d, sums_ + i), step);
    hn::StoreU(sum, d, sums_ + i);
    const Vec32 high = MulHigh32(hn::Add(sum, hn::LoadU(d, more_ + i)),
                                 hn::LoadU(d, multipliers_ + i));
    Vec32 shifts = hn::LoadU(d, shifts_ + i);
#if HWY_TARGET == HWY_SCALAR
    // Behind the last column stands anything, and C++ allows no such shift.
    shifts = hn::And(shifts, hn::Set(d, 31));
#endif
    return hn::Shr(high, shifts);
  }

 private:
  uint32_t* const sums_;
  const uint32_t* const multipliers_;
  const uint32_t* const more_;
  const uint32_t* const shifts_;
};

// Calls store(i, to) for blocks of kBlock samples that cover [0, count), where
// `to` has room for a block.
template <size_t kBlock, typename T, typename Store>
HWY_INLINE void ForBlocks(size_t count, T* target, Store&& store) {
  size_t i = 0;
  for (; i + kBlock <= count; i += kBlock) store(i, target + i);
  if (i == count) return;
  HWY_ALIGN T few[kBlock];
  store(i, few);
  std::copy_n(few, count - i, target + i);
}

// The means of `count` windows that grow by step_at(0), step_at(1) and so on.
template <class State, typename StepAt>
HWY_INLINE void StoreMeans(const State& state, size_t count, uint16_t* target,
                           StepAt&& step_at) {
  constexpr size_t kLanes = hn::MaxLanes(Tag32());
  ForBlocks<2 * kLanes>(count, target, [&](size_t i, uint16_t* to) {
    const Vec32 a = state.Step(i, step_at(i));
    const Vec32 b = state.Step(i + kLanes, step_at(i + kLanes));
    StorePacked(a, b, to);
  });
}
template <class State, typename StepAt>
HWY_INLINE void StoreMeans(const State& state, size_t count, uint8_t* target,
                           StepAt&& step_at) {
  constexpr size_t kLanes = hn::MaxLanes(Tag32());
  ForBlocks<4 * kLanes>(count, target, [&](size_t i, uint8_t* to) {
    const auto at = [&](size_t k) {
      return state.Step(i + k * kLanes, step_at(i + k * kLanes));
    };
    const Vec32 a = at(0);
    const Vec32 b = at(1);
    const Vec32 c = at(2);
    StorePacked(a, b, c, at(3), to);
  });
}

// to[i] = entering[i] - leaving[i].
template <typename Step, typename T>
void Differences(const T* entering, const T* leaving, size_t count, Step* to) {
  const hn::ScalableTag<Step> d;
  const hn::Rebind<T, decltype(d)> from;
  const size_t lanes = hn::Lanes(d);
  const auto store = [&](size_t i) {
    hn::StoreU(hn::Sub(hn::PromoteTo(d, hn::LoadU(from, entering + i)),
                       hn::PromoteTo(d, hn::LoadU(from, leaving + i))),
               d, to + i);
  };
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) store(i);
  if (i == count) return;
  if (count >= lanes) {
    store(count - lanes);
    return;
  }
  for (; i < count; ++i) to[i] = static_cast<Step>(entering[i] - leaving[i]);
}

template <typename T>
void AddTimes(const T* row, uint32_t times, size_t count, uint32_t* sums) {
  for (size_t i = 0; i < count; ++i) sums[i] += times * row[i];
}

// Columns of output at a time.
struct SlidingTile {
  Extent columns;
  Extent seen;  // in the image
};

template <typename T, typename Step, bool kOneColumn>
class Slider {
 public:
  explicit Slider(const SlidingJob<T>& job)
      : job_(job),
        plan_(job.plan),
        width_(job.target->rows.shape().width),
        edge_end_(std::max(plan_.edge, width_ - plan_.edge)) {}

  void Run() {
    const uint32_t height = job_.target->rows.shape().height;
    std::fill_n(job_.zeros, size_t{width_} * plan_.channels, T{0});
    for (uint32_t y = 0; y < height; ++y) {
      const uint32_t row = job_.target->first_row + y;
      SetCount(row);
      const uint32_t radius = job_.options.window.height / 2;
      const T* const entering =
          y == 0 ? job_.zeros : Row(int64_t{row} + radius);
      const T* const leaving =
          y == 0 ? job_.zeros : Row(int64_t{row} - radius - 1);
      ForTiles([&](const SlidingTile& tile) {
        if (y == 0) StartTile(tile);
        StoreTile(tile, entering, leaving, job_.target->rows.row(y).data());
      });
    }
  }

 private:
  bool clips() const { return job_.options.border == BorderMode::kClip; }

  const T* Row(int64_t row) const {
    const T* const found = BorderRow(*job_.source, row, job_.options.border);
    return found == nullptr ? job_.zeros : found;
  }

  // The windows of columns [edge, edge_end_) have all their columns.
  template <typename Work>
  void ForTiles(Work&& work) const {
    const uint32_t radius = job_.options.window.width / 2;
    uint32_t first = 0;
    while (first < width_) {
      uint64_t end = uint64_t{first} + plan_.tile;
      if (first == 0) end += plan_.edge;
      // The windows that are clipped go with others.
      if (end + plan_.edge >= width_) end = width_;
      const SlidingTile tile = {
          .columns = {.first = first, .end = static_cast<uint32_t>(end)},
          .seen = {.first = first - std::min(first, radius),
                   .end = static_cast<uint32_t>(
                       std::min<uint64_t>(end + radius, width_))}};
      work(tile);
      first = tile.columns.end;
    }
  }

  // Fills in the columns that lie beyond the image.
  template <typename L>
  void FillBorder(const SlidingTile& tile, L* columns) const {
    const int64_t radius = job_.options.window.width / 2;
    FillBorderColumns(tile.columns.first - radius, tile.columns.end + radius,
                      width_, plan_.channels, job_.options.border, columns);
  }

  // Where the columns belong that a tile sees.
  template <typename L>
  L* Seen(const SlidingTile& tile, L* columns) const {
    const uint32_t radius = job_.options.window.width / 2;
    return columns + (tile.seen.first + size_t{radius} - tile.columns.first) *
                         plan_.channels;
  }

  template <typename L>
  WindowSums<L> Sums(const SlidingTile& tile, const L* columns) const {
    return {columns, plan_.channels, job_.options.window.width,
            tile.columns.size() * plan_.channels,
            reinterpret_cast<L*>(job_.doubled)};
  }

  void SetCount(uint32_t row) {
    const WindowSize& window = job_.options.window;
    const uint32_t rows =
        clips() ? ClippedExtent(row, window.height, job_.source->image_height)
                      .size()
                : window.height;
    if (rows == rows_) return;
    rows_ = rows;
    const uint32_t count = rows * window.width;
    half_ = HalfOf(count);
    division_ = MakeDivision32(count);
    SetClipped();
  }

  // What is added before a division, for rounding.
  uint32_t HalfOf(uint32_t count) const {
    return job_.options.rounding == MeanRounding::kNearest ? count / 2 : 0;
  }

  // Positions of clipped windows in their arrays.
  size_t Left() const { return 0; }
  size_t Right() const { return plan_.edge * plan_.channels + kSlidingPadding; }

  void SetClipped() const {
    const auto set = [&](size_t at, Extent columns) {
      for (uint32_t x = columns.first; x < columns.end; ++x) {
        const uint32_t count =
            rows_ * ClippedExtent(x, job_.options.window.width, width_).size();
        const Division32 division = MakeDivision32(count);
        for (size_t c = 0; c < plan_.channels; ++c, ++at) {
          job_.clipped.multipliers[at] = division.multiplier;
          job_.clipped.more[at] = division.more + HalfOf(count);
          job_.clipped.shifts[at] = static_cast<uint32_t>(division.shift);
        }
      }
    };
    set(Left(), {.first = 0, .end = plan_.edge});
    set(Right(), {.first = edge_end_, .end = width_});
  }

  // The sums of the band's first windows.
  void StartTile(const SlidingTile& tile) const {
    const int64_t middle = job_.target->first_row;
    const int64_t radius = job_.options.window.height / 2;
    const uint32_t height = job_.source->image_height;
    const size_t count = tile.seen.size() * plan_.channels;
    uint32_t* const seen = Seen(tile, job_.columns);
    std::fill_n(seen, count, 0);
    const Extent rows = ClippedExtent(job_.target->first_row,
                                      job_.options.window.height, height);
    for (uint32_t row = rows.first; row < rows.end; ++row) {
      AddTimes(
          job_.source->rows.row(row - job_.source->first_row).data() +
              tile.seen.first * plan_.channels,
          static_cast<uint32_t>(TimesSeen(row, middle - radius, middle + radius,
                                          height, job_.options.border)),
          count, seen);
    }
    FillBorder(tile, job_.columns);
    const WindowSums<uint32_t> sums = Sums(tile, job_.columns);
    // In the place of columns, which At needs no more from there on.
    const Tag32 d;
    const size_t samples = tile.columns.size() * plan_.channels;
    if (!kOneColumn) {
      for (size_t i = 0; i < samples; i += hn::Lanes(d)) {
        hn::StoreU(sums.At(d, i), d, job_.columns + i);
      }
    }
    size_t i = 0;
    for (uint32_t x = tile.columns.first; x < tile.columns.end; ++x) {
      for (size_t c = 0; c < plan_.channels; ++c, ++i) {
        StartWindow(x, c, job_.columns[i]);
      }
    }
  }

  void StartWindow(uint32_t x, size_t c, uint32_t sum) const {
    const size_t channels = plan_.channels;
    if (x < plan_.edge) {
      job_.clipped.sums[Left() + x * channels + c] = sum;
      return;
    }
    if (x >= edge_end_) {
      job_.clipped.sums[Right() + (x - edge_end_) * channels + c] = sum;
      return;
    }
    job_.sums[(x - plan_.edge) * channels + c] = sum;
  }

  void StoreTile(const SlidingTile& tile, const T* entering, const T* leaving,
                 T* target) const {
    auto* const columns = reinterpret_cast<Step*>(job_.columns);
    const size_t first = tile.seen.first * plan_.channels;
    Differences(entering + first, leaving + first,
                tile.seen.size() * plan_.channels, Seen(tile, columns));
    FillBorder(tile, columns);
    const WindowSums<Step> sums = Sums(tile, columns);
    // Steps in lanes of `d`; from signed lanes of 16 bits, in those of 32.
    const auto step_at = [&]<class D>(D d, size_t i) {
      if constexpr (std::is_same_v<hn::TFromD<D>, int16_t>) {
        return sums.WideAt(d, i);
      } else {
        return kOneColumn ? hn::LoadU(d, columns + i) : sums.At(d, i);
      }
    };
    const size_t channels = plan_.channels;
    const auto part = [&](Extent all, auto&& store) {
      const uint32_t begin = std::max(tile.columns.first, all.first);
      const uint32_t end = std::min(tile.columns.end, all.end);
      if (begin >= end) return;
      const size_t offset = (begin - tile.columns.first) * channels;
      store((begin - all.first) * channels, (end - begin) * channels,
            target + begin * channels,
            [&](auto d, size_t i) { return step_at(d, offset + i); });
    };
    part({.first = plan_.edge, .end = edge_end_},
         [&](size_t at, size_t count, T* to, auto&& steps) {
           StoreWhole(at, count, to, steps);
         });
    if (plan_.edge == 0) return;
    part({.first = 0, .end = plan_.edge},
         [&](size_t at, size_t count, T* to, auto&& steps) {
           StoreClipped(Left() + at, count, to, steps);
         });
    part({.first = edge_end_, .end = width_},
         [&](size_t at, size_t count, T* to, auto&& steps) {
           StoreClipped(Right() + at, count, to, steps);
         });
  }

  template <typename StepAt>
  HWY_INLINE void StoreWhole(size_t at, size_t count, T* target,
                             StepAt&& step_at) const {
    StoreMeans(Sums32(job_.sums + at, half_, division_), count, target,
               [&](size_t i) { return Wide(i, step_at); });
  }

  template <typename StepAt>
  HWY_INLINE void StoreClipped(size_t at, size_t count, T* target,
                               StepAt&& step_at) const {
    StoreMeans(ClippedSums32(job_.clipped, at), count, target,
               [&](size_t i) { return Wide(i, step_at); });
  }

  // Steps of 32 bits.
  template <typename StepAt>
  static HWY_INLINE Vec32 Wide(size_t i, StepAt&& step_at) {
    const Tag32 d;
    if constexpr (sizeof(Step) == 4) {
      return step_at(d, i);
    } else {
      return hn::BitCast(d, step_at(hn::Rebind<int16_t, Tag32>(), i));
    }
  }

  const SlidingJob<T>& job_;
  const SlidingPlan& plan_;
  const uint32_t width_;
  const uint32_t edge_end_;
  uint32_t rows_ = 0;
  uint32_t half_ = 0;
  Division32 division_;
};

void Run8(const SlidingJob<uint8_t>& job) {
  if (job.options.window.width == 1) {
    Slider<uint8_t, uint32_t, true>(job).Run();
  } else if (job.plan.short_steps) {
    Slider<uint8_t, uint16_t, false>(job).Run();
  } else {
    Slider<uint8_t, uint32_t, false>(job).Run();
  }
}

void Run16(const SlidingJob<uint16_t>& job) {
  if (job.options.window.width == 1) {
    Slider<uint16_t, uint32_t, true>(job).Run();
  } else {
    Slider<uint16_t, uint32_t, false>(job).Run();
  }
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Run8);
HWY_EXPORT(Run16);

bool SlidingBoxFits(const ImageSpec& spec, const MeanOptions& options) {
  const WindowSize& window = options.window;
  // So that division of their sums is exact: see MakeDivision32.
  const int bits = static_cast<int>(SampleBytes(spec.sample_type)) * 8;
  return uint64_t{window.width} * window.height < uint64_t{1} << (32 - bits) &&
         (options.border == BorderMode::kClip ||
          window.width / 2 < spec.shape.width);
}

size_t SlidingBoxScratchBytes(const ImageSpec& spec,
                              const MeanOptions& options) {
  return SlidingWords(MakeSlidingPlan(spec, options)) * sizeof(uint32_t) +
         RowBytes(spec);
}

template <typename T>
void MeanOfSlidingBoxes(const RowBand<ImageView<const T>>& source,
                        const MeanOptions& options,
                        const RowBand<ImageView<T>>& target,
                        std::span<std::byte> scratch) {
  const SlidingJob<T> job = MakeSlidingJob(source, options, target, scratch);
  if constexpr (sizeof(T) == 1) {
    HWY_DYNAMIC_DISPATCH(Run8)(job);
  } else {
    HWY_DYNAMIC_DISPATCH(Run16)(job);
  }
}

#define INSTANTIATE(T)                                        \
  template void MeanOfSlidingBoxes(                           \
      const RowBand<ImageView<const T>>&, const MeanOptions&, \
      const RowBand<ImageView<T>>&, std::span<std::byte>)
INSTANTIATE(uint8_t);
INSTANTIATE(uint16_t);
#undef INSTANTIATE

}  // namespace imageadapt
#endif  // HWY_ONCE
