#include "imageadapt/kernels/column_histogram.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/column_histogram.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr size_t kBins = 16;

// kLess + v begins 16 bytes, of which byte 15 - b is 1 where v < b: what a
// sample v adds to counts. Both lie in one cache line.
alignas(32) constexpr uint8_t kLess[2 * kBins] = {1, 1, 1, 1, 1, 1, 1, 1,
                                                  1, 1, 1, 1, 1, 1, 1};

// 16 counts as one or several vectors. Unsigned numbers cannot be compared
// before AVX-512, so counts start at the least signed number.
template <typename T>
class Counts {
  static constexpr hn::CappedTag<T, kBins> kTag = {};
  static constexpr hn::Rebind<uint8_t, decltype(kTag)> kBytes = {};
  static constexpr size_t kLanes = hn::MaxLanes(kTag);
  static constexpr size_t kParts = kBins / kLanes;
  using V = hn::Vec<decltype(kTag)>;

 public:
  static constexpr T kNone = std::numeric_limits<T>::min();

  HWY_INLINE void Clear() {
    for (V& part : parts_) part = hn::Set(kTag, kNone);
  }
  HWY_INLINE void Add(const uint8_t* column) {
    for (size_t i = 0; i < kParts; ++i) {
      parts_[i] = hn::Add(parts_[i], Wide(column + i * kLanes));
    }
  }
  HWY_INLINE void Subtract(const uint8_t* column) {
    for (size_t i = 0; i < kParts; ++i) {
      parts_[i] = hn::Sub(parts_[i], Wide(column + i * kLanes));
    }
  }
  HWY_INLINE void Load(const T* from) {
    for (size_t i = 0; i < kParts; ++i) {
      parts_[i] = hn::Load(kTag, from + i * kLanes);
    }
  }
  HWY_INLINE void Store(T* to) const {
    for (size_t i = 0; i < kParts; ++i) {
      hn::Store(parts_[i], kTag, to + i * kLanes);
    }
  }
  // How many of the counts are greater than `rank`. Counts decrease, so it is
  // also where the first of the others stands.
  HWY_INLINE size_t Above(T rank) const {
    const V limit = hn::Set(kTag, rank);
    size_t count = 0;
    for (const V& part : parts_) {
      count += hn::CountTrue(kTag, hn::Gt(part, limit));
    }
    return count;
  }

 private:
  static HWY_INLINE V Wide(const uint8_t* column) {
    if constexpr (sizeof(T) == 1) {
      return hn::BitCast(kTag, hn::Load(kBytes, column));
    } else {
      return hn::PromoteTo(kTag, hn::Load(kBytes, column));
    }
  }

  V parts_[kParts];
};

// Adds what `entering` counts for, and subtracts what `leaving` does.
template <bool kEnters, bool kLeaves>
HWY_INLINE void Change(uint8_t* counts, size_t entering, size_t leaving) {
  const hn::CappedTag<uint8_t, kBins> d;
  for (size_t i = 0; i < kBins; i += hn::Lanes(d)) {
    auto count = hn::Load(d, counts + i);
    if constexpr (kEnters) {
      count = hn::Add(count, hn::LoadU(d, kLess + entering + i));
    }
    if constexpr (kLeaves) {
      count = hn::Sub(count, hn::LoadU(d, kLess + leaving + i));
    }
    hn::Store(count, d, counts + i);
  }
}

template <bool kEnters, bool kLeaves>
HWY_INLINE void SlideEach(const ColumnHistograms& histograms, size_t column,
                          const uint8_t* HWY_RESTRICT entering,
                          const uint8_t* HWY_RESTRICT leaving, size_t count) {
  uint8_t* coarse = histograms.coarse + column * kBins;
  uint8_t* fine = histograms.fine + column * kBins;
  const size_t stride = histograms.segment_stride;
  for (size_t i = 0; i < count; ++i) {
    const size_t in = kEnters ? entering[i] : 0;
    const size_t out = kLeaves ? leaving[i] : 0;
    Change<kEnters, kLeaves>(coarse, in / kBins, out / kBins);
    if constexpr (kEnters) {
      Change<true, false>(fine + in / kBins * stride, in % kBins, 0);
    }
    if constexpr (kLeaves) {
      Change<false, true>(fine + out / kBins * stride, 0, out % kBins);
    }
    coarse += kBins;
    fine += kBins;
  }
}

void Slide(const ColumnHistograms& histograms, size_t column,
           const uint8_t* entering, const uint8_t* leaving, size_t count) {
  if (leaving == nullptr) {
    SlideEach<true, false>(histograms, column, entering, leaving, count);
  } else if (entering == nullptr) {
    SlideEach<false, true>(histograms, column, entering, leaving, count);
  } else {
    SlideEach<true, true>(histograms, column, entering, leaving, count);
  }
}

// The fine counts of each segment in the window that it was last asked for.
// Segments are numbered as counts are, from the last down.
template <typename T>
class Segments {
 public:
  Segments(const ColumnHistograms& histograms, size_t width)
      : last_(histograms.fine + (kBins - 1) * histograms.segment_stride),
        stride_(histograms.segment_stride),
        width_(width) {
    std::fill_n(ends_, kBins, size_t{0});
  }

  // The column of fine counts of `segment` at the left of window x.
  const uint8_t* Column(size_t segment, size_t x) const {
    return last_ - segment * stride_ + x * kBins;
  }

  void Keep(size_t segment, const Counts<T>& counts, size_t x) {
    counts.Store(counts_[segment]);
    ends_[segment] = x + width_;
  }

