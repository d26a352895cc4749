// The networks of median_network_rows.h, for each target and type.
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "imageadapt/kernels/median_network_rows.h"

#if defined(IMAGEADAPT_KERNELS_MEDIAN_NETWORK_ROWS_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef IMAGEADAPT_KERNELS_MEDIAN_NETWORK_ROWS_INL_H_
#undef IMAGEADAPT_KERNELS_MEDIAN_NETWORK_ROWS_INL_H_
#else
#define IMAGEADAPT_KERNELS_MEDIAN_NETWORK_ROWS_INL_H_
#endif

#include "hwy/cache_control.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Lists of vectors that networks read (`Get`) and write (`Set`) at positions
// known to the compiler. Reading from memory only when a value is wanted, and
// writing as soon as it is final, keeps few of them in registers.
template <class V>
struct InRegisters {
  V* values;

  template <size_t i>
  HWY_INLINE V Get() const {
    return values[i];
  }
  template <size_t i>
  HWY_INLINE void Set(V value) const {
    values[i] = value;
  }
};

template <class D>
struct InMemory {
  const hn::TFromD<D>* first;
  size_t step;

  template <size_t i>
  HWY_INLINE hn::Vec<D> Get() const {
    return hn::LoadU(D(), first + i * step);
  }
};

// Values [kFirst, kFirst + kCount) are stored, the others forgotten; so the
// compiler drops the comparisons that only they need.
template <class D, size_t kFirst, size_t kCount>
struct PartToMemory {
  hn::TFromD<D>* first;

  template <size_t i>
  HWY_INLINE void Set(hn::Vec<D> value) const {
    if constexpr (i >= kFirst && i < kFirst + kCount) {
      hn::StoreU(value, D(), first + (i - kFirst) * hn::Lanes(D()));
    }
  }
};

// Only the median at kPosition is stored. A zero is stored without its sign:
// for minima and maxima zeros of either sign are alike, and which of them comes
// out would depend on how an image is cut into bands.
template <class D, size_t kPosition>
struct MedianToMemory {
  hn::TFromD<D>* first;

  template <size_t i>
  HWY_INLINE void Set(hn::Vec<D> value) const {
    if constexpr (i == kPosition) {
      if constexpr (hwy::IsFloat<hn::TFromD<D>>()) {
#if HWY_TARGET == HWY_AVX2
        // Not by adding zero, which waits for the units that minima and maxima
        // are busy with.
        const auto sign = hn::SignBit(D());
        const hn::RebindToUnsigned<D> du;
        const auto is_negative_zero =
            hn::Eq(hn::BitCast(du, value), hn::BitCast(du, sign));
        value =
            hn::IfThenZeroElse(hn::RebindMask(D(), is_negative_zero), value);
#else
        value = hn::Add(value, hn::Zero(D()));
#endif
      }
      hn::StoreU(value, D(), first);
    }
  }
};

template <size_t kFirst, size_t kStride, class List, class Sink, size_t... i>
HWY_INLINE void Copy(const List& list, const Sink& sink,
                     std::index_sequence<i...> /*positions*/) {
  (sink.template Set<i>(list.template Get<kFirst + i * kStride>()), ...);
}

template <size_t kLow, class V, class Sink>
HWY_INLINE void Compare(V a, V b, const Sink& sink) {
  sink.template Set<kLow>(hn::Min(a, b));
  sink.template Set<kLow + 1>(hn::Max(a, b));
}

template <class V, class Sink, size_t... i>
HWY_INLINE void Interleave(const V* odd, const V* even, const Sink& sink,
                           std::index_sequence<i...> /*positions*/) {
  (Compare<2 * i + 1>(even[i], odd[i + 1], sink), ...);
}

// Batcher's odd-even merge of two sorted lists: the kA values kFirst,
// kFirst + kStride, ... of `a` and the kB of `b`.
template <class V, size_t kA, size_t kB, size_t kFirst = 0, size_t kStride = 1,
          class A, class B, class Sink>
