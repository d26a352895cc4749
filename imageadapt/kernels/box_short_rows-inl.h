// Blocks of rows in lanes of 16 bits, compiled for each target.
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
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

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

#if HWY_TARGET == HWY_SCALAR

constexpr size_t kBlock = 4;

template <bool kKeep>
void UpdateBlock(const uint8_t* entering, const uint8_t* leaving, size_t i,
                 SplitRow columns) {
  for (size_t k = 0; k < kBlock; ++k) {
    uint16_t& sum = *columns.At(i + k);
    sum = static_cast<uint16_t>((kKeep ? sum : 0) + entering[k] - leaving[k]);
  }
}

#else

constexpr size_t kLanes = hn::MaxLanes(Tag16());
constexpr size_t kBlock = 2 * kLanes;

struct Pair {
  Vec16 even;
  Vec16 odd;
};

HWY_INLINE Pair Split(const uint8_t* samples) {
  const Tag16 d;
  const Vec16 both = hn::BitCast(d, hn::LoadU(Tag8(), samples));
  return {hn::And(both, hn::Set(d, 0xff)), hn::ShiftRight<8>(both)};
}

// Each even number's lower byte, then its odd neighbour's.
HWY_INLINE hn::Vec<Tag8> Joined(const Pair& pair) {
  const Vec16 odd = hn::ShiftLeft<8>(pair.odd);
  return hn::BitCast(Tag8(), hn::OrAnd(odd, pair.even, hn::Set(Tag16(), 0xff)));
}

// What columns have more in `entering` than in `leaving`, for a block at i:
// added to what is there, or in its place.
template <bool kKeep>
HWY_INLINE void UpdateBlock(const uint8_t* entering, const uint8_t* leaving,
                            size_t i, SplitRow columns) {
  const Tag16 d;
  const Pair more = Split(entering);
  const Pair less = Split(leaving);
  // NOLINTNEXTLINE(misc-const-correctness): changes if kKeep.
  Vec16 even = hn::Sub(more.even, less.even);
  // NOLINTNEXTLINE(misc-const-correctness): changes if kKeep.
  Vec16 odd = hn::Sub(more.odd, less.odd);
  if constexpr (kKeep) {
    even = hn::Add(even, hn::Load(d, columns.even + i / 2));
    odd = hn::Add(odd, hn::Load(d, columns.odd + i / 2));
  }
  hn::Store(even, d, columns.even + i / 2);
  hn::Store(odd, d, columns.odd + i / 2);
}

// Sums over the windows that begin at a place, and those behind it.
template <size_t kTerms>
struct WindowSum {
  const uint16_t* even[kTerms];
  const uint16_t* odd[kTerms];

  HWY_INLINE Pair At(size_t i) const {
    return {Sum(even, i / 2), Sum(odd, i / 2)};
  }

 private:
  static HWY_INLINE Vec16 Sum(const uint16_t* const* terms, size_t j) {
    const Tag16 d;
    Vec16 sum = hn::LoadU(d, terms[0] + j);
    for (size_t k = 1; k < kTerms; ++k) {
      sum = hn::Add(sum, hn::LoadU(d, terms[k] + j));
    }
    return sum;
  }
};

// to[j] = a[j] + b[j], and more[j] if there is any. Reads at or behind what it
// writes.
HWY_INLINE void AddRows(const uint16_t* a, const uint16_t* b,
                        const uint16_t* more, size_t begin, size_t end,
                        uint16_t* to) {
  const Tag16 d;
  if (more == nullptr) {
    for (size_t j = begin; j < end; j += kLanes) {
      hn::Store(hn::Add(hn::LoadU(d, a + j), hn::LoadU(d, b + j)), d, to + j);
    }
  } else {
    for (size_t j = begin; j < end; j += kLanes) {
      const Vec16 two = hn::Add(hn::LoadU(d, a + j), hn::LoadU(d, b + j));
      hn::Store(hn::Add(two, hn::LoadU(d, more + j)), d, to + j);
    }
  }
}

