#include "imageadapt/kernels/box_short.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "imageadapt/kernels/box_border.h"
#include "imageadapt/kernels/box_division.h"
#include "imageadapt/kernels/box_short_plan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/box_short.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"
#include "imageadapt/kernels/box_short_rows-inl.h"

#ifndef IMAGEADAPT_KERNELS_BOX_SHORT_CC_
#define IMAGEADAPT_KERNELS_BOX_SHORT_CC_
namespace imageadapt {
namespace {

constexpr int64_t kNoRow = std::numeric_limits<int64_t>::min();

struct ShortJob {
  const RowBand<ImageView<const uint8_t>>* source;
  const RowBand<ImageView<uint8_t>>* target;
  MeanOptions options;
  ShortPlan plan;
  ShortArrays arrays;
};

}  // namespace
}  // namespace imageadapt
#endif  // IMAGEADAPT_KERNELS_BOX_SHORT_CC_

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

// Rows with what lies beyond their ends, as far as blocks are not the image's
// own.
struct PaddedEnds {
  HWY_ALIGN uint8_t left[kLongestReach] = {};
  HWY_ALIGN uint8_t right[kLongestReach + kShortBlock] = {};
};

template <bool kKeepsSums>
class ShortBoxes {
 public:
  explicit ShortBoxes(const ShortJob& job)
      : job_(job),
        plan_(job.plan),
        arrays_(job.arrays),
        width_(job.target->rows.shape().width) {
    std::fill_n(arrays_.zeros, plan_.length, uint8_t{0});
    if (clips()) return;
    const auto channels = static_cast<int64_t>(plan_.channels);
    const auto reach = static_cast<int64_t>(plan_.reach);
    const auto seen = [&](int64_t x, int64_t c) {
      return BorderPosition(x, width_, job_.options.border) * plan_.channels +
             static_cast<size_t>(c);
    };
    for (int64_t i = 0; i < reach; ++i) {
      const int64_t x = i / channels;
      const int64_t c = i % channels;
      left_of_[i] = seen(x - reach / channels, c);
      right_of_[i] = seen(x + width_, c);
    }
  }

  void Run() {
    const size_t samples = plan_.samples;
    while (end_ < samples) {
      // Strips of about the same length.
      const size_t strips = (samples - end_ + kShortStrip - 1) / kShortStrip;
      first_ = end_;
      end_ = std::min(samples,
                      end_ + RoundedUp((samples - end_ + strips - 1) / strips,
                                       kShortBlock));
      RunStrip();
    }
  }

 private:
  bool clips() const { return job_.options.border == BorderMode::kClip; }
  bool is_last() const { return end_ == plan_.samples; }
  size_t count() const { return end_ - first_; }

  // Places in arrays: of the first sample of the strip; where the blocks of the
  // image itself begin, and where they end.
  size_t Begin() const { return first_ == 0 ? plan_.halo : 0; }
  size_t End() const {
    return plan_.halo + (is_last() ? RoundedDown(count(), kBlock)
                                   : RoundedUp(count() + plan_.reach, kBlock));
  }

  void RunStrip() {
    const uint32_t height = job_.target->rows.shape().height;
    const uint32_t radius = job_.options.window.height / 2;
    const uint32_t first_row = job_.target->first_row;
    // Blocks with windows that see less than all columns.
    left_end_ = first_ == 0 && clips() ? RoundedUp(plan_.reach, kBlock) : 0;
    left_end_ = std::min(left_end_, RoundedUp(count(), kBlock));
    right_begin_ =
        is_last() && clips()
            ? std::max(
                  left_end_,
                  RoundedDown(count() - std::min(count(), plan_.reach), kBlock))
            : RoundedUp(count(), kBlock);
    rows_ = 0;
    for (const SplitRow& row : {arrays_.columns, arrays_.wider}) {
      std::fill_n(row.even, plan_.length / 2, uint16_t{0});
      std::fill_n(row.odd, plan_.length / 2, uint16_t{0});
    }
    for (uint32_t i = 0; i <= 2 * radius; ++i) {
      Update<true>(int64_t{first_row} - radius + i, kNoRow);
    }
    SetCount(first_row);
    if constexpr (!kKeepsSums) Start();
    StoreRow(0);
    for (uint32_t y = 1; y < height; ++y) {
      const uint32_t row = first_row + y;
      Update<kKeepsSums>(int64_t{row} + radius, int64_t{row} - radius - 1);
      SetCount(row);
      StoreRow(y);
    }
  }

  // Null where there is nothing but zeros.
  const uint8_t* Row(int64_t row) const {
    if (row == kNoRow) return nullptr;
    return BorderRow(*job_.source, row, job_.options.border);
  }

