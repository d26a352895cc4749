// Blocks of rows in lanes of 16 bits, compiled for each target.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "hwy/highway.h"
#include "imageadapt/kernels/box_division.h"
#include "imageadapt/kernels/box_short_plan.h"

// Included once for each target, as Highway's own *-inl.h files are.
#if defined(IMAGEADAPT_KERNELS_BOX_SHORT_ROWS_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_BOX_SHORT_ROWS_INL_H_
#undef IMAGEADAPT_KERNELS_BOX_SHORT_ROWS_INL_H_
#else
#define IMAGEADAPT_KERNELS_BOX_SHORT_ROWS_INL_H_
#endif

#include "imageadapt/kernels/box_divider-inl.h"
#include "imageadapt/kernels/box_scan-inl.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

constexpr size_t kBlock = 4;

// Where the arrays for clipped windows have number `i` of a block.
constexpr size_t PlaceInBlock(size_t i) { return i; }

#else

constexpr size_t kLanes = hn::MaxLanes(Tag16());
constexpr size_t kBlock = 2 * kLanes;

constexpr size_t PlaceInBlock(size_t i) {
  return i / kLanes * kLanes + i % 2 * (kLanes / 2) + i % kLanes / 2;
}

// A block of numbers.
struct Pair {
  Vec16 first;
  Vec16 second;
};

HWY_INLINE Pair LoadPair(const uint16_t* from) {
  const Tag16 d;
  return {hn::LoadU(d, from), hn::LoadU(d, from + kLanes)};
}

HWY_INLINE void StorePair(const Pair& pair, uint16_t* to) {
  const Tag16 d;
  hn::Store(pair.first, d, to);
  hn::Store(pair.second, d, to + kLanes);
}

HWY_INLINE Pair LoadBytes(const uint8_t* samples) {
  const Tag16 d;
  const hn::Rebind<uint8_t, Tag16> bytes;
  return {hn::PromoteTo(d, hn::LoadU(bytes, samples)),
          hn::PromoteTo(d, hn::LoadU(bytes, samples + kLanes))};
}

// Of each number the lower byte.
HWY_INLINE hn::Vec<Tag8> Joined(const Pair& pair) {
  const Tag8 d;
  return hn::ConcatEven(d, hn::BitCast(d, pair.second),
                        hn::BitCast(d, pair.first));
}

HWY_INLINE Pair operator+(const Pair& a, const Pair& b) {
  return {hn::Add(a.first, b.first), hn::Add(a.second, b.second)};
}
HWY_INLINE Pair operator-(const Pair& a, const Pair& b) {
  return {hn::Sub(a.first, b.first), hn::Sub(a.second, b.second)};
}

// Sums of windows: each is that up to its end, less that up to its beginning.
class WindowSums {
 public:
  static constexpr size_t kParts = 1;

  WindowSums(const uint16_t* begin, const uint16_t* end)
      : begin_(begin), end_(end) {}

  HWY_INLINE void At(size_t i, Pair* parts) const {
    parts[0] = LoadPair(end_ + i) - LoadPair(begin_ + i);
  }

 private:
  const uint16_t* const begin_;
  const uint16_t* const end_;
};

// The same in two parts.
class HalfSums {
 public:
  static constexpr size_t kParts = 2;

  HalfSums(const uint16_t* begin, const uint16_t* middle, const uint16_t* end)
      : begin_(begin), middle_(middle), end_(end) {}

  HWY_INLINE void At(size_t i, Pair* parts) const {
    const Pair middle = LoadPair(middle_ + i);
    parts[0] = middle - LoadPair(begin_ + i);
    parts[1] = LoadPair(end_ + i) - middle;
  }

 private:
  const uint16_t* const begin_;
  const uint16_t* const middle_;
  const uint16_t* const end_;
};

// The kinds of states. Each has Step(i, sums): the means of a block at i.

template <bool kPlain>
class KeptSums {
 public:
  KeptSums(uint32_t half, const Division16& division)
      : half_(hn::Set(Tag16(), static_cast<uint16_t>(half))),
        divider_(division) {}

  HWY_INLINE hn::Vec<Tag8> Step(size_t /*i*/, const Pair* sums) const {
    return Joined({divider_.Divide(hn::Add(sums->first, half_)),
                   divider_.Divide(hn::Add(sums->second, half_))});
  }

 private:
  const Vec16 half_;
  const DividerOf16<kPlain> divider_;
};

HWY_INLINE Vec16 Set16(uint32_t value) {
  return hn::Set(Tag16(), static_cast<uint16_t>(value));
}