HWY_INLINE void Merge(const A& a, const B& b, const Sink& sink) {
  if constexpr (kA == 0) {
    Copy<kFirst, kStride>(b, sink, std::make_index_sequence<kB>());
  } else if constexpr (kB == 0) {
    Copy<kFirst, kStride>(a, sink, std::make_index_sequence<kA>());
  } else if constexpr (kA == 1 && kB == 1) {
    Compare<0>(a.template Get<kFirst>(), b.template Get<kFirst>(), sink);
  } else {
    constexpr size_t kOdd = (kA + 1) / 2 + (kB + 1) / 2;
    constexpr size_t kEven = kA / 2 + kB / 2;
    V odd[kOdd];
    V even[kEven];
    Merge<V, (kA + 1) / 2, (kB + 1) / 2, kFirst, 2 * kStride>(
        a, b, InRegisters<V>{odd});
    Merge<V, kA / 2, kB / 2, kFirst + kStride, 2 * kStride>(
        a, b, InRegisters<V>{even});
    sink.template Set<0>(odd[0]);
    constexpr size_t kPairs = kEven < kOdd ? kEven : kOdd - 1;
    Interleave(odd, even, sink, std::make_index_sequence<kPairs>());
    if constexpr (kEven == kOdd) {
      sink.template Set<kA + kB - 1>(even[kEven - 1]);
    } else if constexpr (kOdd == kEven + 2) {
      sink.template Set<kA + kB - 1>(odd[kOdd - 1]);
    }
  }
}

// Values [kFirst, kFirst + kCount) of `list`.
template <class V, size_t kCount, size_t kFirst = 0, class List, class Sink>
HWY_INLINE void Sort(const List& list, const Sink& sink) {
  if constexpr (kCount == 1) {
    sink.template Set<0>(list.template Get<kFirst>());
  } else {
    constexpr size_t kHalf = (kCount + 1) / 2;
    V left[kHalf];
    V right[kCount - kHalf];
    Sort<V, kHalf, kFirst>(list, InRegisters<V>{left});
    Sort<V, kCount - kHalf, kFirst + kHalf>(list, InRegisters<V>{right});
    Merge<V, kHalf, kCount - kHalf>(InRegisters<V>{left}, InRegisters<V>{right},
                                    sink);
  }
}

// Of the sorted samples of kRows rows of a window, those that can still be its
// median: neither more than half of the window is above, nor below.
template <size_t kSide, size_t kRows>
struct Candidates {
  static constexpr size_t kSamples = kSide * kRows;
  static constexpr size_t kMedian = kSide * kSide / 2;
  static constexpr size_t kFirst =
      kSamples - 1 > kMedian ? kSamples - 1 - kMedian : 0;
  static constexpr size_t kLast =
      kSamples - 1 > kMedian ? kMedian : kSamples - 1;
  static constexpr size_t kCount = kLast - kFirst + 1;
};

// Joins the candidates of kA rows with those of kB others.
template <class D, size_t kSide, size_t kA, size_t kB, typename T>
HWY_INLINE void JoinInline(const T* a, const T* b, T* joined) {
  using CandidatesA = Candidates<kSide, kA>;
  using CandidatesB = Candidates<kSide, kB>;
  using Joined = Candidates<kSide, kA + kB>;
  constexpr size_t kForgotten = CandidatesA::kFirst + CandidatesB::kFirst;
  constexpr size_t kFirst = Joined::kFirst - kForgotten;
  using Sink = std::conditional_t<kA + kB == kSide, MedianToMemory<D, kFirst>,
                                  PartToMemory<D, kFirst, Joined::kCount>>;
  const size_t lanes = hn::Lanes(D());
  Merge<hn::Vec<D>, CandidatesA::kCount, CandidatesB::kCount>(
      InMemory<D>{a, lanes}, InMemory<D>{b, lanes}, Sink{joined});
}