// The windows of an image of one channel overlap in all but one of the pairs
// of neighbours that they are made of, so half as many sums are enough.
WindowSum<2> SumPairs(SplitRow columns, uint32_t window, size_t first,
                      size_t count, SplitRow wider) {
  const size_t place = first / 2;
  const size_t begin = RoundedDown(place, kLanes);
  const size_t pairs = window / 2;
  const size_t end = place + count / 2 + 2;
  uint16_t* const twos = wider.even;
  AddRows(columns.even, columns.odd, nullptr, begin, end + pairs, twos);
  const uint16_t* sums = twos;
  size_t width = 1;
  for (size_t bit = std::bit_floor(pairs) / 2; bit > 0; bit /= 2) {
    const size_t step = width;
    width *= 2;
    const uint16_t* more = nullptr;
    if ((pairs & bit) != 0) {
      more = twos + 2 * step;
      ++width;
    }
    AddRows(sums, sums + step, more, begin, end + pairs - width, wider.odd);
    sums = wider.odd;
  }
  const uint16_t* const at = sums + place;
  if (first % 2 == 0) {
    return {.even = {at, columns.even + place + pairs},
            .odd = {at + 1, columns.odd + place}};
  }
  return {.even = {at + 1, columns.odd + place},
          .odd = {at + 1, columns.even + place + 1 + pairs}};
}

// As WindowSums of box_sums-inl.h.
WindowSum<3> SumColumns(SplitRow columns, size_t channels, uint32_t window,
                        size_t first, size_t count, SplitRow wider) {
  const Tag16 d;
  const size_t begin = RoundedDown(first / 2, kLanes);
  const size_t end = first + count + window * channels;
  SplitRow sums = columns;
  size_t width = 1;
  size_t bit = 1;
  while (bit <= window / 4) bit *= 2;
  for (; bit > 1; bit /= 2) {
    const size_t step = width * channels;
    width *= 2;
    const bool has_more = (window & bit) != 0;
    if (has_more) ++width;
    const size_t last = (end - width * channels) / 2 + 1;
    const uint16_t* const even = sums.At(step);
    const uint16_t* const odd = sums.At(step + 1);
    const uint16_t* const more_even = columns.At(2 * step);
    const uint16_t* const more_odd = columns.At(2 * step + 1);
    for (size_t j = begin; j < last; j += kLanes) {
      Vec16 a = hn::Add(hn::Load(d, sums.even + j), hn::LoadU(d, even + j));
      Vec16 b = hn::Add(hn::Load(d, sums.odd + j), hn::LoadU(d, odd + j));
      if (has_more) {
        a = hn::Add(a, hn::LoadU(d, more_even + j));
        b = hn::Add(b, hn::LoadU(d, more_odd + j));
      }
      hn::Store(a, d, wider.even + j);
      hn::Store(b, d, wider.odd + j);
    }
    sums = wider;
  }
  const size_t step = width * channels;
  return {.even = {sums.At(first), sums.At(first + step),
                   columns.At(first + 2 * step)},
          .odd = {sums.At(first + 1), sums.At(first + 1 + step),
                  columns.At(first + 1 + 2 * step)}};
}

// The two kinds of states. Each has Step(i, sum): the means of a block at i.

template <bool kPlain>
class KeptSums {
 public:
  KeptSums(uint32_t half, const Division16& division)
      : half_(hn::Set(Tag16(), static_cast<uint16_t>(half))),
        divider_(division) {}

  HWY_INLINE hn::Vec<Tag8> Step(size_t /*i*/, const Pair& sum) const {
    return Joined({divider_.Divide(hn::Add(sum.even, half_)),
                   divider_.Divide(hn::Add(sum.odd, half_))});
  }

 private:
  const Vec16 half_;
  const DividerOf16<kPlain> divider_;
};

// Remainders carry whole * count.
template <bool kPlain, bool kNewCount>
class Remainders {
 public:
  Remainders(const ShortArrays& arrays, const BoxCount& was,
             const BoxCount& now, const Division16& division)
      : remainders_(arrays.remainders),
        means_(arrays.means),
        divider_(division),
        count_(Set(now.count)),
        whole_(Set(now.whole)),
        more_(Set(now.half - was.half + now.whole * now.count -
                  was.whole * was.count)),
        growth_(Set(now.count - was.count)) {}

  HWY_INLINE hn::Vec<Tag8> Step(size_t i, const Pair& step) const {
    const Tag8 d;
    const Pair grown = kNewCount ? Grown(i, step, Split(means_ + i))
                                 : Grown(i, step, {whole_, whole_});
    const auto mean = hn::Add(hn::Load(d, means_ + i), Joined(grown));
    hn::Store(mean, d, means_ + i);
    return mean;
  }

 private:
  static Vec16 Set(uint32_t value) {
    return hn::Set(Tag16(), static_cast<uint16_t>(value));
  }