// Adds what quotients grow by, for a block at i, and returns them.
HWY_INLINE hn::Vec<Tag8> Grown(const Pair& growth, uint8_t* quotients) {
  const Tag8 d;
  const auto mean = hn::Add(hn::Load(d, quotients), Joined(growth));
  hn::Store(mean, d, quotients);
  return mean;
}

// Remainders carry whole * count.
template <bool kPlain, bool kNewCount>
class Remainders {
 public:
  Remainders(const ShortArrays& arrays, const BoxCount& was,
             const BoxCount& now, const Division16& division)
      : remainders_(arrays.remainders),
        means_(arrays.means),
        divider_(division),
        count_(Set16(now.count)),
        whole_(Set16(now.whole)),
        more_(Set16(now.half - was.half + now.whole * now.count -
                    was.whole * was.count)),
        growth_(Set16(now.count - was.count)) {}

  HWY_INLINE hn::Vec<Tag8> Step(size_t i, const Pair* steps) const {
    const Pair means = kNewCount ? LoadBytes(means_ + i) : *steps;
    uint16_t* const at = remainders_ + i;
    return Grown({Growth(at, steps->first, means.first),
                  Growth(at + kLanes, steps->second, means.second)},
                 means_ + i);
  }

 private:
  HWY_INLINE Vec16 Growth(uint16_t* remainders, Vec16 step, Vec16 mean) const {
    const Tag16 d;
    // NOLINTNEXTLINE(misc-const-correctness): changes if kNewCount.
    Vec16 rest = hn::Add(hn::Load(d, remainders), step);
    if constexpr (kNewCount) {
      rest = hn::Sub(hn::Add(rest, more_), hn::Mul(mean, growth_));
    }
    const Vec16 growth = hn::Sub(divider_.Divide(rest), whole_);
    hn::Store(hn::Sub(rest, hn::Mul(growth, count_)), d, remainders);
    return growth;
  }

  uint16_t* const remainders_;
  uint8_t* const means_;
  const DividerOf16<kPlain> divider_;
  const Vec16 count_;
  const Vec16 whole_;
  const Vec16 more_;
  const Vec16 growth_;
};

// As Remainders, where steps do not fit in 16 bits, but half of each does. The
// sum of a remainder and a step is known modulo 2^16, and from the quarters of
// its parts to within 12 of it; the division of these quarters loses 8 more.
// What is left is between 0 and the count, or a little more: it fits in 16
// bits, and needs one correction at most.
template <bool kNewCount>
class HalvedRemainders {
 public:
  HalvedRemainders(const ShortArrays& arrays, const BoxCount& was,
                   const BoxCount& now, const HalvesDivision& division)
      : remainders_(arrays.remainders),
        means_(arrays.means),
        count_(Set16(now.count)),
        whole_(Set16(now.whole)),
        more_(Set16(now.half - was.half + now.whole * now.count)),
        quarter_(Set16(division.quarter)),
        multiplier_(Set16(division.multiplier)),
        shift_(division.shift),
        first_growth_(Set16(division.first_growth)),
        second_growth_(Set16(division.second_growth)) {}

  HWY_INLINE hn::Vec<Tag8> Step(size_t i, const Pair* halves) const {
    const Pair means = kNewCount ? LoadBytes(means_ + i) : *halves;
    uint16_t* const at = remainders_ + i;
    return Grown(
        {Growth(at, halves[0].first, halves[1].first, means.first),
         Growth(at + kLanes, halves[0].second, halves[1].second, means.second)},
        means_ + i);
  }

 private:
  static HWY_INLINE Vec16 Quarter(Vec16 half) {
    const hn::RebindToSigned<Tag16> d;
    return hn::BitCast(Tag16(), hn::ShiftRight<2>(hn::BitCast(d, half)));
  }

  HWY_INLINE Vec16 Growth(uint16_t* remainders, Vec16 first, Vec16 second,
                          Vec16 mean) const {
    const Tag16 d;
    if constexpr (kNewCount) {
      // What each row of windows has more than the mean, or less.
      first = hn::Sub(first, hn::Mul(mean, first_growth_));
      second = hn::Sub(second, hn::Mul(mean, second_growth_));
    }
    const Vec16 rest = hn::Load(d, remainders);
    const Vec16 quarters = hn::Add(hn::Add(Quarter(first), Quarter(second)),
                                   hn::Add(hn::ShiftRight<2>(rest), quarter_));
    const Vec16 quotient =
        hn::ShiftRightSame(hn::MulHigh(quarters, multiplier_), shift_);
    const Vec16 sum = hn::Add(hn::Add(first, second), hn::Add(rest, more_));
    const Vec16 left = hn::Sub(sum, hn::Mul(quotient, count_));
    const Vec16 less = hn::Sub(left, count_);
    // `less` wraps around where it is negative.
    const Vec16 remainder = hn::Min(left, less);
    hn::Store(remainder, d, remainders);
    const auto one_more = hn::VecFromMask(d, hn::Eq(remainder, less));
    return hn::Sub(hn::Sub(quotient, whole_), one_more);
  }

