#include "imageadapt/kernels/box_small.h"

#include <algorithm>
#include <cstring>

#include "imageadapt/kernels/box_border.h"
#include "imageadapt/kernels/box_division.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/box_small.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Rows of output at a time: more share sums with more, but need more room.
constexpr uint32_t kGroup = 8;

// Samples of a row at a time, so that a group's sums stay in the first-level
// cache.
constexpr size_t kTile = 1024;

// What a tile reads beyond its outputs, at least 2 columns of 4 channels, and
// even.
constexpr size_t kHalo = 16;

// Sums of the columns of windows, of samples at even and at odd places. On both
// sides there is room for those beyond the image, and for whole vectors.
struct ColumnSums {
  static constexpr size_t kMargin = 32;
  static constexpr size_t kSamples = kTile / 2 + 2 * kHalo + 3 * kMargin;

  HWY_ALIGN uint16_t even[kSamples];
  HWY_ALIGN uint16_t odd[kSamples];

  uint16_t& At(ptrdiff_t i) {
    const ptrdiff_t half = i >> 1;  // rounded down
    return (i & 1 ? odd : even)[half + ptrdiff_t{kMargin}];
  }
};

#if HWY_TARGET != HWY_SCALAR

using Tag16 = hn::ScalableTag<uint16_t>;
using Tag8 = hn::ScalableTag<uint8_t>;
using Vec16 = hn::Vec<Tag16>;

constexpr size_t kBlock = hn::MaxLanes(Tag8());

struct Pair {
  Vec16 even;
  Vec16 odd;
};

HWY_INLINE Pair Split(const uint8_t* samples) {
  const Tag16 d;
  const Vec16 both = hn::BitCast(d, hn::LoadU(Tag8(), samples));
  return {hn::And(both, hn::Set(d, 0xff)), hn::ShiftRight<8>(both)};
}

HWY_INLINE Pair operator+(const Pair& a, const Pair& b) {
  return {hn::Add(a.even, b.even), hn::Add(a.odd, b.odd)};
}
HWY_INLINE Pair operator-(const Pair& a, const Pair& b) {
  return {hn::Sub(a.even, b.even), hn::Sub(a.odd, b.odd)};
}

// Sums of kSide rows each for kRows rows of windows, for a block at i of the
// rows, which belongs at `to`.
template <uint32_t kSide, uint32_t kRows>
HWY_INLINE void SumBlock(const uint8_t* const* rows, size_t i, size_t to,
                         ColumnSums* sums) {
  const Tag16 d;
  const auto store = [&](uint32_t row, const Pair& sum) {
    hn::StoreU(sum.even, d, sums[row].even + ColumnSums::kMargin + to / 2);
    hn::StoreU(sum.odd, d, sums[row].odd + ColumnSums::kMargin + to / 2);
  };
  const auto load = [&](uint32_t row) { return Split(rows[row] + i); };
  if constexpr (kSide == 3 && kRows % 2 == 0) {
    // Two rows of windows share a sum of two.
    Pair above = load(0);
    Pair middle = load(1);
    for (uint32_t row = 0; row < kRows; row += 2) {
      const Pair below = load(row + 2);
      const Pair two = middle + below;
      store(row, above + two);
      const Pair last = load(row + 3);
      store(row + 1, two + last);
      above = below;
      middle = last;
    }
  } else {
    Pair sum = load(0);
    for (uint32_t row = 1; row < kSide; ++row) sum = sum + load(row);
    store(0, sum);
    for (uint32_t row = 1; row < kRows; ++row) {
      sum = sum + load(row + kSide - 1) - load(row - 1);
      store(row, sum);
    }
  }
}

