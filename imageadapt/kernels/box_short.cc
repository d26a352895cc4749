#include "imageadapt/kernels/box_short.h"

#include <algorithm>
#include <cstring>

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

template <ShortState kState, size_t kChannels>
class ShortBoxes {
 public:
  explicit ShortBoxes(const ShortJob& job)
      : job_(job),
        plan_(job.plan),
        arrays_(job.arrays),
        width_(job.target->rows.shape().width) {
    std::fill_n(arrays_.zeros, plan_.length, uint8_t{0});
    if (clips()) {
      left_end_ = std::min(RoundedUp(plan_.reach, kBlock), end());
      const size_t seen = std::min(plan_.samples, plan_.reach);
      right_begin_ =
          std::max(left_end_, RoundedDown(plan_.samples - seen, kBlock));
      SetClipped(0, left_end_);
      SetClipped(right_begin_, end());
      return;
    }
    right_begin_ = end();
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
    const uint32_t height = job_.target->rows.shape().height;
    const uint32_t radius = job_.options.window.height / 2;
    const uint32_t first_row = job_.target->first_row;
    std::fill_n(arrays_.prefixes, plan_.length, uint16_t{0});
    std::fill_n(arrays_.columns, plan_.length, uint16_t{0});
    for (uint32_t i = 0; i <= 2 * radius; i += 2) {
      const int64_t row = int64_t{first_row} - radius + i;
      const Rows rows = {.more = Row(row),
                         .less = i < 2 * radius ? Row(row + 1) : arrays_.zeros};
      if (rows.more == arrays_.zeros && rows.less == arrays_.zeros) continue;
      Update<Columns::kAdd>(rows, 0, Seen(plan_.samples));
    }
    SetCount(first_row);
    if constexpr (!kKeepsSums) Start();
    for (uint32_t y = 0; y < height; ++y) {
      const uint32_t row = first_row + y;
      Rows rows = {.more = arrays_.zeros, .less = arrays_.zeros};
      if (y > 0) {
        rows = {.more = Row(int64_t{row} + radius),
                .less = Row(int64_t{row} - radius - 1)};
      }
      SetCount(row);
      size_t seen = 0;
      running_sums_.Clear();
      // Not strips for all rows: whole rows lie one behind the other, which the
      // processor sees and reads ahead.
      ForTiles([&](size_t begin, size_t end) {
        Update<kKeepsSums ? Columns::kKeep : Columns::kSteps>(rows, seen,
                                                              Seen(end));
        seen = Seen(end);
        StoreTile(y, begin, end);
      });
    }
  }

 private:
#if HWY_TARGET == HWY_SCALAR
  static constexpr size_t kTile = ~size_t{0};
#else
  static constexpr size_t kTile = kShortTile;
#endif

  static constexpr bool kKeepsSums = kState == ShortState::kSums;

  // What becomes of what a row has more than another one.
  enum class Columns : uint8_t {
    kAdd,    // both rows are added to the columns
    kKeep,   // the same, and these are summed along the row
    kSteps,  // it is itself summed along the row
  };

  // What columns are to have more, and what less.
  struct Rows {
    const uint8_t* more;
    const uint8_t* less;
  };

  bool clips() const { return job_.options.border == BorderMode::kClip; }
  size_t end() const { return RoundedUp(plan_.samples, kBlock); }

  template <typename Work>
  void ForTiles(Work&& work) const {
    // Of about the same length.
    const size_t tiles = (plan_.samples - 1) / kTile + 1;
    const size_t tile = RoundedUp((plan_.samples + tiles - 1) / tiles, kBlock);
    for (size_t begin = 0; begin < plan_.samples; begin += tile) {
      work(begin, std::min(plan_.samples, begin + tile));
    }
  }

  // Where the columns end in arrays that windows before `end` see, in whole
  // blocks; all at once, what is not the image's own.
  size_t Seen(size_t end) const {
    const size_t seen = RoundedUp(plan_.halo + end + plan_.reach, kBlock);
    if (end < plan_.samples && seen <= OwnEnd()) return seen;
    return plan_.halo + plan_.samples + plan_.reach;
  }

  // Where in arrays the blocks end that are all of the image.
  size_t OwnEnd() const {
    return plan_.halo + RoundedDown(plan_.samples, kBlock);
  }

  const uint8_t* Row(int64_t row) const {
    const uint8_t* const found =
        BorderRow(*job_.source, row, job_.options.border);
    return found == nullptr ? arrays_.zeros : found;
  }