  HWY_INLINE Pair Grown(size_t i, const Pair& step, const Pair& means) const {
    return {Grown(remainders_.even + i / 2, step.even, means.even),
            Grown(remainders_.odd + i / 2, step.odd, means.odd)};
  }

  HWY_INLINE Vec16 Grown(uint16_t* remainders, Vec16 step, Vec16 mean) const {
    const Tag16 d;
    // NOLINTNEXTLINE(misc-const-correctness): changes if kNewCount.
    Vec16 rest = hn::Add(hn::Load(d, remainders), step);
    if constexpr (kNewCount) {
      rest = hn::Sub(hn::Add(rest, more_), hn::Mul(mean, growth_));
    }
    const Vec16 grown = hn::Sub(divider_.Divide(rest), whole_);
    hn::Store(hn::Sub(rest, hn::Mul(grown, count_)), d, remainders);
    return grown;
  }

  const SplitRow remainders_;
  uint8_t* const means_;
  const DividerOf16<kPlain> divider_;
  const Vec16 count_;
  const Vec16 whole_;
  const Vec16 more_;
  const Vec16 growth_;
};

// Windows with another count for each column, in lanes of 32 bits.
template <bool kKeepsSums>
class ClippedSums {
 public:
  // The windows at `begin` have their place in arrays at `place`.
  ClippedSums(const ShortArrays& arrays, size_t begin, size_t place)
      : begin_(begin),
        sums_(arrays.sums + place),
        multipliers_(arrays.multipliers + place),
        more_(arrays.more + place),
        shifts_(arrays.shifts + place) {}

  // `sum` is one, or how much sums grow.
  HWY_INLINE hn::Vec<Tag8> Step(size_t i, const Pair& sum) const {
    i -= begin_;
    const Vec32 a = Mean(i, Lower(sum.even));
    const Vec32 b = Mean(i + kLanes / 2, Lower(sum.odd));
    const Vec32 c = Mean(i + kLanes, Upper(sum.even));
    const Vec32 d = Mean(i + kLanes / 2 * 3, Upper(sum.odd));
    return hn::BitCast(
        Tag8(), hn::Or(hn::Or(a, hn::ShiftLeft<8>(b)),
                       hn::Or(hn::ShiftLeft<16>(c), hn::ShiftLeft<24>(d))));
  }

 private:
  using TagOfSum =
      std::conditional_t<kKeepsSums, Tag32, hn::RebindToSigned<Tag32> >;

  static HWY_INLINE Vec32 Lower(Vec16 sums) {
    const TagOfSum d;
    return hn::BitCast(
        Tag32(), hn::ShiftRight<16>(hn::ShiftLeft<16>(hn::BitCast(d, sums))));
  }
  static HWY_INLINE Vec32 Upper(Vec16 sums) {
    return hn::BitCast(Tag32(),
                       hn::ShiftRight<16>(hn::BitCast(TagOfSum(), sums)));
  }

  HWY_INLINE Vec32 Mean(size_t i, Vec32 sum) const {
    const Tag32 d;
    if constexpr (!kKeepsSums) {
      sum = hn::Add(sum, hn::Load(d, sums_ + i));
      hn::Store(sum, d, sums_ + i);
    }
    const Vec32 high = MulHigh32(hn::Add(sum, hn::Load(d, more_ + i)),
                                 hn::Load(d, multipliers_ + i));
    return hn::Shr(high, hn::Load(d, shifts_ + i));
  }

  const size_t begin_;
  uint32_t* const sums_;
  const uint32_t* const multipliers_;
  const uint32_t* const more_;
  const uint32_t* const shifts_;
};

// The means of blocks that cover samples [begin, end), where `sums` begin with
// the window at `first`.
template <class State, class Sums>
HWY_INLINE void StoreMeans(const State& state, const Sums& sums, size_t first,
                           size_t begin, size_t end, uint8_t* target) {
  size_t i = begin;
  for (; i + kBlock <= end; i += kBlock) {
    __builtin_prefetch(target + kShortAhead + i, 1);
    hn::StoreU(state.Step(i, sums.At(i - first)), Tag8(), target + i);
  }
  if (i >= end) return;
  HWY_ALIGN uint8_t few[kBlock];
  hn::Store(state.Step(i, sums.At(i - first)), Tag8(), few);
  std::copy_n(few, end - i, target + i);
}

#endif

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // IMAGEADAPT_KERNELS_BOX_SHORT_ROWS_INL_H_