// `count` samples of the rows.
template <uint32_t kSide, uint32_t kRows>
void SumColumns(const uint8_t* const* rows, size_t count, ColumnSums* sums) {
  size_t i = 0;
  for (; i + kBlock <= count; i += kBlock) {
    SumBlock<kSide, kRows>(rows, i, i, sums);
  }
  if (i == count) return;
  HWY_ALIGN uint8_t ends[kSide + kRows - 1][kBlock];
  const uint8_t* few[kSide + kRows - 1];
  for (uint32_t row = 0; row < kSide + kRows - 1; ++row) {
    std::memcpy(ends[row], rows[row] + i, count - i);
    few[row] = ends[row];
  }
  SumBlock<kSide, kRows>(few, 0, i, sums);
}

template <uint32_t kSide, uint32_t kChannels, bool kHasHalf, bool kPlain>
HWY_INLINE void StoreMeans(const ColumnSums& sums, uint32_t half,
                           const Division16& division, size_t first,
                           size_t count, uint8_t* target) {
  const Tag16 d;
  const auto multiplier = hn::Set(d, division.multiplier);
  const auto more = hn::Set(d, static_cast<uint16_t>(half));
  const auto divided = [&](Vec16 sum) {
    if (kHasHalf) sum = hn::Add(sum, more);
    const Vec16 high = hn::MulHigh(sum, multiplier);
    if (kPlain) return high;
    if (division.is_plain) {
      return hn::ShiftRightSame(high, division.second_shift);
    }
    const Vec16 rest =
        hn::ShiftRightSame(hn::Sub(sum, high), division.first_shift);
    return hn::ShiftRightSame(hn::Add(high, rest), division.second_shift);
  };
  // Sums at i, i + 2, i + 4... of samples that are `shift` further.
  const auto at = [&](size_t i, int shift) {
    const uint16_t* const from = shift & 1 ? sums.odd : sums.even;
    return hn::LoadU(d, from + ColumnSums::kMargin + i / 2 +
                            static_cast<ptrdiff_t>(shift >> 1));
  };
  const auto window = [&](size_t i, int shift) {
    constexpr int kStep = kChannels;
    const Vec16 three = hn::Add(
        hn::Add(at(i, shift - kStep), at(i, shift + kStep)), at(i, shift));
    if (kSide == 3) return three;
    return hn::Add(three,
                   hn::Add(at(i, shift - 2 * kStep), at(i, shift + 2 * kStep)));
  };
  const auto store = [&](size_t i, uint8_t* to) {
    const Vec16 even = divided(window(i, 0));
    const Vec16 odd = divided(window(i, 1));
    hn::StoreU(hn::BitCast(Tag8(), hn::Or(even, hn::ShiftLeft<8>(odd))), Tag8(),
               to);
  };
  size_t i = 0;
  for (; i + kBlock <= count; i += kBlock) store(first + i, target + i);
  if (i == count) return;
  HWY_ALIGN uint8_t few[kBlock];
  store(first + i, few);
  std::copy_n(few, count - i, target + i);
}

#else

template <uint32_t kSide, uint32_t kRows>
void SumColumns(const uint8_t* const* rows, size_t count, ColumnSums* sums) {
  for (size_t i = 0; i < count; ++i) {
    for (uint32_t row = 0; row < kRows; ++row) {
      uint16_t sum = 0;
      for (uint32_t k = 0; k < kSide; ++k) {
        sum = static_cast<uint16_t>(sum + rows[row + k][i]);
      }
      sums[row].At(static_cast<ptrdiff_t>(i)) = sum;
    }
  }
}

template <uint32_t kSide, uint32_t kChannels, bool kHasHalf, bool kPlain>
void StoreMeans(ColumnSums& sums, uint32_t half, const Division16& division,
                size_t first, size_t count, uint8_t* target) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t sum = half;
    for (ptrdiff_t k = 0; k < ptrdiff_t{kSide}; ++k) {
      sum += sums.At(static_cast<ptrdiff_t>(first + i) +
                     (k - ptrdiff_t{kSide / 2}) * ptrdiff_t{kChannels});
    }
    target[i] = static_cast<uint8_t>(division.Divide(sum));
  }
}

#endif

