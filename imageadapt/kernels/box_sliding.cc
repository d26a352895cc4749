#include "imageadapt/kernels/box_sliding.h"

#include <algorithm>

#include "imageadapt/kernels/box_border.h"
#include "imageadapt/kernels/box_division.h"
#include "imageadapt/kernels/channels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/box_sliding.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"
#include "imageadapt/kernels/box_divider-inl.h"
#include "imageadapt/kernels/box_scan-inl.h"

#ifndef IMAGEADAPT_KERNELS_BOX_SLIDING_CC_
#define IMAGEADAPT_KERNELS_BOX_SLIDING_CC_
namespace imageadapt {
namespace {

// Samples of the longest block.
constexpr size_t kSlidingBlock = 64;

// Samples that are worked on at a time: what they need stays in the first-level
// cache.
constexpr size_t kSlidingTile = 2048;

// How many bytes further memory is asked for.
constexpr size_t kSlidingAhead = 3072;

constexpr size_t InBlocks(size_t n) {
  return (n + kSlidingBlock - 1) / kSlidingBlock * kSlidingBlock;
}

struct SlidingPlan {
  size_t samples = 0;  // of a row
  size_t channels = 0;
  size_t reach = 0;    // samples that a window sees on each side
  size_t halo = 0;     // in `prefixes`, before a row: reach and more, in blocks
  size_t length = 0;   // of `prefixes`
  size_t clipped = 0;  // samples in blocks with clipped windows, at most
};

SlidingPlan MakeSlidingPlan(const ImageShape& shape,
                            const MeanOptions& options) {
  SlidingPlan plan;
  plan.samples = RowSamples(shape);
  plan.channels = shape.channels;
  plan.reach = options.window.width / 2 * plan.channels;
  // A sum of a window is that up to its end, less that up to the column before.
  plan.halo = InBlocks(plan.reach + plan.channels);
  plan.length = InBlocks(plan.samples) + 2 * plan.halo + 2 * kSlidingBlock;
  if (options.border == BorderMode::kClip) {
    plan.clipped = 2 * plan.halo + 2 * kSlidingBlock;
  }
  return plan;
}

template <typename T>
struct SlidingJob {
  const RowBand<ImageView<const T>>* source;
  const RowBand<ImageView<T>>* target;
  MeanOptions options;
  SlidingPlan plan;
  uint32_t* prefixes;  // sums up to each column, of what rows have more
  uint32_t* sums;      // of windows
  double* per_column;  // 1 / columns that clipped windows see
  T* zeros;            // a row
};

// Sets the arrays of `job` if there is scratch, and returns how many bytes they
// are.
template <typename T>
size_t LayOut(const SlidingPlan& plan, std::byte* scratch, SlidingJob<T>* job) {
  size_t used = 0;
  const auto take = [&]<typename L>(size_t count, L** taken) {
    if (scratch != nullptr) *taken = reinterpret_cast<L*>(scratch + used);
    used += InBlocks(count * sizeof(L));
  };
  take(plan.length, &job->prefixes);
  take(InBlocks(plan.samples), &job->sums);
  take(plan.clipped, &job->per_column);
  take(InBlocks(plan.samples), &job->zeros);
  return used;
}

}  // namespace
}  // namespace imageadapt
#endif  // IMAGEADAPT_KERNELS_BOX_SLIDING_CC_

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

constexpr size_t kLanes = hn::MaxLanes(Tag32());
constexpr size_t kBlock = 4 * kLanes;

// Division of the sums at i, of windows that all have the same count.
class WholeWindows {
 public:
  WholeWindows(uint32_t half, const Division32& division)
      : more_(hn::Set(Tag32(), half + division.more)),
        multiplier_(hn::Set(Tag32(), division.multiplier)),
        shift_(division.shift) {}

  HWY_INLINE Vec32 Divided(size_t /*i*/, Vec32 sum) const {
    return hn::ShiftRightSame(MulHigh32(hn::Add(sum, more_), multiplier_),
                              shift_);
  }

 private:
  const Vec32 more_;
  const Vec32 multiplier_;
  const int shift_;
};

// With another count for each column.
class ClippedWindows {
 public:
  // `per_column` is that of the windows at `begin`.
  ClippedWindows(const double* per_column, size_t begin, uint32_t rows,
                 double half)
      : begin_(begin), per_column_(per_column), divider_(rows, half) {}

  HWY_INLINE Vec32 Divided(size_t i, Vec32 sum) const {
    return divider_.Divide(sum, per_column_ + (i - begin_));
  }

 private:
  const size_t begin_;
  const double* const per_column_;
  const ColumnDivider<true> divider_;
};