// Large networks are called: compiled once, and found in the cache by all the
// calls of a tile. (15 x 15 takes 1.4 times as long otherwise; but 7 x 7, with
// calls, 1.25 times.)
template <class D, size_t kSide, size_t kA, size_t kB, typename T>
HWY_NOINLINE void JoinCalled(const T* a, const T* b, T* joined) {
  JoinInline<D, kSide, kA, kB>(a, b, joined);
}

template <class D, size_t kSide, typename T>
HWY_NOINLINE void SortRunCalled(const T* row, size_t step, T* run) {
  Sort<hn::Vec<D>, kSide>(InMemory<D>{row, step},
                          PartToMemory<D, 0, kSide>{run});
}

template <size_t kSide>
constexpr bool kInlines = kSide <= 7;

template <class D, size_t kSide, size_t kA, size_t kB, typename T>
HWY_INLINE void Join(const T* a, const T* b, T* joined) {
  if constexpr (kInlines<kSide>) {
    JoinInline<D, kSide, kA, kB>(a, b, joined);
  } else {
    JoinCalled<D, kSide, kA, kB>(a, b, joined);
  }
}

template <class D, size_t kSide, typename T>
HWY_INLINE void SortRun(const T* row, size_t step, T* run) {
  if constexpr (kInlines<kSide>) {
    Sort<hn::Vec<D>, kSide>(InMemory<D>{row, step},
                            PartToMemory<D, 0, kSide>{run});
  } else {
    SortRunCalled<D, kSide>(row, step, run);
  }
}

// Turns NaN, and stays so, when it meets a NaN or an infinity.
template <class D>
class FiniteCheck {
 public:
  // Written out, because implicit ones are compiled for no target.
  HWY_INLINE FiniteCheck() : sum_(hn::Zero(D())) {}

  HWY_INLINE void See(hn::Vec<D> value) {
    if constexpr (std::is_same_v<hn::TFromD<D>, float>) {
      sum_ = hn::MulAdd(value, hn::Zero(D()), sum_);
    }
  }
  HWY_INLINE bool SawOther() const {
    if constexpr (std::is_same_v<hn::TFromD<D>, float>) {
      return !hn::AllTrue(D(), hn::Eq(sum_, sum_));
    }
    return false;
  }

 private:
  hn::Vec<D> sum_;
};

// Columns of windows walk down so many rows at a time, and ask for what the
// column so many bytes further right will touch: rows lie so far apart that the
// processor does not foresee them. 3 x 3 waits for memory only; the larger ones
// sort kSide - 1 rows again for each walk. (Against 64 rows without a look
// ahead: 3 x 3 takes 0.6 of the time, 5 x 5 0.8.)
template <size_t kSide>
constexpr size_t kWalkRows = kSide == 3 ? 32 : 64;
template <size_t kSide>
constexpr size_t kBytesAhead = kSide == 3 ? 256 : 128;

template <size_t kSide, typename T>
HWY_INLINE void PrefetchAhead(const T* samples) {
  hwy::Prefetch(samples + kBytesAhead<kSide> / sizeof(T));
}

// How windows share: those of kTile rows below each other have the middle
// kSide - kTile + 1 rows in common, whose candidates are joined first. Then the
// upper half of the windows takes its other common rows, and the lower half
// its own, and so on.
template <size_t kSide>
constexpr size_t kTile = kSide < 7    ? 2
                         : kSide < 15 ? 4
                                      : 8;

// The medians of a column of windows, as wide as a vector.
template <class D, size_t kSide>
class WindowColumn {
  using T = hn::TFromD<D>;
  static constexpr size_t kRing = NetworkRing(kSide);
  static constexpr size_t kQuadRing = 4;
  static constexpr size_t kRunSize = Candidates<kSide, 1>::kCount;
  static constexpr size_t kPairSize = Candidates<kSide, 2>::kCount;
  static constexpr size_t kQuadSize = Candidates<kSide, 4>::kCount;
  static constexpr size_t kMostCandidates = kSide * kSide / 2 + 2;
  static constexpr size_t kLevels = 4;