  // Updates [begin, end) of the columns in their array.
  template <Columns kColumns>
  void Update(const Rows& rows, size_t begin, size_t end) {
    const size_t own_end = OwnEnd();
    if (begin < plan_.halo) {
      begin = plan_.halo;
      if (!clips()) {
        PadLeft(rows.more, more_.left);
        PadLeft(rows.less, less_.left);
        UpdateBlocks<kColumns>(more_.left, less_.left, 0, plan_.halo);
      }
    }
    if (begin < own_end) {
      const size_t i = begin - plan_.halo;
      UpdateBlocks<kColumns>(rows.more + i, rows.less + i, begin,
                             std::min(end, own_end));
    }
    if (begin <= own_end && end > own_end) {
      PadRight(rows.more, more_.right);
      PadRight(rows.less, less_.right);
      UpdateBlocks<kColumns>(more_.right, less_.right, own_end, end);
    }
  }

#if HWY_TARGET == HWY_SCALAR

  template <Columns kColumns>
  void UpdateBlocks(const uint8_t* more, const uint8_t* less, size_t begin,
                    size_t end) const {
    for (size_t i = begin; i < end; ++i) {
      uint16_t& sum = arrays_.columns[i];
      const int with = kColumns == Columns::kAdd ? 1 : -1;
      sum =
          static_cast<uint16_t>(sum + more[i - begin] + with * less[i - begin]);
    }
  }

#else

  template <Columns kColumns>
  HWY_INLINE void UpdateBlocks(const uint8_t* more, const uint8_t* less,
                               size_t begin, size_t end) {
    RunningSums<uint16_t, kChannels> sums = running_sums_;
    for (size_t i = begin; i < end; i += kBlock) {
      __builtin_prefetch(more + kShortAhead + (i - begin));
      const Pair entering = LoadBytes(more + (i - begin));
      const Pair leaving = LoadBytes(less + (i - begin));
      Pair steps =
          kColumns == Columns::kAdd ? entering + leaving : entering - leaving;
      if constexpr (kColumns != Columns::kSteps) {
        steps = steps + LoadPair(arrays_.columns + i);
        StorePair(steps, arrays_.columns + i);
      }
      if constexpr (kColumns != Columns::kAdd) {
        sums.Next(&steps.first, &steps.second);
        StorePair(steps, arrays_.prefixes + i);
      }
    }
    running_sums_ = sums;
  }

#endif

  void PadLeft(const uint8_t* row, uint8_t* padded) const {
    uint8_t* const to = padded + (plan_.halo - plan_.reach);
    for (size_t i = 0; i < plan_.reach; ++i) to[i] = row[left_of_[i]];
  }

  void PadRight(const uint8_t* row, uint8_t* padded) const {
    const size_t own = plan_.samples % kBlock;
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
    now_.whole = WholeCounts(window.width, now_.count);
    if (first) was_ = now_;
    // What sums or remainders are at most: see ShortBoxFits.
    const uint32_t largest = kKeepsSums ? 255 * now_.count + now_.half
                                        : 513 * window.width + 2 * now_.count;
    division_ = MakeDivision16(now_.count, largest);
  }

  void SetClipped(size_t begin, size_t end) const {
    for (size_t i = begin; i < end; ++i) {
      const size_t x = std::min(i, plan_.samples - 1) / plan_.channels;
      const uint32_t columns = ClippedExtent(static_cast<uint32_t>(x),
                                             job_.options.window.width, width_)
                                   .size();
      arrays_.per_column[ClippedPlace(i)] = 1.0 / columns;
    }
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
    return place / kBlock * kBlock + PlaceInBlock(place % kBlock);
  }

  // Calls set(i, sum) with the sum of each window.
  template <typename Set>
  void ForSums(Set&& set) const {
    const size_t channels = plan_.channels;
    const size_t window = job_.options.window.width * channels;
    const size_t first = plan_.halo - plan_.reach;
    const uint16_t* const columns = arrays_.columns;
    for (size_t c = 0; c < channels; ++c) {
      uint32_t sum = 0;
      for (size_t k = 0; k < window; k += channels) {
        sum += columns[first + c + k];
      }
      for (size_t i = c; i < plan_.samples; i += channels) {
        set(i, sum);
        sum += columns[first + i + window];
        sum -= columns[first + i];
      }
    }
  }

#if HWY_TARGET == HWY_SCALAR

  void Start() const {}