HWY_INLINE void StoreBlock(Vec32 a, Vec32 b, Vec32 c, Vec32 d, uint16_t* to) {
  StorePacked(a, b, to);
  StorePacked(c, d, to + 2 * kLanes);
}
HWY_INLINE void StoreBlock(Vec32 a, Vec32 b, Vec32 c, Vec32 d, uint8_t* to) {
  StorePacked(a, b, c, d, to);
}

// If kThree, windows are 3 columns wide, and these are added as they are:
// faster than running sums for one channel.
template <typename T, size_t kChannels, bool kThree>
class Slider {
 public:
  explicit Slider(const SlidingJob<T>& job)
      : job_(job),
        plan_(job.plan),
        width_(job.target->rows.shape().width),
        end_(RoundedUp(plan_.samples)),
        own_end_(plan_.halo + plan_.samples / kBlock * kBlock),
        right_begin_(end_) {
    std::fill_n(job_.zeros, plan_.samples, T{0});
    std::fill_n(job_.prefixes, plan_.length, 0);
    if (!clips()) return;
    left_end_ = std::min(RoundedUp(plan_.reach), end_);
    const size_t seen = std::min(plan_.samples, plan_.reach);
    right_begin_ =
        std::max(left_end_, (plan_.samples - seen) / kBlock * kBlock);
    SetClipped(0, left_end_);
    SetClipped(right_begin_, end_);
  }

  void Run() {
    const uint32_t height = job_.target->rows.shape().height;
    const uint32_t radius = job_.options.window.height / 2;
    Start();
    for (uint32_t y = 0; y < height; ++y) {
      const uint32_t row = job_.target->first_row + y;
      SetCount(row);
      Rows rows = {.more = job_.zeros, .less = job_.zeros};
      if (y > 0) {
        rows = {.more = Row(int64_t{row} + radius),
                .less = Row(int64_t{row} - radius - 1)};
      }
      running_sums_.Clear();
      size_t seen = 0;
      for (size_t begin = 0; begin < plan_.samples; begin += kSlidingTile) {
        const size_t end = std::min(plan_.samples, begin + kSlidingTile);
        Update(rows, seen, Seen(end));
        seen = Seen(end);
        StoreTile(begin, end, job_.target->rows.row(y).data());
      }
    }
  }

 private:
  // What windows are to have more, and what less.
  struct Rows {
    const T* more;
    const T* less;
  };

  static size_t RoundedUp(size_t n) {
    return (n + kBlock - 1) / kBlock * kBlock;
  }

  bool clips() const { return job_.options.border == BorderMode::kClip; }

  const T* Row(int64_t row) const {
    const T* const found = BorderRow(*job_.source, row, job_.options.border);
    return found == nullptr ? job_.zeros : found;
  }

  // Where the columns end in `prefixes` that windows before `end` see: in whole
  // blocks, or all at once what is not the image's own.
  size_t Seen(size_t end) const {
    const size_t seen = RoundedUp(plan_.halo + end + plan_.reach);
    if (end < plan_.samples && seen <= own_end_) return seen;
    return plan_.halo + plan_.samples + plan_.reach;
  }

  // Updates [begin, end) of `prefixes`.
  void Update(const Rows& rows, size_t begin, size_t end) {
    const auto difference = [&](size_t i) {
      return static_cast<uint32_t>(rows.more[i]) - rows.less[i];
    };
    if (begin < plan_.halo) {
      begin = plan_.halo;
      if (!clips()) {
        FillLeft(difference);
        SumInPlace(0, plan_.halo);
      }
    }
    UpdateBlocks(rows, begin, std::min(end, own_end_));
    if (begin > own_end_ || end <= own_end_) return;
    const size_t own = own_end_ - plan_.halo;
    for (size_t i = own; i < plan_.samples; ++i) {
      job_.prefixes[plan_.halo + i] = difference(i);
    }
    FillRight(difference);
    SumInPlace(own_end_, end);
  }

  // What stands for columns beyond the edges; at most one reflection.
  template <typename At>
  void FillLeft(At&& at) const {
    const bool reflects = job_.options.border == BorderMode::kReflect101;
    uint32_t* const to = job_.prefixes + plan_.halo - plan_.reach;
    const size_t radius = plan_.reach / kChannels;
    for (size_t x = 0; x < radius; ++x) {
      const size_t seen = reflects ? radius - x : 0;
      for (size_t c = 0; c < kChannels; ++c) {
        to[x * kChannels + c] = at(seen * kChannels + c);
      }
    }
  }
  template <typename At>
  void FillRight(At&& at) const {
    const bool reflects = job_.options.border == BorderMode::kReflect101;
    uint32_t* const to = job_.prefixes + plan_.halo + plan_.samples;
    if (clips()) {
      std::fill_n(to, plan_.reach, 0);
      return;
    }
    const size_t radius = plan_.reach / kChannels;
    for (size_t x = 0; x < radius; ++x) {
      const size_t seen = width_ - 1 - (reflects ? x + 1 : 0);
      for (size_t c = 0; c < kChannels; ++c) {
        to[x * kChannels + c] = at(seen * kChannels + c);
      }
    }
  }