 public:
  static_assert(kRing >= kTile<kSide> + kSide - 1);
  static_assert(kRing * kRunSize + kRing / 2 * kPairSize +
                    kQuadRing * kQuadSize + kLevels * kMostCandidates <=
                NetworkScratchVectors(kSide));

  HWY_INLINE WindowColumn(const NetworkRows<T>& rows, size_t first, T* scratch)
      : rows_(rows), first_(first) {
    runs_ = scratch;
    pairs_ = runs_ + kRing * kRunSize * Lanes();
    quads_ = pairs_ + kRing / 2 * kPairSize * Lanes();
    joined_ = quads_ + kQuadRing * kQuadSize * Lanes();
  }

  HWY_INLINE void Run(FiniteCheck<D>& check) {
    for (size_t y = 0; y < rows_.rows; y += kTile<kSide>) {
      Prepare(y + kTile<kSide> + kSide - 1, check);
      Split<kSide - kTile<kSide> + 1, kTile<kSide>>(Core(y + kTile<kSide> - 1),
                                                    y);
    }
  }

 private:
  static HWY_INLINE size_t Lanes() { return hn::Lanes(D()); }

  HWY_INLINE T* RunAt(size_t row) const {
    return runs_ + row % kRing * kRunSize * Lanes();
  }
  // Pairs start at odd rows.
  HWY_INLINE T* PairAt(size_t row) const {
    return pairs_ + row / 2 % (kRing / 2) * kPairSize * Lanes();
  }
  // Quads start at rows 3, 7, 11, ...
  HWY_INLINE T* QuadAt(size_t row) const {
    return quads_ + row / 4 % kQuadRing * kQuadSize * Lanes();
  }
  template <size_t kRows>
  HWY_INLINE T* BlockAt(size_t row) const {
    static_assert(kRows == 2 || kRows == 4);
    return kRows == 2 ? PairAt(row) : QuadAt(row);
  }
  template <size_t kLevel>
  HWY_INLINE T* JoinedAt() const {
    static_assert(kLevel < kLevels);
    return joined_ + kLevel * kMostCandidates * Lanes();
  }

  // Sorts the rows up to `end`, and merges the pairs and quads they complete.
  HWY_INLINE void Prepare(size_t end, FiniteCheck<D>& check) {
    for (; sorted_ < end; ++sorted_) {
      const T* const row = rows_.source[sorted_] + first_;
      PrefetchAhead<kSide>(row);
      check.See(hn::LoadU(D(), row + kSide / 2 * rows_.step));
      SortRun<D, kSide>(row, rows_.step, RunAt(sorted_));
      if (sorted_ % 2 != 0 || sorted_ == 0) continue;
      const size_t pair = sorted_ - 1;
      Join<D, kSide, 1, 1>(RunAt(pair), RunAt(pair + 1), PairAt(pair));
      if constexpr (kSide == 11 || kSide >= 13) {
        if (pair % 4 != 1 || pair == 1) continue;
        Join<D, kSide, 2, 2>(PairAt(pair - 2), PairAt(pair), QuadAt(pair - 2));
      }
    }
  }

  // The candidates of the rows that all windows of a tile share.
  HWY_INLINE const T* Core(size_t row) const {
    T* const core = JoinedAt<0>();
    if constexpr (kSide <= 7) {
      Join<D, kSide, 2, 2>(PairAt(row), PairAt(row + 2), core);
    } else if constexpr (kSide == 9) {
      Join<D, kSide, 2, 2>(PairAt(row), PairAt(row + 2), JoinedAt<1>());
      Join<D, kSide, 4, 2>(JoinedAt<1>(), PairAt(row + 4), core);
    } else if constexpr (kSide == 13) {
      Join<D, kSide, 4, 4>(QuadAt(row), QuadAt(row + 4), JoinedAt<1>());
      Join<D, kSide, 8, 2>(JoinedAt<1>(), PairAt(row + 8), core);
    } else {
      Join<D, kSide, 4, 4>(QuadAt(row), QuadAt(row + 4), core);
    }
    return core;
  }