  // A tile is a row.
  void StoreTile(uint32_t y, size_t /*begin*/, size_t /*end*/) const {
    uint8_t* const target = job_.target->rows.row(y).data();
    ForSums([&](size_t i, uint32_t sum) {
      if (IsClipped(i)) {
        const double half =
            job_.options.rounding == MeanRounding::kNearest ? 0.5 : 0;
        target[i] = static_cast<uint8_t>(
            sum * arrays_.per_column[ClippedPlace(i)] / rows_ + half + 0x1p-20);
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
      const uint32_t carried =
          kState == ShortState::kHalves ? 0 : now_.whole * now_.count;
      arrays_.remainders[i] = static_cast<uint16_t>(rest + carried);
      arrays_.means[i] = static_cast<uint8_t>(quotient);
    });
  }

  void StoreTile(uint32_t y, size_t begin, size_t end) const {
    const size_t window = job_.options.window.width * kChannels;
    const uint16_t* const first =
        arrays_.prefixes + plan_.halo - plan_.reach - kChannels;
    uint8_t* const target = job_.target->rows.row(y).data();
    if constexpr (kState == ShortState::kHalves) {
      const size_t half = FirstHalf(job_.options.window.width) * kChannels;
      StoreTile(HalfSums(first, first + half, first + window), begin, end,
                target);
    } else {
      StoreTile(WindowSums(first, first + window), begin, end, target);
    }
  }

  template <class Sums>
  void StoreTile(const Sums& sums, size_t begin, size_t end,
                 uint8_t* target) const {
    const size_t whole_begin = std::max(begin, left_end_);
    const size_t whole_end = std::min(end, right_begin_);
    StoreWhole(sums, whole_begin, whole_end, target);
    const double half =
        job_.options.rounding == MeanRounding::kNearest ? 0.5 : 0;
    const auto clipped = [&](size_t from, size_t to, size_t origin,
                             size_t place) {
      if (from >= to) return;
      StoreMeans(ClippedSums<kKeepsSums, Sums::kParts>(arrays_, origin, place,
                                                       rows_, half),
                 sums, from, to, target);
    };
    clipped(begin, std::min(end, left_end_), 0, 0);
    clipped(std::max(begin, right_begin_), end, right_begin_, left_end_);
  }

  template <class Sums>
  void StoreWhole(const Sums& sums, size_t begin, size_t end,
                  uint8_t* target) const {
    const auto store = [&](const auto& state) {
      StoreMeans(state, sums, begin, end, target);
    };
    const bool new_count = was_.count != now_.count;
    if constexpr (kState == ShortState::kHalves) {
      const HalvesDivision division =
          MakeHalvesDivision(job_.options.window.width, was_, now_);
      if (new_count) {
        store(HalvedRemainders<true>(arrays_, was_, now_, division));
      } else {
        store(HalvedRemainders<false>(arrays_, was_, now_, division));
      }
      return;
    } else {
      const auto with = [&](auto plain) {
        constexpr bool kPlain = decltype(plain)::value;
        if constexpr (kKeepsSums) {
          store(KeptSums<kPlain>(now_.half, division_));
        } else if (new_count) {
          store(Remainders<kPlain, true>(arrays_, was_, now_, division_));
        } else {
          store(Remainders<kPlain, false>(arrays_, was_, now_, division_));
        }
      };
      division_.is_plain ? with(std::true_type()) : with(std::false_type());
    }
  }

#endif

  const ShortJob& job_;
  const ShortPlan& plan_;
  const ShortArrays& arrays_;
  const uint32_t width_;
  // Blocks between them have windows that see all columns.
  size_t left_end_ = 0;
  size_t right_begin_ = 0;
  uint32_t rows_ = 0;
  BoxCount was_;
  BoxCount now_;
  Division16 division_;
  RunningSums<uint16_t, kChannels> running_sums_;
  // The samples that stand for those beyond the edges.
  size_t left_of_[kLongestReach];
  size_t right_of_[kLongestReach];
  PaddedEnds more_;
  PaddedEnds less_;
};

template <ShortState kState>
void RunState(const ShortJob& job) {
  WithChannels(static_cast<uint32_t>(job.plan.channels), [&](auto channels) {
    ShortBoxes<kState, decltype(channels)::value>(job).Run();
  });
}

void Run(const ShortJob& job) {
#if HWY_TARGET == HWY_SCALAR
  RunState<ShortState::kSums>(job);
#else
  switch (ShortStateFor(job.options.window)) {
    case ShortState::kSums:
      return RunState<ShortState::kSums>(job);
    case ShortState::kRemainders:
      return RunState<ShortState::kRemainders>(job);
    case ShortState::kHalves:
      return RunState<ShortState::kHalves>(job);
  }
#endif
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Run);

bool ShortBoxFits(const ImageShape& shape, const MeanOptions& options) {
  const WindowSize& window = options.window;
  return window.width > 1 && AnyShortStateFits(window) &&
         (options.border == BorderMode::kClip ||
          window.width / 2 < shape.width);
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