  void UpdateBlocks(const Rows& rows, size_t begin, size_t end) {
    const Tag32 d;
    const hn::Rebind<T, Tag32> narrow;
    // NOLINTNEXTLINE(misc-const-correctness): changes unless kThree.
    RunningSums<uint32_t, kChannels> sums = running_sums_;
    for (size_t i = begin; i < end; i += kBlock) {
      const T* const more = rows.more + (i - plan_.halo);
      const T* const less = rows.less + (i - plan_.halo);
      __builtin_prefetch(more + kSlidingAhead / sizeof(T));
      if constexpr (sizeof(T) == 2) {
        __builtin_prefetch(more + (kSlidingAhead + 64) / sizeof(T));
      }
      for (size_t k = 0; k < kBlock; k += 2 * kLanes) {
        const auto difference = [&](size_t at) HWY_ATTR {
          return hn::Sub(hn::PromoteTo(d, hn::LoadU(narrow, more + at)),
                         hn::PromoteTo(d, hn::LoadU(narrow, less + at)));
        };
        // NOLINTNEXTLINE(misc-const-correctness): changes unless kThree.
        Vec32 first = difference(k);
        // NOLINTNEXTLINE(misc-const-correctness): changes unless kThree.
        Vec32 second = difference(k + kLanes);
        if constexpr (!kThree) sums.Next(&first, &second);
        hn::Store(first, d, job_.prefixes + i + k);
        hn::Store(second, d, job_.prefixes + i + k + kLanes);
      }
    }
    running_sums_ = sums;
  }

  void SumInPlace(size_t begin, size_t end) {
    if constexpr (kThree) return;
    const Tag32 d;
    RunningSums<uint32_t, kChannels> sums = running_sums_;
    for (size_t i = begin; i < end; i += 2 * kLanes) {
      Vec32 first = hn::Load(d, job_.prefixes + i);
      Vec32 second = hn::Load(d, job_.prefixes + i + kLanes);
      sums.Next(&first, &second);
      hn::Store(first, d, job_.prefixes + i);
      hn::Store(second, d, job_.prefixes + i + kLanes);
    }
    running_sums_ = sums;
  }

  // The sums of the band's first windows.
  void Start() {
    const int64_t middle = job_.target->first_row;
    const int64_t radius = job_.options.window.height / 2;
    const uint32_t height = job_.source->image_height;
    uint32_t* const columns = job_.prefixes + plan_.halo;
    const Extent rows = ClippedExtent(job_.target->first_row,
                                      job_.options.window.height, height);
    for (uint32_t row = rows.first; row < rows.end; ++row) {
      const T* const samples =
          job_.source->rows.row(row - job_.source->first_row).data();
      const auto times = static_cast<uint32_t>(TimesSeen(
          row, middle - radius, middle + radius, height, job_.options.border));
      for (size_t i = 0; i < plan_.samples; ++i) {
        columns[i] += times * samples[i];
      }
    }
    const auto column = [&](size_t i) { return columns[i]; };
    if (!clips()) FillLeft(column);
    FillRight(column);
    running_sums_.Clear();
    SumInPlace(0, plan_.halo + plan_.samples + plan_.reach);
    const hn::CappedTag<uint32_t, 1> one;
    for (size_t i = 0; i < plan_.samples; ++i) {
      job_.sums[i] = hn::GetLane(StepAt(one, i));
    }
    if (clips()) std::fill_n(job_.prefixes, plan_.halo, 0);
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
    half_ = Rounds() ? count / 2 : 0;
    division_ = MakeDivision32(count);
  }

  bool Rounds() const {
    return job_.options.rounding == MeanRounding::kNearest;
  }

  void SetClipped(size_t begin, size_t end) const {
    for (size_t i = begin; i < end; ++i) {
      const size_t x = std::min(i, plan_.samples - 1) / kChannels;
      const uint32_t columns = ClippedExtent(static_cast<uint32_t>(x),
                                             job_.options.window.width, width_)
                                   .size();
      job_.per_column[ClippedPlace(i)] = 1.0 / columns;
    }
  }