template <uint32_t kSide, uint32_t kChannels>
class SmallBoxes {
 public:
  SmallBoxes(const RowBand<ImageView<const uint8_t>>& source,
             const MeanOptions& options,
             const RowBand<ImageView<uint8_t>>& target, uint8_t* zeros)
      : source_(source),
        options_(options),
        target_(target),
        samples_(RowSamples(target.rows.shape())),
        zeros_(zeros) {}

  void Run() {
    std::fill_n(zeros_, samples_, uint8_t{0});
    const uint32_t height = target_.rows.shape().height;
    uint32_t y = 0;
    for (; y + kGroup <= height; y += kGroup) RunGroup<kGroup>(y);
    for (; y < height; ++y) RunGroup<1>(y);
  }

 private:
  static constexpr uint32_t kRadius = kSide / 2;

  bool clips() const { return options_.border == BorderMode::kClip; }

  template <uint32_t kRows>
  void RunGroup(uint32_t y) {
    const uint8_t* rows[kRows + kSide - 1];
    for (uint32_t i = 0; i < kRows + kSide - 1; ++i) {
      const uint8_t* const row =
          BorderRow(source_, int64_t{target_.first_row} + y + i - kRadius,
                    options_.border);
      rows[i] = row == nullptr ? zeros_ : row;
    }
    size_t end = 0;
    for (size_t first = 0; first < samples_; first = end) {
      const size_t halo = first == 0 ? 0 : kHalo;
      // The last tile sees the right edge, the one before does not.
      end = first + kTile + kHalo < samples_ ? first + kTile : samples_;
      const size_t seen_end = std::min(samples_, end + kHalo);
      const uint8_t* from[kRows + kSide - 1];
      for (uint32_t i = 0; i < kRows + kSide - 1; ++i) {
        from[i] = rows[i] + first - halo;
      }
      SumColumns<kSide, kRows>(from, seen_end - first + halo, sums_);
      for (uint32_t i = 0; i < kRows; ++i) {
        StoreRow(sums_[i], y + i, first, end, halo);
      }
    }
  }

  void StoreRow(ColumnSums& sums, uint32_t y, size_t first, size_t end,
                size_t halo) {
    const uint32_t rows = clips() ? ClippedExtent(target_.first_row + y, kSide,
                                                  source_.image_height)
                                        .size()
                                  : kSide;
    if (rows != rows_) {
      rows_ = rows;
      SetDivisions();
    }
    if (first == 0) FillLeft(sums);
    if (end == samples_) {
      FillRight(sums, static_cast<ptrdiff_t>(samples_ - first + halo));
    }
    uint8_t* const to = target_.rows.row(y).data();
    Store(sums, halo, end - first, to + first);
    if (!clips()) return;
    if (first == 0) {
      for (size_t x = 0; x < kRadius; ++x) StoreClipped(sums, 0, x, to);
    }
    if (end == samples_) {
      for (size_t x = samples_ / kChannels - kRadius; x < samples_ / kChannels;
           ++x) {
        StoreClipped(sums, first - halo, x, to);
      }
    }
  }

  void SetDivisions() {
    for (uint32_t columns = 1; columns <= kSide; ++columns) {
      const uint32_t count = columns * rows_;
      halves_[columns] =
          options_.rounding == MeanRounding::kNearest ? count / 2 : 0;
      divisions_[columns] =
          MakeDivision16(count, 255 * count + halves_[columns]);
    }
  }

  void FillLeft(ColumnSums& sums) const {
    for (ptrdiff_t x = 1; x <= ptrdiff_t{kRadius}; ++x) {
      const ptrdiff_t seen = options_.border == BorderMode::kReflect101 ? x : 0;
      for (ptrdiff_t c = 0; c < ptrdiff_t{kChannels}; ++c) {
        sums.At(c - x * kChannels) =
            clips() ? uint16_t{0} : sums.At(c + seen * kChannels);
      }
    }
  }