  // The medians of kWindows rows of windows from `y` on, which have kRows rows
  // in common.
  template <size_t kRows, size_t kWindows, size_t kLevel = 1>
  HWY_INLINE void Split(const T* common, size_t y) const {
    if constexpr (kWindows == 2) {
      Median(common, RunAt(y), y);
      Median(common, RunAt(y + kSide), y + 1);
    } else {
      constexpr size_t kHalf = kWindows / 2;
      T* const joined = JoinedAt<kLevel>();
      Join<D, kSide, kRows, kHalf>(common, BlockAt<kHalf>(y + kHalf - 1),
                                   joined);
      Split<kRows + kHalf, kHalf, kLevel + 1>(joined, y);
      Join<D, kSide, kRows, kHalf>(common, BlockAt<kHalf>(y + kSide), joined);
      Split<kRows + kHalf, kHalf, kLevel + 1>(joined, y + kHalf);
    }
  }

  HWY_INLINE void Median(const T* common, const T* run, size_t y) const {
    if (y >= rows_.rows) return;
    T* const target = rows_.target[y] + first_;
    PrefetchAhead<kSide>(target);
    Join<D, kSide, kSide - 1, 1>(common, run, target);
  }

  const NetworkRows<T>& rows_;
  size_t first_;
  T* runs_;
  T* pairs_;
  T* quads_;
  T* joined_;
  size_t sorted_ = 0;
};

// 3 x 3 windows: all that is shared stays in registers.
template <class D>
class WindowColumn<D, 3> {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;

 public:
  HWY_INLINE WindowColumn(const NetworkRows<T>& rows, size_t first,
                          T* /*scratch*/)
      : rows_(rows), first_(first) {}

  HWY_INLINE void Run(FiniteCheck<D>& check) {
    V run0[3];
    V run1[3];
    SortRow(0, check, run0);
    SortRow(1, check, run1);
    for (size_t y = 0; y < rows_.rows; y += 2) {
      V run2[3];
      V run3[3];
      SortRow(y + 2, check, run2);
      SortRow(y + 3, check, run3);
      V common[6];
      Merge<V, 3, 3>(InRegisters<V>{run1}, InRegisters<V>{run2},
                     InRegisters<V>{common});
      Median(common + 1, run0, y);
      if (y + 1 < rows_.rows) Median(common + 1, run3, y + 1);
      Copy<0, 1>(InRegisters<V>{run2}, InRegisters<V>{run0},
                 std::make_index_sequence<3>());
      Copy<0, 1>(InRegisters<V>{run3}, InRegisters<V>{run1},
                 std::make_index_sequence<3>());
    }
  }

 private:
  HWY_INLINE void SortRow(size_t y, FiniteCheck<D>& check, V* run) const {
    const T* const row = rows_.source[y] + first_;
    PrefetchAhead<3>(row);
    const InMemory<D> samples = {row, rows_.step};
    check.See(samples.template Get<1>());
    Sort<V, 3>(samples, InRegisters<V>{run});
  }

  HWY_INLINE void Median(V* common, V* run, size_t y) const {
    T* const target = rows_.target[y] + first_;
    PrefetchAhead<3>(target);
    Merge<V, 4, 3>(InRegisters<V>{common}, InRegisters<V>{run},
                   MedianToMemory<D, 3>{target});
  }

  const NetworkRows<T>& rows_;
  size_t first_;
};

// 5 x 5 windows: two rows of windows at a time. Their four common rows are two
// pairs, and the lower pair is the next rows' upper pair.
template <class D>
class WindowColumn<D, 5> {
  using T = hn::TFromD<D>;
  using V = hn::Vec<D>;
  using Pair = Candidates<5, 2>;
  using Common = Candidates<5, 4>;

 public:
  HWY_INLINE WindowColumn(const NetworkRows<T>& rows, size_t first, T* scratch)
      : rows_(rows), first_(first), runs_(scratch) {}