  // Where `per_column` has that of sample i.
  size_t ClippedPlace(size_t i) const {
    return i < left_end_ ? i : i - right_begin_ + left_end_;
  }

  void StoreTile(size_t begin, size_t end, T* target) const {
    StoreMeans(WholeWindows(half_, division_), std::max(begin, left_end_),
               std::min(end, right_begin_), target);
    const double half = Rounds() ? 0.5 : 0;
    StoreMeans(ClippedWindows(job_.per_column, 0, rows_, half), begin,
               std::min(end, left_end_), target);
    StoreMeans(
        ClippedWindows(job_.per_column + left_end_, right_begin_, rows_, half),
        std::max(begin, right_begin_), end, target);
  }

  template <class Windows>
  HWY_INLINE void StoreMeans(const Windows& windows, size_t begin, size_t end,
                             T* target) const {
    size_t i = begin;
    for (; i + kBlock <= end; i += kBlock) {
      __builtin_prefetch(target + kSlidingAhead / sizeof(T) + i, 1);
      StoreMeansAt(windows, i, target + i);
    }
    if (i >= end) return;
    HWY_ALIGN T few[kBlock];
    StoreMeansAt(windows, i, few);
    std::copy_n(few, end - i, target + i);
  }

  template <class Windows>
  HWY_INLINE void StoreMeansAt(const Windows& windows, size_t i, T* to) const {
    StoreBlock(MeanAt(windows, i), MeanAt(windows, i + kLanes),
               MeanAt(windows, i + 2 * kLanes), MeanAt(windows, i + 3 * kLanes),
               to);
  }

  // Sums over the columns of windows, of what `prefixes` are made of.
  template <class D>
  HWY_INLINE hn::Vec<D> StepAt(D d, size_t i) const {
    const uint32_t* const before =
        job_.prefixes + plan_.halo - plan_.reach - kChannels + i;
    if constexpr (kThree) {
      const auto two = hn::Add(hn::LoadU(d, before + kChannels),
                               hn::LoadU(d, before + 2 * kChannels));
      return hn::Add(two, hn::LoadU(d, before + 3 * kChannels));
    } else {
      return hn::Sub(
          hn::LoadU(d, before + job_.options.window.width * kChannels),
          hn::LoadU(d, before));
    }
  }

  template <class Windows>
  HWY_INLINE Vec32 MeanAt(const Windows& windows, size_t i) const {
    const Tag32 d;
    const Vec32 sum = hn::Add(hn::Load(d, job_.sums + i), StepAt(d, i));
    hn::Store(sum, d, job_.sums + i);
    return windows.Divided(i, sum);
  }

  const SlidingJob<T>& job_;
  const SlidingPlan& plan_;
  const uint32_t width_;
  const size_t end_;      // of a row, in whole blocks
  const size_t own_end_;  // where in `prefixes` the image's own blocks end
  // Blocks between them have windows that see all columns.
  size_t left_end_ = 0;
  size_t right_begin_ = 0;
  uint32_t rows_ = 0;
  uint32_t half_ = 0;
  Division32 division_;
  RunningSums<uint32_t, kChannels> running_sums_;
};

template <typename T>
void Run(const SlidingJob<T>& job) {
  WithChannels(static_cast<uint32_t>(job.plan.channels), [&](auto channels) {
    constexpr size_t kChannels = decltype(channels)::value;
    if constexpr (kChannels == 1 && sizeof(T) == 2) {
      if (job.options.window.width == 3) {
        Slider<T, kChannels, true>(job).Run();
        return;
      }
    }
    Slider<T, kChannels, false>(job).Run();
  });
}

void Run8(const SlidingJob<uint8_t>& job) { Run(job); }
void Run16(const SlidingJob<uint16_t>& job) { Run(job); }

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
  const SlidingPlan plan = MakeSlidingPlan(spec.shape, options);
  if (spec.sample_type == SampleType::kU8) {
    SlidingJob<uint8_t> job = {};
    return LayOut(plan, nullptr, &job);
  }
  SlidingJob<uint16_t> job = {};
  return LayOut(plan, nullptr, &job);
}

template <typename T>
void MeanOfSlidingBoxes(const RowBand<ImageView<const T>>& source,
                        const MeanOptions& options,
                        const RowBand<ImageView<T>>& target,
                        std::span<std::byte> scratch) {
  SlidingJob<T> job = {};
  job.source = &source;
  job.target = &target;
  job.options = options;
  job.plan = MakeSlidingPlan(target.rows.shape(), options);
  LayOut(job.plan, scratch.data(), &job);
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