  // What the columns have more in row `entering` than in row `leaving`.
  template <bool kKeep>
  void Update(int64_t entering, int64_t leaving) {
    const uint8_t* const more = Row(entering);
    const uint8_t* const less = Row(leaving);
    // Where arrays begin, if the image had so many columns before.
    const auto at = [&](const uint8_t* row, size_t i) {
      return row == nullptr ? arrays_.zeros : row + (first_ + i - plan_.halo);
    };
    const size_t begin = Begin();
    const size_t end = End();
    UpdateBlocks<kKeep>(at(more, begin), at(less, begin), begin, end);
    if (first_ == 0 && !clips()) {
      PadLeft(more, more_.left);
      PadLeft(less, less_.left);
      UpdateBlocks<kKeep>(more_.left, less_.left, 0, begin);
    }
    const size_t seen = plan_.halo + count() + (clips() ? 0 : plan_.reach);
    if (is_last() && seen > end) {
      PadRight(more, more_.right);
      PadRight(less, less_.right);
      UpdateBlocks<kKeep>(more_.right, less_.right, end, seen);
    }
  }

  template <bool kKeep>
  HWY_INLINE void UpdateBlocks(const uint8_t* more, const uint8_t* less,
                               size_t begin, size_t end) const {
    const SplitRow columns = arrays_.columns;
    for (size_t i = begin; i < end; i += kBlock) {
      UpdateBlock<kKeep>(more + (i - begin), less + (i - begin), i, columns);
    }
  }

  void PadLeft(const uint8_t* row, uint8_t* padded) const {
    uint8_t* const to = padded + (plan_.halo - plan_.reach);
    for (size_t i = 0; i < plan_.reach; ++i) {
      to[i] = row == nullptr ? uint8_t{0} : row[left_of_[i]];
    }
  }

  void PadRight(const uint8_t* row, uint8_t* padded) const {
    const size_t own = count() % kBlock;
    if (row == nullptr) {
      std::memset(padded, 0, own + plan_.reach);
      return;
    }
    std::memcpy(padded, row + (plan_.samples - own), own);
    if (clips()) return;
    for (size_t i = 0; i < plan_.reach; ++i) {
      padded[own + i] = row[right_of_[i]];
    }
  }

  void SetCount(uint32_t row) {
    const WindowSize& window = job_.options.window;
    const uint32_t rows =
        clips() ? ClippedExtent(row, window.height, job_.source->image_height)
                      .size()
                : window.height;
    was_ = now_;
    if (rows == rows_) return;
    const bool first = rows_ == 0;
    rows_ = rows;
    now_ = MakeCount(rows * window.width);
    now_.whole = (256 * window.width + now_.count - 1) / now_.count;
    if (first) was_ = now_;
    // What sums or remainders are at most: see ShortBoxFits.
    const uint32_t largest = kKeepsSums ? 255 * now_.count + now_.half
                                        : 513 * window.width + 2 * now_.count;
    division_ = MakeDivision16(now_.count, largest);
    ForClipped([&](size_t i, size_t at) {
      const auto x = static_cast<uint32_t>(
          std::min(first_ + i, plan_.samples - 1) / plan_.channels);
      const BoxCount count =
          MakeCount(rows_ * ClippedExtent(x, window.width, width_).size());
      const Division32 division = MakeDivision32(count.count);
      arrays_.multipliers[at] = division.multiplier;
      arrays_.more[at] = division.more + count.half;
      arrays_.shifts[at] = static_cast<uint32_t>(division.shift);
    });
  }

  BoxCount MakeCount(uint32_t count) const {
    return {.count = count,
            .half = job_.options.rounding == MeanRounding::kNearest ? count / 2
                                                                    : 0};
  }

  bool IsClipped(size_t i) const { return i < left_end_ || i >= right_begin_; }

  // Where the arrays for clipped windows have that of sample i.
  size_t ClippedPlace(size_t i) const {
    const size_t place = i < left_end_ ? i : i - right_begin_ + left_end_;
    return place / kBlock * kBlock + place % 4 * (kBlock / 4) +
           place % kBlock / 4;
  }

  template <typename Set>
  void ForClipped(Set&& set) const {
    const auto run = [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) set(i, ClippedPlace(i));
    };
    run(0, left_end_);
    run(right_begin_, RoundedUp(count(), kBlock));
  }

  // Calls set(i, sum) with the sum of each window.
  template <typename Set>
  void ForSums(Set&& set) const {
    const size_t channels = plan_.channels;
    const size_t window = job_.options.window.width * channels;
    const size_t first = plan_.halo - plan_.reach;
    const SplitRow& columns = arrays_.columns;
    for (size_t c = 0; c < channels; ++c) {
      uint32_t sum = 0;
      for (size_t k = 0; k < window; k += channels) {
        sum += *columns.At(first + c + k);
      }
      for (size_t i = c; i < count(); i += channels) {
        set(i, sum);
        sum += *columns.At(first + i + window);
        sum -= *columns.At(first + i);
      }
    }
  }

#if HWY_TARGET == HWY_SCALAR

  void Start() const {}

  void StoreRow(uint32_t y) const {
    uint8_t* const target = job_.target->rows.row(y).data() + first_;
    ForSums([&](size_t i, uint32_t sum) {
      if (IsClipped(i)) {
        const size_t at = ClippedPlace(i);
        target[i] = static_cast<uint8_t>(
            (uint64_t{sum + arrays_.more[at]} * arrays_.multipliers[at] >>
             32) >>
            arrays_.shifts[at]);
      } else {
        // Not by division_, whose numbers have 16 bits.
        target[i] = static_cast<uint8_t>((sum + now_.half) / now_.count);
      }
    });
  }