  HWY_INLINE void Run(FiniteCheck<D>& check) {
    V run1[5];
    V run2[5];
    V upper[10];
    V last[5];
    SortRow(0, check, run1);
    Keep(0, run1);
    SortRow(1, check, run1);
    SortRow(2, check, run2);
    Keep(2, run2);
    Merge<V, 5, 5>(InRegisters<V>{run1}, InRegisters<V>{run2},
                   InRegisters<V>{upper});
    SortRow(3, check, last);
    for (size_t y = 0; y < rows_.rows; y += 2) {
      V run4[5];
      V lower[10];
      V common[20];
      SortRow(y + 4, check, run4);
      Merge<V, 5, 5>(InRegisters<V>{last}, InRegisters<V>{run4},
                     InRegisters<V>{lower});
      Merge<V, 10, 10>(InRegisters<V>{upper}, InRegisters<V>{lower},
                       InRegisters<V>{common});
      V* const candidates = common + Common::kFirst;
      Median(candidates, InMemory<D>{RunAt(y), hn::Lanes(D())}, y);
      Keep(y + 4, run4);
      SortRow(y + 5, check, last);
      if (y + 1 < rows_.rows) {
        Median(candidates, InRegisters<V>{last}, y + 1);
      }
      Copy<0, 1>(InRegisters<V>{lower}, InRegisters<V>{upper},
                 std::make_index_sequence<10>());
    }
  }

 private:
  HWY_INLINE T* RunAt(size_t y) const {
    return runs_ + y / 2 % 4 * 5 * hn::Lanes(D());
  }
  HWY_INLINE void Keep(size_t y, V* run) const {
    Copy<0, 1>(InRegisters<V>{run}, PartToMemory<D, 0, 5>{RunAt(y)},
               std::make_index_sequence<5>());
  }
  HWY_INLINE void SortRow(size_t y, FiniteCheck<D>& check, V* run) const {
    const T* const row = rows_.source[y] + first_;
    PrefetchAhead<5>(row);
    const InMemory<D> samples = {row, rows_.step};
    check.See(samples.template Get<2>());
    Sort<V, 5>(samples, InRegisters<V>{run});
  }
  template <class Run>
  HWY_INLINE void Median(V* candidates, const Run& run, size_t y) const {
    T* const target = rows_.target[y] + first_;
    PrefetchAhead<5>(target);
    Merge<V, Common::kCount, 5>(InRegisters<V>{candidates}, run,
                                MedianToMemory<D, 12 - Common::kFirst>{target});
  }

  const NetworkRows<T>& rows_;
  size_t first_;
  T* runs_;
};

template <size_t kSide, typename T>
HWY_NOINLINE bool MediansOfSide(const NetworkRows<T>& rows, T* scratch) {
  using D = hn::ScalableTag<T>;
  const size_t lanes = hn::Lanes(D());
  FiniteCheck<D> check;
  for (size_t y = 0; y < rows.rows; y += kWalkRows<kSide>) {
    NetworkRows<T> walk = rows;
    walk.rows = HWY_MIN(rows.rows - y, kWalkRows<kSide>);
    walk.source += y;
    walk.target += y;
    for (size_t i = 0; i < rows.samples; i += lanes) {
      const size_t first = i + lanes <= rows.samples ? i : rows.samples - lanes;
      WindowColumn<D, kSide>(walk, first, scratch).Run(check);
    }
  }
  return check.SawOther();
}

template <typename T>
bool MediansOfAnySide(const NetworkRows<T>& rows, std::byte* scratch) {
  T* const vectors = reinterpret_cast<T*>(scratch);
  switch (rows.side) {
    case 3:
      return MediansOfSide<3>(rows, vectors);
    case 5:
      return MediansOfSide<5>(rows, vectors);
    case 7:
      return MediansOfSide<7>(rows, vectors);
    case 9:
      return MediansOfSide<9>(rows, vectors);
    case 11:
      return MediansOfSide<11>(rows, vectors);
    case 13:
      return MediansOfSide<13>(rows, vectors);
    default:
      return MediansOfSide<15>(rows, vectors);
  }
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per target
