#include "imageadapt/kernels/median_3x3.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "imageadapt/kernels/median_3x3.cc"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
// After foreach_target.h.
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace imageadapt::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Sorted columns are kept for so many samples: they stay in the first-level
// cache, on the stack.
constexpr size_t kPiece = 1024;
constexpr size_t kMostNeighbours = 8;  // 2 * 4 channels

template <class V>
HWY_INLINE V Middle(V a, V b, V c) {
  return hn::Max(hn::Min(a, b), hn::Min(hn::Max(a, b), c));
}

// Columns of three, sorted. As long as the longest vector more than is used.
template <typename T>
struct SortedColumns {
  static constexpr size_t kSamples =
      kPiece + kMostNeighbours + HWY_MAX_BYTES / sizeof(T);
  HWY_ALIGN T low[kSamples];
  HWY_ALIGN T middle[kSamples];
  HWY_ALIGN T high[kSamples];
};

// Works on `tag`'s lanes at sample i; the rows must have as many.
template <class D, typename T>
HWY_INLINE void SortColumns(D tag, const T* above, const T* middle,
                            const T* below, size_t i,
                            SortedColumns<T>& sorted) {
  const auto a = hn::LoadU(tag, above + i);
  const auto b = hn::LoadU(tag, middle + i);
  const auto c = hn::LoadU(tag, below + i);
  const auto low_ab = hn::Min(a, b);
  const auto high_ab = hn::Max(a, b);
  const auto low_rest = hn::Min(high_ab, c);
  hn::StoreU(hn::Min(low_ab, low_rest), tag, sorted.low + i);
  hn::StoreU(hn::Max(low_ab, low_rest), tag, sorted.middle + i);
  hn::StoreU(hn::Max(high_ab, c), tag, sorted.high + i);
}

template <class D, typename T>
HWY_INLINE void StoreMedians(D tag, const SortedColumns<T>& sorted,
                             size_t channels, size_t i, T* medians) {
  const auto at = [&](const T* values, size_t column) {
    return hn::LoadU(tag, values + i + column * channels);
  };
  const auto low =
      hn::Max(hn::Max(at(sorted.low, 0), at(sorted.low, 1)), at(sorted.low, 2));
  const auto middle =
      Middle(at(sorted.middle, 0), at(sorted.middle, 1), at(sorted.middle, 2));
  const auto high = hn::Min(hn::Min(at(sorted.high, 0), at(sorted.high, 1)),
                            at(sorted.high, 2));
  hn::StoreU(Middle(low, middle, high), tag, medians + i);
}

// At most kPiece medians.
template <typename T>
void Piece(const T* above, const T* middle, const T* below, size_t channels,
           T* medians, size_t count, SortedColumns<T>& sorted) {
  const hn::ScalableTag<T> d;
  const hn::CappedTag<T, 1> one;
  const size_t lanes = hn::Lanes(d);
  const size_t columns = count + 2 * channels;
  size_t i = 0;
  for (; i + lanes <= columns; i += lanes) {
    SortColumns(d, above, middle, below, i, sorted);
  }
  for (; i < columns; ++i) SortColumns(one, above, middle, below, i, sorted);
  i = 0;
  for (; i + lanes <= count; i += lanes) {
    StoreMedians(d, sorted, channels, i, medians);
  }
  for (; i < count; ++i) StoreMedians(one, sorted, channels, i, medians);
}

template <typename T>
HWY_INLINE void Medians(const T* above, const T* middle, const T* below,
                        size_t channels, T* medians, size_t count) {
  SortedColumns<T> sorted;
  for (size_t first = 0; first < count; first += kPiece) {
    Piece(above + first, middle + first, below + first, channels,
          medians + first, std::min(kPiece, count - first), sorted);
  }
}

void Medians8(const uint8_t* above, const uint8_t* middle, const uint8_t* below,
              size_t channels, uint8_t* medians, size_t count) {
  Medians(above, middle, below, channels, medians, count);
}

void Medians16(const uint16_t* above, const uint16_t* middle,
               const uint16_t* below, size_t channels, uint16_t* medians,
               size_t count) {
  Medians(above, middle, below, channels, medians, count);
}

}  // namespace
}  // namespace imageadapt::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imageadapt {

HWY_EXPORT(Medians8);
HWY_EXPORT(Medians16);

void MediansOf3x3(std::span<const uint8_t> above,
                  std::span<const uint8_t> middle,
                  std::span<const uint8_t> below, size_t channels,
                  std::span<uint8_t> medians) {
  HWY_DYNAMIC_DISPATCH(Medians8)
  (above.data(), middle.data(), below.data(), channels, medians.data(),
   medians.size());
}

void MediansOf3x3(std::span<const uint16_t> above,
                  std::span<const uint16_t> middle,
                  std::span<const uint16_t> below, size_t channels,
                  std::span<uint16_t> medians) {
  HWY_DYNAMIC_DISPATCH(Medians16)
  (above.data(), middle.data(), below.data(), channels, medians.data(),
   medians.size());
}

}  // namespace imageadapt
#endif  // HWY_ONCE
