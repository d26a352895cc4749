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

// 16 counts as one or several vectors.
template <typename T>
class Counts {
  static constexpr hn::CappedTag<T, kBins> kTag = {};
  static constexpr hn::Rebind<uint8_t, decltype(kTag)> kBytes = {};
  static constexpr size_t kLanes = hn::MaxLanes(kTag);
  static constexpr size_t kParts = kBins / kLanes;
  using V = hn::Vec<decltype(kTag)>;

 public:
  HWY_INLINE void Clear() {
    for (V& part : parts_) part = hn::Zero(kTag);
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
  // How many of the counts are at most `rank`.
  HWY_INLINE size_t AtMost(T rank) const {
    const V limit = hn::Set(kTag, rank);
    size_t count = 0;
    for (const V& part : parts_) {
#if HWY_TARGET <= HWY_AVX3
      count += kLanes - hn::CountTrue(kTag, hn::Gt(part, limit));
#else
      // There is no comparison of unsigned numbers.
      count += hn::CountTrue(kTag, hn::Eq(hn::Min(part, limit), part));
#endif
    }
    return count;
  }

 private:
  static HWY_INLINE V Wide(const uint8_t* column) {
    if constexpr (sizeof(T) == 1) {
      return hn::Load(kTag, column);
    } else {
      return hn::PromoteTo(kTag, hn::Load(kBytes, column));
    }
  }

  V parts_[kParts];
};

template <bool kSubtract>
HWY_INLINE void Change(uint8_t* counts, unsigned value) {
  const hn::CappedTag<uint8_t, kBins> d;
  for (size_t i = 0; i < kBins; i += hn::Lanes(d)) {
    const auto before = hn::Load(d, counts + i);
    const auto change = hn::LoadU(d, kLess + value + i);
    hn::Store(kSubtract ? hn::Sub(before, change) : hn::Add(before, change), d,
              counts + i);
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
    if constexpr (kEnters) {
      const unsigned value = entering[i];
      Change<false>(coarse, value >> 4);
      Change<false>(fine + (value >> 4) * stride, value & 15);
    }
    if constexpr (kLeaves) {
      const unsigned value = leaving[i];
      Change<true>(coarse, value >> 4);
      Change<true>(fine + (value >> 4) * stride, value & 15);
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

// The fine counts of windows, each segment's for the window it was last asked
// for.
template <typename T>
class FineCounts {
 public:
  FineCounts(const ColumnHistograms& histograms, size_t width)
      : histograms_(histograms), width_(static_cast<ptrdiff_t>(width)) {
    std::fill_n(positions_, kBins, -2 * width_);
    current_.Clear();
  }

  // The counts of `segment` in window x; x never goes back.
  HWY_INLINE const Counts<T>& At(ptrdiff_t x, size_t segment) {
    if (HWY_LIKELY(segment == segment_ && x == position_ + 1)) {
      Step(x);
      position_ = x;
      return current_;
    }
    Turn(x, segment);
    return current_;
  }

 private:
  HWY_INLINE void Step(ptrdiff_t x) {
    current_.Add(columns_ + (x + width_ - 1) * ptrdiff_t{kBins});
    current_.Subtract(columns_ + (x - 1) * ptrdiff_t{kBins});
  }

  HWY_NOINLINE void Turn(ptrdiff_t x, size_t segment) {
    current_.Store(counts_[segment_]);
    positions_[segment_] = position_;
    segment_ = segment;
    columns_ = histograms_.fine + segment * histograms_.segment_stride;
    ptrdiff_t at = positions_[segment];
    if (2 * (x - at) < width_) {
      current_.Load(counts_[segment]);
      while (++at <= x) Step(at);
    } else {
      current_.Clear();
      const uint8_t* column = columns_ + x * ptrdiff_t{kBins};
      for (ptrdiff_t i = 0; i < width_; ++i) {
        current_.Add(column + i * ptrdiff_t{kBins});
      }
    }
    position_ = x;
  }

  const ColumnHistograms& histograms_;
  ptrdiff_t width_;
  Counts<T> current_;
  const uint8_t* columns_ = nullptr;
  size_t segment_ = kBins;
  ptrdiff_t position_ = 0;
  ptrdiff_t positions_[kBins + 1];  // the last one is nobody's
  HWY_ALIGN T counts_[kBins + 1][kBins];
};

template <typename T, bool kPlaces>
HWY_INLINE void SelectEach(const ColumnHistograms& histograms, size_t width,
                           const uint16_t* HWY_RESTRICT ranks, size_t count,
                           uint8_t* HWY_RESTRICT values,
                           uint16_t* HWY_RESTRICT places) {
  HWY_ALIGN T before[kBins];
  const uint8_t* column = histograms.coarse;
  Counts<T> coarse;
  coarse.Clear();
  for (size_t i = 0; i + 1 < width; ++i) coarse.Add(column + i * kBins);
  FineCounts<T> fine(histograms, width);
  for (size_t x = 0; x < count; ++x) {
    coarse.Add(column + (width - 1) * kBins);
    const auto rank = static_cast<T>(ranks[x]);
    const size_t segment = coarse.AtMost(rank) - 1;
    coarse.Store(before);
    coarse.Subtract(column);
    column += kBins;
    const auto rest = static_cast<T>(rank - before[kBins - 1 - segment]);
    const Counts<T>& counts = fine.At(static_cast<ptrdiff_t>(x), segment);
    const size_t low = counts.AtMost(rest) - 1;
    values[x] = static_cast<uint8_t>(segment * kBins + low);
    if constexpr (kPlaces) {
      counts.Store(before);
      places[x] = static_cast<uint16_t>(rest - before[kBins - 1 - low]);
    }
  }
}

void Select8(const ColumnHistograms& histograms, size_t width,
             const uint16_t* ranks, size_t count, uint8_t* values,
             uint16_t* places) {
  if (places == nullptr) {
    SelectEach<uint8_t, false>(histograms, width, ranks, count, values, places);
  } else {
    SelectEach<uint8_t, true>(histograms, width, ranks, count, values, places);
  }
}

void Select16(const ColumnHistograms& histograms, size_t width,
              const uint16_t* ranks, size_t count, uint8_t* values,
              uint16_t* places) {
  if (places == nullptr) {
    SelectEach<uint16_t, false>(histograms, width, ranks, count, values,
                                places);
  } else {
    SelectEach<uint16_t, true>(histograms, width, ranks, count, values, places);
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