  uint16_t* const remainders_;
  uint8_t* const means_;
  const Vec16 count_;
  const Vec16 whole_;
  const Vec16 more_;
  const Vec16 quarter_;
  const Vec16 multiplier_;
  const int shift_;
  const Vec16 first_growth_;
  const Vec16 second_growth_;
};

// Windows with another count for each column, in lanes of 32 bits.
template <bool kKeepsSums, size_t kParts>
class ClippedSums {
 public:
  // The windows at `begin` have their place in arrays at `place`, and see
  // `rows` rows; `half` is what is added to means before they are cut.
  ClippedSums(const ShortArrays& arrays, size_t begin, size_t place,
              uint32_t rows, double half)
      : begin_(begin),
        sums_(arrays.sums + place),
        per_column_(arrays.per_column + place),
        divider_(rows, half) {}

  // `parts` are those of sums, or of how much they grow.
  HWY_INLINE hn::Vec<Tag8> Step(size_t i, const Pair* parts) const {
    i -= begin_;
    if constexpr (kParts == 1) {
      return Joined({Means(i, parts[0].first, parts[0].first),
                     Means(i + kLanes, parts[0].second, parts[0].second)});
    } else {
      return Joined({Means(i, parts[0].first, parts[1].first),
                     Means(i + kLanes, parts[0].second, parts[1].second)});
    }
  }

 private:
  using TagI32 = hn::RebindToSigned<Tag32>;
  using TagOfSum = std::conditional_t<kKeepsSums, Tag32, TagI32>;

  // The second part only if there are two.
  HWY_INLINE Vec16 Means(size_t i, Vec16 part, Vec16 second) const {
    Vec32 even = AtEven(part);
    Vec32 odd = AtOdd(part);
    if constexpr (kParts == 2) {
      even = hn::Add(even, AtEven(second));
      odd = hn::Add(odd, AtOdd(second));
    }
    return hn::BitCast(
        Tag16(),
        hn::Or(Mean(i, even), hn::ShiftLeft<16>(Mean(i + kLanes / 2, odd))));
  }

  static HWY_INLINE Vec32 AtEven(Vec16 sums) {
    const TagOfSum d;
    return hn::BitCast(
        Tag32(), hn::ShiftRight<16>(hn::ShiftLeft<16>(hn::BitCast(d, sums))));
  }
  static HWY_INLINE Vec32 AtOdd(Vec16 sums) {
    return hn::BitCast(Tag32(),
                       hn::ShiftRight<16>(hn::BitCast(TagOfSum(), sums)));
  }

  HWY_INLINE Vec32 Mean(size_t i, Vec32 sum) const {
    const Tag32 d;
    if constexpr (!kKeepsSums) {
      sum = hn::Add(sum, hn::Load(d, sums_ + i));
      hn::Store(sum, d, sums_ + i);
    }
    return divider_.Divide(sum, per_column_ + i);
  }

  const size_t begin_;
  uint32_t* const sums_;
  const double* const per_column_;
  const ColumnDivider<false> divider_;
};

template <class State, class Sums>
HWY_INLINE hn::Vec<Tag8> MeansAt(const State& state, const Sums& sums,
                                 size_t i) {
  Pair parts[Sums::kParts];
  sums.At(i, parts);
  return state.Step(i, parts);
}

// The means of blocks that cover samples [begin, end).
template <class State, class Sums>
HWY_INLINE void StoreMeans(const State& state, const Sums& sums, size_t begin,
                           size_t end, uint8_t* target) {
  size_t i = begin;
  for (; i + kBlock <= end; i += kBlock) {
    __builtin_prefetch(target + kShortAhead + i, 1);
    hn::StoreU(MeansAt(state, sums, i), Tag8(), target + i);
  }
  if (i >= end) return;
  HWY_ALIGN uint8_t few[kBlock];
  hn::Store(MeansAt(state, sums, i), Tag8(), few);
  std::copy_n(few, end - i, target + i);
}

#endif

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // IMAGEADAPT_KERNELS_BOX_SHORT_ROWS_INL_H_