#else

  // The states of the strip's first windows; they have not grown then.
  void Start() const {
    ForSums([&](size_t i, uint32_t sum) {
      if (IsClipped(i)) {
        arrays_.sums[ClippedPlace(i)] = sum;
        return;
      }
      const uint32_t quotient = (sum + now_.half) / now_.count;
      const uint32_t rest = sum + now_.half - quotient * now_.count;
      *arrays_.remainders.At(i) =
          static_cast<uint16_t>(rest + now_.whole * now_.count);
      arrays_.means[i] = static_cast<uint8_t>(quotient);
    });
    std::fill_n(arrays_.columns.even, plan_.length / 2, uint16_t{0});
    std::fill_n(arrays_.columns.odd, plan_.length / 2, uint16_t{0});
  }

  void StoreRow(uint32_t y) const {
    const uint32_t window = job_.options.window.width;
    const size_t first = plan_.halo - plan_.reach;
    uint8_t* const target = job_.target->rows.row(y).data() + first_;
    if (plan_.channels == 1) {
      StoreRow(SumPairs(arrays_.columns, window, first, count(), arrays_.wider),
               target);
    } else {
      StoreRow(SumColumns(arrays_.columns, plan_.channels, window, first,
                          count(), arrays_.wider),
               target);
    }
  }

  template <class Sums>
  void StoreRow(const Sums& sums, uint8_t* target) const {
    const size_t end = std::min(right_begin_, count());
    const auto whole = [&](const auto& state) {
      StoreMeans(state, sums, left_end_, end, target);
    };
    const auto with = [&](auto plain) {
      constexpr bool kPlain = decltype(plain)::value;
      if constexpr (kKeepsSums) {
        whole(KeptSums<kPlain>(now_.half, division_));
      } else if (was_.count == now_.count) {
        whole(Remainders<kPlain, false>(arrays_, was_, now_, division_));
      } else {
        whole(Remainders<kPlain, true>(arrays_, was_, now_, division_));
      }
    };
    division_.is_plain ? with(std::true_type()) : with(std::false_type());
    const auto clipped = [&](size_t begin, size_t to, size_t place) {
      if (begin >= to) return;
      StoreMeans(ClippedSums<kKeepsSums>(arrays_, begin, place), sums, begin,
                 to, target);
    };
    clipped(0, std::min(left_end_, count()), 0);
    clipped(right_begin_, count(), left_end_);
  }

#endif

  const ShortJob& job_;
  const ShortPlan& plan_;
  const ShortArrays& arrays_;
  const uint32_t width_;
  // Samples of the strip; of the windows that are not clipped, from its first.
  size_t first_ = 0;
  size_t end_ = 0;
  size_t left_end_ = 0;
  size_t right_begin_ = 0;
  uint32_t rows_ = 0;
  BoxCount was_;
  BoxCount now_;
  Division16 division_;
  // The samples that stand for those beyond the edges.
  size_t left_of_[kLongestReach];
  size_t right_of_[kLongestReach];
  PaddedEnds more_;
  PaddedEnds less_;
};

void Run(const ShortJob& job) {
#if HWY_TARGET != HWY_SCALAR
  if (!ShortSumsFit(job.options.window)) {
    ShortBoxes<false>(job).Run();
    return;
  }
#endif
  ShortBoxes<true>(job).Run();
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Run);

bool ShortBoxFits(const ImageShape& shape, const MeanOptions& options) {
  const WindowSize& window = options.window;
  if (window.width == 1 || window.width > kWidestShort ||
      window.height > kTallestShort ||
      (options.border != BorderMode::kClip &&
       window.width / 2 >= shape.width)) {
    return false;
  }
  // Remainders carry up to 257 columns, change by 255 each, and by as much
  // again while the count changes.
  return ShortSumsFit(window) ||
         513 * window.width + 2 * window.width * window.height < 65536;
}

size_t ShortBoxScratchBytes(const ImageShape& shape,
                            const MeanOptions& options) {
  ShortArrays arrays;
  return LayOut(MakeShortPlan(shape, options), nullptr, &arrays);
}

void MeanOfShortBoxes(const RowBand<ImageView<const uint8_t>>& source,
                      const MeanOptions& options,
                      const RowBand<ImageView<uint8_t>>& target,
                      std::span<std::byte> scratch) {
  ShortJob job = {.source = &source,
                  .target = &target,
                  .options = options,
                  .plan = MakeShortPlan(target.rows.shape(), options),
                  .arrays = {}};
  LayOut(job.plan, scratch.data(), &job.arrays);
  HWY_DYNAMIC_DISPATCH(Run)(job);
}

}  // namespace imageadapt
#endif  // HWY_ONCE