  // The counts of window x, which none that was kept is to the right of.
  Counts<T> CatchUp(size_t segment, size_t x) const {
    Counts<T> counts;
    const size_t steps = x + width_ - ends_[segment];
    const uint8_t* column = Column(segment, x);
    const uint8_t* const end = column + width_ * kBins;
    if (2 * steps >= width_) {
      counts.Clear();
      for (; column != end; column += kBins) counts.Add(column);
      return counts;
    }
    counts.Load(counts_[segment]);
    for (size_t i = 1; i <= steps; ++i) {
      counts.Add(end - i * kBins);
      counts.Subtract(column - i * kBins);
    }
    return counts;
  }

 private:
  const uint8_t* last_;
  size_t stride_;
  size_t width_;
  size_t ends_[kBins + 1];  // of windows; the last is nobody's
  HWY_ALIGN T counts_[kBins + 1][kBins];
};

template <typename T, bool kPlaces>
HWY_INLINE void SelectEach(const ColumnHistograms& histograms, size_t width,
                           const uint16_t* HWY_RESTRICT ranks, size_t count,
                           uint8_t* HWY_RESTRICT values,
                           uint16_t* HWY_RESTRICT places) {
  HWY_ALIGN T before[kBins];
  Segments<T> segments(histograms, width);
  Counts<T> coarse;
  Counts<T> fine;
  coarse.Clear();
  fine.Clear();
  const uint8_t* entering = histograms.coarse;
  for (size_t i = 0; i + 1 < width; ++i, entering += kBins) {
    coarse.Add(entering);
  }
  const uint8_t* leaving = histograms.coarse;
  const uint8_t* fine_leaving = leaving;
  const size_t span = (width - 1) * kBins;
  size_t segment = kBins;
  for (size_t x = 0; x < count; ++x) {
    coarse.Add(leaving + span);
    const auto rank = static_cast<T>(ranks[x] + Counts<T>::kNone);
    const size_t high = coarse.Above(rank);
    coarse.Store(before);
    coarse.Subtract(leaving);
    leaving += kBins;
    const auto rest = static_cast<T>(rank - before[high] + Counts<T>::kNone);
    if (HWY_LIKELY(high == segment)) {
      fine.Add(fine_leaving + span + kBins);
      fine.Subtract(fine_leaving);
      fine_leaving += kBins;
    } else {
      segments.Keep(segment, fine, x - 1);
      fine = segments.CatchUp(high, x);
      fine_leaving = segments.Column(high, x);
      segment = high;
    }
    const size_t low = fine.Above(rest);
    values[x] = static_cast<uint8_t>(~(high * kBins + low));
    if constexpr (kPlaces) {
      fine.Store(before);
      places[x] = static_cast<uint16_t>(rest - before[low]);
    }
  }
}

void Select8(const ColumnHistograms& histograms, size_t width,
             const uint16_t* ranks, size_t count, uint8_t* values,
             uint16_t* places) {
  if (places == nullptr) {
    SelectEach<int8_t, false>(histograms, width, ranks, count, values, places);
  } else {
    SelectEach<int8_t, true>(histograms, width, ranks, count, values, places);
  }
}

void Select16(const ColumnHistograms& histograms, size_t width,
              const uint16_t* ranks, size_t count, uint8_t* values,
              uint16_t* places) {
  if (places == nullptr) {
    SelectEach<int16_t, false>(histograms, width, ranks, count, values, places);
  } else {
    SelectEach<int16_t, true>(histograms, width, ranks, count, values, places);
  }
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Slide);
HWY_EXPORT(Select8);
HWY_EXPORT(Select16);

namespace {

constexpr size_t kBinsOfColumn = 16;

// Segments are an odd number of cache lines apart, so that the same columns of
// several of them do not compete for the same place in a cache.
constexpr size_t SegmentStride(size_t columns) {
  const size_t lines = (columns * kBinsOfColumn + 63) / 64;
  return (lines | 1) * 64;
}

}  // namespace

size_t ColumnHistogramsBytes(size_t columns) {
  return (kBinsOfColumn + 1) * SegmentStride(columns);
}

ColumnHistograms EmptyColumnHistograms(size_t columns,
                                       std::span<std::byte> memory) {
  const size_t stride = SegmentStride(columns);
  auto* const counts = reinterpret_cast<uint8_t*>(memory.data());
  std::fill_n(counts, ColumnHistogramsBytes(columns), uint8_t{0});
  return {.coarse = counts,
          .fine = counts + stride,
          .columns = columns,
          .segment_stride = stride};
}

void SlideColumns(const ColumnHistograms& histograms, size_t first_column,
                  std::span<const uint8_t> entering,
                  std::span<const uint8_t> leaving) {
  HWY_DYNAMIC_DISPATCH(Slide)
  (histograms, first_column, entering.empty() ? nullptr : entering.data(),
   leaving.empty() ? nullptr : leaving.data(),
   std::max(entering.size(), leaving.size()));
}

void SelectInWindows(const ColumnHistograms& histograms, size_t width,
                     size_t largest, std::span<const uint16_t> ranks,
                     std::span<uint8_t> values, std::span<uint16_t> places) {
  uint16_t* const to = places.empty() ? nullptr : places.data();
  if (largest <= std::numeric_limits<uint8_t>::max()) {
    HWY_DYNAMIC_DISPATCH(Select8)
    (histograms, width, ranks.data(), ranks.size(), values.data(), to);
  } else {
    HWY_DYNAMIC_DISPATCH(Select16)
    (histograms, width, ranks.data(), ranks.size(), values.data(), to);
  }
}

}  // namespace imageadapt
#endif  // HWY_ONCE