  void FillRight(ColumnSums& sums, ptrdiff_t end) const {
    for (ptrdiff_t x = 0; x < ptrdiff_t{kRadius}; ++x) {
      const ptrdiff_t seen =
          options_.border == BorderMode::kReflect101 ? x + 2 : 1;
      for (ptrdiff_t c = 0; c < ptrdiff_t{kChannels}; ++c) {
        sums.At(end + c + x * kChannels) =
            clips() ? uint16_t{0} : sums.At(end + c - seen * kChannels);
      }
    }
  }

  void Store(ColumnSums& sums, size_t first, size_t count,
             uint8_t* target) const {
    const Division16& division = divisions_[kSide];
    const uint32_t half = halves_[kSide];
    const auto store = [&](auto has_half, auto is_plain) {
      StoreMeans<kSide, kChannels, decltype(has_half)::value,
                 decltype(is_plain)::value>(sums, half, division, first, count,
                                            target);
    };
    using True = std::true_type;
    using False = std::false_type;
    if (division.is_plain && division.second_shift == 0) {
      half != 0 ? store(True(), True()) : store(False(), True());
    } else {
      half != 0 ? store(True(), False()) : store(False(), False());
    }
  }

  // Column x, where `sums` begin with sample `begin`.
  void StoreClipped(ColumnSums& sums, size_t begin, size_t x,
                    uint8_t* target) const {
    const uint32_t columns =
        ClippedExtent(static_cast<uint32_t>(x), kSide,
                      static_cast<uint32_t>(samples_ / kChannels))
            .size();
    for (size_t c = 0; c < kChannels; ++c) {
      const size_t i = x * kChannels + c;
      const auto at = static_cast<ptrdiff_t>(i - begin);
      uint32_t sum = halves_[columns];
      for (ptrdiff_t k = 0; k < ptrdiff_t{kSide}; ++k) {
        sum += sums.At(at + (k - ptrdiff_t{kRadius}) * ptrdiff_t{kChannels});
      }
      target[i] = static_cast<uint8_t>(divisions_[columns].Divide(sum));
    }
  }

  const RowBand<ImageView<const uint8_t>>& source_;
  const MeanOptions& options_;
  const RowBand<ImageView<uint8_t>>& target_;
  const size_t samples_;
  uint8_t* const zeros_;
  uint32_t rows_ = 0;
  uint32_t halves_[kSide + 1] = {};
  Division16 divisions_[kSide + 1];
  ColumnSums sums_[kGroup];
};

template <uint32_t kChannels>
void RunSide(const RowBand<ImageView<const uint8_t>>& source,
             const MeanOptions& options,
             const RowBand<ImageView<uint8_t>>& target, uint8_t* zeros) {
  if (options.window.width == 3) {
    SmallBoxes<3, kChannels>(source, options, target, zeros).Run();
  } else {
    SmallBoxes<5, kChannels>(source, options, target, zeros).Run();
  }
}

void Run(const RowBand<ImageView<const uint8_t>>& source,
         const MeanOptions& options, const RowBand<ImageView<uint8_t>>& target,
         uint8_t* zeros) {
  WithChannels(target.rows.shape().channels, [&](auto channels) {
    RunSide<decltype(channels)::value>(source, options, target, zeros);
  });
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Run);

bool SmallBoxFits(const ImageShape& shape, const MeanOptions& options) {
  const uint32_t side = options.window.width;
  return (side == 3 || side == 5) && options.window.height == side &&
         shape.width >= side;
}

size_t SmallBoxScratchBytes(const ImageShape& shape) {
  return RowSamples(shape);
}

void MeanOfSmallBoxes(const RowBand<ImageView<const uint8_t>>& source,
                      const MeanOptions& options,
                      const RowBand<ImageView<uint8_t>>& target,
                      std::span<std::byte> scratch) {
  HWY_DYNAMIC_DISPATCH(Run)
  (source, options, target, reinterpret_cast<uint8_t*>(scratch.data()));
}

}  // namespace imageadapt
#endif  // HWY_ONCE
